#include "tests/support/loopback.h"

#include <fmt/format.h>
#include <gst/gst.h>

#include <algorithm>
#include <sstream>

namespace callbot::pipelines {

// --- sink

void CountingSink::add_track(const TrackInfo& track) {
  std::lock_guard lock(mutex_);
  seen_[track.id].info = track;
}

void CountingSink::frame(TrackId track, const Frame& frame) {
  std::lock_guard lock(mutex_);
  Seen& seen = seen_[track];
  ++seen.frames;
  seen.key_frames += frame.key ? 1 : 0;
  seen.gaps += frame.after_gap ? 1 : 0;
  if (seen.last_arrival_ns != 0)
    seen.longest_pause_ns =
        std::max(seen.longest_pause_ns, frame.last_arrival_ns - seen.last_arrival_ns);
  seen.last_rtp_time = frame.rtp_time;
  seen.last_arrival_ns = frame.last_arrival_ns;
  if (frame.ntp_ns) seen.last_ntp_ns = frame.ntp_ns;
}

void CountingSink::remove_track(TrackId track) {
  std::lock_guard lock(mutex_);
  seen_[track].removed = true;
}

std::map<TrackId, CountingSink::Seen> CountingSink::seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

uint64_t CountingSink::frames(MediaKind kind) const {
  std::lock_guard lock(mutex_);
  uint64_t sum = 0;
  for (const auto& [id, seen] : seen_)
    if (seen.info.kind == kind) sum += seen.frames;
  return sum;
}

// --- one end

const TrackInfo* LoopbackEnd::track(MediaKind kind) const {
  for (auto at = tracks.rbegin(); at != tracks.rend(); ++at)
    if (at->kind == kind) return &*at;
  return nullptr;
}

void LoopbackEnd::local_description(bool offer, const std::string& sdp) {
  said.push_back(sdp);
  log.push_back(offer ? "offer" : "answer");
  if (deliver && other->peer) other->peer->remote_description(offer, munge ? munge(sdp) : sdp);
}

void LoopbackEnd::local_candidate(uint32_t mline, const std::string& mid, const std::string& text) {
  local_candidates.push_back(text);
  log.push_back("candidate " + text);
  const std::string munged = munge_candidate && !text.empty() ? munge_candidate(text) : text;
  const bool eaten = munged.empty() && !text.empty();
  if (deliver && !eaten && other->peer) other->peer->remote_candidate(mline, mid, munged);
}

void LoopbackEnd::connected() {
  ++connected_count;
  log.push_back("connected");
  if (on_connected) on_connected();
}

void LoopbackEnd::track_added(const TrackInfo& track) {
  tracks.push_back(track);
  log.push_back(fmt::format("track {} {} mid={} ssrc={}", name_of(track.kind), track.codec,
                            track.mid, track.ssrc));
  peer->add_sink(track.id, sink);
  if (on_track) on_track();
}

void LoopbackEnd::track_removed(TrackId track) {
  removed.push_back(track);
  log.push_back(fmt::format("track {} removed", track));
}

void LoopbackEnd::channel_opened(ChannelId channel, const std::string& label) {
  channels[channel] = label;
  log.push_back("channel " + label);
}

void LoopbackEnd::channel_message(ChannelId, bool text, std::string bytes) {
  messages.emplace_back(text, std::move(bytes));
}

void LoopbackEnd::rendition_changed(size_t rendition, double available) {
  renditions.push_back(rendition);
  log.push_back(fmt::format("rendition {} of {:.0f} kbit/s", rendition, available / 1000));
}

void LoopbackEnd::failed(const Error& error) {
  failure = error;
  log.push_back(fmt::format("failed: {}: {}", name_of(error.code), error.message));
}

// --- both

namespace {

PeerConfig on_loopback(PeerConfig config, bool offers, const char* name) {
  config.offers = offers;
  config.name = name;
  if (config.ice.interfaces.empty()) config.ice.interfaces = {"127.0.0.1"};
  return config;
}

}  // namespace

Loopback::Loopback(Loop& l, LoopbackConfig config) : loop(l) {
  gst_init(nullptr, nullptr);
  a.other = &b;
  b.other = &a;
  auto offerer = Peer::create(loop, Log("a"), on_loopback(std::move(config.offerer), true, "a"), a);
  auto answerer =
      Peer::create(loop, Log("b"), on_loopback(std::move(config.answerer), false, "b"), b);
  if (!offerer || !answerer) abort();  // the test's own configuration is wrong
  a.peer = std::move(*offerer);
  b.peer = std::move(*answerer);
}

Loopback::~Loopback() {
  a.peer.reset();
  b.peer.reset();
}

bool Loopback::connect(std::chrono::milliseconds deadline) {
  a.peer->negotiate();
  return run_until([&] { return a.connected_count > 0 && b.connected_count > 0; }, deadline);
}

void Loopback::route(network::Link& line, const std::vector<std::string>& addresses) {
  relay = std::make_unique<network::Relay>(line, Log("relay"), addresses);
  a.munge = [this](const std::string& sdp) { return relay->description_for_them(sdp); };
  b.munge = [this](const std::string& sdp) { return relay->description_for_us(sdp); };
  a.munge_candidate = [this](const std::string& text) {
    return relay->candidate_for_them(text).value_or("");
  };
  b.munge_candidate = [this](const std::string& text) {
    return relay->candidate_for_us(text).value_or("");
  };
}

bool Loopback::renegotiate() {
  const size_t answers = b.said.size();
  a.peer->negotiate();
  return run_until([&] { return b.said.size() > answers || a.failure || b.failure; }) &&
         !a.failure && !b.failure;
}

bool Loopback::flows(LoopbackEnd& end, MediaKind kind, uint64_t frames) {
  const uint64_t before = end.sink.frames(kind);
  return run_until([&] { return end.sink.frames(kind) >= before + frames || end.failure; }) &&
         !end.failure;
}

bool Loopback::run_until(const std::function<bool()>& condition,
                         std::chrono::milliseconds deadline) {
  return loop.run_until(condition, deadline);
}

void Loopback::run_for(std::chrono::milliseconds time) {
  loop.run_until([] { return false; }, time);
}

std::string Loopback::log() const {
  std::string all;
  for (const std::string& line : a.log) all += "a: " + line + "\n";
  for (const std::string& line : b.log) all += "b: " + line + "\n";
  for (const LoopbackEnd* end : {&a, &b}) {
    if (!end->peer) continue;
    const PeerStats stats = end->peer->stats();
    all += fmt::format("{}: {}, sent {} packets in rendition {}, path {:.0f} bit/s; received",
                       end == &a ? "a" : "b", stats.connection_state, stats.packets_sent,
                       stats.rendition, stats.available_outgoing_bitrate);
    for (const TrackStats& track : stats.tracks)
      all += fmt::format(" {} packets, {} frames, {} gated, {} PLI", track.packets, track.frames,
                         track.frames_gated, track.pli_sent);
    all += '\n';
  }
  return all;
}

namespace {

std::unique_ptr<TestPattern> started(Loop& loop, const TestPatternConfig& config) {
  gst_init(nullptr, nullptr);
  auto pattern = TestPattern::create(loop, Log("pattern"), config);
  if (!pattern || !(*pattern)->start()) abort();
  return std::move(*pattern);
}

}  // namespace

std::unique_ptr<TestPattern> small_pattern(Loop& loop, bool audio, bool video,
                                           const std::string& codec) {
  TestPatternConfig config;
  config.audio = audio;
  config.video = video;
  config.width = 320;
  config.height = 180;
  config.bitrate = 200'000;
  config.codec = codec;
  return started(loop, config);
}

std::unique_ptr<TestPattern> pattern_in_sizes(Loop& loop, const std::string& codec, bool audio) {
  TestPatternConfig config;
  config.audio = audio;
  config.width = 640;
  config.height = 360;
  config.bitrate = 900'000;
  config.codec = codec;
  return started(loop, config);
}

// --- texts

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::string without_lines(const std::string& text, const std::string& prefix) {
  std::string out, line;
  std::istringstream in(text);
  while (std::getline(in, line))
    if (!line.starts_with(prefix)) out += line + "\n";
  return out;
}

std::vector<std::string> sections(const std::string& sdp) {
  std::vector<std::string> parts(1);
  std::string line;
  std::istringstream in(sdp);
  while (std::getline(in, line)) {
    if (line.starts_with("m=")) parts.emplace_back();
    parts.back() += line + "\n";
  }
  return parts;
}

std::string joined(const std::vector<std::string>& sections) {
  std::string all;
  for (const std::string& section : sections) all += section;
  return all;
}

}  // namespace callbot::pipelines
