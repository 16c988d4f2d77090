#include "base/text.h"

#include <fmt/core.h>

namespace callbot {

std::string counted(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}{}", n, n == 1 || many.empty() ? one : many,
                     n == 1 || !many.empty() ? "" : "s");
}

}  // namespace callbot
