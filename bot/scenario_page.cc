#include "bot/scenario_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "bot/pattern.h"
#include "bot/scenario_page_limits.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;
using MemberState = signaling::Member::State;

constexpr auto kGlanceEvery = 200ms;
constexpr auto kPictureEvery = 5s;  // of the page, where they are kept: our choice
constexpr int kFileSeconds = 10;    // of a round: our choice
constexpr int kMjpegFps = 30;       // Chromium plays every MJPEG file so
// How much later than its camera made a frame the page reads it from its track, about: our choice
// of what may be said of delays from there on.
constexpr int64_t kReadWithin_ns = 5'000'000;
constexpr int64_t kFoundWithin_ns = 200'000'000;  // a chirp, from its beginning
constexpr double kSecond = 1e9;                   // ns

MemberState state_of(const Json& says) {
  const auto text = says.text();
  if (text == "on") return MemberState::kOn;
  return text == "off" ? MemberState::kOff : MemberState::kUnknown;
}

fs::path camera_file(const fs::path& folder, const scenarios::Video& video) {
  if (video.source == "file") return fs::absolute(video.files[0]);
  return folder / (video.fps == kMjpegFps ? "camera.mjpeg" : "camera.y4m");
}

fs::path microphone_file(const fs::path& folder, const scenarios::Audio& audio) {
  return audio.source == "file" ? fs::absolute(audio.files[0]) : folder / "microphone.wav";
}

}  // namespace

ScenarioPage::ScenarioPage(Loop& loop, const scenarios::Scenario& scenario, scenarios::Instance who,
                           std::string url, uint16_t number, ScenarioMeasuring& measuring,
                           Hears hears)
    : ScenarioActor(loop, scenario, std::move(who), std::move(url), number, measuring,
                    std::move(hears)),
      network_(scenario_, who_, scenario_.seed + number_),
      audio_(has(MediaKind::kAudio)),
      video_(has(MediaKind::kVideo)),
      listener_(who_.name, measuring_.all.get()) {
  if (hears_.media) kept_ = hears_.media(who_);
  samples_.measure("call.reconnects");
  listener_.on_stranger = [this](const std::string& shown, int64_t at_ns) {
    presence_.strange(track_of({shown, "microphone"}, MediaKind::kAudio), at_ns);
  };
  if (is_marked(MediaKind::kAudio) || is_marked(MediaKind::kVideo))
    write_files();
  else
    files_ = Result<>();
}

bool ScenarioPage::has(MediaKind kind) const {
  if (media_ == nullptr) return false;
  return (kind == MediaKind::kAudio ? media_->audio.source : media_->video.source) != "none";
}

bool ScenarioPage::is_marked(MediaKind kind) const {
  if (media_ == nullptr) return false;
  return (kind == MediaKind::kAudio ? media_->audio.source : media_->video.source) == "pattern";
}

