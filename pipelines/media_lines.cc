#include "pipelines/media_lines.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "pipelines/audio_level.h"
#include "pipelines/codecs.h"

namespace callbot::pipelines {
namespace {

// Header extensions that are worth their bytes in a recording.
constexpr const char* kTransportCc = kTransportCcUri;
constexpr const char* kAudioLevel = kAudioLevelUri;
constexpr const char* kCaptureTime =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
constexpr const char* kMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr const char* kWanted[] = {kTransportCc, kAudioLevel, kCaptureTime, kMid};

constexpr int kFirstDynamicPayload = 96;
constexpr int kLastOneByteId = 14;  // RFC 8285, 4.2; rtpsession numbers packets in no other
// What leaves beside the media: RTP header and extensions, SRTP's tag, in packets of 1200 bytes.
constexpr double kOverhead = 1.05;

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool wanted(std::string_view uri) {
  return std::any_of(std::begin(kWanted), std::end(kWanted),
                     [&](const char* one) { return uri == one; });
}

void add_extension(GstStructure* s, int id, const std::string& uri) {
  gst_structure_set(s, fmt::format("extmap-{}", id).c_str(), G_TYPE_STRING, uri.c_str(), nullptr);
}

std::map<std::string, int> extensions_of(const GstStructure* s) {
  std::map<std::string, int> ids;
  for (int i = 0; i < gst_structure_n_fields(s); ++i) {
    const std::string_view field = gst_structure_nth_field_name(s, static_cast<guint>(i));
    if (!field.starts_with("extmap-")) continue;
    const char* uri = gst_structure_get_string(s, field.data());
    if (uri != nullptr) ids[uri] = atoi(field.substr(7).data());
  }
  return ids;
}

std::string upper(std::string text) {
  for (char& c : text) c = g_ascii_toupper(c);
  return text;
}

// Only what has to be the same: webrtcbin takes the rest from the offer, and does not take its
// extensions unless they stand here, with the offerer's ids.
GRef<GstCaps> answer_preferences(const SdpMline& mline, const SdpCodec& codec) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_new_simple(
      "application/x-rtp", "media", G_TYPE_STRING, mline.kind.c_str(), "encoding-name",
      G_TYPE_STRING, upper(codec.rtp_name).c_str(), "clock-rate", G_TYPE_INT, codec.clock,
      "payload", G_TYPE_INT, codec.payload, nullptr));
  GstStructure* s = gst_caps_get_structure(caps.get(), 0);
  for (const auto& [id, uri] : mline.extensions)
    if (wanted(uri)) add_extension(s, id, uri);
  return caps;
}

// A receiver that knows the MID extension drops packets of an m-line that names none or another
// (Chromium), and webrtcbin takes it from nowhere else before the stream's caps have come in.
void add_ssrc(GstCaps* caps, const SourceStream& stream) {
  guint ssrc = 0;
  if (gst_structure_get_uint(gst_caps_get_structure(stream.caps.get(), 0), "ssrc", &ssrc))
    gst_caps_set_simple(caps, "ssrc", G_TYPE_UINT, ssrc, nullptr);
}

// Our own ids, in every m-line the same, as a bundle wants them (RFC 8843, 9.2); those that the
// caps of a stream have already stay.
void add_own_extensions(GstCaps* caps, MediaKind kind) {
  struct Own {
    int id;
    const char* uri;
  };
  constexpr Own kOwn[] = {{1, kMid}, {2, kTransportCc}, {3, kCaptureTime}, {4, kAudioLevel}};
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* s = gst_caps_get_structure(caps, i);
    const auto there = extensions_of(s);
    for (const Own& own : kOwn) {
      const bool id_taken = gst_structure_has_field(s, fmt::format("extmap-{}", own.id).c_str());
      const bool fits = own.uri != kAudioLevel || kind == MediaKind::kAudio;
      if (!there.contains(own.uri) && !id_taken && fits) add_extension(s, own.id, own.uri);
    }
  }
}

