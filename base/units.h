// base/units.h: quantities as people write them in scenarios, conditions and flags.
//
//   time      "400ms", "1.5 s", "2min", "1h30m", "250us"; a bare number is seconds
//   bit rate  "300 kbit/s", "2Mbps", "1.5M" (powers of 1000); a bare number is bit/s
//   share     "10%", "0.1"; 0 to 1
//
// Thread:  any.
// Owner:   nobody; free functions.
// Fails:   kUsage that quotes the text and says what was expected; the readers of Fields complain
//          of their key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace callbot {

Result<double> parse_seconds(std::string_view text);   // 0 or more
Result<double> parse_bit_rate(std::string_view text);  // 0 or more
Result<double> parse_share(std::string_view text);
// In a metric's unit (base/metric.h): "400ms" is 0.4 of "s", "10%" is 0.1 of "1", "-30 dBFS" is
// -30 of "dBFS", "12 kHz" 12000 of "Hz". Times may be negative here: a skew is.
Result<double> parse_quantity(std::string_view text, std::string_view unit);

// Where to listen: "ADDRESS:PORT", "[::1]:8080"; ":8080" is on the loopback address, port 0 any
// free one.
struct ListenAddress {
  std::string address;
  uint16_t port = 0;
};
Result<ListenAddress> parse_listen_address(std::string_view text);

// For people: "400 ms", "300 kbit/s", "10 %".
std::string seconds_text(double seconds);
std::string bit_rate_text(double bits_per_second);
std::string share_text(double share);

// A key of an object as a text with its unit, or as a bare number.
double get_seconds(Fields& fields, const char* key, double otherwise);
double get_bit_rate(Fields& fields, const char* key, double otherwise);
double get_share(Fields& fields, const char* key, double otherwise);
// Bytes: base/bytes.h.
uint64_t get_bytes(Fields& fields, const char* key, uint64_t otherwise);

}  // namespace callbot
