#include "quality/watcher.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "base/clock.h"

namespace callbot::quality {
namespace {

constexpr int64_t kTick_ns = 1'000'000'000;
constexpr int64_t kAway_ns = 500'000'000;  // a stream that nothing came of for so long has stopped
constexpr std::array<const char*, 4> kLevels = {"none", "headers", "rotate", "all"};

Decode decode_of(Verify verify) {
  if (verify == Verify::kAll) return Decode::kAlways;
  return verify == Verify::kRotate ? Decode::kInTurn : Decode::kNever;
}

}  // namespace

std::optional<Verify> verify_level(std::string_view name) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<Verify>(found - kLevels.begin());
}

std::string stream_name(const TrackInfo& track) {
  return track.source.empty() ? name_of(track.kind) : track.source;
}

const char* name_of(Verify verify) { return kLevels[static_cast<size_t>(verify)]; }

struct Watch::State {
  explicit State(WatchConfig given) : config(std::move(given)), own(config.actor, "", "") {
    own.measure({"bot.overruns"});
  }

  struct Told {
    std::string member;
    MediaKind media;
    bool muted;
    int64_t at_ns;
  };

  // Constant.
  const WatchConfig config;
  SeriesSet own;
  PresenceLog presence;
  std::atomic<int64_t> most_behind_ns{0};  // written by the writer alone

  mutable std::mutex mutex;  // for what follows
  std::map<std::string, Member> members;
  std::vector<Told> told;
  std::map<std::string, int64_t> covered;                          // member -> until when
  std::map<std::pair<std::string, std::string>, int64_t> stopped;  // member and stream: when
  std::map<std::pair<std::string, std::string>, std::shared_ptr<SeriesSet>> sets;

  std::shared_ptr<SeriesSet> set_of(const std::string& from, const std::string& stream) {
    const std::lock_guard lock(mutex);
    auto& set = sets[{from, stream}];
    if (!set) set = std::make_shared<SeriesSet>(config.actor, from, stream);
    return set;
  }
  // Until when frames of this track were to be expected.
  int64_t due_until(const TrackInfo& track, int64_t now_ns) const {
    const std::lock_guard lock(mutex);
    int64_t until_ns = now_ns;
    for (const std::string& name : {track.participant, track.name, std::string()}) {
      for (const std::string& stream : {stream_name(track), std::string()}) {
        const auto found = stopped.find({name, stream});
        if (found != stopped.end()) until_ns = std::min(until_ns, found->second);
      }
    }
    return until_ns;
  }
  int64_t covered_until(const TrackInfo& track) const {
    const std::lock_guard lock(mutex);
    const auto found = covered.find(track.participant);
    return found == covered.end() || track.source == "screen" ? 0 : found->second;
  }
  Member member(const TrackInfo& track) const {
    const std::lock_guard lock(mutex);
    for (const std::string& name : {track.participant, track.name}) {
      const auto found = members.find(name);
      if (found != members.end()) return found->second;
    }
    return {};
  }
};

Watch::Watch(WatchConfig config) : state_(std::make_shared<State>(std::move(config))) {}
Watch::~Watch() = default;

void Watch::expect(const std::string& member, Member facts) {
  const std::lock_guard lock(state_->mutex);
  state_->members[member] = std::move(facts);
}

void Watch::muted(const std::string& member, MediaKind media, bool muted, int64_t at_ns) {
  const std::lock_guard lock(state_->mutex);
  state_->told.push_back({member, media, muted, at_ns});
}

void Watch::covered(const std::string& member, int64_t until_ns) {
  const std::lock_guard lock(state_->mutex);
  state_->covered[member] = until_ns;
}

void Watch::stopped(const std::string& member, const std::string& stream, int64_t at_ns) {
  const std::lock_guard lock(state_->mutex);
  state_->stopped[{member, stream}] = at_ns;
}

void Watch::begins_again(const std::string& member, const std::string& stream) {
  const std::lock_guard lock(state_->mutex);
  std::erase_if(state_->stopped, [&](const auto& one) {
    return one.first.first == member && (stream.empty() || one.first.second == stream);
  });
}

std::vector<Series> Watch::snapshot() const {
  std::vector<Series> all = state_->own.snapshot();
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, set] : state_->sets) {
    for (Series& series : set->snapshot()) all.push_back(std::move(series));
  }
  return all;
}

std::vector<Series> Watch::take() {
  std::vector<Series> all = state_->own.take();
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, set] : state_->sets) {
    for (Series& series : set->take()) all.push_back(std::move(series));
  }
  return all;
}

const PresenceLog& Watch::senses() const { return state_->presence; }
std::vector<PresenceSpan> Watch::presence() const { return state_->presence.spans(); }
std::vector<PresenceSpan> Watch::looks() const { return state_->presence.looks(); }
int64_t Watch::most_behind_ns() const { return state_->most_behind_ns; }
std::vector<FirstDecoded> Watch::decoded() const { return state_->presence.decoded(); }

