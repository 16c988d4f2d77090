#include "quality/sound_meter.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace callbot::quality {
namespace {

constexpr const char* kNotDecoded = "the stream is not decoded (verify: headers)";
constexpr int64_t kMostGap =
    int64_t{2} * kMarkSampleRate;  // that is filled; beyond it all begins anew
constexpr size_t kKeptSamples = 8 * static_cast<size_t>(kMarkSampleRate);
constexpr int64_t kLeastDead = kMarkSampleRate;  // samples
constexpr int kNearly = 48;                      // samples: a millisecond
constexpr int kMostOff = 4;  // samples that a chirp's place is rounded and resampled by

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }
int64_t ns_of_samples(double samples) { return std::llround(samples * 1e9 / kMarkSampleRate); }

constexpr int64_t kLongestOpus = 5760;  // 120 ms (RFC 6716, 3.2.5)

// RFC 6716, 3.1: the table of configurations, and how many frames there are.
int64_t opus_samples(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return 0;
  constexpr std::array<int, 4> kSilk = {480, 960, 1920, 2880}, kCelt = {120, 240, 480, 960};
  const int config = bytes[0] >> 3;
  const int each = config < 12   ? kSilk[static_cast<size_t>(config % 4)]
                   : config < 16 ? (config % 2 == 0 ? 480 : 960)
                                 : kCelt[static_cast<size_t>(config % 4)];
  const int code = bytes[0] & 3;
  if (code < 3) return code == 0 ? each : 2 * each;
  const int64_t all = bytes.size() < 2 ? 0 : static_cast<int64_t>(bytes[1] & 0x3f) * each;
  return all <= kLongestOpus ? all : 0;
}

}  // namespace

int64_t packet_ticks(const std::string& codec, std::span<const uint8_t> bytes) {
  if (codec == "opus") return opus_samples(bytes);
  // One byte a tick: also of G.722, whose RTP clock is 8 kHz by mistake (RFC 3551, 4.5.2).
  return static_cast<int64_t>(bytes.size());
}

SoundMeter::SoundMeter(const TrackInfo& track, SeriesSet& out, const SoundMeterConfig& config)
    : track_(track),
      out_(out),
      config_(config),
      playout_(config.latency_ns, track.clock_rate),
      mute_(config.mute_grace_ns),
      chirp_meter_(out, config.sender, config.log, config.skew) {
  out_.expect({"audio.samples", "audio.concealed", "audio.concealment", "join.first_rtp"},
              "no packet came");
  out_.expect({"audio.silent_concealed"},
              "what a bot lacks it counts and does not make up: none of it sounds like anything");
  const bool never = config.decode == Decode::kNever;
  const char* why = never ? kNotDecoded : "no packet was decoded";
  out_.expect({"audio.level", "audio.silence", "audio.clip", "audio.bandwidth", "join.first_frame"},
              why);
  if (config.joined_ns == 0)
    out_.expect({"join.first_rtp", "join.first_frame"}, "it is not known when the join began");
  const char* no_chirp = never ? kNotDecoded : "no chirp was found";
  out_.expect({"audio.marked", "audio.expected", "audio.missing", "audio.duplicate", "mute_leak"},
              no_chirp);
  if (never) out_.expect({"audio.e2e_delay", "audio.network_delay"}, no_chirp);
  out_.expect({"audio.snr"}, never         ? kNotDecoded
                             : config.sent ? "no chirp of known number was found"
                                           : "nobody makes the sent sound again");
  level_.on_level = [this](const SoundLevel::Tenth& t) {
    out_.sample("audio.level", t.begin_ns, t.db);
    if (config_.presence != nullptr && t.db >= kSilentDb)
      config_.presence->heard(track_, t.begin_ns, t.end_ns);
  };
  level_.on_silence = [this](const SoundLevel::Silence& s) {
    out_.sample("audio.silence", s.begin_ns, s.seconds);
  };
  chirp_meter_.on_stranger = [this](const HeardChirp& heard) {
    if (config_.presence != nullptr) config_.presence->strange(track_, heard.playout_ns);
  };
  if (config.sent)
    chirp_meter_.on_number = [this](int64_t number, const HeardChirp& heard) {
      to_compare_.push_back({number, std::llround(heard.position), heard.playout_ns});
    };
  if (never) return;
  auto decoder = Decoder::open(track.codec, track.clock_rate, track.channels);
  if (decoder) decoder_ = std::move(*decoder);
}

