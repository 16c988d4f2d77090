#include "scenarios/nearest.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace callbot::scenarios {
namespace {

constexpr size_t kLongest = 64;    // of a word that is compared
constexpr size_t kMostNames = 16;  // that a message lists

std::string plain(std::string_view word) {
  std::string out;
  for (const char c : word.substr(0, kLongest))
    out +=
        c == '_' || c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const std::string meant = plain(word);
  size_t best = std::max<size_t>(meant.size() / 3, 1) + 1;
  std::string_view nearest;
  for (const std::string_view name : known) {
    const size_t distance = edits(meant, plain(name));
    if (distance >= best) continue;
    best = distance;
    nearest = name;
  }
  if (!nearest.empty()) return fmt::format(", did you mean \"{}\"?", nearest);
  if (known.empty() || known.size() > kMostNames) return "";
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  return ", expected " + std::string(known.size() > 1 ? "one of " : "") + list;
}

}  // namespace callbot::scenarios
