#include "pipelines/sdp.h"

#include <fmt/format.h>
#include <glib.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"

namespace callbot::pipelines {
namespace {

tl::unexpected<Error> bad_line(size_t number, std::string_view what) {
  return fail(Code::kBadInput, fmt::format("line {} of the SDP {}", number, what));
}

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text, 60)); }

Result<> check_text(std::string_view text, const SdpLimits& limits) {
  if (text.empty()) return fail(Code::kBadInput, "the SDP is empty");
  if (text.size() > limits.most_bytes)
    return fail(Code::kBadInput, fmt::format("the SDP has {} bytes, at most {} are taken",
                                             text.size(), limits.most_bytes));
  if (!text.starts_with("v=0\r") && !text.starts_with("v=0\n"))
    return fail(Code::kBadInput, "this is no SDP: it does not begin with v=0");
  size_t line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool line_end = c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if (!line_end && (c < 0x20 || c == 0x7f)) {
      if (c == '\r' && i + 1 == text.size()) break;  // cut between CR and LF: said below
      return bad_line(line, fmt::format("has a control character (0x{:02x})", c));
    }
    if (c == '\n') ++line;
  }
  if (!g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr))
    return fail(Code::kBadInput, "the SDP is no valid UTF-8");
  if (text.back() != '\n')
    return fail(Code::kBadInput, "the SDP is cut off: its last line has no end");
  return {};
}

SdpAttribute parse_attribute(std::string_view value) {
  const size_t colon = value.find(':');
  if (colon == std::string_view::npos) return {std::string(value), ""};
  return {std::string(value.substr(0, colon)), std::string(value.substr(colon + 1))};
}

Result<SdpMedia> parse_mline(std::string_view value, size_t line) {
  const auto words = words_of(value);
  if (words.size() < 4) return bad_line(line, "is no m-line: " + quoted(value));
  const auto port = sdp_number(words[1].substr(0, words[1].find('/')), 65535);
  if (!port) return bad_line(line, "has no port number: " + quoted(value));
  SdpMedia media;
  media.kind = words[0];
  media.port = static_cast<uint32_t>(*port);
  media.protocol = words[2];
  media.formats.assign(words.begin() + 3, words.end());
  if (!is_sdp_token(media.kind)) return bad_line(line, "has an odd kind: " + quoted(value));
  return media;
}

Result<> take_line(Sdp& sdp, std::string_view line, size_t number, const SdpLimits& limits) {
  if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z')
    return bad_line(number, "is not of the form x=value: " + quoted(line));
  const std::string_view value = line.substr(2);
  if (line[0] == 'o' && sdp.media.empty()) sdp.origin = value;
  if (line[0] == 'm') {
    if (sdp.media.size() == limits.most_mlines)
      return fail(Code::kBadInput,
                  fmt::format("the SDP has more than {} m-lines", limits.most_mlines));
    auto media = parse_mline(value, number);
    if (!media) return tl::unexpected(media.error());
    sdp.media.push_back(std::move(*media));
  }
  if (line[0] == 'a') {
    SdpAttribute attribute = parse_attribute(value);
    if (!is_sdp_token(attribute.name))
      return bad_line(number, "has an odd attribute: " + quoted(value));
    auto& attributes = sdp.media.empty() ? sdp.attributes : sdp.media.back().attributes;
    attributes.add(std::move(attribute.name), std::move(attribute.value));
  }
  return {};
}

void write_attributes(std::string& text, const SdpAttributes& attributes) {
  for (const SdpAttribute& a : attributes)
    text += a.value.empty() ? fmt::format("a={}\r\n", a.name)
                            : fmt::format("a={}:{}\r\n", a.name, a.value);
}

constexpr struct {
  const char* name;
  SdpDirection direction;
} kDirections[] = {{"sendrecv", {true, true}},
                   {"sendonly", {true, false}},
                   {"recvonly", {false, true}},
                   {"inactive", {false, false}}};

}  // namespace

const std::string* SdpAttributes::find(std::string_view name) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const SdpAttribute& a) { return a.name == name; });
  return found != all_.end() ? &found->value : nullptr;
}

void SdpAttributes::remove(std::string_view name) {
  std::erase_if(all_, [&](const SdpAttribute& a) { return a.name == name; });
}

void SdpAttributes::set(std::string_view name, std::string value) {
  remove(name);
  add(std::string(name), std::move(value));
}

std::optional<SdpDirection> direction_of(const SdpAttributes& attributes) {
  for (const SdpAttribute& a : attributes)
    for (const auto& known : kDirections)
      if (a.name == known.name) return known.direction;
  return std::nullopt;
}

const char* name_of(SdpDirection direction) {
  for (const auto& known : kDirections)
    if (known.direction == direction) return known.name;
  return "";
}

void set_direction(SdpAttributes& attributes, SdpDirection direction) {
  for (const auto& known : kDirections) attributes.remove(known.name);
  attributes.add(name_of(direction));
}

Result<Sdp> parse_sdp(std::string_view text, const SdpLimits& limits) {
  if (auto fine = check_text(text, limits); !fine) return tl::unexpected(fine.error());
  Sdp sdp;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (auto taken = take_line(sdp, line, number, limits); !taken)
      return tl::unexpected(taken.error());
  }
  if (sdp.origin.empty()) return fail(Code::kBadInput, "the SDP has no o= line");
  if (sdp.media.empty()) return fail(Code::kBadInput, "the SDP has no m-line");
  return sdp;
}

std::string write_sdp(const Sdp& sdp) {
  std::string text = fmt::format("v=0\r\no={}\r\ns=-\r\nt=0 0\r\n", sdp.origin);
  write_attributes(text, sdp.attributes);
  for (const SdpMedia& media : sdp.media) {
    text += fmt::format("m={} {} {}", media.kind, media.port, media.protocol);
    for (const std::string& format : media.formats) text += " " + format;
    text += "\r\nc=IN IP4 0.0.0.0\r\n";
    write_attributes(text, media.attributes);
  }
  return text;
}

std::optional<uint64_t> sdp_number(std::string_view digits, uint64_t most) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || error != std::errc() || at != end || value > most) return std::nullopt;
  return value;
}

bool is_sdp_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
  return !text.empty() && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return g_ascii_isalnum(static_cast<char>(c)) ||
                  kOthers.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

}  // namespace callbot::pipelines
