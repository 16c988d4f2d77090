// What is looked for in the catalogue, and in which order it is shown.
#include <fmt/core.h>
#include <glib.h>

#include <algorithm>

#include "base/gref.h"
#include "recordings/catalogue.h"

namespace callbot::recordings {
namespace {

std::string folded(const std::string& text) {
  const Text valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  const Text folded(g_utf8_casefold(valid.get(), -1));
  return folded.get();
}

// Both folded.
bool has(const std::string& text, const std::string& part) {
  return folded(text).find(part) != std::string::npos;
}

bool mentions(const CatalogueEntry& e, const std::string& part) {
  const auto names = [&](const auto& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& name) { return has(name, part); });
  };
  return has(e.name, part) || has(e.room, part) || has(e.label, part) || names(e.members) ||
         names(e.annotations.tags) || has(e.chat, part);
}

using Less = std::function<bool(const CatalogueEntry&, const CatalogueEntry&)>;

struct Order {
  const char* name;
  Less less;
};

const std::vector<Order>& orders() {
  using E = CatalogueEntry;
  static const std::vector<Order> all{
      {"started", [](const E& a, const E& b) { return a.started_wall_ns > b.started_wall_ns; }},
      {"room", [](const E& a, const E& b) { return a.room < b.room; }},
      {"length", [](const E& a, const E& b) { return a.length_ns > b.length_ns; }},
      {"members", [](const E& a, const E& b) { return a.members.size() > b.members.size(); }},
      {"size", [](const E& a, const E& b) { return a.bytes > b.bytes; }},
      {"state", [](const E& a, const E& b) { return a.state < b.state; }},
      {"verdict", [](const E& a, const E& b) { return a.verdict < b.verdict; }},
      {"name", [](const E& a, const E& b) { return a.name < b.name; }},
  };
  return all;
}

}  // namespace

bool matches(const CatalogueEntry& e, const CatalogueQuery& q) {
  if (q.since_wall_ns && e.started_wall_ns < *q.since_wall_ns) return false;
  if (q.until_wall_ns && e.started_wall_ns >= *q.until_wall_ns) return false;
  if (!q.room.empty() && folded(e.room) != folded(q.room)) return false;
  if (!q.state.empty() && e.state != q.state) return false;
  if (!q.verdict.empty() && e.verdict != (q.verdict == "none" ? "" : q.verdict)) return false;
  for (const std::string& tag : q.tags) {
    if (!e.annotations.tags.contains(tag)) return false;
  }
  const auto is_member = [part = folded(q.member)](const std::string& name) {
    return has(name, part);
  };
  if (!q.member.empty() && std::none_of(e.members.begin(), e.members.end(), is_member))
    return false;
  return q.text.empty() || mentions(e, folded(q.text));
}

Result<> sort_entries(std::vector<CatalogueEntry>& entries, const std::string& by, bool reverse) {
  const auto order =
      std::find_if(orders().begin(), orders().end(), [&](const Order& o) { return by == o.name; });
  if (order == orders().end()) {
    std::string names;
    for (const Order& o : orders()) names += (names.empty() ? "" : ", ") + std::string(o.name);
    return fail(Code::kUsage, fmt::format("\"{}\": expected one of {}", by, names));
  }
  // Where two are alike their names decide, so that the order does not depend on the disk's.
  const auto less = [&](const CatalogueEntry* a, const CatalogueEntry* b) {
    if (reverse) std::swap(a, b);
    if (order->less(*a, *b)) return true;
    return !order->less(*b, *a) && a->name < b->name;
  };
  std::vector<CatalogueEntry*> sorted;
  sorted.reserve(entries.size());
  for (CatalogueEntry& e : entries) sorted.push_back(&e);
  std::sort(sorted.begin(), sorted.end(), less);
  std::vector<CatalogueEntry> moved;
  moved.reserve(entries.size());
  for (CatalogueEntry* e : sorted) moved.push_back(std::move(*e));
  entries = std::move(moved);
  return {};
}

}  // namespace callbot::recordings
