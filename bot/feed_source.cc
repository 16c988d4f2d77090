#include "bot/feed_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "feeds/gop_refresher.h"
#include "feeds/live_clip.h"

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

pipelines::TestPatternConfig pattern_config(const SendOptions& options) {
  pipelines::TestPatternConfig pattern;
  pattern.name = options.join.name;
  pattern.seed = options.seed;
  pattern.source = static_cast<uint16_t>(options.seed);
  pattern.width = options.width;
  pattern.height = options.height;
  pattern.fps = options.fps;
  pattern.bitrate = options.bitrate;
  pattern.codec = options.codec;
  pattern.screen = options.feed.picture == "screen";
  if (pattern.screen && !options.feed.fps) pattern.fps = kScreenFps;
  return pattern;
}

FeedPart part_of(const SendOptions& options, std::vector<FeedItem> items, bool video, bool audio) {
  const FeedOptions& feed = options.feed;
  FeedPart part{.items = std::move(items), .wish = {.video = video, .audio = audio}};
  if (feed.codec) part.wish.codec = options.codec;
  if (feed.size) part.wish.width = options.width, part.wish.height = options.height;
  if (feed.fps) part.wish.fps = options.fps;
  if (feed.bitrate) part.wish.bitrate = options.bitrate;
  if (part.items.empty()) part.pattern = pattern_config(options);
  if (!part.endless()) part.loop.rounds = feed.rounds;
  if (!part.items.empty() && part.items.front().kind == FeedItem::Kind::kFile)
    part.loop.at_ns = std::chrono::nanoseconds(feed.at).count();
  return part;
}

Result<std::unique_ptr<ClipReader>> read_part(const FeedPart& part, const feeds::ClipCache& cache,
                                              const feeds::InputFile::Stop& stop,
                                              const feeds::FeedProgress& progress,
                                              std::vector<std::string>& notes) {
  if (part.standard_input()) {
    auto input = feeds::InputFile::from(Descriptor(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)),
                                        "standard input", stop);
    if (!input) return tl::unexpected(input.error());
    return feeds::LiveClip::create(std::move(*input), part.wish);
  }
  auto clips = feeds::prepare(part.items, part.wish, cache, progress);
  if (!clips) return tl::unexpected(clips.error());
  for (const auto& clip : *clips) {
    const std::string& name = clip.file->name();
    if (!clip.video_encoded.empty())
      notes.push_back(fmt::format("{}: its picture was encoded: {}", name, clip.video_encoded));
    if (!clip.audio_encoded.empty())
      notes.push_back(fmt::format("{}: its sound was encoded: {}", name, clip.audio_encoded));
  }
  return feeds::LoopedClip::create(std::move(*clips), part.loop);
}

}  // namespace

bool FeedPart::standard_input() const {
  return !items.empty() && items.front().kind == FeedItem::Kind::kFile && items.front().text == "-";
}

bool FeedPlan::reads() const {
  return std::any_of(parts.begin(), parts.end(),
                     [](const FeedPart& part) { return !part.items.empty(); });
}

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

  const auto add = [&](std::vector<FeedItem> items, bool video, bool audio) {
    plan.parts.push_back(part_of(options, std::move(items), video, audio));
  };
  if (files) {
    std::vector<FeedItem> items;
    for (const std::string& file : feed.files) items.push_back({FeedItem::Kind::kFile, file});
    add(std::move(items), picture.empty(), sound.empty());
  }
  const bool pattern_picture = picture == "pattern" || picture == "screen";
  if (pattern_picture || sound == "pattern") add({}, pattern_picture, sound == "pattern");
  if (picture == "black") add({{FeedItem::Kind::kBlack, ""}}, true, false);
  if (!sound.empty() && sound != "none" && sound != "pattern") {
    auto item = sound_item(sound);
    if (!item) return tl::unexpected(item.error());
    add({*item}, false, true);
  }
  plan.cache = feed.cache;
  plan.most_cached = feed.most_cached;
  return plan;
}

Result<ReadFeeds> read_feeds(const FeedPlan& plan, const feeds::InputFile::Stop& stop,
                             const feeds::FeedProgress& progress) {
  const feeds::ClipCache cache(plan.cache.empty() ? feeds::ClipCache::usual_folder() : plan.cache,
                               plan.most_cached);
  ReadFeeds read;
  for (const FeedPart& part : plan.parts) {
    if (part.items.empty()) continue;
    auto reader = read_part(part, cache, stop, progress, read.notes);
    if (!reader) return tl::unexpected(reader.error());
    read.readers.push_back(std::move(*reader));
  }
  return read;
}

Result<MadeSource> make_source(Loop& loop, const Log& log, const FeedPlan& plan, ReadFeeds feeds) {
  MadeSource made;
  std::vector<std::unique_ptr<pipelines::Source>> sources;
  size_t next = 0, ending = 0;
  for (const FeedPart& part : plan.parts) {
    if (!part.endless()) ++ending;
    if (part.items.empty()) {
      pipelines::TestPatternConfig config = part.pattern;
      config.video = part.wish.video;
      config.audio = part.wish.audio;
      auto pattern = pipelines::TestPattern::create(loop, log, config);
      if (!pattern) return tl::unexpected(pattern.error());
      made.pattern = pattern->get();
      sources.push_back(std::move(*pattern));
    } else {
      auto file = pipelines::FileSource::create(
          loop, log, std::move(feeds.readers.at(next++)), {.refresher = [log](const ClipStream& s) {
            return std::make_unique<feeds::GopRefresher>(log, s);
          }});
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
