#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>

namespace callbot {

std::string counted(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}{}", n, n == 1 || many.empty() ? one : many,
                     n == 1 || !many.empty() ? "" : "s");
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace callbot
