#include "base/audio_mark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace callbot {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kLowHz = 500, kHighHz = 3500;
constexpr double kAmplitude = 0.251188643;  // -12 dBFS
constexpr double kTaper = 0.25;             // Tukey: share of the chirp that fades in or out

constexpr int kDegree = 15;
constexpr uint32_t kSequence = (1u << kDegree) - 1;  // chirps until the directions repeat

// The detector looks at 8 kHz first, which holds the whole chirp.
constexpr int kStep = 6;
constexpr int kCoarseRate = kMarkSampleRate / kStep;
constexpr int kCoarseChirp = kChirpSamples / kStep;
constexpr int kTaps = 108,
              kMiddleTap =
                  kTaps / 2;  // decimation: passes 3.5 kHz, what folds onto it is 40 dB down

// Between two coarse samples the correlation of a perfect chirp falls to 0.7; what passes the
// first threshold is looked at closely, and only then held against the second.
constexpr float kCoarseMatch = 0.3F, kMatch = 0.5F;
constexpr float kQuietest = 0.0015F;           // RMS of the window, about -56 dBFS
constexpr int kNeighbours = kCoarseRate / 25;  // within 40 ms there is one chirp
constexpr int kFineReach = 2 * kStep;          // 48 kHz samples around the coarse peak
constexpr int kPieces = 4, kPiecesNeeded = 3;  // a chirp is there in all its parts, less one loss
constexpr float kPieceShare = 0.4F;
constexpr int kBlock = kCoarseRate / 50;  // lags correlated at once

struct Sequence {
  std::array<bool, kSequence> up{};
  std::array<uint16_t, 1u << kDegree> first{};  // by the next 15 directions, oldest on top
};

const Sequence& sequence() {
  static const Sequence made = [] {
    Sequence s;
    uint32_t state = 0x2d5b;  // any but 0; this one begins with a mixture
    for (uint32_t n = 0; n < kSequence; ++n) {
      s.up[n] = (state >> (kDegree - 1) & 1) != 0;
      s.first[state] = static_cast<uint16_t>(n);
      const uint32_t next = (state ^ state >> (kDegree - 1)) & 1;  // x^15 + x^14 + 1
      state = (state << 1 | next) & kSequence;
    }
    return s;
  }();
  return made;
}

// Peak 1.
std::vector<float> make_chirp(bool up, int rate) {
  const int count = rate / 1000 * 80;
  const double seconds = static_cast<double>(count) / rate;
  const double from = up ? kLowHz : kHighHz;
  const double slope = (up ? 1 : -1) * (kHighHz - kLowHz) / seconds;
  std::vector<float> samples(count);
  for (int i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / rate;
    const double edge = std::min(t, seconds - t) / (seconds * kTaper / 2);
    const double window = edge >= 1 ? 1 : (1 - std::cos(kPi * edge)) / 2;
    samples[i] = static_cast<float>(window * std::sin(2 * kPi * (from * t + slope * t * t / 2)));
  }
  return samples;
}

using Both = std::array<std::vector<float>, 2>;  // by "goes up"

const Both& chirps() {
  static const Both made = {make_chirp(false, kMarkSampleRate), make_chirp(true, kMarkSampleRate)};
  return made;
}

const Both& coarse_chirps() {
  static const Both made = {make_chirp(false, kCoarseRate), make_chirp(true, kCoarseRate)};
  return made;
}

// Low pass by a Hamming window, gain 1, centred on tap kTaps / 2.
const std::array<float, kTaps>& decimator() {
  static const std::array<float, kTaps> made = [] {
    std::array<float, kTaps> taps{};
    const double cut = 2.0 * 4000 / kMarkSampleRate;
    double sum = 0;
    for (int i = 1; i < kTaps; ++i) {
      const double x = i - kMiddleTap;
      const double sinc = x == 0 ? cut : std::sin(kPi * cut * x) / (kPi * x);
      taps[i] = static_cast<float>(sinc * (0.54 - 0.46 * std::cos(2 * kPi * i / kTaps)));
      sum += taps[i];
    }
    for (float& tap : taps) tap = static_cast<float>(tap / sum);
    return taps;
  }();
  return made;
}

using Four = float __attribute__((vector_size(16)));

Four load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

float sum_of(Four v) { return v[0] + v[1] + v[2] + v[3]; }

