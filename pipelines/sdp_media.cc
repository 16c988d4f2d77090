#include "pipelines/sdp_media.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>

namespace callbot::pipelines {
namespace {

constexpr size_t kMostSsrcs = 64;  // per m-line; a camera has 2, with old-style simulcast 6

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::any_of(of.begin(), of.end(), [&](std::string_view one) { return same(text, one); });
}

// Visible ASCII without spaces.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string plain_or(std::string_view text, std::string_view otherwise) {
  return std::string(is_plain(text) ? text : otherwise);
}

// Repairs or accompanies media, but is none that we take.
bool is_helper(std::string_view rtp_name) {
  return is_any_of(rtp_name, {"rtx", "red", "ulpfec", "flexfec", "flexfec-03", "telephone-event",
                              "CN", "rtploopback"});
}

struct Static {
  int payload;
  const char* rtp_name;
};
constexpr Static kStatics[] = {{0, "PCMU"}, {8, "PCMA"}, {9, "G722"}};  // RFC 3551, table 4

std::optional<SdpCodec> parse_rtpmap(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() != 2) return std::nullopt;
  const auto payload = sdp_number(words[0], 127);
  const size_t slash = words[1].find('/');
  if (!payload || slash == std::string_view::npos || !is_sdp_token(words[1].substr(0, slash)))
    return std::nullopt;
  const std::string_view rest = words[1].substr(slash + 1);
  const size_t second = std::min(rest.find('/'), rest.size());
  const auto clock = sdp_number(rest.substr(0, second), 1'000'000);
  if (!clock || *clock == 0) return std::nullopt;
  SdpCodec codec;
  codec.payload = static_cast<int>(*payload);
  codec.rtp_name = words[1].substr(0, slash);
  codec.clock = static_cast<int>(*clock);
  if (second < rest.size())
    codec.channels = static_cast<int>(sdp_number(rest.substr(second + 1), 8).value_or(0));
  return codec;
}

// "a=1; b=2" -> the parameters that are of the form key=value, in plain characters.
std::string clean_fmtp(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const std::string_view key = one.substr(0, equals), value = one.substr(equals + 1);
    const bool fine = std::all_of(key.begin(), key.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
    if (!fine || value.size() > 2048 ||
        !std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; }) ||
        value.find_first_of("\"\\") != std::string_view::npos)
      continue;
    if (!clean.empty()) clean += ';';
    clean += std::string(key) + "=" + std::string(value);
  }
  return clean;
}

std::string fmtp_parameter(const SdpCodec& codec, std::string_view key) {
  std::string_view rest = codec.fmtp;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = one.find('=');
    if (equals != std::string_view::npos && same(one.substr(0, equals), key))
      return std::string(one.substr(equals + 1));
  }
  return "";
}

constexpr size_t kPayloadTypes = 128;
using ByPayload = std::array<std::optional<SdpCodec>, kPayloadTypes>;