namespace {

// One who sends: its tracks have their turn together, and one skew.
struct Person {
  Rotation::Member turn = 0;
  std::unique_ptr<SkewMeter> skew;
  int pictures = 0, tracks = 0;
  bool had_turn = false;
  // When the newest frame of a stream came, whichever track it came in.
  std::map<std::pair<MediaKind, std::string>, int64_t> newest_ns;
};

struct Track {
  TrackInfo info;
  std::shared_ptr<SeriesSet> out;
  Person* person = nullptr;
  std::unique_ptr<PictureMeter> picture;
  std::unique_ptr<SoundMeter> sound;
  bool looks = false;   // in its turn
  int64_t last_ns = 0;  // its newest frame came

  bool is_of(const Track& other) const {
    return person == other.person && info.kind == other.info.kind &&
           info.source == other.info.source;
  }
  bool is_screen() const { return info.source == "screen"; }
  bool decodes() const { return picture ? picture->decodes() : sound && sound->decodes(); }
  bool has_decoded() const { return picture ? picture->has_decoded() : sound->has_decoded(); }
};

class Watcher final : public FrameWriter {
 public:
  explicit Watcher(std::shared_ptr<Watch::State> state) : state_(std::move(state)) {}

  Result<> begin_track(const TrackInfo& info) override {
    if (config().verify == Verify::kNone) return {};
    Person& person = people_[info.participant];
    if (person.tracks++ == 0 && rotates()) {
      person.turn = config().rotation->enroll(config().window_ns);
      person.had_turn = false;
    }
    if (info.kind == MediaKind::kVideo) ++person.pictures;
    tracks_[info.id] = {info, state_->set_of(info.participant, stream_name(info)), &person};
    return {};
  }

  Result<> write(TrackId id, const Frame& frame) override {
    const auto found = tracks_.find(id);
    if (found == tracks_.end()) return {};
    Track& track = found->second;
    const int64_t behind_ns = monotonic_ns() - frame.last_arrival_ns;
    if (behind_ns > state_->most_behind_ns) state_->most_behind_ns = behind_ns;
    hear_what_is_told();
    come_back(track, frame.last_arrival_ns);
    if (!track.picture && !track.sound) open(track);
    const bool turn = is_turn(track, frame.last_arrival_ns);
    const bool decode = turn || (config().verify == Verify::kRotate && !track.has_decoded());
    if (track.sound) track.sound->frame(frame, decode);
    if (track.picture) {
      track.picture->cover(state_->covered_until(track.info));
      track.picture->frame(frame, decode);
    }
    if (config().verify != Verify::kRotate) return {};
    if (turn && frame.key && (track.picture || track.person->pictures == 0))
      config().rotation->begun(track.person->turn, frame.last_arrival_ns);
    if (turn && !track.looks && track.decodes()) {
      track.looks = true;
      state_->presence.looked(track.info, frame.last_arrival_ns);
    }
    return {};
  }

  void overflow(TrackId, uint64_t dropped) override {
    state_->own.event("bot.overruns", monotonic_ns(), static_cast<double>(dropped));
  }

  Result<> end_track(TrackId id) override {
    const auto found = tracks_.find(id);
    if (found == tracks_.end()) return {};
    Track& track = found->second;
    const int64_t now = monotonic_ns();
    const int64_t until =
        is_replaced(track, track.last_ns) ? track.last_ns : state_->due_until(track.info, now);
    if (track.sound) track.sound->finish(until);
    if (track.picture) track.picture->finish(until);
    track.out->tick(now);
    Person& person = *track.person;
    if (track.info.kind == MediaKind::kVideo) --person.pictures;
    if (--person.tracks == 0 && rotates()) config().rotation->leave(person.turn);
    tracks_.erase(found);
    return {};
  }

  Result<> beat() override {
    const int64_t now = monotonic_ns();
    hear_what_is_told();
    for (auto& [id, track] : tracks_) {
      if (track.picture) track.picture->tick(now);
      track.looks = track.looks && config().rotation->is_turn(track.person->turn, now);
      if (track.looks) state_->presence.looked(track.info, now);
    }
    if (now - ticked_ns_ < kTick_ns) return {};
    ticked_ns_ = now;
    state_->own.tick(now);
    for (auto& [id, track] : tracks_) track.out->tick(now);
    return {};
  }

  Result<> finish() override {
    while (!tracks_.empty()) (void)end_track(tracks_.begin()->first);
    state_->own.tick(monotonic_ns());
    return {};
  }

 private:
  const WatchConfig& config() const { return state_->config; }
  bool rotates() const {
    return config().verify == Verify::kRotate && config().rotation != nullptr;
  }

  // A stream that comes in another codec comes as another track; what it misses meanwhile is no
  // fault of the one before, should it come back.
  void come_back(Track& track, int64_t now_ns) {
    const int64_t before_ns = std::exchange(track.last_ns, now_ns);
    const bool replaced = is_replaced(track, before_ns);
    int64_t& newest_ns = track.person->newest_ns[{track.info.kind, track.info.source}];
    newest_ns = std::max(newest_ns, now_ns);
    if (track.picture && now_ns - before_ns >= kAway_ns && replaced) track.picture.reset();
  }
  static bool is_replaced(const Track& track, int64_t since_ns) {
    if (track.info.participant.empty()) return false;  // of whoever it is
    const auto found = track.person->newest_ns.find({track.info.kind, track.info.source});
    return found != track.person->newest_ns.end() && found->second > since_ns;
  }