float dot(const float* a, const float* b, int count) {
  Four x{}, y{};
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    x += load(a + i) * load(b + i);
    y += load(a + i + 4) * load(b + i + 4);
  }
  float sum = sum_of(x + y);
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// Both directions at once: the samples are loaded once.
struct Pair {
  float down, up;
};
Pair dot_both(const float* samples) {
  static const float* const down = coarse_chirps()[0].data();
  static const float* const up = coarse_chirps()[1].data();
  static_assert(kCoarseChirp % 8 == 0);
  Four d0{}, d1{}, u0{}, u1{};
  for (int i = 0; i < kCoarseChirp; i += 8) {
    const Four s0 = load(samples + i), s1 = load(samples + i + 4);
    d0 += s0 * load(down + i);
    d1 += s1 * load(down + i + 4);
    u0 += s0 * load(up + i);
    u1 += s1 * load(up + i + 4);
  }
  return {sum_of(d0 + d1), sum_of(u0 + u1)};
}

float energy_of(const std::vector<float>& v) {
  return dot(v.data(), v.data(), static_cast<int>(v.size()));
}

// Samples with the index of the first one; the front is forgotten when it has grown long.
struct Tail {
  std::vector<float> samples;
  int64_t first = 0;

  int64_t end() const { return first + static_cast<int64_t>(samples.size()); }
  const float* at(int64_t index) const { return samples.data() + (index - first); }
  void forget(int64_t before) {
    const int64_t count = std::min<int64_t>(before - first, static_cast<int64_t>(samples.size()));
    if (count < kMarkSampleRate / 4) return;
    samples.erase(samples.begin(), samples.begin() + count);
    first += count;
  }
};

// Second-order Butterworth high pass at 350 Hz of 8 kHz: the loudest part of a voice lies below the
// chirps and must not count against them.
struct HighPass {
  double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
  float operator()(float x) {
    static const double w = std::tan(kPi * 350 / kCoarseRate);
    static const double a0 = 1 + std::numbers::sqrt2 * w + w * w;
    static const double a1 = 2 * (w * w - 1) / a0, a2 = (1 - std::numbers::sqrt2 * w + w * w) / a0;
    const double y = (x - 2 * x1 + x2) / a0 - a1 * y1 - a2 * y2;
    x2 = x1, x1 = x, y2 = y1, y1 = y;
    return static_cast<float>(y);
  }
};

struct Candidate {
  int64_t lag = 0;  // coarse
  bool up = false;
  float match = 0;
  float energy = 0;  // of the window, coarse
};

}  // namespace

uint64_t chirp_place(uint16_t source, uint64_t number) {
  constexpr uint64_t kApart = 20252;
  return (number + (uint64_t{source} + kSequence - 1) * kApart) % kSequence;
}

bool chirp_goes_up(uint64_t place) { return sequence().up[place % kSequence]; }

bool chirp_goes_up(uint16_t source, uint64_t number) {
  return chirp_goes_up(chirp_place(source, number));
}

void add_chirp(std::span<float> samples, uint64_t place) {
  const auto& chirp = chirps()[chirp_goes_up(place) ? 1 : 0];
  const size_t count = std::min(samples.size(), chirp.size());
  for (size_t i = 0; i < count; ++i) samples[i] += static_cast<float>(kAmplitude) * chirp[i];
}

struct ChirpDetector::Impl {
  Impl() {
    // Zeros before the beginning, for the decimator and for a chirp that begins at once.
    fine.samples.assign(kMarkSampleRate / 10, 0);
    fine.first = -kMarkSampleRate / 10;
    coarse.first = squares.first = next_lag;
  }

  void take(std::span<const float> samples) {
    const size_t before = fine.samples.size();
    fine.samples.insert(fine.samples.end(), samples.begin(), samples.end());
    for (size_t i = before; i < fine.samples.size(); ++i)
      if (!std::isfinite(fine.samples[i])) fine.samples[i] = 0;
    decimate();
    correlate();
    coarse.forget(next_lag);
    squares.forget(next_lag);
    fine.forget((open ? best.lag : next_lag) * kStep - kMarkSampleRate / 10);
  }

  void decimate() {
    const auto& taps = decimator();
    for (; coarse.end() * kStep + kMiddleTap <= fine.end();) {
      const float y = dot(fine.at(coarse.end() * kStep - kMiddleTap), taps.data(), kTaps);
      const float high = high_pass(y);
      coarse.samples.push_back(y);
      squares.samples.push_back(high * high);
    }
  }

  void correlate() {
    static const float norm = std::sqrt(energy_of(coarse_chirps()[0]));
    for (; next_lag + kCoarseChirp + kBlock <= coarse.end();) {
      // Summed anew for each block, so that rounding errors do not pile up.
      const float* square = squares.at(next_lag);
      double energy = 0;
      for (int i = 0; i < kCoarseChirp; ++i) energy += square[i];
      for (int i = 0; i < kBlock; ++i, ++next_lag) {
        consider(static_cast<float>(energy), norm);
        energy += static_cast<double>(square[i + kCoarseChirp]) - square[i];
      }
    }
  }