std::vector<const Codec*> codecs_to_receive(const PeerConfig& config, MediaKind kind) {
  std::vector<const Codec*> chosen;
  const auto take = [&](const Codec* codec) {
    if (codec != nullptr && codec->kind == kind && can_receive(*codec)) chosen.push_back(codec);
  };
  if (config.receive_codecs.empty())
    for (const Codec& codec : codecs()) take(&codec);
  else
    for (const std::string& name : config.receive_codecs) take(codec_by_name(name));
  return chosen;
}

// A payload type means the same in the whole bundle: `used` are taken, and grow.
GRef<GstCaps> receive_preferences(const std::vector<const Codec*>& chosen, std::set<int>& used) {
  auto caps = GRef<GstCaps>::adopt(gst_caps_new_empty());
  for (const Codec* codec : chosen) {
    int payload = codec->static_payload >= 0 ? codec->static_payload : kFirstDynamicPayload;
    while (codec->static_payload < 0 && used.contains(payload)) ++payload;
    used.insert(payload);
    GstStructure* s =
        gst_structure_new("application/x-rtp", "media", G_TYPE_STRING, name_of(codec->kind),
                          "encoding-name", G_TYPE_STRING, codec->rtp_name, "clock-rate", G_TYPE_INT,
                          codec->clock, "payload", G_TYPE_INT, payload, nullptr);
    if (codec->channels > 1)
      gst_structure_set(s, "encoding-params", G_TYPE_STRING,
                        std::to_string(codec->channels).c_str(), nullptr);
    if (same(codec->rtp_name, "H264"))
      gst_structure_set(s, "packetization-mode", G_TYPE_STRING, "1", "profile-level-id",
                        G_TYPE_STRING, "42e01f", "level-asymmetry-allowed", G_TYPE_STRING, "1",
                        nullptr);
    gst_caps_append_structure(caps.get(), s);
  }
  return caps;
}

const Codec* codec_of_stream(const SourceStream& stream) { return codec_by_name(stream.codec); }

// The payload type under which this m-line takes the stream.
const SdpCodec* fitting(const SdpMline& mline, const SourceStream& stream) {
  const Codec* codec = codec_of_stream(stream);
  if (codec == nullptr || mline.kind != name_of(stream.kind) || !mline.accepted) return nullptr;
  if (mline.chosen) {
    const SdpCodec& chosen = mline.codecs[*mline.chosen];
    return same(chosen.rtp_name, codec->rtp_name) ? &chosen : nullptr;
  }
  return best_payload(mline, codec->rtp_name);
}

}  // namespace

Result<std::vector<std::string>> accepted_codecs(const PeerConfig& config) {
  std::vector<std::string> names;
  const auto add = [&](const Codec& codec) {
    if (std::find(names.begin(), names.end(), codec.rtp_name) == names.end())
      names.push_back(codec.rtp_name);
  };
  if (config.source != nullptr)
    for (const SourceStream& stream : config.source->streams())
      if (const Codec* codec = codec_of_stream(stream)) add(*codec);
  for (const std::string& name : config.receive_codecs)
    if (codec_by_name(name) == nullptr)
      return fail(Code::kUsage, fmt::format("no codec \"{}\"", name));
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo})
    for (const Codec* codec : codecs_to_receive(config, kind)) add(*codec);
  return names;
}

MediaLines::MediaLines(Loop& loop, RtcBin& rtc, Log log, const PeerConfig& config)
    : loop_(loop), rtc_(rtc), log_(std::move(log)), config_(config), source_(config.source) {}

// --- offering

Result<> MediaLines::offer() {
  for (size_t i = 0; i < streams(); ++i) {
    int payload = -1;
    const GstCaps* caps = source_->streams()[i].caps.get();
    if (gst_structure_get_int(gst_caps_get_structure(caps, 0), "payload", &payload))
      used_payloads_.insert(payload);
  }
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo})
    if (const auto added = offer_kind(kind); !added) return added;
  return {};
}

