#include "bot/page_listener.h"

#include <algorithm>
#include <utility>

#include "base/video_mark.h"
#include "quality/sender.h"

namespace callbot::bot {
namespace {

constexpr int64_t kMuteGrace_ns = 500'000'000;  // as bots'
constexpr int64_t kGone_ns = 10'000'000'000;    // without sound: a track that is no more

}  // namespace

PageListener::Ear::Ear(const std::string& actor, const std::string& member)
    : sound(actor, member, "microphone"), person(actor, member, ""), mute(kMuteGrace_ns) {
  sound.expect({"audio.marked", "audio.expected", "audio.missing", "audio.duplicate",
                "audio.e2e_delay", "mute_leak"},
               "no chirp was found");
  person.expect({"av.skew"}, "no chirp was found with the frame it belongs to");
  person.expect({"av.drift"}, "fewer than ten chirps were found with their frames");
}

PageListener::PageListener(std::string actor, const quality::SenderLog* log)
    : actor_(std::move(actor)), log_(log) {}

PageListener::Ear& PageListener::ear(const std::string& member) {
  auto& place = ears_[member];
  if (!place) place = std::make_unique<Ear>(actor_, member);
  return *place;
}

quality::SkewMeter& PageListener::person_of(Ear& ear) {
  if (!ear.skew) ear.skew = std::make_unique<quality::SkewMeter>(ear.person, ear.sender.fps);
  return *ear.skew;
}

void PageListener::expect(const std::string& member, const quality::Sender& sender) {
  Ear& ear = this->ear(member);
  if (ear.sender == sender) return;
  if (ear.chirps) ear.chirps->interrupt();
  ear.sender = sender;
  ear.chirps.reset();
  ear.skew.reset();
}

void PageListener::muted(const std::string& member, bool muted, int64_t at_ns) {
  Ear& ear = this->ear(member);
  ear.mute.set(muted, at_ns);
  if (ear.chirps) ear.chirps->interrupt();
}

void PageListener::stopped(const std::string& member, bool stops) {
  Ear& ear = this->ear(member);
  if (std::exchange(ear.stopped, stops) != stops && ear.chirps) ear.chirps->interrupt();
}

quality::ChirpMeter& PageListener::chirps_of(const std::string& member, Ear& ear) {
  if (ear.chirps) return *ear.chirps;
  ear.chirps = std::make_unique<quality::ChirpMeter>(ear.sound, ear.sender, log_, &person_of(ear));
  ear.chirps->on_stranger = [this, member](const quality::HeardChirp& chirp) {
    if (on_stranger) on_stranger(member, chirp.playout_ns);
  };
  return *ear.chirps;
}

void PageListener::heard(const std::string& member, const browsers::HeardSound& sound,
                         double uncertainty_s) {
  Ear& ear = this->ear(member);
  uncertainty_s_ = std::max(uncertainty_s_, uncertainty_s + sound.piece_s);
  quality::ChirpMeter& meter = chirps_of(member, ear);
  PageEar& found = ear.tracks[sound.track];
  if (ear.track.empty()) ear.track = sound.track;
  if (ear.track == sound.track && found.begins_with(sound)) meter.interrupt();
  const int64_t codec_ns = quality::kOpusLookahead_ns - ear.sender.sound_ahead_ns;
  for (const EarChirp& chirp : found.push(sound)) {
    if (std::exchange(ear.track, sound.track) != sound.track) meter.interrupt();
    const int64_t at_ns = chirp.at_ns - codec_ns;
    meter.chirp({.up = chirp.up,
                 .playout_ns = at_ns,
                 .arrival_ns = at_ns,
                 .rtp_ns = chirp.in_sound_ns,
                 .position = chirp.position},
                ear.mute);
  }
  forget_old(ear);
}

void PageListener::forget_old(Ear& ear) {
  int64_t newest_ns = 0;
  for (const auto& [track, found] : ear.tracks)
    newest_ns = std::max(newest_ns, found.heard_until_ns());
  std::erase_if(ear.tracks, [&](const auto& one) {
    return one.first != ear.track && newest_ns - one.second.heard_until_ns() > kGone_ns;
  });
}

void PageListener::shown(const std::string& member, const browsers::ShownFrame& frame) {
  if (!frame.mark || (frame.mark->flags & kMarkChirp) == 0 || frame.key.stream == "screen") return;
  Ear& ear = this->ear(member);
  if (ear.sender.source && frame.mark->source != *ear.sender.source) return;
  if (std::exchange(ear.shown, frame.mark->counter) == frame.mark->counter) return;
  std::optional<int64_t> captured_ns;
  if (log_ != nullptr)
    if (const auto captured = log_->captured(frame.mark->source, frame.mark->counter))
      captured_ns = captured->at_ns;
  person_of(ear).flash(frame.mark->source, frame.mark->counter, captured_ns, frame.display_ns);
}

void PageListener::finish() {
  for (const auto& [member, ear] : ears_) {
    if (!ear->chirps) continue;
    if (!ear->stopped && !ear->mute.muted() && !ear->track.empty())
      ear->chirps->finish(ear->tracks[ear->track].heard_until_ns());
    else
      ear->chirps->interrupt();
    ear->tracks.clear();
    ear->track.clear();
  }
}

std::vector<Series> PageListener::take() {
  std::vector<Series> all;
  for (const auto& [member, ear] : ears_) {
    if (!ear->chirps) continue;  // nothing of him was heard
    for (quality::SeriesSet* set : {&ear->sound, &ear->person})
      for (Series& series : set->take()) all.push_back(std::move(series));
  }
  // A browser does not say when the packets of a sound came.
  std::erase_if(all, [](const Series& s) { return s.metric == "audio.network_delay"; });
  for (Series& series : all)
    if (series.metric == "audio.e2e_delay" || series.metric == "av.skew")
      series.uncertainty += uncertainty_s_;
  return all;
}

}  // namespace callbot::bot