  void expect_skew(Track& track, const Sender& sender) {
    SeriesSet& out = *state_->set_of(track.info.participant, "");
    out.expect({"av.skew"}, sender.round > 0
                                ? "no chirp was found with the frame it belongs to, or its page "
                                  "did not tell when it sent them"
                                : "no chirp was found with the frame it belongs to");
    out.expect({"av.drift"}, "fewer than ten chirps were found with their frames");
    track.person->skew = std::make_unique<SkewMeter>(out, sender.fps);
  }

  void open(Track& track) {
    const Member member = state_->member(track.info);
    Person& person = *track.person;
    if (!person.skew && config().verify != Verify::kHeaders) expect_skew(track, member.sender);
    const bool screen = track.is_screen();
    const Sender& sender = screen && member.screen ? *member.screen : member.sender;
    const bool first = std::none_of(tracks_.begin(), tracks_.end(), [&](const auto& one) {
      return &one.second != &track && one.second.is_of(track) && one.second.last_ns != 0;
    });
    const int64_t joined_ns =
        config().joined_ns == 0 || !first ? 0 : std::max(config().joined_ns, member.joined_ns);
    if (track.info.kind == MediaKind::kVideo) {
      const auto& queue = config().vmaf;
      std::function<void(VmafPictures, int64_t)> vmaf;
      if (queue)
        vmaf = [queue = *queue, out = track.out](VmafPictures pictures, int64_t at_ns) {
          queue->add(std::move(pictures), at_ns, out);
        };
      track.picture = std::make_unique<PictureMeter>(
          track.info, *track.out,
          PictureMeterConfig{.decode = decode_of(config().verify),
                             .latency_ns = config().latency_ns,
                             .joined_ns = joined_ns,
                             .mute_grace_ns = config().mute_grace_ns,
                             .sender = sender,
                             .log = config().log.get(),
                             .skew = screen ? nullptr : person.skew.get(),
                             .presence = &state_->presence,
                             .painting = screen ? std::nullopt : member.painting,
                             .vmaf = std::move(vmaf),
                             .no_vmaf = queue ? std::string() : queue.error().message,
                             .bare = screen && member.bare_screen});
    } else {
      track.sound = std::make_unique<SoundMeter>(
          track.info, *track.out,
          SoundMeterConfig{.decode = decode_of(config().verify),
                           .latency_ns = config().latency_ns,
                           .joined_ns = joined_ns,
                           .mute_grace_ns = config().mute_grace_ns,
                           .sender = sender,
                           .log = config().log.get(),
                           .skew = screen ? nullptr : person.skew.get(),
                           .presence = &state_->presence,
                           .sent = config().sent});
    }
    if (screen) return;  // whose camera is off may share it
    for (const std::string& name : {track.info.participant, track.info.name}) {
      const auto told = told_.find({name, track.info.kind});
      if (told != told_.end()) return mute(track, told->second);
    }
  }

  bool is_turn(Track& track, int64_t now_ns) {
    if (!rotates()) return config().verify == Verify::kAll;
    Person& person = *track.person;
    const bool turn = config().rotation->is_turn(person.turn, now_ns);
    if (turn && !person.had_turn && config().needs_key_frame) {
      for (const auto& [id, other] : tracks_) {
        if (other.person == &person && other.info.kind == MediaKind::kVideo)
          config().needs_key_frame(id);
      }
    }
    person.had_turn = turn;
    return turn;
  }

  static void mute(Track& track, const Watch::State::Told& told) {
    if (track.picture) track.picture->mute(told.muted, told.at_ns);
    if (track.sound) track.sound->mute(told.muted, told.at_ns);
  }

  void hear_what_is_told() {
    std::vector<Watch::State::Told> told;
    {
      const std::lock_guard lock(state_->mutex);
      told.swap(state_->told);
    }
    for (const auto& t : told) {
      // Of somebody without tracks so far it is remembered.
      told_.insert_or_assign({t.member, t.media}, t);
      for (auto& [id, track] : tracks_) {
        const bool is = track.info.participant == t.member || track.info.name == t.member;
        if (is && track.info.kind == t.media && !track.is_screen()) mute(track, t);
      }
    }
  }

  std::shared_ptr<Watch::State> state_;
  std::map<std::string, Person> people_;  // by participant
  std::map<TrackId, Track> tracks_;
  std::map<std::pair<std::string, MediaKind>, Watch::State::Told> told_;  // the latest
  int64_t ticked_ns_ = 0;
};

}  // namespace

std::unique_ptr<FrameWriter> make_watcher(const Watch& watch) {
  return std::make_unique<Watcher>(watch.state());
}

}  // namespace callbot::quality
