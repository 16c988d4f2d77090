#include "bot/scenario_sending.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/clock.h"

namespace callbot::bot {
namespace {

using feeds::FeedItem;
using scenarios::Media;
using scenarios::Step;
using scenarios::StepKind;

// What names it in the picture, and numbers its marks.
struct Marks {
  std::string name;
  uint64_t seed;
  uint16_t source;
};

feeds::FeedWish wish_of(const scenarios::Video& video) {
  feeds::FeedWish wish{.audio = false};
  if (video.said.codec) wish.codec = video.codec;
  if (video.said.size) wish.width = video.width, wish.height = video.height;
  if (video.said.fps) wish.fps = video.fps;
  if (video.said.bitrate) wish.bitrate = static_cast<int>(video.bitrate);
  return wish;
}

std::vector<FeedItem> items_of(const std::vector<std::string>& files) {
  std::vector<FeedItem> items;
  items.reserve(files.size());
  for (const std::string& file : files) items.push_back({FeedItem::Kind::kFile, file});
  return items;
}

bool is_drawn(const scenarios::Video& video) {
  return video.source == "pattern" || video.source == "screen";
}

FeedPart pattern_part(const scenarios::Video& video, bool audio, const Marks& marks) {
  FeedPart part;
  part.wish.video = is_drawn(video);
  part.wish.audio = audio;
  part.pattern.name = marks.name;
  part.pattern.seed = marks.seed;
  part.pattern.source = marks.source;
  part.pattern.width = video.width;
  part.pattern.height = video.height;
  part.pattern.fps = video.fps;
  part.pattern.bitrate = static_cast<int>(video.bitrate);
  part.pattern.codec = video.codec;
  part.pattern.screen = video.source == "screen";
  return part;
}

FeedPlan plan_of(const Media& media, const Marks& marks) {
  const scenarios::Video& video = media.video;
  const scenarios::Audio& audio = media.audio;
  FeedPlan plan;
  const bool one_file = video.source == "file" && audio.source == "file" &&
                        video.files == audio.files && video.at == audio.at;
  if (video.source == "file") {
    FeedPart part{.items = items_of(video.files), .wish = wish_of(video)};
    part.wish.audio = one_file;
    part.loop.rounds = video.loop ? 0 : 1;
    part.loop.at_ns = std::llround(video.at * 1e9);
    plan.parts.push_back(std::move(part));
  }
  if (video.source == "black") {
    FeedPart part{.items = {{FeedItem::Kind::kBlack, ""}}, .wish = wish_of(video)};
    part.wish.audio = false;
    plan.parts.push_back(std::move(part));
  }
  if (is_drawn(video) || audio.source == "pattern")
    plan.parts.push_back(pattern_part(video, audio.source == "pattern", marks));
  const auto sound = [&](std::vector<FeedItem> items) {
    FeedPart part{.items = std::move(items), .wish = {.video = false}};
    part.loop.rounds = audio.loop ? 0 : 1;
    part.loop.at_ns = std::llround(audio.at * 1e9);
    plan.parts.push_back(std::move(part));
  };
  if (audio.source == "file" && !one_file) sound(items_of(audio.files));
  if (audio.source == "silence") sound({{FeedItem::Kind::kSilence, ""}});
  if (audio.source == "dtmf") sound({{FeedItem::Kind::kDtmf, audio.digits}});
  if (audio.source == "say") sound({{FeedItem::Kind::kSpeech, audio.words}});
  return plan;
}

// A marked screen where the step names no media.
Media screen_media(const scenarios::Scenario& scenario, const Step& step, const Media* camera) {
  Media screen;
  screen.video.source = "screen";
  screen.video.fps = 5;
  if (camera != nullptr) screen.video.codec = camera->video.codec;
  if (const Media* named = scenario.media_named(step.media)) screen = *named;
  screen.audio.source = "none";
  return screen;
}

// Files are in the first one's codec where nothing else is said.
std::string codec_of(const Step& step, const Media& media, const Media& first) {
  if (!step.codec.empty()) return step.codec;
  const bool any = media.video.source == "file" && !media.video.said.codec;
  return any ? first.video.codec : media.video.codec;
}

// All that its picture may be in. What a file is in that is sent as it is, nobody knows yet.
std::set<std::string> codecs_of(const scenarios::Scenario& scenario,
                                const scenarios::Actor& actor) {
  const Media* first = scenario.media_named(actor.send);
  if (first == nullptr || first->video.source == "none") return {};
  const bool any = first->video.source == "file" && !first->video.said.codec;
  std::set<std::string> codecs{any ? "as " + actor.role : first->video.codec};
  for (const Step& step : scenario.steps) {
    const Media* to = scenario.media_named(step.media);
    if (step.kind == StepKind::kSwitch)
      codecs.insert(codec_of(step, to == nullptr ? *first : *to, *first));
  }
  return codecs;
}

}  // namespace

const Step* shares_screen(const scenarios::Scenario& scenario, const scenarios::Instance& who) {
  for (const Step& step : scenario.steps) {
    if (step.kind == StepKind::kShareScreen &&
        scenarios::matches(step.who, who.actor->role, who.name))
      return &step;
  }
  return nullptr;
}

int video_lines(const scenarios::Scenario& scenario) {
  std::vector<std::set<std::string>> all;
  for (const scenarios::Actor& actor : scenario.actors) all.push_back(codecs_of(scenario, actor));
  size_t most = 1;
  for (const auto& own : all) {
    for (const auto& others : all) {
      const auto more = std::count_if(others.begin(), others.end(), [&](const std::string& codec) {
        return own.count(codec) == 0;
      });
      most = std::max(most, own.size() + static_cast<size_t>(more));
    }
  }
  // A page shares its screen in its camera's place.
  const auto actors = scenarios::instances(scenario);
  const bool screen = std::any_of(actors.begin(), actors.end(), [&](const auto& one) {
    return one.actor->browser.empty() && shares_screen(scenario, one) != nullptr;
  });
  return static_cast<int>(most) + (screen ? 1 : 0);
}

bool ActorFeeds::reads() const {
  return (screen && screen->plan.reads()) ||
         std::any_of(media.begin(), media.end(),
                     [](const Feed& feed) { return feed.plan.reads(); });
}

int ActorFeeds::screen_fps() const {
  if (!screen || screen->plan.parts.empty()) return 0;
  const FeedPart& part = screen->plan.parts.front();
  return part.items.empty() && part.wish.video ? part.pattern.fps : 0;
}

std::optional<ActorFeeds> feeds_of(const scenarios::Scenario& scenario,
                                   const scenarios::Instance& who, uint16_t number) {
  // A browser has devices of its own.
  if (!who.actor->browser.empty() || who.actor->elsewhere) return std::nullopt;
  const Media* first = scenario.media_named(who.actor->send);
  const Step* shares = shares_screen(scenario, who);
  ActorFeeds feeds;
  const auto add = [&](Media media, const std::string& codec) {
    const auto same = [&](const ActorFeeds::Feed& feed) {
      return feed.media == media.name && feed.codec == codec;
    };
    if (std::any_of(feeds.media.begin(), feeds.media.end(), same)) return;
    const Marks marks{who.shown, scenario.seed + number, number};
    const bool own = codec == codec_of({}, media, *first);
    media.video.said.codec = media.video.said.codec || media.video.codec != codec;
    media.video.codec = codec;
    feeds.media.push_back({media.name, codec, own, plan_of(media, marks), {}});
  };
  if (first != nullptr) add(*first, first->video.codec);
  const Media* now = first;
  for (const Step& step : scenario.steps) {
    if (step.kind != StepKind::kSwitch || first == nullptr) continue;
    if (!scenarios::matches(step.who, who.actor->role, who.name)) continue;
    if (const Media* other = scenario.media_named(step.media)) now = other;
    add(*now, codec_of(step, *now, *first));
    // What takes another's place has its codec.
    for (ActorFeeds::Feed& feed : feeds.media)
      for (FeedPart& part : feed.plan.parts)
        if (!part.wish.codec) part.wish.codec = feed.codec;
  }
  if (shares != nullptr) {
    const auto marks = static_cast<uint16_t>(number | kScreenMarks);
    feeds.screen = {
        "",
        "",
        true,
        plan_of(screen_media(scenario, *shares, first), {who.shown, scenario.seed + marks, marks}),
        {}};
  }
  std::erase_if(feeds.media, [](const auto& feed) { return feed.plan.parts.empty(); });
  if (feeds.media.empty() && !feeds.screen) return std::nullopt;
  return feeds;
}

Result<std::unique_ptr<ScenarioSending>> ScenarioSending::create(Loop& loop, const Log& log,
                                                                 ActorFeeds feeds) {
  std::unique_ptr<ScenarioSending> made(new ScenarioSending(loop, log));
  std::vector<std::unique_ptr<pipelines::Source>> sources;
  made->feeds_ = std::move(feeds.media);
  if (!made->feeds_.empty()) {
    made->current_ = {made->feeds_.front().media, made->feeds_.front().codec};
    auto first = made->make(made->current_);
    if (!first) return tl::unexpected(first.error());
    std::vector<pipelines::SourceStream> later;
    for (const ActorFeeds::Feed& feed : made->feeds_) {
      auto streams = made->streams_of(feed);
      if (!streams) return tl::unexpected(streams.error());
      later.insert(later.end(), streams->begin(), streams->end());
    }
    auto spliced = std::make_unique<pipelines::SplicedSource>(*(*first)->source.source, later);
    made->spliced_ = spliced.get();
    made->pattern_ = (*first)->source.pattern;
    made->looks_->begin((*first)->look);
    sources.push_back(std::move(spliced));
  }
  if (feeds.screen) {
    auto screen =
        make_source(loop, log.child("screen"), feeds.screen->plan, std::move(feeds.screen->read));
    if (!screen) return tl::unexpected(screen.error());
    made->drawn_ = screen->pattern;
    made->screen_ = sources.empty() ? 0 : sources.front()->streams().size();
    sources.push_back(std::move(screen->source));
  }
  const size_t all = sources.size();
  made->source_ = std::make_unique<pipelines::JoinedSource>(std::move(sources), all);
  if (made->screen_) {
    made->source_->set_content(*made->screen_, "slides");
    made->share_screen(false);
  }
  return made;
}

std::string ScenarioSending::own_codec(const std::string& media) const {
  const auto feed = std::find_if(feeds_.begin(), feeds_.end(),
                                 [&](const auto& f) { return f.media == media && f.own; });
  return feed == feeds_.end() ? "" : feed->codec;
}

// In codecs that the first one has not. A pattern is made when it is needed: its time begins with
// that of the first.
Result<std::vector<pipelines::SourceStream>> ScenarioSending::streams_of(
    const ActorFeeds::Feed& feed) {
  std::vector<pipelines::SourceStream> streams;
  if (feed.codec == feeds_.front().codec) return streams;
  if (feed.plan.reads()) {
    auto made = make({feed.media, feed.codec});
    if (!made) return tl::unexpected(made.error());
    streams = (*made)->source.source->streams();
  } else {
    auto source = make_source(loop_, log_, feed.plan, {});
    if (!source) return tl::unexpected(source.error());
    streams = source->source->streams();
  }
  std::erase_if(streams, [](const auto& stream) { return stream.kind != MediaKind::kVideo; });
  return streams;
}

// Once; later it is there, and its time has gone on.
Result<ScenarioSending::Made*> ScenarioSending::make(const Name& name) {
  if (const auto there = made_.find(name); there != made_.end()) return &there->second;
  const auto feed = std::find_if(feeds_.begin(), feeds_.end(), [&](const auto& f) {
    return f.media == name.first && f.codec == name.second;
  });
  if (feed == feeds_.end()) return fail(Code::kUsage, name.first + " has nothing to send");
  Made made;
  for (FeedPart& part : feed->plan.parts) {
    if (const int64_t began = began_ns(); began != 0) part.pattern.begin_ns = began;
    if (!part.items.empty() || !part.wish.video || part.pattern.screen) continue;
    const pipelines::TestPatternConfig& config = part.pattern;
    made.look.emplace();
    made.look->picture = {config.seed,  config.source, config.name,
                          config.width, config.height, config.fps};
    made.look->sound = part.wish.audio;
    made.fps = config.fps;
    if (first_fps_ == 0) first_fps_ = fps_ = made.fps;
    part.pattern.fps = first_fps_;
  }
  auto source = make_source(loop_, log_, feed->plan, std::move(feed->read));
  if (!source) return tl::unexpected(source.error());
  made.source = std::move(*source);
  for (const pipelines::PatternSwitch& rate : rates_) {
    if (made.fps == 0) break;
    if (auto switched = made.source.pattern->switch_to(rate); !switched)
      return tl::unexpected(switched.error());
  }
  return &(made_[name] = std::move(made));
}

// Where the codec alone is another one the sound goes on.
Result<> ScenarioSending::switch_media(const Name& name, Switched& switched) {
  if (spliced_ == nullptr) return fail(Code::kUsage, "it sends nothing that could be switched");
  auto made = make(name);
  if (!made) return tl::unexpected(made.error());
  MadeSource& to = (*made)->source;
  if (auto started = to.source->start(); !started) return started;
  const uint32_t next = frame_after(monotonic_ns());
  const bool same = name.first == current_.first;
  auto spliced = same ? spliced_->splice_pictures(*to.source) : spliced_->splice(*to.source);
  if (!spliced) return spliced;
  if (!same) look_ = {};
  current_ = name;
  pattern_ = to.pattern;
  looks_->change_media(next, (*made)->look);
  if (same || (*made)->fps == 0 || (*made)->fps == fps_) return {};
  return switch_rate((*made)->fps, switched);
}

// All of them, so that any can take another's place.
Result<> ScenarioSending::switch_rate(int fps, Switched& switched) {
  pipelines::PatternSwitch to;
  to.fps = fps;
  if (first_fps_ == 0) return fail(Code::kUsage, "there is no picture to switch");
  for (const auto& [name, made] : made_)
    if (made.fps > 0) to.at_frame = std::max(to.at_frame, made.source.pattern->next_switch(true));
  for (const auto& [name, made] : made_) {
    if (made.fps == 0) continue;
    if (auto done = made.source.pattern->switch_to(to); !done) return done;
  }
  rates_.push_back(to);
  fps_ = fps;
  switched.rate = {static_cast<uint32_t>(to.at_frame), fps};
  looks_->change_rate(static_cast<uint32_t>(to.at_frame), fps);
  return {};
}

// Of all patterns; 0: none has.
int64_t ScenarioSending::began_ns() const {
  for (const auto& [name, made] : made_)
    if (made.source.pattern != nullptr && made.source.pattern->begin_ns() != 0)
      return made.source.pattern->begin_ns();
  return 0;
}

// The first frame that is captured later.
uint32_t ScenarioSending::frame_after(int64_t at_ns) const {
  int64_t since_ns = began_ns();
  if (since_ns == 0 || at_ns < since_ns || first_fps_ == 0) return 0;
  uint64_t first = 0;
  int fps = first_fps_;
  for (const pipelines::PatternSwitch& rate : rates_) {
    const int64_t next_ns =
        since_ns +
        static_cast<int64_t>((rate.at_frame - first) * 1'000'000'000 / static_cast<uint64_t>(fps));
    if (at_ns < next_ns) break;
    since_ns = next_ns;
    first = rate.at_frame;
    fps = *rate.fps;
  }
  return static_cast<uint32_t>(first) + 1 +
         static_cast<uint32_t>(static_cast<double>(at_ns - since_ns) / 1e9 * fps);
}

void ScenarioSending::set_on(MediaKind kind, bool on) {
  for (size_t i = 0; i < source_->streams().size(); ++i) {
    if (i != screen_ && source_->streams()[i].kind == kind) source_->set_stream_on(i, on);
  }
}

bool ScenarioSending::sends(MediaKind kind) const {
  const auto found = made_.find(current_);
  if (found == made_.end()) return false;
  const auto& streams = found->second.source.source->streams();
  return std::any_of(streams.begin(), streams.end(),
                     [kind](const pipelines::SourceStream& s) { return s.kind == kind; });
}

void ScenarioSending::share_screen(bool on) {
  if (screen_) source_->set_stream_on(*screen_, on);
}

Result<ScenarioSending::Switched> ScenarioSending::switch_to(const Step& step) {
  Switched switched;
  const auto fail_with = [](Error error) { return tl::unexpected(std::move(error)); };
  Step look = step;
  if (!step.media.empty() || !step.codec.empty()) {
    Name to{step.media.empty() ? current_.first : step.media, step.codec};
    if (to.second.empty()) to.second = own_codec(to.first);
    if (auto done = switch_media(to, switched); !done) return fail_with(done.error());
    switched.text = "to " + (step.media.empty() ? step.codec : step.media);
    // In another codec it looks as it did.
    if (!look.width) look.width = look_.width, look.height = look_.height;
    if (!look.bitrate) look.bitrate = look_.bitrate;
  }
  if (step.fps) {
    if (pattern_ == nullptr) return fail(Code::kUsage, "it sends no pattern");
    if (auto done = switch_rate(*step.fps, switched); !done) return fail_with(done.error());
    switched.text = fmt::format("from frame {} on", switched.rate->first);
  }
  if (look.width || look.bitrate)
    if (auto done = switch_look(look, switched); !done) return fail_with(done.error());
  return switched;
}

// Size and bitrate.
Result<> ScenarioSending::switch_look(const Step& step, Switched& switched) {
  if (pattern_ == nullptr) return fail(Code::kUsage, "it sends no pattern");
  pipelines::PatternSwitch to{.width = step.width, .height = step.height};
  if (step.bitrate) to.bitrate = static_cast<int>(std::lround(*step.bitrate));
  to.at_frame = switched.rate ? switched.rate->first : pattern_->next_switch(false);
  if (auto done = pattern_->switch_to(to); !done) return done;
  switched.text = fmt::format("from frame {} on", to.at_frame);
  if (step.width) {
    look_.width = step.width;
    look_.height = step.height;
    looks_->change_size(static_cast<uint32_t>(to.at_frame), *step.width, *step.height);
  }
  if (step.bitrate) look_.bitrate = step.bitrate;
  return {};
}

namespace {

std::vector<pipelines::LiveStreamStats> encoders_of(const pipelines::TestPattern& pattern,
                                                    MediaKind kind) {
  const bool has =
      std::any_of(pattern.streams().begin(), pattern.streams().end(),
                  [&](const pipelines::SourceStream& stream) { return stream.kind == kind; });
  if (!has) return {};
  pipelines::TestPatternStats stats = pattern.stats();
  if (kind == MediaKind::kAudio) return {stats.audio};
  stats.renditions.insert(stats.renditions.begin(), stats.video);
  return std::move(stats.renditions);
}

}  // namespace

EncoderStats ScenarioSending::stats(MediaKind kind) const {
  EncoderStats all;
  for (const auto& [name, made] : made_) {
    if (made.source.pattern == nullptr) continue;
    auto encoders = encoders_of(*made.source.pattern, kind);
    if (!encoders.empty()) all[name.first + "/" + name.second] = std::move(encoders);
  }
  return all;
}

EncoderStats ScenarioSending::screen_stats() const {
  if (drawn_ == nullptr) return {};
  return {{"screen", encoders_of(*drawn_, MediaKind::kVideo)}};
}

std::string ScenarioSending::stream_name(size_t stream) const {
  if (stream == screen_) return "screen";
  return source_->streams().at(stream).kind == MediaKind::kAudio ? "microphone" : "camera";
}

}  // namespace callbot::bot
