#include "bot/feed_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "feeds/live_clip.h"
#include "feeds/looped_clip.h"

namespace callbot::bot {
namespace {

using feeds::FeedItem;

constexpr int kScreenFps = 5;

Result<FeedItem> sound_item(const std::string& text) {
  if (text == "silence") return FeedItem{FeedItem::Kind::kSilence, ""};
  if (text.starts_with("dtmf:")) return FeedItem{FeedItem::Kind::kDtmf, text.substr(5)};
  if (text.starts_with("say:")) return FeedItem{FeedItem::Kind::kSpeech, text.substr(4)};
  return fail(
      Code::kUsage,
      fmt::format("--audio {}: expected pattern, none, silence, dtmf:KEYS or say:WORDS", text));
}

FeedPart of_files(const FeedOptions& feed, bool video, bool audio) {
  FeedPart part{.video = video, .audio = audio};
  for (const std::string& file : feed.files) part.items.push_back({FeedItem::Kind::kFile, file});
  part.standard_input = feed.files.front() == "-";
  return part;
}

feeds::FeedWish wish_of(const SendOptions& options, const FeedPart& part) {
  const FeedOptions& feed = options.feed;
  feeds::FeedWish wish{.video = part.video, .audio = part.audio};
  if (feed.codec) wish.codec = options.codec;
  if (feed.size) wish.width = options.width, wish.height = options.height;
  if (feed.fps) wish.fps = options.fps;
  if (feed.bitrate) wish.bitrate = options.bitrate;
  return wish;
}

Result<std::unique_ptr<ClipReader>> read_part(const FeedPart& part, const SendOptions& options,
                                              const feeds::InputFile::Stop& stop,
                                              const feeds::FeedProgress& progress,
                                              std::vector<std::string>& notes) {
  const feeds::FeedWish wish = wish_of(options, part);
  if (part.standard_input) {
    auto input = feeds::InputFile::from(Descriptor(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)),
                                        "standard input", stop);
    if (!input) return tl::unexpected(input.error());
    return feeds::LiveClip::create(std::move(*input), wish);
  }
  const feeds::ClipCache cache(
      options.feed.cache.empty() ? feeds::ClipCache::usual_folder() : options.feed.cache,
      options.feed.most_cached);
  auto clips = feeds::prepare(part.items, wish, cache, progress);
  if (!clips) return tl::unexpected(clips.error());
  for (const auto& clip : *clips) {
    const std::string& name = clip.file->name();
    if (!clip.video_encoded.empty())
      notes.push_back(fmt::format("{}: its picture was encoded: {}", name, clip.video_encoded));
    if (!clip.audio_encoded.empty())
      notes.push_back(fmt::format("{}: its sound was encoded: {}", name, clip.audio_encoded));
  }
  feeds::LoopConfig loop;
  if (!part.endless()) loop.rounds = options.feed.rounds;
  if (part.items.front().kind == FeedItem::Kind::kFile)
    loop.at_ns = std::chrono::nanoseconds(options.feed.at).count();
  return feeds::LoopedClip::create(std::move(*clips), loop);
}

pipelines::TestPatternConfig pattern_config(const SendOptions& options, const FeedPart& part) {
  pipelines::TestPatternConfig pattern;
  pattern.name = options.join.name;
  pattern.seed = options.seed;
  pattern.source = static_cast<uint16_t>(options.seed);
  pattern.video = part.video;
  pattern.audio = part.audio;
  pattern.width = options.width;
  pattern.height = options.height;
  pattern.fps = options.fps;
  pattern.bitrate = options.bitrate;
  pattern.codec = options.codec;
  pattern.screen = options.feed.picture == "screen";
  if (pattern.screen && !options.feed.fps) pattern.fps = kScreenFps;
  return pattern;
}

}  // namespace

bool FeedPart::endless() const {
  return items.empty() || items.front().kind == FeedItem::Kind::kBlack ||
         items.front().kind == FeedItem::Kind::kSilence;
}

Result<FeedPlan> plan_feed(const SendOptions& options) {
  const FeedOptions& feed = options.feed;
  FeedPlan plan;
  const bool files = !feed.files.empty();
  if (files && std::count(feed.files.begin(), feed.files.end(), "-") > 0 && feed.files.size() > 1)
    return fail(Code::kUsage, "--file -: standard input is sent alone, without other files");
  std::string picture = feed.picture, sound = feed.sound;
  if (!options.video) picture = "none";
  if (!options.audio) sound = "none";
  if (picture.empty() && !files) picture = "pattern";
  if (sound.empty() && !files) sound = "pattern";
  if (files && !picture.empty() && !sound.empty())
    return fail(Code::kUsage, "--file: --video and --audio leave nothing of the files to send");
  if (picture == "none" && sound == "none")
    return fail(Code::kUsage, "--video none --audio none: expected something to send");

  if (files) plan.parts.push_back(of_files(feed, picture.empty(), sound.empty()));
  const bool pattern_picture = picture == "pattern" || picture == "screen";
  if (pattern_picture || sound == "pattern")
    plan.parts.push_back({.video = pattern_picture, .audio = sound == "pattern"});
  if (picture == "black")
    plan.parts.push_back({.items = {{FeedItem::Kind::kBlack, ""}}, .video = true});
  if (!sound.empty() && sound != "none" && sound != "pattern") {
    auto item = sound_item(sound);
    if (!item) return tl::unexpected(item.error());
    plan.parts.push_back({.items = {*item}, .audio = true});
  }
  plan.reads = std::any_of(plan.parts.begin(), plan.parts.end(),
                           [](const FeedPart& part) { return !part.items.empty(); });
  return plan;
}

Result<ReadFeeds> read_feeds(const FeedPlan& plan, const SendOptions& options,
                             const feeds::InputFile::Stop& stop,
                             const feeds::FeedProgress& progress) {
  ReadFeeds read;
  for (const FeedPart& part : plan.parts) {
    if (part.items.empty()) continue;
    auto reader = read_part(part, options, stop, progress, read.notes);
    if (!reader) return tl::unexpected(reader.error());
    read.readers.push_back(std::move(*reader));
  }
  return read;
}

Result<MadeSource> make_source(Loop& loop, const Log& log, const FeedPlan& plan, ReadFeeds feeds,
                               const SendOptions& options) {
  MadeSource made;
  std::vector<std::unique_ptr<pipelines::Source>> sources;
  size_t next = 0, ending = 0;
  for (const FeedPart& part : plan.parts) {
    if (!part.endless()) ++ending;
    if (part.items.empty()) {
      auto pattern = pipelines::TestPattern::create(loop, log, pattern_config(options, part));
      if (!pattern) return tl::unexpected(pattern.error());
      made.pattern = pattern->get();
      sources.push_back(std::move(*pattern));
    } else {
      auto file = pipelines::FileSource::create(loop, log, std::move(feeds.readers.at(next++)));
      if (!file) return tl::unexpected(file.error());
      made.files.push_back(file->get());
      sources.push_back(std::move(*file));
    }
  }
  made.source = sources.size() == 1
                    ? std::move(sources.front())
                    : std::make_unique<pipelines::JoinedSource>(std::move(sources), ending);
  return made;
}

}  // namespace callbot::bot