Result<> MediaLines::offer_kind(MediaKind kind) {
  int lines = 0;
  for (size_t i = 0; i < streams(); ++i) {
    const SourceStream& stream = source_->streams()[i];
    if (stream.kind != kind) continue;
    ++lines;
    // With the SSRC, as add_ssrc() says.
    const auto preferences = GRef<GstCaps>::adopt(gst_caps_copy(stream.caps.get()));
    add_own_extensions(preferences.get(), kind);
    Line line;
    if (const auto added = add_sending(line, lines_.size(), i, preferences); !added) return added;
    if (!config_.receives || (kind == MediaKind::kAudio && !config_.receive_audio))
      g_object_set(line.transceiver.get(), "direction",
                   GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, nullptr);
    lines_.push_back(std::move(line));
  }
  const bool receives = config_.receives &&
                        (kind == MediaKind::kAudio ? config_.receive_audio : config_.receive_video);
  const int least = kind == MediaKind::kVideo ? config_.least_video_lines : 1;
  for (; receives && lines < least; ++lines)
    if (const auto added = offer_to_receive(kind); !added) return added;
  return {};
}

Result<> MediaLines::offer_to_receive(MediaKind kind) {
  const auto chosen = codecs_to_receive(config_, kind);
  if (chosen.empty()) return {};
  const auto preferences = receive_preferences(chosen, used_payloads_);
  add_own_extensions(preferences.get(), kind);
  Line line;
  if (const auto added = add_receiving(line, preferences); !added) return added;
  lines_.push_back(std::move(line));
  return {};
}

// --- answering

Result<> MediaLines::answer(const std::vector<SdpMline>& mlines) {
  const auto places = place_streams(mlines);
  const size_t known = lines_.size();
  lines_.resize(std::max(lines_.size(), mlines.size()));
  for (size_t i = 0; i < mlines.size(); ++i) {
    const SdpMline& mline = mlines[i];
    Line& line = lines_[i];
    if (!mline.accepted || (mline.kind != "audio" && mline.kind != "video")) continue;
    if (!mline.chosen && mline.codecs.empty()) continue;
    const SdpCodec& codec = mline.codecs[mline.chosen.value_or(0)];
    const auto preferences = answer_preferences(mline, codec);
    const auto stream = line.sender ? line.sender->stream() : places[i];
    if (stream) add_ssrc(preferences.get(), source_->streams()[*stream]);
    Result<> done;
    // webrtcbin has made one for an m-line that was rejected so far.
    if (!line.transceiver && i < known) line.transceiver = transceiver_at(i);
    if (line.transceiver)
      g_object_set(line.transceiver.get(), "codec-preferences", preferences.get(), nullptr);
    else if (places[i])
      done = add_sending(line, i, *places[i], preferences);
    else
      done = add_receiving(line, preferences);
    if (!done) return done;
  }
  return {};
}

// Each stream that has no place yet: first on a new m-line that receives, then on one that may
// come to receive.
std::vector<std::optional<size_t>> MediaLines::place_streams(
    const std::vector<SdpMline>& mlines) const {
  std::vector<std::optional<size_t>> places(mlines.size());
  for (size_t stream = 0; stream < streams(); ++stream) {
    if (placed(stream)) continue;
    std::optional<size_t> place;
    for (const bool receives : {true, false})
      for (size_t i = 0; i < mlines.size() && !place; ++i) {
        const bool taken = places[i] || (i < lines_.size() && lines_[i].transceiver);
        if (!taken && mlines[i].receives == receives &&
            fitting(mlines[i], source_->streams()[stream]) != nullptr)
          place = i;
      }
    if (place) places[*place] = stream;
  }
  return places;
}

std::string MediaLines::content_of(size_t mline) const {
  if (mline >= lines_.size() || !lines_[mline].sender) return "";
  return source_->streams()[lines_[mline].sender->stream()].content;
}

bool MediaLines::placed(size_t stream) const {
  return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
    return line.sender && line.sender->stream() == stream;
  });
}

