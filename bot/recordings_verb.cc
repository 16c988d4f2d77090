#include "bot/recordings_verb.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/print.h"
#include "base/text.h"
#include "bot/judge.h"

namespace callbot::bot {
namespace {

using recordings::Annotations;
using recordings::CatalogueEntry;

constexpr size_t kNameWidth = 64;
constexpr size_t kMembersWidth = 32;

void say_note(const fs::path& out, const std::string& note) {
  if (!note.empty()) print_error("callbot: note: {}/.catalogue.sqlite: {}\n", out.string(), note);
}

std::function<void(double)> progress(Console& console, const char* what, bool json) {
  return [&console, what, json](double share) {
    if (console.terminal() && !json) console.progress(what, share);
  };
}

std::string or_dash(const std::string& text, size_t width = kNameWidth) {
  return text.empty() ? "-" : printable(text, width);
}

std::string started_text(const CatalogueEntry& e) {
  if (e.started_wall_ns == 0) return "-";
  std::string text = rfc3339(e.started_wall_ns).substr(0, 19);
  text[10] = ' ';
  return text;
}

template <class Names>
std::string list_text(const Names& names, size_t width) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return or_dash(text, width);
}

// --- list and find

// Of ten thousand rows: all cells in one string, so that no cell costs an allocation.
class Table {
 public:
  static constexpr size_t kColumns = 10;

  void cell(std::string_view text) {
    size_t& width = widths_[ends_.size() % kColumns];
    width = std::max(width, shown_width(text));
    text_ += text;
    ends_.push_back(text_.size());
  }
  void print() const {
    std::string out;
    size_t at = 0;
    for (size_t i = 0; i < ends_.size(); ++i) {
      const std::string_view text(text_.data() + at, ends_[i] - at);
      at = ends_[i];
      out += text;
      if ((i + 1) % kColumns != 0)
        out.append(widths_[i % kColumns] - shown_width(text) + 2, ' ');
      else
        out += '\n';
    }
    fwrite(out.data(), 1, out.size(), stdout);
  }