// a=fmtp and a=rtcp-fb: "<payload> <rest>"; "*" is for all.
void take_about(ByPayload& formats, const SdpAttribute& a) {
  const size_t space = a.value.find(' ');
  if (space == std::string::npos) return;
  const std::string_view whom = std::string_view(a.value).substr(0, space);
  const std::string_view about = std::string_view(a.value).substr(space + 1);
  const bool feedback = a.name == "rtcp-fb";
  if (feedback && !is_any_of(about, {"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}))
    return;
  const auto payload = sdp_number(whom, kPayloadTypes - 1);
  for (auto& format : formats) {
    if (!format || (whom != "*" && payload != static_cast<uint64_t>(format->payload))) continue;
    if (!feedback && format->fmtp.empty()) format->fmtp = clean_fmtp(about);
    auto& known = format->feedback;
    if (feedback && std::find(known.begin(), known.end(), about) == known.end())
      known.emplace_back(about);
  }
}

std::vector<SdpCodec> all_formats(const SdpMedia& media) {
  ByPayload formats;
  for (const SdpAttribute& a : media.attributes) {
    if (a.name != "rtpmap") continue;
    auto codec = parse_rtpmap(a.value);
    if (codec && !formats[codec->payload]) formats[codec->payload] = std::move(codec);
  }
  for (const Static& s : kStatics) {
    if (formats[s.payload]) continue;
    formats[s.payload].emplace();
    formats[s.payload]->payload = s.payload;
    formats[s.payload]->rtp_name = s.rtp_name;
    formats[s.payload]->clock = 8000;
  }
  for (const SdpAttribute& a : media.attributes)
    if (a.name == "fmtp" || a.name == "rtcp-fb") take_about(formats, a);
  std::vector<SdpCodec> in_order;
  for (const std::string& format : media.formats) {
    const auto payload = sdp_number(format, kPayloadTypes - 1);
    if (!payload || !formats[*payload]) continue;
    in_order.push_back(std::move(*formats[*payload]));
    formats[*payload].reset();
  }
  return in_order;
}

std::vector<SdpCodec> media_codecs(const SdpMedia& media) {
  std::vector<SdpCodec> codecs;
  const std::vector<SdpCodec> formats = all_formats(media);
  for (const SdpCodec& format : formats)
    if (!is_helper(format.rtp_name)) codecs.push_back(format);
  for (const SdpCodec& format : formats) {
    if (!same(format.rtp_name, "rtx")) continue;
    for (SdpCodec& codec : codecs)
      if (fmtp_parameter(format, "apt") == std::to_string(codec.payload) && codec.rtx_payload < 0)
        codec.rtx_payload = format.payload;
  }
  return codecs;
}

// "3/sendonly URI" -> 3, URI.
void take_extension(std::map<int, std::string>& extensions, std::string_view value) {
  const auto words = words_of(value);
  if (words.size() < 2 || !is_plain(words[1])) return;
  const auto id = sdp_number(words[0].substr(0, words[0].find('/')), 255);
  // 0 and 15 are reserved, RFC 8285.
  if (id && *id != 0 && *id != 15) extensions.emplace(static_cast<int>(*id), words[1]);
}

std::string msid_of(std::string_view value) {
  const auto words = words_of(value);
  if (words.empty() || !is_plain(words[0])) return "";
  if (words.size() < 2 || !is_plain(words[1])) return std::string(words[0]);
  return fmt::format("{} {}", words[0], words[1]);
}

void take_ssrc(std::vector<SdpSsrc>& ssrcs, std::string_view value) {
  const size_t space = value.find(' ');
  const auto number = sdp_number(value.substr(0, space), UINT32_MAX);
  if (!number) return;
  const auto ssrc = static_cast<uint32_t>(*number);
  auto found =
      std::find_if(ssrcs.begin(), ssrcs.end(), [&](const SdpSsrc& s) { return s.ssrc == ssrc; });
  if (found == ssrcs.end()) {
    if (ssrcs.size() == kMostSsrcs) return;
    found = ssrcs.emplace(ssrcs.end());
    found->ssrc = ssrc;
  }
  if (space == std::string_view::npos) return;
  const std::string_view about = value.substr(space + 1);
  if (about.starts_with("cname:")) found->cname = plain_or(about.substr(6), "");
  if (about.starts_with("msid:")) found->msid = msid_of(about.substr(5));
}

void take_ssrc_group(std::vector<SdpSsrc>& ssrcs, std::string_view value) {
  const auto words = words_of(value);
  if (words.size() != 3 || words[0] != "FID") return;
  for (SdpSsrc& s : ssrcs)
    if (std::to_string(s.ssrc) == words[2]) s.repair = true;
}

void write_codec(SdpMedia& media, const SdpCodec& codec) {
  const std::string payload = std::to_string(codec.payload);
  const std::string channels = codec.channels > 0 ? fmt::format("/{}", codec.channels) : "";
  media.formats.push_back(payload);
  media.attributes.add("rtpmap",
                       fmt::format("{} {}/{}{}", payload, codec.rtp_name, codec.clock, channels));
  if (!codec.fmtp.empty()) media.attributes.add("fmtp", payload + " " + codec.fmtp);
  for (const std::string& feedback : codec.feedback)
    media.attributes.add("rtcp-fb", fmt::format("{} {}", payload, feedback));
  if (codec.rtx_payload < 0) return;
  media.formats.push_back(std::to_string(codec.rtx_payload));
  media.attributes.add("rtpmap", fmt::format("{} rtx/{}", codec.rtx_payload, codec.clock));
  media.attributes.add("fmtp", fmt::format("{} apt={}", codec.rtx_payload, payload));
}

void write_ssrcs(SdpMedia& media, const SdpMline& mline, std::set<uint32_t>& seen) {
  uint32_t before = 0;
  for (const SdpSsrc& s : mline.ssrcs) {
    if (!seen.insert(s.ssrc).second) continue;
    if (s.repair && before != 0)
      media.attributes.add("ssrc-group", fmt::format("FID {} {}", before, s.ssrc));
    media.attributes.add("ssrc",
                         fmt::format("{} cname:{}", s.ssrc, s.cname.empty() ? "none" : s.cname));
    if (!s.msid.empty()) media.attributes.add("ssrc", fmt::format("{} msid:{}", s.ssrc, s.msid));
    before = s.repair ? 0 : s.ssrc;
  }
}

// How well we like one H.264 payload type; every WebRTC endpoint has constrained baseline
// (RFC 7742, 6.2), and mode 1 lets a frame have more than one packet.
int h264_rank(const SdpCodec& codec) {
  const std::string profile = fmtp_parameter(codec, "profile-level-id").substr(0, 4);
  const bool constrained = same(profile, "42e0") || same(profile, "42c0");
  int rank = fmtp_parameter(codec, "packetization-mode") == "1" ? 10 : 0;
  rank += constrained ? 4 : same(profile.substr(0, 2), "42") ? 3 : profile.empty() ? 2 : 1;
  return rank;
}

int rank(const SdpCodec& codec) {
  if (same(codec.rtp_name, "H264")) return h264_rank(codec);
  if (same(codec.rtp_name, "VP9")) {
    const std::string profile = fmtp_parameter(codec, "profile-id");
    return profile.empty() || profile == "0" ? 1 : 0;
  }
  return 0;
}

bool is_usable_address(const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const uint32_t address = ntohl(v4.s_addr);
    return address >> 24 != 0 && address >> 28 < 0xe;  // "this network", multicast and beyond
  }
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
         !IN6_IS_ADDR_MULTICAST(&v6);
}

}  // namespace

const SdpCodec* best_payload(const SdpMline& mline, std::string_view rtp_name) {
  const SdpCodec* best = nullptr;
  for (const SdpCodec& codec : mline.codecs)
    if (same(codec.rtp_name, rtp_name) && (best == nullptr || rank(codec) > rank(*best)))
      best = &codec;
  return best;
}

SdpMline describe_mline(const SdpMedia& media) {
  SdpMline mline;
  mline.kind = media.kind;
  if (const std::string* mid = media.attributes.find("mid")) mline.mid = *mid;
  if (const std::string* msid = media.attributes.find("msid")) mline.msid = msid_of(*msid);
  if (const std::string* content = media.attributes.find("content"))
    if (is_sdp_token(*content)) mline.content = *content;
  mline.codecs = media_codecs(media);
  for (const SdpAttribute& a : media.attributes) {
    if (a.name == "extmap") take_extension(mline.extensions, a.value);
    if (a.name == "ssrc") take_ssrc(mline.ssrcs, a.value);
    if (a.name == "rid" && mline.rids.size() < 8)
      if (const auto words = words_of(a.value);
          words.size() >= 2 && words[1] == "send" && is_sdp_token(words[0]))
        mline.rids.emplace_back(words[0]);
  }
  for (const SdpAttribute& a : media.attributes)
    if (a.name == "ssrc-group") take_ssrc_group(mline.ssrcs, a.value);
  if (mline.msid.empty() && !mline.ssrcs.empty()) mline.msid = mline.ssrcs.front().msid;
  return mline;
}

SdpMedia write_mline(const SdpMline& mline, std::string_view protocol,
                     std::set<uint32_t>& seen_ssrcs) {
  SdpMedia media;
  media.kind = mline.kind;
  media.protocol = protocol;
  media.attributes.add("mid", mline.mid);
  if (mline.chosen) {
    write_codec(media, mline.codecs[*mline.chosen]);
  } else {
    for (const SdpCodec& codec : mline.codecs) write_codec(media, codec);
  }
  for (const auto& [id, uri] : mline.extensions)
    media.attributes.add("extmap", fmt::format("{} {}", id, uri));
  if (!mline.msid.empty()) media.attributes.add("msid", mline.msid);
  write_ssrcs(media, mline, seen_ssrcs);
  return media;
}

std::optional<SdpCandidate> usable_candidate(std::string_view text) {
  if (text.starts_with("a=")) text.remove_prefix(2);
  constexpr std::string_view kPrefix = "candidate:";
  if (!text.starts_with(kPrefix) || text.size() > 512) return std::nullopt;
  const auto words = words_of(text.substr(kPrefix.size()));
  if (words.size() < 8 || !is_plain(words[0]) || words[0].size() > 32 || words[1] != "1" ||
      !is_any_of(words[2], {"udp", "tcp"}) || !sdp_number(words[3], UINT32_MAX) ||
      !is_usable_address(std::string(words[4])) || words[6] != "typ" ||
      !is_any_of(words[7], {"host", "srflx", "prflx", "relay"}))
    return std::nullopt;
  const auto port = sdp_number(words[5], 65535);
  if (!port || *port == 0) return std::nullopt;
  SdpCandidate candidate;
  candidate.text = fmt::format("candidate:{} 1 {} {} {} {} typ {}", words[0], words[2], words[3],
                               words[4], words[5], words[7]);
  for (size_t i = 8; i + 1 < words.size(); i += 2) {
    const std::string_view key = words[i], value = words[i + 1];
    if (key == "ufrag") candidate.ufrag = value;
    const bool known = (key == "raddr" && is_plain(value)) ||
                       (key == "rport" && sdp_number(value, 65535)) ||
                       (key == "tcptype" && is_any_of(value, {"active", "passive", "so"})) ||
                       (key == "generation" && sdp_number(value, UINT32_MAX));
    if (known) candidate.text += fmt::format(" {} {}", key, value);
  }
  return candidate;
}

}  // namespace callbot::pipelines