// --- webrtcbin's side

Result<> MediaLines::add_sending(Line& line, size_t index, size_t stream,
                                 const GRef<GstCaps>& preferences) {
  GstPadTemplate* pad_template =
      gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(rtc_.rtc()), "sink_%u");
  const SourceStream& what = source_->streams()[stream];
  // By name: the m-line is fixed, and 1.22 does not look for a transceiver that does not fit.
  const auto pad = GRef<GstPad>::adopt(gst_element_request_pad(
      rtc_.rtc(), pad_template, fmt::format("sink_{}", index).c_str(), preferences.get()));
  if (!pad) return fail(Code::kInternal, fmt::format("webrtcbin has no pad for m-line {}", index));
  GstWebRTCRTPTransceiver* transceiver = nullptr;
  g_object_get(pad.get(), "transceiver", &transceiver, nullptr);
  line.transceiver = GRef<GstWebRTCRTPTransceiver>::adopt(transceiver);
  g_object_set(transceiver, "codec-preferences", preferences.get(), nullptr);
  if (!what.msid.empty() &&
      g_object_class_find_property(G_OBJECT_GET_CLASS(pad.get()), "msid") != nullptr)
    g_object_set(pad.get(), "msid", what.msid.c_str(), nullptr);
  const auto ids = extensions_of(gst_caps_get_structure(preferences.get(), 0));
  const auto numbered = ids.find(kTransportCc);
  const bool adapts = config_.adapts && what.kind == MediaKind::kVideo;
  const int transport_cc = adapts && numbered != ids.end() ? numbered->second : 0;
  if (transport_cc > 0) transport_cc_ = transport_cc;
  auto sender = Sender::create(loop_, {.pipeline = rtc_.pipeline(),
                                       .sink = pad.get(),
                                       .source = source_,
                                       .stream = stream,
                                       .clock = clock_,
                                       .transport_cc = transport_cc});
  if (!sender) return tl::unexpected(sender.error());
  line.sender = std::move(*sender);
  return {};
}

GRef<GstWebRTCRTPTransceiver> MediaLines::transceiver_at(size_t index) const {
  GArray* all = nullptr;
  g_signal_emit_by_name(rtc_.rtc(), "get-transceivers", &all);
  GRef<GstWebRTCRTPTransceiver> found;
  for (guint i = 0; all != nullptr && i < all->len; ++i) {
    auto* one = g_array_index(all, GstWebRTCRTPTransceiver*, i);
    guint its = 0;
    g_object_get(one, "mlineindex", &its, nullptr);
    if (its == index) found = GRef<GstWebRTCRTPTransceiver>::share(one);
  }
  if (all != nullptr) g_array_unref(all);
  return found;
}

Result<> MediaLines::add_receiving(Line& line, const GRef<GstCaps>& preferences) {
  GstWebRTCRTPTransceiver* transceiver = nullptr;
  g_signal_emit_by_name(rtc_.rtc(), "add-transceiver",
                        GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, preferences.get(),
                        &transceiver);
  if (transceiver == nullptr) return fail(Code::kInternal, "webrtcbin made no transceiver");
  line.transceiver = GRef<GstWebRTCRTPTransceiver>::adopt(transceiver);
  return {};
}

// --- sending

// The extension under which this m-line reports on transport-wide sequence numbers. Of sound it is
// a few packets that no rendition can make fewer.
int MediaLines::transport_cc_of(const SdpMline& mline, const SdpCodec& codec) const {
  const auto& feedback = codec.feedback;
  if (!config_.adapts || mline.kind != name_of(MediaKind::kVideo) ||
      std::find(feedback.begin(), feedback.end(), "transport-cc") == feedback.end())
    return 0;
  for (const auto& [id, uri] : mline.extensions)
    if (uri == kTransportCc && id <= kLastOneByteId) return id;
  return 0;
}