  void consider(float energy, float norm) {
    if (open && next_lag > best.lag + kNeighbours) confirm();
    if (energy < kCoarseChirp * kQuietest * kQuietest) return;
    const Pair match = dot_both(coarse.at(next_lag));
    const float scale = 1 / (norm * std::sqrt(energy));
    const bool up = std::abs(match.up) > std::abs(match.down);
    const float strength = std::abs(up ? match.up : match.down) * scale;
    if (strength < kCoarseMatch || (open && strength <= best.match)) return;
    open = true;
    best = {next_lag, up, strength, energy};
  }

  // Looks at the best candidate with all samples, and reports it if it is a chirp.
  void confirm() {
    open = false;
    static const float power = energy_of(chirps()[0]);
    const auto& chirp = chirps()[best.up ? 1 : 0];
    const int64_t middle = best.lag * kStep;
    std::array<float, 2 * kFineReach + 1> match{};
    for (int i = 0; i <= 2 * kFineReach; ++i) {
      const int64_t begin = middle + i - kFineReach;
      if (begin >= fine.first && begin + kChirpSamples <= fine.end())
        match[i] = dot(fine.at(begin), chirp.data(), kChirpSamples);
    }
    const auto stronger = [](float a, float b) { return std::abs(a) < std::abs(b); };
    const auto peak = std::max_element(match.begin(), match.end(), stronger) - match.begin();
    if (peak == 0 || peak + 1 == static_cast<ptrdiff_t>(match.size())) return;
    if (std::abs(match[peak]) < kMatch * std::sqrt(power * best.energy * kStep)) return;
    const int64_t begin = middle + peak - kFineReach;
    const float amplitude = match[peak] / power;
    if (!has_all_parts(begin, chirp, amplitude)) return;
    const float before = match[peak - 1], here = match[peak], after = match[peak + 1];
    FoundChirp found;
    found.position =
        static_cast<double>(begin) + (before - after) / (2 * (before - 2 * here + after));
    found.up = best.up;
    found.level = std::abs(amplitude) * std::sqrt(power / kChirpSamples);
    ready.push_back(found);
  }

  // A click or a ringing filter can look like a chirp, but only in one place of it.
  bool has_all_parts(int64_t begin, const std::vector<float>& chirp, float amplitude) const {
    constexpr int kPiece = kChirpSamples / kPieces;
    int present = 0;
    for (int piece = 0; piece < kPieces; ++piece) {
      const float* pattern = chirp.data() + static_cast<ptrdiff_t>(piece) * kPiece;
      const float match =
          dot(fine.at(begin + static_cast<int64_t>(piece) * kPiece), pattern, kPiece);
      if (match / dot(pattern, pattern, kPiece) / amplitude > kPieceShare) ++present;
    }
    return present >= kPiecesNeeded;
  }

  std::vector<FoundChirp> collect() { return std::exchange(ready, {}); }

  Tail fine;             // 48 kHz
  Tail coarse, squares;  // 8 kHz: samples, and high-passed samples squared
  HighPass high_pass;
  int64_t next_lag = -kCoarseRate / 100;
  bool open = false;
  Candidate best;
  std::vector<FoundChirp> ready;
};

ChirpDetector::ChirpDetector() : impl_(std::make_unique<Impl>()) {}
ChirpDetector::~ChirpDetector() = default;

std::vector<FoundChirp> ChirpDetector::push(std::span<const float> samples) {
  constexpr size_t kSlice = kMarkSampleRate / 10;  // keeps what is remembered short
  for (; samples.size() > kSlice; samples = samples.subspan(kSlice))
    impl_->take(samples.first(kSlice));
  impl_->take(samples);
  return impl_->collect();
}

std::vector<FoundChirp> ChirpDetector::finish() {
  const std::vector<float> silence(kMarkSampleRate / 4, 0);
  impl_->take(silence);
  if (impl_->open) impl_->confirm();
  return impl_->collect();
}

std::optional<uint64_t> chirp_place(std::span<const FoundChirp> consecutive) {
  if (consecutive.size() < kDegree) return std::nullopt;
  constexpr double kTolerance = kChirpPeriodSamples / 10.0;
  for (size_t i = 1; i < consecutive.size(); ++i) {
    const double apart = consecutive[i].position - consecutive[i - 1].position;
    if (std::abs(apart - kChirpPeriodSamples) > kTolerance) return std::nullopt;
  }
  uint32_t window = 0;
  for (int i = 0; i < kDegree; ++i) window = window << 1 | (consecutive[i].up ? 1 : 0);
  if (window == 0) return std::nullopt;  // not in the sequence
  const uint64_t place = sequence().first[window];
  for (size_t i = 0; i < consecutive.size(); ++i)
    if (consecutive[i].up != chirp_goes_up(place + i)) return std::nullopt;
  return place;
}

}  // namespace callbot