int64_t SoundMeter::samples_of(int64_t ticks) const {
  return ticks * kMarkSampleRate / track_.clock_rate;
}

int64_t SoundMeter::codec_delay_ns() const {
  return track_.codec == "opus" ? kOpusLookahead_ns - config_.sender.sound_ahead_ns : 0;
}

void SoundMeter::frame(const Frame& frame, bool decode_it) {
  const int64_t ticks = packet_ticks(track_.codec, frame.bytes);
  if (next_rtp_ && frame.rtp_time < *next_rtp_ && *next_rtp_ - frame.rtp_time < track_.clock_rate)
    return;  // came before
  const int64_t playout =
      playout_.of(frame.rtp_time, frame.first_arrival_ns, frame.last_arrival_ns);
  headers(frame);
  const bool was = decoding_;
  decoding_ = decode_it && decoder_ != nullptr;
  if (decoding_ && !was) {
    decoder_->reset();
    detector_ = std::make_unique<ChirpDetector>();
    places_.clear();
    pushed_ = 0;
    kept_.clear();
    kept_begin_ = 0;
    to_compare_.clear();
  }
  if (was && !decoding_) end_decoding();
  if (decoding_ != was)
    out_.rest({"audio.clip", "audio.marked", "audio.expected", "audio.missing", "audio.duplicate",
               "mute_leak", "identity.wrong"},
              !decoding_);
  gap(frame, playout);
  out_.count("audio.samples", static_cast<double>(samples_of(ticks)));
  next_rtp_ = frame.rtp_time + ticks;
  heard_until_ns_ = playout + ns_of_samples(static_cast<double>(samples_of(ticks)));
  if (decoding_) decode(frame, playout);
}

void SoundMeter::headers(const Frame& frame) {
  if (!first_) return;
  first_ = false;
  out_.measure({"audio.concealed", "audio.concealment"});
  if (config_.joined_ns == 0) return;
  out_.sample("join.first_rtp", frame.first_arrival_ns,
              seconds(frame.first_arrival_ns - config_.joined_ns));
}

void SoundMeter::gap(const Frame& frame, int64_t playout_ns) {
  if (!next_rtp_ || frame.rtp_time <= *next_rtp_) return;
  const int64_t lacking = samples_of(frame.rtp_time - *next_rtp_);
  if (frame.after_gap) conceal(lacking, playout_ns - ns_of_samples(static_cast<double>(lacking)));
  if (!decoding_ || places_.empty()) return;
  level_.add_silence(lacking, playout_ns - ns_of_samples(static_cast<double>(lacking)));
  second_.clear();
  const std::vector<float> nothing(static_cast<size_t>(std::min(lacking, kMostGap)));
  // A chirp may begin here whose rest comes with this packet: its sender was muted until then, or
  // the first of it was lost.
  const int64_t lasts_ns = ns_of_samples(static_cast<double>(nothing.size()));
  places_.push_back({static_cast<double>(pushed_), playout_ns - lasts_ns, frame.last_arrival_ns,
                     playout_.ns_of(frame.rtp_time) - lasts_ns});
  push(nothing);
  if (lacking > kMostGap) to_compare_.clear();
}

void SoundMeter::conceal(int64_t samples, int64_t from_ns) {
  out_.event("audio.concealed", from_ns, static_cast<double>(samples));
  out_.event("audio.concealment", from_ns);
  out_.event("audio.samples", from_ns, static_cast<double>(samples));
}

void SoundMeter::decode(const Frame& frame, int64_t playout_ns) {
  out_.measure({"audio.silence", "audio.clip"});
  decoder_->decode(frame.bytes, 0, [&](const AVFrame& sound, int64_t) {
    if (first_decoded_ && config_.joined_ns != 0)
      out_.sample("join.first_frame", playout_ns, seconds(playout_ns - config_.joined_ns));
    if (first_decoded_ && config_.presence != nullptr)
      config_.presence->decoded(track_, frame.last_arrival_ns);
    first_decoded_ = false;
    decoded(sound, frame, playout_ns);
  });
}

