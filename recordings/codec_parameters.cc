#include "recordings/codec_parameters.h"

#include <array>
#include <functional>

#include "base/gref.h"

namespace callbot::recordings {
namespace {

struct Row {
  const char* name;
  AVCodecID id;
  int sample_rate;  // audio; Hz of the samples, which is not the RTP clock for G.722 (RFC 3551)
};

constexpr Row kRows[] = {
    {"vp8", AV_CODEC_ID_VP8, 0},          {"vp9", AV_CODEC_ID_VP9, 0},
    {"h264", AV_CODEC_ID_H264, 0},        {"h265", AV_CODEC_ID_HEVC, 0},
    {"opus", AV_CODEC_ID_OPUS, 48000},    {"pcmu", AV_CODEC_ID_PCM_MULAW, 8000},
    {"pcma", AV_CODEC_ID_PCM_ALAW, 8000}, {"g722", AV_CODEC_ID_ADPCM_G722, 16000},
};

const Row* row_of(const std::string& codec) {
  for (const Row& row : kRows) {
    if (codec == row.name) return &row;
  }
  return nullptr;
}

// RFC 7845, 5.1. The pre-skip is 0: what we have begins somewhere in a stream, and every sample
// that comes out of a decoder counts.
std::vector<uint8_t> opus_head(int channels) {
  std::vector<uint8_t> head = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1};
  head.push_back(static_cast<uint8_t>(channels));
  for (const uint8_t byte : {0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0}) head.push_back(byte);
  return head;
}

// Calls `each` with every NAL unit of an Annex B byte stream, without its start code.
void each_nal(std::span<const uint8_t> bytes,
              const std::function<void(std::span<const uint8_t>)>& each) {
  const size_t none = bytes.size();
  const auto start_code = [&](size_t from) {
    for (size_t i = from; i + 3 <= bytes.size(); ++i) {
      if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
    }
    return none;
  };
  for (size_t at = start_code(0); at != none;) {
    const size_t next = start_code(at + 3);
    size_t end = next;
    while (end > at + 3 && bytes[end - 1] == 0) --end;  // zeros before a start code are padding
    if (end > at + 3) each(bytes.subspan(at + 3, end - at - 3));
    at = next;
  }
}

// RFC 6386, 9.1: the key frame's start code, then 14 bits each of width and height.
std::optional<PictureSize> vp8_size(std::span<const uint8_t> b) {
  if (b.size() < 10 || (b[0] & 1) != 0 || b[3] != 0x9D || b[4] != 0x01 || b[5] != 0x2A)
    return std::nullopt;
  return PictureSize{(b[6] | b[7] << 8) & 0x3FFFu, (b[8] | b[9] << 8) & 0x3FFFu};
}

class Bits {
 public:
  explicit Bits(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint32_t take(int count) {
    uint32_t value = 0;
    for (; count > 0; --count, ++at_) {
      const size_t byte = at_ / 8;
      if (byte >= bytes_.size()) {
        short_ = true;
        return 0;
      }
      value = value << 1 | (bytes_[byte] >> (7 - at_ % 8) & 1);
    }
    return value;
  }
  bool ran_out() const { return short_; }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool short_ = false;
};

uint32_t vp9_profile(Bits& bits) {
  const uint32_t low = bits.take(1);
  const uint32_t profile = low | bits.take(1) << 1;
  if (profile == 3) bits.take(1);
  return profile;
}

// VP9 bitstream specification, 6.2: the uncompressed header of a key frame.
std::optional<PictureSize> vp9_size(std::span<const uint8_t> b) {
  constexpr uint32_t kSrgb = 7;
  Bits bits(b);
  if (bits.take(2) != 2) return std::nullopt;
  const uint32_t profile = vp9_profile(bits);
  if (bits.take(1) != 0 || bits.take(1) != 0) return std::nullopt;  // shows an old one; no key
  bits.take(2);
  if (bits.take(24) != 0x498342) return std::nullopt;
  if (profile >= 2) bits.take(1);
  if (bits.take(3) != kSrgb) {
    bits.take(1);
    if (profile == 1 || profile == 3) bits.take(3);
  } else {
    if (profile != 1 && profile != 3) return std::nullopt;
    bits.take(1);
  }
  const uint32_t width = bits.take(16) + 1;
  const uint32_t height = bits.take(16) + 1;
  if (bits.ran_out()) return std::nullopt;
  return PictureSize{width, height};
}

using AvParser = std::unique_ptr<AVCodecParserContext, Freer<&av_parser_close>>;

// H.264 and H.265: libavcodec reads its own parameter sets best.
std::optional<PictureSize> parsed_size(AVCodecID id, std::span<const uint8_t> frame) {
  AvParser parser(av_parser_init(id));
  AvCodecContext context(avcodec_alloc_context3(nullptr));
  if (!parser || !context) return std::nullopt;
  parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  std::vector<uint8_t> padded(frame.begin(), frame.end());
  padded.resize(frame.size() + AV_INPUT_BUFFER_PADDING_SIZE);
  uint8_t* out = nullptr;
  int size = 0;
  av_parser_parse2(parser.get(), context.get(), &out, &size, padded.data(),
                   static_cast<int>(frame.size()), AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
  if (parser->width <= 0 || parser->height <= 0) return std::nullopt;
  return PictureSize{static_cast<uint32_t>(parser->width), static_cast<uint32_t>(parser->height)};
}

// VP9, 6.2: a frame that shows nothing; a superframe (Annex B) always ends with one that is shown.
bool vp9_is_shown(std::span<const uint8_t> b) {
  if (b.empty() || (b.back() & 0xE0) == 0xC0) return true;
  Bits bits(b);
  if (bits.take(2) != 2) return true;
  vp9_profile(bits);
  if (bits.take(1) != 0) return true;
  bits.take(1);
  return bits.take(1) != 0;
}

}  // namespace

std::string codec_name(AVCodecID id) {
  for (const Row& row : kRows) {
    if (row.id == id) return row.name;
  }
  return avcodec_get_name(id);
}

AVCodecID codec_id(const std::string& codec) {
  const Row* row = row_of(codec);
  return row != nullptr ? row->id : AV_CODEC_ID_NONE;
}

std::optional<StreamParameters> audio_parameters(const TrackInfo& track) {
  const Row* row = row_of(track.codec);
  if (row == nullptr || row->sample_rate == 0) return std::nullopt;
  StreamParameters p;
  p.media = MediaKind::kAudio;
  p.codec = track.codec;
  p.sample_rate = row->sample_rate;
  p.channels = track.channels == 2 ? 2 : 1;
  if (row->id == AV_CODEC_ID_OPUS) p.extradata = opus_head(p.channels);
  return p;
}

std::optional<StreamParameters> video_parameters(const TrackInfo& track,
                                                 std::span<const uint8_t> key_frame) {
  const auto size = picture_size(track.codec, key_frame);
  if (!size || size->width == 0 || size->height == 0) return std::nullopt;
  StreamParameters p;
  p.media = MediaKind::kVideo;
  p.codec = track.codec;
  p.size = *size;
  if (track.codec == "h264" || track.codec == "h265") {
    p.extradata = parameter_sets(track.codec, key_frame);
    if (p.extradata.empty()) return std::nullopt;
  }
  return p;
}

std::optional<PictureSize> picture_size(const std::string& codec,
                                        std::span<const uint8_t> key_frame) {
  switch (codec_id(codec)) {
    case AV_CODEC_ID_VP8:
      return vp8_size(key_frame);
    case AV_CODEC_ID_VP9:
      return vp9_size(key_frame);
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
      return parsed_size(codec_id(codec), key_frame);
    default:
      return std::nullopt;
  }
}

std::vector<uint8_t> parameter_sets(const std::string& codec, std::span<const uint8_t> annex_b) {
  constexpr std::array<int, 2> kH264 = {7, 8};        // ITU-T H.264 table 7-1: SPS, PPS
  constexpr std::array<int, 3> kH265 = {32, 33, 34};  // ITU-T H.265 table 7-1: VPS, SPS, PPS
  const bool h265 = codec == "h265";
  const std::span<const int> wanted = h265 ? std::span<const int>(kH265) : kH264;
  std::vector<uint8_t> sets;
  unsigned found = 0;
  each_nal(annex_b, [&](std::span<const uint8_t> nal) {
    const int type = h265 ? nal[0] >> 1 & 0x3F : nal[0] & 0x1F;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] != type) continue;
      found |= 1u << i;
      sets.insert(sets.end(), {0, 0, 0, 1});
      sets.insert(sets.end(), nal.begin(), nal.end());
    }
  });
  if (found != (1u << wanted.size()) - 1) sets.clear();
  return sets;
}

bool is_shown(const std::string& codec, std::span<const uint8_t> packet) {
  if (codec == "vp8") return packet.empty() || (packet[0] >> 4 & 1) != 0;
  if (codec == "vp9") return vp9_is_shown(packet);
  return true;
}

int64_t opus_duration_ns(std::span<const uint8_t> b) {
  if (b.empty()) return 0;
  constexpr std::array<int, 4> kSilk = {10000, 20000, 40000, 60000};  // us
  constexpr std::array<int, 4> kCelt = {2500, 5000, 10000, 20000};
  const int config = b[0] >> 3;
  const auto step = static_cast<size_t>(config);
  const int us = config < 12 ? kSilk[step & 3] : config < 16 ? kSilk[step & 1] : kCelt[step & 3];
  const int code = b[0] & 3;
  if (code == 3 && b.size() < 2) return 0;
  const int frames = code == 0 ? 1 : code < 3 ? 2 : b[1] & 0x3F;
  return int64_t{us} * 1000 * frames;
}

}  // namespace callbot::recordings