ScenarioPage::~ScenarioPage() {
  writer_.reset();
  page_.reset();
  leaving_.clear();
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

KnownSender ScenarioPage::known() const {
  return {.media = media_,
          .shown = who_.shown,
          .number = number_,
          .seed = scenario_.seed + number_,
          .joined_ns = join_ns_,
          .round = kFileSeconds * (is_marked(MediaKind::kVideo) ? media_->video.fps : 1),
          .bare_screen = true};
}

// --- what its steps are

void ScenarioPage::join() {
  error_.reset();
  id_.clear();
  members_.clear();
  received_.clear();
  decoded_.clear();
  shown_.clear();
  selected_.clear();
  files_done_.clear();
  chats_ = 0;
  glanced_ = false;
  if (std::exchange(screen_, false)) tell_of_screen(false);
  ++stay_;
  join_ns_ = monotonic_ns();
  state_ = State::kJoining;
  verified_.clear();
  link_.reset();
  if (network_.network()) link_ = std::make_unique<network::Link>(*network_.network());
  network_.called();
  for (ScenarioActor* other : hears_.others()) other->meet(*this);
  if (files_ && !*files_) return ended(files_->error());
  if (is_prepared()) open();
}

void ScenarioPage::write_files() {
  const auto folder = make_unique_folder(fs::temp_directory_path() / "callbot-page");
  if (!folder) {
    files_ = tl::unexpected(folder.error());
    return;
  }
  folder_ = *folder;
  writer_ = std::make_unique<Worker>(loop_, 1);
  PatternOptions options;
  if (is_marked(MediaKind::kVideo)) options.to = camera_file(folder_, media_->video);
  if (is_marked(MediaKind::kAudio)) options.audio = microphone_file(folder_, media_->audio);
  options.name = who_.shown;
  options.width = media_->video.width;
  options.height = media_->video.height;
  options.fps = media_->video.fps;
  options.seconds = kFileSeconds;
  options.seed = scenario_.seed + number_;
  options.source = number_;
  writer_->run<bool>(
      [options]() -> Result<bool> {
        if (auto written = write_pattern(options, {}); !written)
          return tl::unexpected(written.error());
        return true;
      },
      [this](Result<bool> how) {
        files_ = how ? Result<>() : tl::unexpected(how.error());
        if (state_ != State::kJoining) return;
        if (!*files_) return ended(files_->error());
        open();
      });
}

PageActorConfig ScenarioPage::page_config() const {
  const scenarios::Room& room = *scenario_.room(who_.actor->room);
  const PagePlace place = *page_place_of(url_);
  PageActorConfig config;
  config.browser.kind =
      who_.actor->browser == "firefox" ? browsers::Kind::kFirefox : browsers::Kind::kChromium;
  config.browser.insecure = room.insecure;
  config.browser.devices = sends();
  config.page = place.page;
  config.room = place.room;
  config.name = who_.shown;
  config.token = who_.actor->token.empty() ? room.token : who_.actor->token;
  config.audio = has(MediaKind::kAudio);
  config.video = has(MediaKind::kVideo);
  if (config.audio) config.browser.microphone = microphone_file(folder_, media_->audio);
  if (!config.video) return config;
  config.browser.camera = camera_file(folder_, media_->video);
  config.codec = media_->video.codec;
  config.width = media_->video.width;
  config.height = media_->video.height;
  return config;
}

PageActorEvents ScenarioPage::page_events() {
  const auto of_this_stay = [this, stay = stay_] { return stay == stay_ && page_ != nullptr; };
  PageActorEvents events;
  events.gone = [this, of_this_stay](const Error& error) {
    if (of_this_stay()) ended(error);
  };
  events.opens = [this] {
    join_ns_ = monotonic_ns();  // a person's browser runs already
    for (ScenarioActor* other : hears_.others()) other->meet(*this);
  };
  events.looked = [this](const browsers::PageMarks& marks) { looked(marks); };
  events.sends = [this](const browsers::LocalFrame& frame) {
    measuring_.pages->add(frame.mark->source, frame.mark->counter, frame.at_ns);
  };
  events.captured_at = [this](const VideoMark& mark, int64_t) {
    return measuring_.all->captured(mark.source, mark.counter);
  };
  return events;
}

void ScenarioPage::open() {
  if (is_marked(MediaKind::kVideo))
    measuring_.pages->begin(number_, static_cast<uint32_t>(known().round), kReadWithin_ns);
  page_ = std::make_unique<PageActor>(loop_, log_, page_config(), page_events());
  for (const ScenarioActor* other : hears_.others()) meet(*other);
  page_->start([this, stay = stay_](Result<> how) {
    if (stay != stay_ || state_ != State::kJoining) return;
    if (!how) return ended(how.error());
    entered();
  });
}

void ScenarioPage::entered() {
  state_ = State::kInside;
  if (link_) link_->begin_schedule();
  inside_.push_back({monotonic_ns(), 0});
  if (const auto in = page_->let_in()) samples_.add("join.signaling", "", "", *in);
  glances_.every(kGlanceEvery, [this] { glance(); });
  if (kept_) pictures_.every(kPictureEvery, [this] { take_picture(); });
  glance();
}

void ScenarioPage::leave() {
  if (state_ == State::kOut || state_ == State::kLeaving) return;
  judge_network();
  if (state_ == State::kJoining) return let_go();
  state_ = State::kLeaving;
  tell_of_stop("");
  page_->leave([this, stay = stay_](const Result<>&) {
    if (stay == stay_ && state_ == State::kLeaving) let_go();
  });
}

void ScenarioPage::crash() {
  judge_network();
  crashed_ = true;
  tell_of_stop("");
  if (page_) page_->crash();
  let_go();
}

ScenarioNetwork::Line ScenarioPage::line() const {
  if (state_ != State::kJoining && state_ != State::kInside) return {};
  return {link_.get(), [this] { return network_verified(); }};
}

// What was not proved once stays so.
void ScenarioPage::used_line(const ScenarioActor& by, const Result<>& verified) {
  Result<>& known = verified_.try_emplace(by.who().shown, verified).first->second;
  if (known) known = verified;
}

// Of all with whom it was connected, and of those with whom it is as it is now.
Result<> ScenarioPage::network_verified() const {
  const auto failure = [&](const std::string& shown, const Result<>& how) {
    return tl::unexpected(Error(how.error()).in(name_of(shown)));
  };
  for (const auto& [shown, how] : verified_)
    if (!how) return failure(shown, how);
  for (const ScenarioActor* other : hears_.others())
    if (const auto now = other->uses_line_of(*this); now && !*now)
      return failure(other->who().shown, *now);
  for (const auto& [id, one] : members_)
    if (one.connected && hears_.other(one.member.name) == nullptr)
      return fail(Code::kUnmeasured, one.member.name + " is nobody of the scenario: what it " +
                                         "exchanges with him goes its own way");
  if (verified_.empty()) return fail(Code::kUnmeasured, "nobody was connected");
  return {};
}

void ScenarioPage::change_network(const ScenarioNetwork::Change& change) {
  network_changes();
  network_.change(change, line());
}

void ScenarioPage::send(MediaKind kind, bool on) {
  bool& now = kind == MediaKind::kAudio ? audio_ : video_;
  if (!has(kind) || state_ != State::kInside || now == on) return;
  now = on;
  // Others hear of it while nothing comes.
  if (on) tell_of_mute(kind, false, monotonic_ns());
  // Chromium sends a black picture of a camera that goes.
  const bool blackens = kind == MediaKind::kVideo && !on;
  if (blackens) tell_of_screen(true);
  const auto done = [this, kind, on, blackens, stay = stay_](const Result<>& how) {
    if (stay != stay_) return;
    if (!how) tell("trouble", "", how.error().message);
    if (how && !on) tell_of_mute(kind, true, monotonic_ns());
    if (blackens && !screen_) tell_of_screen(false);
  };
  if (kind == MediaKind::kAudio)
    page_->mute(!on, done);
  else
    page_->camera(on, done);
}

// Others hear of it while the camera still comes.
void ScenarioPage::share_screen(bool on) {
  if (state_ != State::kInside || screen_ == on) return;
  screen_ = on;
  sharing_ = {.done = false, .missing = "the page is at it"};
  if (on) tell_of_screen(true);
  page_->screen(on, [this, on, stay = stay_](const Result<>& how) {
    if (stay != stay_) return;
    sharing_.done = how.has_value();
    if (!how) {
      sharing_.failure = how.error();
      screen_ = !on;
    }
    if (!screen_) tell_of_screen(false);
  });
}

void ScenarioPage::tell_of_screen(bool shares) {
  for (ScenarioActor* other : hears_.others()) other->hear_of_screen(*this, shares, monotonic_ns());
}

PostState ScenarioPage::sharing() const {
  if (!sharing_.done) return sharing_;
  for (const ScenarioActor* other : hears_.others()) {
    const signaling::Member* told = other->member(who_.shown);
    if (told != nullptr && (told->video_source == "screen") != screen_)
      return {.done = false, .missing = other->who().name + " was not told so"};
  }
  return {};
}

// The page hands it to every data channel that is open: it waits until all are.
Result<> ScenarioPage::post(const scenarios::Step& step, const std::vector<ScenarioActor*>& to) {
  const bool message = step.kind == scenarios::StepKind::kMessage;
  const auto there = [](const ScenarioActor* other) { return other->state() == State::kInside; };
  if (state_ != State::kInside || std::none_of(to.begin(), to.end(), there))
    return fail(Code::kConnect, "nobody is there who could get it");
  posted_.insert(message ? "message" : "file");
  post_ = {.done = false, .missing = "the page is at it"};
  const auto done = [this, stay = stay_](const Result<>& how) {
    if (stay != stay_) return;
    post_.done = how.has_value();
    if (!how) post_.failure = how.error();
  };
  const auto hand_over = [this, message, done, text = step.text, path = fs::path(step.path),
                          stay = stay_](const Result<>& open) {
    if (!open || stay != stay_ || !page_) return done(open);
    if (message)
      page_->chat(text, done);
    else
      page_->send_file(fs::absolute(path), done);
  };
  page_->wait("s.members.every((m) => m.channel)",
              std::chrono::milliseconds(std::llround(step.timeout * 1000)), hand_over);
  return {};
}

// --- its end

// It did not get in, or is out without a step of its own.
void ScenarioPage::ended(const Error& error) {
  const State was = state_;
  error_ = error;
  judge_network();
  let_go();
  if (was == State::kInside) tell("interrupted", "", error.message);
}

// A page that is at something else shows nothing for a while.
void ScenarioPage::take_picture() {
  if (!page_) return;
  const int64_t at_ns = monotonic_ns();
  page_->screenshot([this, at_ns, stay = stay_](const Result<std::string>& jpeg) {
    if (stay == stay_ && jpeg && !jpeg->empty()) kept_->picture(at_ns, *jpeg);
  });
}

void ScenarioPage::let_go() {
  glances_.stop();
  pictures_.stop();
  gone();
  members_.clear();
  received_.clear();
  if (!page_) return;
  leaving_.push_back(std::move(page_));
  PageActor* page = leaving_.back().get();
  page->close([this, page] {
    listener_.finish();
    absorb(*page);
    loop_.post(alive_.guard(
        [this, page] { std::erase_if(leaving_, [&](const auto& p) { return p.get() == page; }); }));
  });
}

// --- what it measures

void ScenarioPage::sample(int64_t now_ns) {
  if (page_) absorb(*page_);
  look_at_recoveries(now_ns);
}

void ScenarioPage::absorb(PageActor& page) {
  if (who_.actor->verify == scenarios::Verify::kNone) return;
  std::vector<Series> all = page.take();
  for (Series& series : all) series.from = series.from == who_.shown ? "" : name_of(series.from);
  note_pairs(page.pairs());
  if (!decodes())
    std::erase_if(all, [](const Series& series) {
      return find_metric(series.metric)->source == MetricSource::kMark;
    });
  samples_.absorb(all);
  all = listener_.take();
  for (Series& series : all) series.from = name_of(series.from);
  samples_.absorb(all);
}

void ScenarioPage::note_pairs(const std::vector<browsers::UsedPair>& pairs) {
  for (const browsers::UsedPair& pair : pairs) {
    std::string& before = selected_[pair.member];
    const std::string now = pair.local + " -> " + pair.remote;
    if (now == before) continue;
    pairs_.push_back({monotonic_ns(), who_.name, name_of(pair.member), pair.local, pair.remote,
                      before.empty() ? "first" : "changed"});
    before = now;
  }
}

TrackInfo ScenarioPage::track_of(const browsers::StreamKey& key, MediaKind kind) {
  TrackInfo track;
  track.kind = kind;
  track.participant = track.name = name_of(key.from);
  track.source = key.stream;
  const auto [found, fresh] = tracks_.try_emplace(key, tracks_.size() + 1);
  track.id = found->second;
  return track;
}

void ScenarioPage::first_of(const TrackInfo& track, int64_t at_ns) {
  if (!decodes() || !decoded_.insert(track.id).second) return;
  presence_.decoded(track, at_ns);
}

// What it sends, as its own track has it.
void ScenarioPage::spoke(const browsers::HeardSound& sound) {
  const double uncertainty_s = sound.piece_s + (page_ ? page_->uncertainty_s() : 0);
  for (const EarChirp& chirp : microphone_.push(sound))
    measuring_.pages->chirp(number_, chirp.up,
                            {chirp.at_ns, std::llround(uncertainty_s * kSecond)});
  measuring_.pages->told_until(number_, microphone_.heard_until_ns() - kFoundWithin_ns);
}

void ScenarioPage::looked(const browsers::PageMarks& marks) {
  for (const browsers::HeardSound& sound : marks.heard)
    if (sound.local && is_marked(MediaKind::kAudio)) spoke(sound);
  if (!decodes()) return;
  for (const browsers::ShownFrame& frame : marks.shown) {
    const TrackInfo track = track_of(frame.key, MediaKind::kVideo);
    if (frame.mark) presence_.seen(track, frame.mark->source, frame.display_ns);
    look_at_join(frame);
    listener_.shown(frame.key.from, frame);
  }
  for (const browsers::HeardSound& sound : marks.heard)
    if (!sound.local && !sound.member.empty())
      listener_.heard(sound.member, sound, page_ ? page_->uncertainty_s() : 0);
}

// Who came later joined for both.
void ScenarioPage::look_at_join(const browsers::ShownFrame& frame) {
  const ScenarioActor* other = hears_.other(frame.key.from);
  if (other == nullptr || frame.key.stream == "screen") return;
  const int64_t began_ns = std::max(join_ns_, other->join_ns());
  if (frame.display_ns < began_ns || !shown_.insert({frame.key, began_ns}).second) return;
  const auto say = [&](const char* metric, int64_t at_ns) {
    samples_.add(metric, name_of(frame.key.from), frame.key.stream,
                 {at_ns, static_cast<double>(at_ns - began_ns) / 1e9});
  };
  say("join.first_frame", frame.display_ns);
  if (frame.first_ns && *frame.first_ns >= began_ns) say("join.first_key_frame", *frame.first_ns);
}

// --- what it is told

// It comes, or this page does: what it did before that holds no more.
void ScenarioPage::meet(const ScenarioActor& other) {
  const std::string& shown = other.who().shown;
  const KnownSender known = other.known();
  const auto off = [&](MediaKind kind) { return other.has_begun() && !other.on(kind); };
  listener_.expect(shown, member_of(known).sender);
  listener_.stopped(shown, false);
  listener_.muted(shown, off(MediaKind::kAudio), monotonic_ns());
  if (!page_) return;
  if (known.media != nullptr && known.media->video.source == "pattern")
    page_->expect(shown, known.number);
  page_->muted(shown, off(MediaKind::kVideo) || other.covers_camera(), monotonic_ns());
}

void ScenarioPage::hear_of_mute(const ScenarioActor& other, MediaKind kind, bool muted,
                                int64_t at_ns) {
  if (!page_) return;
  if (kind == MediaKind::kVideo)
    page_->muted(other.who().shown, muted, at_ns);
  else
    listener_.muted(other.who().shown, muted, at_ns);
}

void ScenarioPage::hear_of_stop(const ScenarioActor& other, const std::string& stream, bool stops) {
  if (stream != "camera" && stream != "screen") listener_.stopped(other.who().shown, stops);
}

void ScenarioPage::glance() {
  if (glancing_ || !page_ || state_ != State::kInside) return;
  glancing_ = true;
  page_->glance([this, stay = stay_](const Result<PageActor::Glance>& glance) {
    glancing_ = false;
    if (glance && stay == stay_ && state_ == State::kInside) took(*glance);
  });
}

void ScenarioPage::took(const PageActor::Glance& glance) {
  const Json& state = glance.state;
  const std::string phase = state.at("phase").text().value_or("");
  if (phase == "lobby" || phase == "ended")
    return ended({Code::kConnect,
                  "the call ended: " + state.at("lastEnd").at("message").text().value_or("?")});
  id_ = state.at("id").text().value_or("");
  took_members(state.at("members"), glanced_);
  took_messages(state, glanced_);
  took_streams(glance.received);
  glanced_ = true;
}

void ScenarioPage::took_members(const Json& members, bool news) {
  std::map<std::string, Seen> now;
  for (size_t i = 0; i < members.size(); ++i) {
    const Json row = members.at(i);
    Seen seen;
    seen.member.id = row.at("id").text().value_or("");
    seen.member.name = row.at("name").text().value_or("");
    seen.member.recorder = row.at("recorder").boolean().value_or(false);
    seen.member.audio = state_of(row.at("audio"));
    seen.member.video = state_of(row.at("video"));
    seen.member.video_source = row.at("videoSource").text().value_or("");
    seen.connected = row.at("connection").text() == "connected";
    seen.generation = row.at("generation").whole().value_or(0);
    now[seen.member.id] = std::move(seen);
  }
  const auto before = std::exchange(members_, std::move(now));
  for (const auto& [id, seen] : before)
    if (members_.count(id) == 0) tell("left", seen.member.name, "is gone");
  for (const auto& [id, seen] : members_) {
    const auto found = before.find(id);
    took_member(found == before.end() ? nullptr : &found->second, seen, news);
  }
}

void ScenarioPage::took_member(const Seen* before, const Seen& now, bool news) {
  const std::string& name = now.member.name;
  if (before == nullptr) {
    if (news) tell("joined", name, "came");
    if (now.connected) tell("connected", name, "");
    return;
  }
  const auto changed = [&](MemberState was, MemberState is, const char* stream) {
    if (was == is || is == MemberState::kUnknown) return;
    tell(is == MemberState::kOff ? "muted" : "unmuted", name, stream);
  };
  changed(before->member.audio, now.member.audio, "microphone");
  if (before->member.video_source != "screen" && now.member.video_source != "screen")
    changed(before->member.video, now.member.video, "camera");
  if (now.connected && !before->connected) tell("connected", name, "");
  // A connection that had never come up was not lost.
  if (now.generation == before->generation || !before->connected) return;
  samples_.add("call.reconnects", "", "", {monotonic_ns(), 1});
  tell("reconnected", name, "the page made its connection afresh");
}

void ScenarioPage::took_messages(const Json& state, bool news) {
  const Json chat = state.at("chat");
  for (; chats_ < chat.size(); ++chats_) {
    const Json entry = chat.at(chats_);
    const std::string from = entry.at("from").text().value_or("");
    if (news && from != who_.shown) tell("message", from, entry.at("text").text().value_or(""));
  }
  const Json files = state.at("files");
  for (size_t i = 0; i < files.size(); ++i) {
    const Json file = files.at(i);
    if (file.at("own").boolean().value_or(true) || file.at("state").text() != "done") continue;
    if (files_done_.insert(i).second)
      tell("file", file.at("from").text().value_or(""), file.at("name").text().value_or(""));
  }
}

void ScenarioPage::took_streams(const std::vector<browsers::ReceivedStream>& received) {
  received_ = received;
  for (const browsers::ReceivedStream& one : received) {
    const TrackInfo track = track_of(one.key, one.video ? MediaKind::kVideo : MediaKind::kAudio);
    if (one.decoded) first_of(track, monotonic_ns());
    if (one.heard && decodes()) presence_.heard(track, one.from_ns, one.to_ns);
  }
}

// --- what is so

bool ScenarioPage::connected_to(const ScenarioActor& other) const {
  const auto found = members_.find(other.id());
  return found != members_.end() && found->second.connected;
}

const signaling::Member* ScenarioPage::member(const std::string& shown) const {
  for (const auto& [id, seen] : members_)
    if (seen.member.name == shown) return &seen.member;
  return nullptr;
}

std::vector<ScenarioActor::Stream> ScenarioPage::streams_of(const std::string& shown) const {
  std::vector<Stream> out;
  for (const browsers::ReceivedStream& one : received_) {
    if (one.key.from != shown) continue;
    Stream stream;
    stream.info.kind = one.video ? MediaKind::kVideo : MediaKind::kAudio;
    stream.info.name = shown;
    stream.info.codec = one.codec;
    stream.info.source = one.key.stream;
    stream.width = static_cast<uint32_t>(one.width);
    stream.height = static_cast<uint32_t>(one.height);
    out.push_back(std::move(stream));
  }
  return out;
}

}  // namespace callbot::bot