void SoundMeter::decoded(const AVFrame& sound, const Frame& frame, int64_t playout_ns) {
  // What the resampler still holds comes out first.
  places_.push_back({static_cast<double>(pushed_) + mono_.held(), playout_ns, frame.last_arrival_ns,
                     playout_.ns_of(frame.rtp_time)});
  while (places_.size() > 2 && places_[1].position < static_cast<double>(pushed_ - kMarkSampleRate))
    places_.pop_front();
  const std::vector<float> samples = mono_.of(sound);
  if (samples.empty()) return;
  const size_t clipped = level_.add(samples, playout_ns);
  out_.count("audio.clip", static_cast<double>(clipped));
  band(samples);
  push(samples);
}

void SoundMeter::band(std::span<const float> samples) {
  second_.insert(second_.end(), samples.begin(), samples.end());
  if (second_.size() < kMarkSampleRate) return;
  if (const auto hz = band_.of(std::span(second_).first(kMarkSampleRate)))
    out_.sample("audio.bandwidth", places_.back().playout_ns, *hz);
  second_.clear();
}

void SoundMeter::push(std::span<const float> samples) {
  pushed_ += static_cast<int64_t>(samples.size());
  keep(samples);
  chirps(detector_->push(samples));
  compare();
}

void SoundMeter::chirps(const std::vector<FoundChirp>& found) {
  for (const FoundChirp& chirp : found) {
    // One that begins with a packet may be found a little before it.
    auto place = std::upper_bound(places_.begin(), places_.end(), chirp.position + kNearly,
                                  [](double p, const Place& at) { return p < at.position; });
    if (place != places_.begin()) --place;
    const int64_t off = ns_of_samples(chirp.position - place->position);
    chirp_meter_.chirp({.up = chirp.up,
                        .playout_ns = place->playout_ns + off - codec_delay_ns(),
                        .arrival_ns = place->arrival_ns,
                        .rtp_ns = place->rtp_ns + off,
                        .position = chirp.position},
                       mute_);
  }
}

void SoundMeter::keep(std::span<const float> samples) {
  if (!config_.sent) return;
  kept_.insert(kept_.end(), samples.begin(), samples.end());
  if (kept_.size() < 2 * kKeptSamples) return;
  const auto old = static_cast<ptrdiff_t>(kept_.size() - kKeptSamples);
  kept_.erase(kept_.begin(), kept_.begin() + old);
  kept_begin_ += old;
}

void SoundMeter::compare() {
  while (!to_compare_.empty() && to_compare_.front().position + kMarkSampleRate <= pushed_) {
    const Numbered chirp = to_compare_.front();
    to_compare_.pop_front();
    if (chirp.position < kept_begin_) continue;
    const auto second = std::span<const float>(kept_).subspan(
        static_cast<size_t>(chirp.position - kept_begin_), kMarkSampleRate);
    const auto snr = sound_snr(second, *config_.sender.source, chirp.number * kMarkSampleRate,
                               kMostOff, config_.sent);
    if (snr) out_.sample("audio.snr", chirp.playout_ns, *snr);
  }
}

void SoundMeter::mute(bool muted, int64_t at_ns) {
  mute_.set(muted, at_ns);
  // Chirps that nobody sent are not missing.
  chirp_meter_.interrupt();
}

void SoundMeter::finish(int64_t at_ns) {
  // One in turn with others was not listened to all the time.
  if (decoding_ && config_.decode == Decode::kAlways && !mute_.muted()) nothing_until(at_ns);
  end_decoding();
}

// A sender may be silent without packets (RFC 7587, 3.1.3): what chirps were due had them.
void SoundMeter::nothing_until(int64_t at_ns) {
  chirps(detector_->finish());
  const int64_t lacking = std::llround(seconds(at_ns - heard_until_ns_) * kMarkSampleRate);
  if (lacking < kLeastDead) return;
  level_.add_silence(lacking, heard_until_ns_);
  if (chirp_meter_.finish(at_ns) > 0) conceal(lacking, heard_until_ns_);
}

void SoundMeter::end_decoding() {
  if (!detector_) return;
  chirps(detector_->finish());
  chirp_meter_.interrupt();
  compare();
  level_.finish();
  second_.clear();
  detector_.reset();
  decoding_ = false;
}

}  // namespace callbot::quality
