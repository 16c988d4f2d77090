// Measures sound: levels and chirps, as 48 kHz mono.
#include <algorithm>
#include <array>
#include <cmath>

#include "recordings/clip_meter.h"
#include "recordings/stream_probe.h"

namespace callbot::recordings {
namespace {

constexpr size_t kLevelSamples = kMarkSampleRate / 10;
constexpr float kSilenceDb = -120;
// A packet that begins later than this after the end of the one before it follows a gap.
constexpr double kGapSeconds = 0.06;
// What the detector is given of a gap: enough that a chirp cannot reach across it.
constexpr double kMostGapSeconds = 0.2;

class SoundProbe final : public StreamProbe {
 protected:
  void decoded(const AVFrame& frame, double time) override {
    if (!resampler_) resampler_ = open_resampler(frame, 1, kMarkSampleRate, Stretches::kNo);
    if (!resampler_) return;
    std::vector<float> samples(static_cast<size_t>(
        av_rescale_rnd(frame.nb_samples, kMarkSampleRate, frame.sample_rate, AV_ROUND_UP) + 64));
    auto* out = reinterpret_cast<uint8_t*>(samples.data());
    const int got = swr_convert(resampler_.get(), &out, static_cast<int>(samples.size()),
                                const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples);
    if (got <= 0) return;
    samples.resize(static_cast<size_t>(got));
    bridge_gap(time);
    places_.push_back({pushed_, time});
    measure(samples, time, share_clipped(frame));
    push(samples);
    end_time_ = time + static_cast<double>(got) / kMarkSampleRate;
  }

  void ended() override {
    end_level();
    take(detector_.finish());
  }

 private:
  void bridge_gap(double time) {
    if (places_.empty() || time - end_time_ < kGapSeconds) return;
    end_level();
    const double seconds = std::min(time - end_time_, kMostGapSeconds);
    push(std::vector<float>(static_cast<size_t>(seconds * kMarkSampleRate)));
  }

  void push(const std::vector<float>& samples) {
    pushed_ += samples.size();
    take(detector_.push(samples));
  }

  void take(const std::vector<FoundChirp>& found) {
    for (const FoundChirp& chirp : found)
      result_.chirps.push_back({time_of(chirp.position), chirp.up});
  }

  double time_of(double position) const {
    auto place = std::upper_bound(
        places_.begin(), places_.end(), position,
        [](double p, const Place& at) { return p < static_cast<double>(at.position); });
    if (place != places_.begin()) --place;
    return place->time + (position - static_cast<double>(place->position)) / kMarkSampleRate;
  }

  static double share_clipped(const AVFrame& frame) {
    return static_cast<double>(clipped_samples(frame)) / std::max(frame.nb_samples, 1);
  }

  void measure(const std::vector<float>& samples, double time, double clipped) {
    for (size_t i = 0; i < samples.size(); ++i) {
      if (level_count_ == 0) level_time_ = time + static_cast<double>(i) / kMarkSampleRate;
      energy_ += static_cast<double>(samples[i]) * samples[i];
      clipped_ += clipped;
      if (++level_count_ == kLevelSamples) end_level();
    }
  }

  void end_level() {
    if (level_count_ > 0) {
      const double mean = energy_ / static_cast<double>(level_count_);
      result_.levels.push_back(
          {level_time_, mean > 1e-12 ? static_cast<float>(10 * std::log10(mean)) : kSilenceDb,
           static_cast<float>(clipped_ / static_cast<double>(level_count_))});
    }
    level_count_ = 0;
    energy_ = 0;
    clipped_ = 0;
  }

  struct Place {  // where a packet's samples begin in what the detector was given
    uint64_t position;
    double time;
  };
  AvResampler resampler_;
  ChirpDetector detector_;
  std::vector<Place> places_;
  uint64_t pushed_ = 0;
  double end_time_ = 0;
  size_t level_count_ = 0;
  double level_time_ = 0;
  double energy_ = 0;
  double clipped_ = 0;
};

}  // namespace

std::unique_ptr<StreamProbe> make_sound_probe() { return std::make_unique<SoundProbe>(); }

}  // namespace callbot::recordings
