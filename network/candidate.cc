#include "network/candidate.h"

#include <fmt/core.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "base/text.h"

namespace callbot::network {
namespace {

constexpr size_t kMostText = 512;  // RFC 8839 has no bound; browsers' have about 150 characters
constexpr std::string_view kCandidate = "candidate:";

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

bool starts(std::string_view line, std::string_view with) {
  return line.size() >= with.size() && strncasecmp(line.data(), with.data(), with.size()) == 0;
}

bool is_type(std::string_view word) {
  return word == "host" || word == "srflx" || word == "prflx" || word == "relay";
}

// "m=audio 54321 UDP/TLS/RTP/SAVPF 111": port 0 says that the line is rejected or bundled.
std::string without_port(std::string_view line) {
  const size_t before = line.find(' ');
  const size_t after = before == std::string_view::npos ? before : line.find(' ', before + 1);
  if (after == std::string_view::npos) return std::string(line);
  const std::string_view port = line.substr(before + 1, after - before - 1);
  return fmt::format("{} {}{}", line.substr(0, before), port == "0" ? "0" : "9",
                     line.substr(after));
}

}  // namespace

std::optional<Candidate> parse_candidate(std::string_view text) {
  if (text.starts_with("a=")) text.remove_prefix(2);
  if (!text.starts_with(kCandidate) || text.size() > kMostText) return std::nullopt;
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
  const auto words = words_of(text);
  if (!plain || words.size() < 8 || words[0].size() == kCandidate.size()) return std::nullopt;
  const auto port = number<uint16_t>(words[5]);
  const bool fine = number<uint16_t>(words[1]) && strncasecmp(words[2].data(), "udp ", 4) == 0 &&
                    number<uint32_t>(words[3]) && port && words[6] == "typ" && is_type(words[7]);
  if (!fine) return std::nullopt;
  const auto address = Address::parse(words[4], *port);
  if (!address || !address->usable()) return std::nullopt;
  Candidate c;
  c.head = fmt::format("{} {} {} {}", words[0], words[1], words[2], words[3]);
  c.address = *address;
  c.type = words[7];
  for (size_t i = 8; i + 1 < words.size(); i += 2)
    if (words[i] != "raddr" && words[i] != "rport")
      c.tail += fmt::format(" {} {}", words[i], words[i + 1]);
  return c;
}

std::string write_candidate(const Candidate& c) {
  std::string related;
  if (c.type != "host")
    related = c.address.family() == AF_INET6 ? " raddr :: rport 9" : " raddr 0.0.0.0 rport 9";
  return fmt::format("{} {} {} typ {}{}{}", c.head, c.address.ip(), c.address.port(), c.type,
                     related, c.tail);
}

std::string with_candidates_changed(
    std::string_view sdp,
    const std::function<std::optional<std::string>(const std::string& candidate)>& changed) {
  std::string out;
  const auto put = [&out](std::string_view line) { out.append(line).append("\r\n"); };
  while (!sdp.empty()) {
    // Whoever reads it may take a lone CR or LF for the end of a line.
    const size_t end = std::min(sdp.find_first_of("\r\n"), sdp.size());
    const std::string_view line = sdp.substr(0, end);
    sdp.remove_prefix(std::min(end + 1, sdp.size()));
    if (line.empty()) continue;
    if (starts(line, "a=candidate")) {
      if (const auto other = changed(std::string(line.substr(2)))) put("a=" + *other);
    } else if (starts(line, "c=")) {
      put("c=IN IP4 0.0.0.0");
    } else if (starts(line, "m=")) {
      put(without_port(line));
    } else if (starts(line, "a=rtcp:")) {
      put("a=rtcp:9 IN IP4 0.0.0.0");
    } else if (!starts(line, "a=remote-candidates")) {
      put(line);
    }
  }
  return out;
}

}  // namespace callbot::network