MediaLines::Adaptable MediaLines::adaptable() const {
  Adaptable found;
  std::vector<std::vector<Rendition>> streams;
  size_t most = 0;
  for (const Line& line : lines_) {
    if (!line.sender || !line.sender->active() || !line.reported) continue;
    auto renditions = source_->renditions(line.sender->stream());
    if (renditions.empty()) continue;
    most = std::max(most, renditions.size());
    streams.push_back(std::move(renditions));
    found.numbers.push_back(line.sender->numbers());
    found.repairs |= line.repaired;
  }
  for (size_t level = 0; level < most; ++level) {
    double need = 0;
    for (const auto& renditions : streams)
      need += kOverhead * renditions[std::min(level, renditions.size() - 1)].bitrate;
    found.needs.push_back(need);
  }
  return found;
}

void MediaLines::set_rendition(size_t rendition) {
  for (const Line& line : lines_) {
    if (!line.sender || line.sender->kind() != MediaKind::kVideo) continue;
    const size_t there = source_->renditions(line.sender->stream()).size();
    if (there > 0) line.sender->set_rendition(std::min(rendition, there - 1));
  }
}

void MediaLines::update(const std::vector<SdpMline>& mlines,
                        const std::function<bool(MediaKind)>& may_send) {
  for (size_t i = 0; i < lines_.size() && i < mlines.size(); ++i) {
    Sender* sender = lines_[i].sender.get();
    if (sender == nullptr) continue;
    const SourceStream& stream = source_->streams()[sender->stream()];
    const SdpCodec* codec = fitting(mlines[i], stream);
    if (codec != nullptr) {
      SendFormat format{.payload = codec->payload, .extensions = {}};
      const auto own = extensions_of(gst_caps_get_structure(stream.caps.get(), 0));
      for (const auto& [id, uri] : mlines[i].extensions)
        if (const auto at = own.find(uri); at != own.end()) format.extensions[at->second] = id;
      format.transport_cc = transport_cc_of(mlines[i], *codec);
      lines_[i].reported = format.transport_cc > 0;
      lines_[i].repaired = codec->rtx_payload >= 0;
      sender->set_format(std::move(format));
    }
    sender->set_active(codec != nullptr && mlines[i].receives && may_send(stream.kind));
  }
}

void MediaLines::silence() {
  for (const Line& line : lines_)
    if (line.sender) line.sender->set_active(false);
}

bool MediaLines::anything_unsent() const {
  for (size_t i = 0; i < streams(); ++i)
    if (!placed(i)) return true;
  return false;
}

std::vector<SentStats> MediaLines::sent(const RtcpCounts& rtcp, size_t rendition) const {
  std::vector<SentStats> all;
  for (const Line& line : lines_) {
    if (!line.sender) continue;
    SentStats stats{line.sender->stream(), line.sender->packets(), line.sender->bytes()};
    guint ssrc = 0;
    const GstCaps* caps = source_->streams()[stats.stream].caps.get();
    if (gst_structure_get_uint(gst_caps_get_structure(caps, 0), "ssrc", &ssrc)) {
      const FeedbackCounts asked = rtcp.received_about(ssrc);
      stats.nack = asked.nack;
      stats.pli = asked.pli;
      stats.fir = asked.fir;
      const ReportedLoss lost = rtcp.lost_of(ssrc);
      stats.reported = lost.expected;
      stats.reported_lost = lost.lost;
    }
    const auto renditions = source_->renditions(stats.stream);
    if (!renditions.empty())
      stats.target_bitrate = renditions[std::min(rendition, renditions.size() - 1)].bitrate;
    all.push_back(stats);
  }
  return all;
}

uint64_t MediaLines::packets_sent() const {
  uint64_t sum = 0;
  for (const Line& line : lines_)
    if (line.sender) sum += line.sender->packets();
  return sum;
}

uint64_t MediaLines::bytes_sent() const {
  uint64_t sum = 0;
  for (const Line& line : lines_)
    if (line.sender) sum += line.sender->bytes();
  return sum;
}

}  // namespace callbot::pipelines