 private:
  std::string text_;
  std::vector<size_t> ends_;
  std::array<size_t, kColumns> widths_{};
};

void print_table(const std::vector<CatalogueEntry>& entries, size_t count) {
  Table table;
  for (const char* head : {"NAME", "STARTED (UTC)", "ROOM", "LENGTH", "MEMBERS", "SIZE", "STATE",
                           "VERDICT", "TAGS", "KEEP"})
    table.cell(head);
  for (size_t i = 0; i < count; ++i) {
    const CatalogueEntry& e = entries[i];
    table.cell(printable(e.name, kNameWidth));
    table.cell(started_text(e));
    table.cell(or_dash(e.room, kMembersWidth));
    table.cell(e.state == "unreadable" ? "-" : clock_text(e.length_ns));
    table.cell(list_text(e.members, kMembersWidth));
    table.cell(bytes_text(e.bytes));
    table.cell(e.state);
    table.cell(or_dash(e.verdict));
    table.cell(list_text(e.annotations.tags, kNameWidth));
    table.cell(e.annotations.keep ? "keep" : "-");
  }
  table.print();
  for (size_t i = 0; i < count; ++i) {
    if (!entries[i].error.empty())
      print_error("callbot: note: {}: {}\n", printable(entries[i].name),
                  printable(entries[i].error, 400));
  }
}

template <class Names>
Json json_list(const Names& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.add(name);
  return list;
}

Json to_json(const fs::path& out, const CatalogueEntry& e) {
  Json json = Json::object();
  json.set("name", e.name).set("folder", (out / e.name).string()).set("state", e.state);
  if (e.started_wall_ns != 0) json.set("started", rfc3339(e.started_wall_ns));
  json.set_if(!e.room.empty(), "room", e.room).set_if(!e.label.empty(), "label", e.label);
  json.set("length_s", static_cast<double>(e.length_ns) / 1e9)
      .set("members", json_list(e.members))
      .set("bytes", e.bytes);
  json.set_if(!e.verdict.empty(), "verdict", e.verdict);
  json.set("tags", json_list(e.annotations.tags)).set("keep", e.annotations.keep);
  return json.set_if(!e.error.empty(), "error", e.error);
}

ExitStatus run(Console& console, const RecordingsOptions& o, const ListRecordings& list) {
  auto catalogue =
      recordings::read_catalogue(o.out, {.with_chat = !list.query.text.empty(),
                                         .rebuild = list.rebuild,
                                         .progress = progress(console, "reading  ", o.json)});
  console.end_progress();
  if (!catalogue) return tell(catalogue.error());
  auto& entries = catalogue->entries;
  std::erase_if(entries, [&](const CatalogueEntry& e) { return !matches(e, list.query); });
  if (list.sort != "started" || list.reverse) {
    if (auto sorted = sort_entries(entries, list.sort, list.reverse); !sorted)
      return tell(sorted.error());
  }
  const size_t count = list.limit == 0 ? entries.size() : std::min(list.limit, entries.size());
  if (o.json) {
    Json all = Json::array();
    for (size_t i = 0; i < count; ++i) all.add(to_json(o.out, entries[i]));
    Json json = Json::object().set("recordings", all).set("total", entries.size());
    print("{}\n", json.set_if(!catalogue->note.empty(), "note", catalogue->note).dump(true));
    return kExitGood;
  }
  say_note(o.out, catalogue->note);
  print_table(entries, count);
  return kExitGood;
}

// --- one recording

ExitStatus run(Console&, const RecordingsOptions& o, const ShowRecording& show) {
  const auto folder = recordings::find_recording(o.out, show.name);
  return folder ? run_show({*folder}) : tell(folder.error());
}

ExitStatus change(const RecordingsOptions& o, const std::string& name,
                  const std::function<Result<>(Annotations&)>& how) {
  const auto folder = recordings::find_recording(o.out, name);
  if (!folder) return tell(folder.error());
  const auto now = recordings::change_annotations(*folder, how);
  if (!now) return tell(now.error());
  const std::string found = folder->filename().string();
  if (o.json) {
    const Json json =
        Json::object().set("name", found).set("tags", json_list(now->tags)).set("keep", now->keep);
    print("{}\n", json.dump());
  } else {
    print("{}  tags {}{}\n", printable(found), list_text(now->tags, 1000),
          now->keep ? "  keep" : "");
  }
  return kExitGood;
}

ExitStatus run(Console&, const RecordingsOptions& o, const TagRecording& tag) {
  return change(o, tag.name, [&](Annotations& a) {
    for (const std::string& t : tag.remove) a.tags.erase(t);
    a.tags.insert(tag.add.begin(), tag.add.end());
    return Result<>();
  });
}

ExitStatus run(Console&, const RecordingsOptions& o, const KeepRecording& keep) {
  return change(o, keep.name, [&](Annotations& a) {
    a.keep = !keep.off;
    return Result<>();
  });
}

// --- expire

void print_plan(const recordings::ExpirePlan& plan, bool done) {
  for (const auto& one : plan.expired) {
    print("{}  {}  {}  ({})\n",
          one.failed ? "failed       "
          : done     ? "deleted      "
                     : "would delete ",
          printable(one.name), bytes_text(one.bytes), one.why);
    if (one.failed) print_error("callbot: {}\n", one.failed->message);
  }
  const auto deleted = std::count_if(plan.expired.begin(), plan.expired.end(),
                                     [](const auto& one) { return !one.failed; });
  print("{} of {}{}, {} {}; free {} {}\n", deleted, counted(plan.recordings, "recording"),
        done ? " deleted" : "", bytes_text(plan.frees), done ? "freed" : "would be freed",
        done ? "now" : "so far", bytes_text(plan.free_bytes));
  if (plan.running + plan.kept + plan.unreadable > 0)
    print("stay though old: {} running, {} marked keep, {} unreadable\n", plan.running, plan.kept,
          plan.unreadable);
  if (!done && !plan.expired.empty()) print("nothing was deleted: --yes does it\n");
}

Json to_json(const recordings::ExpirePlan& plan, bool done) {
  Json list = Json::array();
  for (const auto& one : plan.expired) {
    Json json = Json::object().set("name", one.name).set("why", one.why).set("bytes", one.bytes);
    list.add(json.set_if(one.failed.has_value(), "error",
                         one.failed ? one.failed->message : std::string()));
  }
  const Json stay = Json::object()
                        .set("running", plan.running)
                        .set("keep", plan.kept)
                        .set("unreadable", plan.unreadable);
  Json json = Json::object()
                  .set("deleted", done)
                  .set("recordings", plan.recordings)
                  .set("expired", list)
                  .set("frees_bytes", plan.frees)
                  .set("free_bytes", plan.free_bytes)
                  .set("stay", stay)
                  .set("short_of_space", plan.short_of_space);
  return json.set_if(!plan.note.empty(), "note", plan.note);
}

ExitStatus run(Console& console, const RecordingsOptions& o, const ExpireRecordings& expire) {
  auto plan = recordings::plan_expire(o.out, expire.config, progress(console, "reading  ", o.json));
  console.end_progress();
  if (!plan) return tell(plan.error());
  if (expire.yes) {
    recordings::carry_out(o.out, *plan, progress(console, "deleting ", o.json));
    console.end_progress();
  }
  if (o.json) {
    print("{}\n", to_json(*plan, expire.yes).dump(true));
  } else {
    say_note(o.out, plan->note);
    print_plan(*plan, expire.yes);
  }
  const auto failed = std::find_if(plan->expired.begin(), plan->expired.end(),
                                   [](const auto& one) { return one.failed.has_value(); });
  if (failed != plan->expired.end()) return kExitStorage;
  if (!plan->short_of_space) return kExitGood;
  return tell(
      {Code::kInternal, fmt::format("{}: --free {} cannot be reached: no more recordings "
                                    "may be deleted",
                                    o.out.string(), bytes_text(*expire.config.free_bytes))});
}

}  // namespace

ExitStatus run_recordings(Console& console, const RecordingsOptions& options) {
  return std::visit([&](const auto& verb) { return run(console, options, verb); }, options.verb);
}

}  // namespace callbot::bot
