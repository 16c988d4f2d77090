// pipelines/sdp.h: a session description as lines (RFC 8866), as far as WebRTC has a use for them.
//
// Of the session it keeps o= and the attributes, of each m-line its own words and the attributes;
// everything else (names, times, bandwidth, addresses) is written anew.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   parse_sdp(): kBadInput that names the line and what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace callbot::pipelines {

struct SdpAttribute {
  std::string name;
  std::string value;  // empty: a flag
};

// a= lines in their order.
class SdpAttributes {
 public:
  void add(std::string name, std::string value = "") {
    all_.push_back({std::move(name), std::move(value)});
  }
  // The first of that name; nullptr: none.
  const std::string* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void remove(std::string_view name);
  // Removes those of that name and adds this one.
  void set(std::string_view name, std::string value = "");

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<SdpAttribute> all_;
};

struct SdpMedia {
  std::string kind;  // "audio", "video", "application", ...
  uint32_t port = 9;
  std::string protocol;
  std::vector<std::string> formats;
  SdpAttributes attributes;
};

struct Sdp {
  std::string origin;
  SdpAttributes attributes;
  std::vector<SdpMedia> media;
};

// Sender's directions of one m-line.
struct SdpDirection {
  bool sends = true;
  bool receives = true;
  friend bool operator==(const SdpDirection&, const SdpDirection&) = default;
};
std::optional<SdpDirection> direction_of(const SdpAttributes& attributes);
const char* name_of(SdpDirection direction);
void set_direction(SdpAttributes& attributes, SdpDirection direction);

struct SdpLimits {
  size_t most_bytes = 256u << 10;  // Chromium's offer with 25 m-lines has about 100 KiB
  size_t most_mlines = 64;
  size_t most_candidates = 100;  // libnice pairs each with each of ours
};

Result<Sdp> parse_sdp(std::string_view text, const SdpLimits& limits);
std::string write_sdp(const Sdp& sdp);

std::optional<uint64_t> sdp_number(std::string_view digits, uint64_t most);
// RFC 8866 token: a mid, an encoding name.
bool is_sdp_token(std::string_view text);

}  // namespace callbot::pipelines
