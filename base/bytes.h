// base/bytes.h: amounts of bytes, as people write and read them.
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   kUsage that says what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace callbot {

// "500M", "1.5G", "20GB", "64KiB": powers of 1000, with an 'i' of 1024; a bare number is bytes.
Result<uint64_t> parse_bytes(const std::string& text);
// "1.5 GB", "310 B": powers of 1000.
std::string bytes_text(uint64_t bytes);

}  // namespace callbot
