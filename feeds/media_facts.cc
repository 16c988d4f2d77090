#include "feeds/media_facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/picture_limits.h"
#include "feeds/opus_packet.h"

namespace callbot::feeds {
namespace {

// Sound that ends so near the picture's end belongs to it: coders pad their last packet.
constexpr int64_t kSameEnd_ns = 300'000'000;
// A file that ends so much before it says it does is cut off.
constexpr int64_t kCutOff_ns = 500'000'000;

std::string our_name(AVCodecID id) {
  switch (id) {
    case AV_CODEC_ID_VP8:
      return "vp8";
    case AV_CODEC_ID_VP9:
      return "vp9";
    case AV_CODEC_ID_H264:
      return "h264";
    case AV_CODEC_ID_OPUS:
      return "opus";
    case AV_CODEC_ID_PCM_MULAW:
      return "pcmu";
    case AV_CODEC_ID_PCM_ALAW:
      return "pcma";
    default:
      return avcodec_get_name(id);
  }
}

double fps_of(const AVStream& stream) {
  const AVRational rate =
      stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : stream.r_frame_rate;
  const double fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
  return fps >= 0.5 && fps <= 1000 ? fps : 25;
}

bool is_still(const AVFormatContext& format) {
  const std::string name = format.iformat->name;
  return name == "image2" || name.ends_with("_pipe");
}

std::string video_obstacle(const AVCodecParameters& codec, const TrackFacts& track) {
  if (track.still) return "a still picture";
  if (track.codec != "vp8" && track.codec != "vp9" && track.codec != "h264")
    return fmt::format("{} is not sent in calls", track.codec);
  if (track.codec == "vp9" && codec.profile > 0)
    return fmt::format("VP9 profile {}, expected 0", codec.profile);
  if (track.codec == "h264" && codec.profile != FF_PROFILE_H264_CONSTRAINED_BASELINE) {
    const char* profile = avcodec_profile_name(AV_CODEC_ID_H264, codec.profile);
    return fmt::format("H.264 {}, expected constrained baseline",
                       profile != nullptr ? profile : "of unknown profile");
  }
  if (codec.video_delay > 0) return "it has B-frames";
  if (codec.format != AV_PIX_FMT_YUV420P && codec.format != AV_PIX_FMT_YUVJ420P &&
      codec.format != AV_PIX_FMT_NONE)
    return "its pictures are not 4:2:0 of 8 bit";
  return "";
}

std::string audio_obstacle(const AVCodecParameters& codec, const TrackFacts& track) {
  const bool g711 = track.codec == "pcmu" || track.codec == "pcma";
  if (track.codec != "opus" && !g711) return fmt::format("{} is not sent in calls", track.codec);
  if (g711 && (codec.sample_rate != 8000 || track.channels != 1))
    return fmt::format("{} of {} Hz and {} channels, expected 8000 Hz mono", track.codec,
                       codec.sample_rate, track.channels);
  if (track.channels > 2) return fmt::format("{} channels, expected 1 or 2", track.channels);
  return "";
}

TrackFacts track_facts(const AVFormatContext& format, const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  TrackFacts track;
  track.index = stream.index;
  track.codec = our_name(codec.codec_id);
  if (codec.codec_type == AVMEDIA_TYPE_VIDEO) {
    track.width = codec.width;
    track.height = codec.height;
    track.fps = fps_of(stream);
    track.still = is_still(format);
    track.why_not = video_obstacle(codec, track);
  } else {
    track.channels = codec.ch_layout.nb_channels;
    track.why_not = audio_obstacle(codec, track);
  }
  return track;
}

// Gathers what only the packets say.
class Walk {
 public:
  Walk(const AVStream& stream, TrackFacts& track) : stream_(stream), track_(track) {}

  void take(const AVPacket& packet) {
    const int64_t time = time_of(packet);
    if (time == AV_NOPTS_VALUE) {
      timeless_ = true;
      return;
    }
    const int64_t at = in_ns(time, stream_.time_base);
    int64_t lasts = packet.duration > 0 ? in_ns(packet.duration, stream_.time_base) : 0;
    const bool video = stream_.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    if (video && lasts == 0) lasts = static_cast<int64_t>(1e9 / track_.fps);
    if (track_.codec == "pcmu" || track_.codec == "pcma")
      lasts = int64_t{packet.size} * 1'000'000'000 / std::max(1, stream_.codecpar->sample_rate);
    if (track_.codec == "opus") lasts = opus_packet_ns({packet.data, size_t(packet.size)});
    if (track_.packets++ == 0) {
      track_.first_ns = at;
      track_.packet_ns = lasts;
    } else {
      back_ |= video ? at <= last_ : at < last_;
    }
    if (lasts != track_.packet_ns) uneven_ = true;
    if (video && (packet.flags & AV_PKT_FLAG_KEY) != 0) take_key(at);
    track_.first_ns = std::min(track_.first_ns, at);
    track_.end_ns = std::max(track_.end_ns, at + lasts);
    last_ = at;
  }

