#include "feeds/prepare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "feeds/prompts.h"
#include "feeds/transcode.h"

namespace callbot::feeds {
namespace {

// Part of every name in the cache: another number whenever the same settings give other bytes.
constexpr int kVersion = 1;

std::string digest(const std::string& text) {
  return sha256_hex(fmt::format("{} {}", kVersion, text));
}

int even(double value) { return std::max(2, static_cast<int>(value / 2) * 2); }

// Enough for a picture that moves as people in a call do.
int usual_bitrate(int width, int height, int fps) {
  return std::clamp(static_cast<int>(0.055 * width * height * fps), 150'000, 4'000'000);
}

class Preparation {
 public:
  Preparation(const FeedWish& wish, const ClipCache& cache, const FeedProgress& progress)
      : wish_(wish), cache_(cache), progress_(progress) {}

  Result<std::vector<PreparedClip>> run(const std::vector<FeedItem>& items) {
    std::vector<PreparedClip> clips;
    for (const FeedItem& item : items) {
      auto clip = open(item);
      if (!clip) return tl::unexpected(clip.error());
      clips.push_back(std::move(*clip));
    }
    video_codec_ = wish_.codec.value_or(common(clips, &MediaFacts::video, "vp8"));
    audio_codec_ = common(clips, &MediaFacts::audio, "opus");
    if (audio_codec_.starts_with("pcm") && !all_fit(clips)) audio_codec_ = "opus";
    for (PreparedClip& clip : clips)
      if (auto made = make_fit(clip); !made) return tl::unexpected(made.error());
    return clips;
  }

 private:
  bool say(const std::string& what, double share) const {
    return !progress_ || progress_(what, share);
  }
  Progress reading(const std::string& what) const {
    return [this, what](double share) { return say(what, share); };
  }

  Result<PreparedClip> open(const FeedItem& item) {
    switch (item.kind) {
      case FeedItem::Kind::kFile:
        return look_into(InputFile::open(item.text));
      case FeedItem::Kind::kBlack:
        return black();
      case FeedItem::Kind::kSilence:
        return made("silence", "silence", write_silence);
      case FeedItem::Kind::kDtmf:
        return made("dtmf " + item.text, "dtmf:" + item.text,
                    [&](const fs::path& part) { return write_dtmf(part, item.text); });
      case FeedItem::Kind::kSpeech:
        return made("speech " + item.text, "say:" + item.text,
                    [&](const fs::path& part) { return speak(part, item.text); });
    }
    return fail(Code::kInternal, "a feed of no kind");
  }

  Result<PreparedClip> black() {
    const VideoSettings settings{.codec = wish_.codec.value_or("vp8"),
                                 .width = wish_.width.value_or(640),
                                 .height = wish_.height.value_or(360),
                                 .fps = wish_.fps.value_or(10),
                                 .tick = {1, wish_.fps.value_or(10)},
                                 .bitrate = 100'000};
    return made(fmt::format("black {} {}x{} {}", settings.codec, settings.width, settings.height,
                            settings.fps),
                "black", [&](const fs::path& part) { return write_black(part, settings); });
  }

  Result<PreparedClip> made(const std::string& settings, const std::string& name,
                            const ClipCache::Make& make) {
    auto file = cache_.get(digest(settings), make);
    if (!file) return tl::unexpected(file.error());
    return look_into(InputFile::from(std::move(*file), name));
  }

  Result<PreparedClip> look_into(Result<std::unique_ptr<InputFile>> file) {
    if (!file) return tl::unexpected(file.error());
    PreparedClip clip;
    clip.file = std::move(*file);
    auto facts = examine(*clip.file, reading("reading " + clip.file->name()));
    if (!facts) return tl::unexpected(facts.error());
    clip.facts = std::move(*facts);
    if (!wish_.video) clip.facts.video.reset();
    if (!wish_.audio) clip.facts.audio.reset();
    if (!clip.facts.video && !clip.facts.audio)
      return fail(Code::kBadInput, fmt::format("{}: has no {}", clip.file->name(),
                                               wish_.video ? "picture" : "sound"));
    return clip;
  }

  using Kind = std::optional<TrackFacts> MediaFacts::*;
  // All clips of a playlist have one codec: that of the first that fits.
  static std::string common(const std::vector<PreparedClip>& clips, Kind kind,
                            const std::string& otherwise) {
    for (const PreparedClip& clip : clips)
      if (clip.facts.*kind && (clip.facts.*kind)->why_not.empty()) return (clip.facts.*kind)->codec;
    return otherwise;
  }
  bool all_fit(const std::vector<PreparedClip>& clips) const {
    return std::all_of(clips.begin(), clips.end(), [&](const PreparedClip& clip) {
      return !clip.facts.audio ||
             (clip.facts.audio->why_not.empty() && clip.facts.audio->codec == audio_codec_);
    });
  }

  std::string video_obstacle(const TrackFacts& video) const {
    if (!video.why_not.empty()) return video.why_not;
    if (video.codec != video_codec_)
      return fmt::format("{}, and {} is sent", video.codec, video_codec_);
    if (wish_.width && (*wish_.width != video.width || *wish_.height != video.height))
      return fmt::format("{}x{}, and {}x{} was asked for", video.width, video.height, *wish_.width,
                         *wish_.height);
    if (wish_.fps && std::abs(*wish_.fps - video.fps) > 0.5)
      return fmt::format("{:.0f} fps, and {} were asked for", video.fps, *wish_.fps);
    return "";
  }
  std::string audio_obstacle(const TrackFacts& audio) const {
    if (!audio.why_not.empty()) return audio.why_not;
    if (audio.codec != audio_codec_)
      return fmt::format("{}, and {} is sent", audio.codec, audio_codec_);
    return "";
  }

  VideoTarget video_target(const TrackFacts& video) const {
    VideoTarget to;
    to.codec = video_codec_;
    const double shrink =
        std::min(1.0, static_cast<double>(kLargest) / std::max(video.width, video.height));
    to.width = wish_.width.value_or(even(video.width * shrink));
    to.height = wish_.height.value_or(even(video.height * shrink));
    to.fps = wish_.fps.value_or(video.still ? kStillFps : std::max(1, int(std::lround(video.fps))));
    to.fewer = wish_.fps && *wish_.fps < video.fps - 0.5;
    to.bitrate = wish_.bitrate.value_or(usual_bitrate(to.width, to.height, to.fps));
    return to;
  }

  Result<> make_fit(PreparedClip& clip) {
    TranscodeTarget target;
    std::string settings;
    if (const auto& video = clip.facts.video) {
      clip.video_encoded = video_obstacle(*video);
      target.copy_video = clip.video_encoded.empty();
      if (!target.copy_video) {
        const VideoTarget to = video_target(*video);
        settings += fmt::format("{} {}x{} {} {} {}", to.codec, to.width, to.height, to.fps,
                                to.fewer, to.bitrate);
        target.video = to;
      }
    }
    if (const auto& audio = clip.facts.audio) {
      clip.audio_encoded = audio_obstacle(*audio);
      target.copy_audio = clip.audio_encoded.empty();
      if (!target.copy_audio) {
        const int channels = std::min(audio->channels, 2);
        target.audio = AudioSettings{.channels = channels, .bitrate = 40'000 * channels};
      }
      settings += fmt::format(" sound {} {}", target.copy_audio, audio->channels);
    }
    if (!target.video && !target.audio) return clip.file->rewind();
    return encode(clip, target, settings);
  }

  Result<> encode(PreparedClip& clip, const TranscodeTarget& target, const std::string& settings) {
    auto content = clip.file->sha256(reading("reading " + clip.file->name()));
    if (!content) return tl::unexpected(content.error());
    const std::string name = clip.file->name();
    auto file = cache_.get(digest(*content + " " + settings), [&](const fs::path& part) {
      return transcode(*clip.file, clip.facts, target, part, reading("encoding " + name));
    });
    if (!file) return tl::unexpected(file.error());
    auto opened = InputFile::from(std::move(*file), name);
    if (!opened) return tl::unexpected(opened.error());
    auto facts = examine(**opened);
    if (!facts) return tl::unexpected(facts.error());
    clip.file = std::move(*opened);
    clip.facts = std::move(*facts);
    return clip.file->rewind();
  }

  const FeedWish& wish_;
  const ClipCache& cache_;
  const FeedProgress& progress_;
  std::string video_codec_, audio_codec_;
};

}  // namespace

Result<std::vector<PreparedClip>> prepare(const std::vector<FeedItem>& items, const FeedWish& wish,
                                          const ClipCache& cache, const FeedProgress& progress) {
  return Preparation(wish, cache, progress).run(items);
}

}  // namespace callbot::feeds