  void end() {
    if (track_.packets == 0) return;
    if (!track_.key_ns.empty())
      track_.key_distance_ns =
          std::max(track_.key_distance_ns, track_.end_ns - track_.key_ns.back());
    if (!track_.why_not.empty()) return;
    if (timeless_) track_.why_not = "packets without a time";
    if (back_) track_.why_not = "its times do not grow";
    if (stream_.codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
      if (track_.key_ns.empty() || track_.key_ns.front() != track_.first_ns)
        track_.why_not = "it does not begin with a key frame";
      else if (track_.key_distance_ns > kMostKeyDistance_ns)
        track_.why_not = fmt::format("key frames up to {:.1f} s apart, expected at most {:.0f} s",
                                     static_cast<double>(track_.key_distance_ns) / 1e9,
                                     static_cast<double>(kMostKeyDistance_ns) / 1e9);
    } else if (track_.codec == "opus" && (uneven_ || track_.packet_ns <= 0)) {
      track_.why_not = "its packets are not equally long";
    }
    if (track_.codec != "opus" && track_.key_ns.empty()) track_.packet_ns = 0;
  }

 private:
  void take_key(int64_t at) {
    if (!track_.key_ns.empty())
      track_.key_distance_ns = std::max(track_.key_distance_ns, at - track_.key_ns.back());
    track_.key_ns.push_back(at);
  }

  const AVStream& stream_;
  TrackFacts& track_;
  int64_t last_ = INT64_MIN;
  bool back_ = false, timeless_ = false, uneven_ = false;
};

// A round is as long as its picture; longer only if the sound goes on well after it.
void measure(MediaFacts& facts) {
  const auto there = [](const auto& track) { return track && track->packets > 0; };
  if (there(facts.video) && !facts.video->still) {
    facts.begin_ns = facts.video->first_ns;
    facts.length_ns = facts.video->end_ns - facts.begin_ns;
    if (!there(facts.audio)) return;
    const int64_t sound = facts.audio->end_ns - facts.begin_ns;
    if (sound > facts.length_ns + kSameEnd_ns) facts.length_ns = sound;
  } else if (there(facts.audio)) {
    facts.begin_ns = facts.audio->first_ns;
    facts.length_ns = facts.audio->end_ns - facts.begin_ns;
  }
}

Result<> check_whole(const AVFormatContext& format, const MediaFacts& facts) {
  if (format.duration <= 0 || format.duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
    return {};
  const int64_t promised = in_ns(format.duration, AV_TIME_BASE_Q);
  int64_t begin = INT64_MAX, end = 0;
  for (const auto* track : {&facts.video, &facts.audio}) {
    if (!*track || (*track)->packets == 0) continue;
    begin = std::min(begin, (*track)->first_ns);
    end = std::max(end, (*track)->end_ns);
  }
  const int64_t found = end > begin ? end - begin : 0;
  if (promised - found <= std::max(kCutOff_ns, promised / 50)) return {};
  return fail(Code::kBadInput,
              fmt::format("{}: ends after {:.1f} s of {:.1f} s: it is cut off; expected a whole "
                          "file",
                          facts.name, static_cast<double>(found) / 1e9,
                          static_cast<double>(promised) / 1e9));
}

}  // namespace

int64_t in_ns(int64_t time, AVRational base) { return av_rescale_q(time, base, kNanoseconds); }

int64_t time_of(const AVPacket& packet) {
  return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
}

MediaFacts glance(const InputFile& file) {
  MediaFacts facts{.name = file.name()};
  if (const AVStream* s = file.best(AVMEDIA_TYPE_VIDEO))
    facts.video = track_facts(file.format(), *s);
  if (const AVStream* s = file.best(AVMEDIA_TYPE_AUDIO))
    facts.audio = track_facts(file.format(), *s);
  return facts;
}

Result<MediaFacts> examine(InputFile& file, const Progress& progress) {
  MediaFacts facts = glance(file);
  std::vector<std::pair<int, Walk>> walks;
  for (auto* track : {&facts.video, &facts.audio})
    if (*track)
      walks.emplace_back((*track)->index, Walk(*file.format().streams[(*track)->index], **track));
  const AvPacket packet(av_packet_alloc());
  for (uint64_t n = 0;; ++n) {
    auto more = file.read(*packet);
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    for (auto& [index, walk] : walks)
      if (packet->stream_index == index) walk.take(*packet);
    if (n % 256 == 0 && progress && !progress(file.done()))
      return fail(Code::kInterrupted, file.name() + ": interrupted");
  }
  for (auto& [index, walk] : walks) walk.end();
  measure(facts);
  if (auto whole = check_whole(file.format(), facts); !whole) return tl::unexpected(whole.error());
  for (auto* track : {&facts.video, &facts.audio})
    if (*track && (*track)->packets == 0) track->reset();
  const bool nothing = (!facts.video && !facts.audio) ||
                       (facts.length_ns <= 0 && !(facts.video && facts.video->still));
  if (nothing)
    return fail(Code::kBadInput,
                file.name() + ": has no picture and no sound in it; expected some");
  if (facts.video) facts.video->fps = std::min<double>(facts.video->fps, kMostFps);
  return facts;
}

}  // namespace callbot::feeds
