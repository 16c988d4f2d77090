#include "quality/selftest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/audio_mark.h"
#include "quality/rehearsal.h"
#include "quality/selftest_call.h"
#include "quality/stats_sampler.h"

namespace callbot::quality {
namespace {

using Rows = std::vector<SelftestRow>;
using Pictures = SelftestCall::Pictures;
using Sound = SelftestCall::Sound;

VideoMark mark_of(int counter, uint16_t source = 1) {
  return {static_cast<uint32_t>(counter), source,
          counter % kKnownFps == 0 ? kMarkChirp : uint8_t{0}};
}

Result<> clean(Rows& rows) {
  SelftestCall call("no fault", rows);
  call.config().joined_ns = rehearsal_ns(-0.5);
  Pictures pictures;
  pictures.media.frames = 360;
  Sound sound;
  sound.media.seconds = 12;
  if (auto done = call.run(&pictures, &sound); !done) return done;
  for (const char* metric :
       {"video.frames", "video.key_frames", "video.decoded", "video.marked", "video.expected"})
    call.total(metric, 360);
  for (const char* metric :
       {"video.undecodable", "video.missing", "video.duplicate", "video.reorder", "video.unread",
        "identity.wrong", "mute_leak", "video.freeze", "video.freeze_true", "video.pause",
        "video.arrival_freeze", "bot.overruns", "audio.missing", "audio.duplicate",
        "audio.concealed", "audio.concealment", "audio.silence", "audio.clip"})
    call.total(metric, 0);
  call.count("video.skip", 0);
  call.state("video.assembly", Measured::kUnmeasured);  // each in one packet
  call.each("video.processing", 0, 0);
  call.each("video.fps", kKnownFps, 0);
  for (const char* metric : {"video.interval", "video.arrival_interval"})
    call.each(metric, 1.0 / kKnownFps, 0.001);
  call.each("video.qp", kKnownQuantiser, 0);
  call.each("video.width", 192, 0);
  call.each("video.height", 108, 0);
  call.each("av.skew", 0, kSkewTolerance);
  call.each("av.drift", 0, 0.01);
  call.total("audio.samples", 12 * kMarkSampleRate);
  call.total("audio.marked", 12);
  call.total("audio.expected", 12);
  call.each("join.first_rtp", 0.5 + kTryDelay, kDelayTolerance);
  call.each("join.first_key_frame", 0.5 + kTryDelay, kDelayTolerance);
  call.each("join.first_frame", 0.5 + kTryDelay + kTryLatency, kDelayTolerance);
  return {};
}

Result<> delay(Rows& rows) {
  SelftestCall call("the network takes 230 ms", rows);
  const auto made = [](double) { return 0.23; };
  const Pictures pictures{.delay = made};
  const Sound sound{.delay = made};
  if (auto done = call.run(&pictures, &sound); !done) return done;
  for (const char* metric : {"video.network_delay", "audio.network_delay"})
    call.each(metric, 0.23, kDelayTolerance);
  for (const char* metric : {"video.e2e_delay", "audio.e2e_delay"})
    call.each(metric, 0.23 + kTryLatency, kDelayTolerance);
  return {};
}

// As our test pattern sends it.
Result<> early(Rows& rows) {
  SelftestCall call("packets of sound are there 18 ms before they are captured", rows);
  const Sound sound{.delay = [](double) { return -0.018; }};
  if (auto done = call.run(nullptr, &sound); !done) return done;
  call.each("audio.network_delay", -0.018, kDelayTolerance);
  call.each("audio.e2e_delay", -0.018 + kTryLatency, kDelayTolerance);
  call.total("audio.duplicate", 0);
  call.total("audio.missing", 0);
  return {};
}

// As where a lost packet is sent again: the frames behind it are whole before it.
Result<> assembly(Rows& rows) {
  constexpr double kUsual = 0.012, kLong = 0.212;
  SelftestCall call("frames' packets come within 12 ms, frame 60's within 212 ms", rows);
  const auto is_long = [](int n) { return n == 60; };
  const Pictures pictures{.delay =
                              [&](double captured) {
                                return kTryDelay +
                                       (is_long(static_cast<int>(std::lround(captured * kKnownFps)))
                                            ? kLong - kUsual
                                            : 0);
                              },
                          .spread = [&](int n) { return is_long(n) ? kLong : kUsual; }};
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  for (const char* metric : {"video.assembly", "video.processing"}) {
    call.count(metric, 300);
    call.least(metric, kUsual, 0);
    call.most(metric, kLong, 0);
  }
  const double assembled = 299 * kUsual + kLong;
  call.total("video.assembly", assembled, 1e-6);
  // Frames 61 to 65 wait in the jitterbuffer until 60 is there.
  double waited = 0;
  for (int n = 1; n < 6; ++n) waited += kLong - kUsual - static_cast<double>(n) / kKnownFps;
  call.total("video.processing", assembled + waited, 1e-6);
  return {};
}

// Within the playout's latency: it is evened out, and no freeze.
Result<> jitter(Rows& rows) {
  SelftestCall call("jitter of 80 ms, the playout's latency is 100 ms", rows);
  const auto made = [](double captured) {
    return kTryDelay + 0.08 * (std::llround(captured * kKnownFps) * 7 % 10) / 9.0;
  };
  const Pictures pictures{.delay = made};
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.each("video.e2e_delay", kTryDelay + kTryLatency, kDelayTolerance);
  call.least("video.network_delay", kTryDelay, kDelayTolerance);
  call.most("video.network_delay", kTryDelay + 0.08, kDelayTolerance);
  call.total("video.freeze", 0);
  call.total("video.missing", 0);
  return {};
}

Result<> loss(Rows& rows) {
  SelftestCall call("frames 50, 100 to 102 and 200 never come", rows);
  const Pictures pictures{
      .lost = [](int n) { return n == 50 || (n >= 100 && n < 103) || n == 200; }};
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.total("video.frames", 295);
  call.total("video.missing", 5);
  call.total("video.expected", 300);
  call.count("video.skip", 3);
  call.total("video.skip", 5);
  return {};
}

Result<> order(Rows& rows) {
  SelftestCall call("39 three times, 120 and 121 swapped, 150 again for 200", rows);
  Pictures pictures;
  pictures.media.mark = [](int n) -> std::optional<VideoMark> {
    const int shown = n == 40 || n == 41 ? 39
                      : n == 120         ? 121
                      : n == 121         ? 120
                      : n == 200         ? 150
                                         : n;
    return mark_of(shown);
  };
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.total("video.duplicate", 3);
  call.total("video.reorder", 1);
  call.total("video.missing", 3);
  return {};
}

Result<> freeze(Rows& rows) {
  SelftestCall call("a frame comes 700 ms late, those behind it wait", rows);
  Pictures pictures;
  pictures.delay = [](double captured) {
    return captured > 4.99 && captured < 5.69 ? 5 + 0.7 + kTryDelay - captured : kTryDelay;
  };
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  for (const char* metric : {"video.freeze", "video.freeze_true"}) {
    call.count(metric, 1);
    call.total(metric, 0.7 + 1.0 / kKnownFps - kTryLatency, kFrameTolerance);
  }
  // Which the playout's latency makes shorter.
  call.count("video.arrival_freeze", 1);
  call.total("video.arrival_freeze", 0.7 + 1.0 / kKnownFps, kFrameTolerance);
  call.total("video.missing", 0);
  return {};
}

// Until the call ends, half a second after the last was sent. What was sent less than a second and
// the usual delay before might still have come.
Result<> dead(Rows& rows) {
  SelftestCall call("from second 4 of 10 nothing comes", rows);
  Pictures pictures;
  pictures.media.frames = 10 * kKnownFps;
  pictures.lost = [](int n) { return n >= 4 * kKnownFps; };
  Sound sound;
  sound.media.seconds = 10;
  sound.lost = [](double captured) { return captured > 3.999; };
  if (auto done = call.run(&pictures, &sound); !done) return done;
  const double stood = 6.5 - kTryDelay - kTryLatency;
  for (const char* metric : {"video.freeze", "video.freeze_true", "video.pause"})
    call.total(metric, stood + 1.0 / kKnownFps, kFrameTolerance);
  call.total("video.arrival_freeze", stood + kTryLatency + 1.0 / kKnownFps, kFrameTolerance);
  call.total("video.missing", 161);
  call.total("audio.missing", 6);
  call.total("audio.silence", stood, 0.1);
  call.total("audio.concealed", stood * kMarkSampleRate, kDelayTolerance * kMarkSampleRate);
  return {};
}

Result<> still(Rows& rows) {
  SelftestCall call("a frozen source: one second of the same frame", rows);
  Pictures pictures;
  pictures.media.mark = [](int n) -> std::optional<VideoMark> {
    return mark_of(n >= 150 && n < 180 ? 149 : n);
  };
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  for (const char* metric : {"video.freeze", "video.arrival_freeze"})
    call.total(metric, 0, kFrameTolerance);
  call.total("video.freeze_true", 31.0 / kKnownFps, kFrameTolerance);
  call.total("video.duplicate", 30);
  return {};
}

Result<> pause(Rows& rows) {
  SelftestCall call("six seconds without a frame", rows);
  Pictures pictures{.lost = [](int n) { return n >= 90 && n < 270; }};
  pictures.media.frames = 360;
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.count("video.pause", 1);
  call.total("video.pause", 181.0 / kKnownFps, kFrameTolerance);
  call.total("video.missing", 180);
  return {};
}

Result<> skew(Rows& rows) {
  SelftestCall call("sound 80 ms later than the picture", rows);
  const Pictures pictures;
  const Sound sound{.delay = [](double) { return kTryDelay + 0.08; }};
  if (auto done = call.run(&pictures, &sound); !done) return done;
  call.count("av.skew", 10);
  call.each("av.skew", 0.08, kSkewTolerance);
  SelftestCall early("sound 60 ms earlier than the picture", rows);
  const Pictures late{.delay = [](double) { return kTryDelay + 0.06; }};
  const Sound usual;
  if (auto done = early.run(&late, &usual); !done) return done;
  early.each("av.skew", -0.06, kSkewTolerance);
  return {};
}

Result<> drift(Rows& rows) {
  SelftestCall call("sound 1 ms later each second", rows);
  Pictures pictures;
  pictures.media.frames = 600;
  Sound sound{.delay = [](double captured) { return kTryDelay + 0.001 * std::floor(captured); }};
  sound.media.seconds = 20;
  // Longer ways are those of a slower clock: without a latency the playout follows each packet.
  call.config().latency_ns = 0;
  if (auto done = call.run(&pictures, &sound); !done) return done;
  call.each("av.drift", 0.06, 0.01);
  return {};
}

Result<> leak(Rows& rows) {
  SelftestCall call("muted from 2.01 to 5.99 s, and sends on", rows);
  const Pictures pictures;
  call.mute(MediaKind::kVideo, true, 2.01);
  call.mute(MediaKind::kVideo, false, 5.99);
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.total("mute_leak", 119);  // frames 61 to 179
  SelftestCall sound_call("its sound as well", rows);
  const Sound sound;
  sound_call.mute(MediaKind::kAudio, true, 2.01);
  sound_call.mute(MediaKind::kAudio, false, 5.99);
  if (auto done = sound_call.run(nullptr, &sound); !done) return done;
  sound_call.total("mute_leak", 3);  // chirps 3 to 5
  sound_call.total("audio.missing", 0);
  return {};
}

Result<> muted(Rows& rows) {
  SelftestCall call("muted from 2.01 to 5.99 s, and sends nothing", rows);
  const Pictures pictures{.lost = [](int n) { return n > 60 && n < 180; }};
  call.mute(MediaKind::kVideo, true, 2.01);
  call.mute(MediaKind::kVideo, false, 5.99);
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  for (const char* metric : {"mute_leak", "video.freeze", "video.missing"}) call.total(metric, 0);
  return {};
}

Result<> stranger(Rows& rows) {
  SelftestCall call("ten frames of somebody else", rows);
  Pictures pictures;
  pictures.media.mark = [](int n) -> std::optional<VideoMark> {
    return mark_of(n, n >= 60 && n < 70 ? 9 : 1);
  };
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.total("identity.wrong", 10);
  return {};
}

Result<> unread(Rows& rows) {
  for (const bool many : {false, true}) {
    SelftestCall call(many ? "9 of 300 marks painted over" : "2 of 300 marks painted over", rows);
    Pictures pictures;
    pictures.media.mark = [many](int n) -> std::optional<VideoMark> {
      if (n > 0 && n % (many ? 30 : 100) == 0) return std::nullopt;
      return mark_of(n);
    };
    if (auto done = call.run(&pictures, nullptr); !done) return done;
    call.total("video.unread", many ? 9 : 2);
    if (many)
      call.state("video.missing", Measured::kInvalid);
    else
      call.total("video.missing", 0);
  }
  return {};
}

Result<> broken(Rows& rows) {
  SelftestCall call("three frames cut short", rows);
  const Pictures pictures{.change = [](int n, Frame& frame) {
    if (n == 30 || n == 31 || n == 60) frame.bytes = frame.bytes.first(9);
  }};
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.total("video.undecodable", 3);
  call.total("video.decoded", 297);
  return {};
}

// Everything brighter by as much: the picture's own coding error is small beside it.
Result<> likeness(Rows& rows) {
  constexpr int kBrighter = 20;
  SelftestCall call("luma 20 brighter than it was sent", rows);
  call.alice().painting = {
      .width = 192,
      .height = 108,
      .paint = [](uint16_t source, uint32_t counter, const PictureView& view) {
        paint_known(view, static_cast<int>(counter));
        write_video_mark(view, mark_of(static_cast<int>(counter), source));
        for (int y = 0; y < view.height; ++y)
          for (int x = 0; x < view.width; ++x) {
            uint8_t& luma =
                view.luma[static_cast<size_t>(y) * view.luma_stride + static_cast<size_t>(x)];
            luma =
                static_cast<uint8_t>(luma > 235 - kBrighter ? luma - kBrighter : luma + kBrighter);
          }
        return true;
      }};
  const Pictures pictures;
  if (auto done = call.run(&pictures, nullptr); !done) return done;
  call.each("video.psnr", 20 * std::log10(255.0 / kBrighter), 0.5);
  return {};
}

Result<> lost_sound(Rows& rows) {
  SelftestCall call("sound from 4.9 to 5.5 s never comes", rows);
  const Sound sound{.lost = [](double captured) { return captured > 4.89 && captured < 5.49; }};
  if (auto done = call.run(nullptr, &sound); !done) return done;
  call.total("audio.concealed", 0.6 * kMarkSampleRate);
  call.total("audio.concealment", 1);
  call.state("audio.silent_concealed", Measured::kUnmeasured);  // nobody makes any up
  call.total("audio.samples", 10 * kMarkSampleRate);
  call.total("audio.missing", 1);
  call.total("audio.marked", 9);
  call.total("audio.expected", 10);
  call.total("audio.silence", 0.6, 0.1);
  return {};
}

Result<> loudness(Rows& rows) {
  SelftestCall call("two seconds of silence, half a second at full scale (G.711)", rows);
  Sound sound;
  sound.media.g711 = true;
  sound.media.change = [](std::span<float> samples, double second) {
    if (second >= 3.5 && second < 5.5) std::fill(samples.begin(), samples.end(), 0.0F);
    if (second >= 7.3 && second < 7.8) std::fill(samples.begin(), samples.end(), 1.0F);
  };
  if (auto done = call.run(nullptr, &sound); !done) return done;
  call.count("audio.silence", 1);
  call.total("audio.silence", 2, 0.1);  // levels are of tenths of a second
  call.total("audio.clip", 0.5 * kMarkSampleRate, 0.005 * kMarkSampleRate);
  return {};
}

Result<> tone(Rows& rows) {
  for (const bool g711 : {true, false}) {
    SelftestCall call(g711 ? "a tone of 300 Hz alone (G.711)" : "a tone of 300 Hz alone (Opus)",
                      rows);
    Sound sound;
    sound.media.g711 = g711;
    sound.media.change = [](std::span<float> samples, double second) {
      for (size_t i = 0; i < samples.size(); ++i)
        samples[i] = static_cast<float>(
            kKnownTone * std::sin(2 * std::numbers::pi * 300 *
                                  (second + static_cast<double>(i) / kMarkSampleRate)));
    };
    if (auto done = call.run(nullptr, &sound); !done) return done;
    call.each("audio.level", 20 * std::log10(kKnownTone / std::numbers::sqrt2), 0.5);
    call.each("audio.bandwidth", 300, 100);
  }
  return {};
}

Result<> noise(Rows& rows) {
  constexpr double kDisturbing = 0.05;  // amplitude
  SelftestCall call("a second tone, of 1733 Hz, over the sound", rows);
  call.config().sent = [](uint16_t, int64_t first, std::span<float> samples) {
    play_known(samples, first);
    return true;
  };
  Sound sound;
  sound.media.change = [](std::span<float> samples, double second) {
    for (size_t i = 0; i < samples.size(); ++i)
      samples[i] += static_cast<float>(
          kDisturbing * std::sin(2 * std::numbers::pi * 1733 *
                                 (second + static_cast<double>(i) / kMarkSampleRate)));
  };
  if (auto done = call.run(nullptr, &sound); !done) return done;
  std::vector<float> sent(kMarkSampleRate);
  play_known(sent, 0);
  double energy = 0;
  for (const float v : sent) energy += static_cast<double>(v) * v;
  call.each("audio.snr",
            10 * std::log10(energy / kMarkSampleRate / (kDisturbing * kDisturbing / 2)), 1);
  return {};
}

// As a peer connection would tell them, each second of ten.
Result<> counters(Rows& rows) {
  constexpr int kSeconds = 10;
  SelftestCall call("a connection's counters: in each second 95 packets came and 5 were lost",
                    rows);
  SeriesSet set("bob", "alice", "camera");
  StatsSampler sampler(set);
  for (int64_t n = 0; n <= kSeconds; ++n) {
    const int64_t at_ns = rehearsal_ns(static_cast<double>(n));
    sampler.received({.packets = 95 * n,
                      .lost = 5 * n,
                      .repaired = 3 * n,
                      .discarded = n,
                      .bytes = 95'000 * n,
                      .nack = 4 * n,
                      .pli = 2 * n,
                      .fir = n,
                      .jitter = 0.004,
                      .buffer_delay = 0.05 * 30 * static_cast<double>(n),
                      .buffer_emitted = 30 * n},
                     at_ns);
    sampler.sent({.packets = 90 * n,
                  .frames = 30 * n,
                  .key_frames = 2 * n,
                  .huge_frames = n,
                  .left_out = 3 * n,
                  .bytes = 90'000 * n,
                  .nack = 2 * n,
                  .pli = n,
                  .fir = 2 * n,
                  .switches = n,
                  .lateness = 0.012 * 30 * static_cast<double>(n),
                  .target_bitrate = 8e5,
                  .available_bitrate = 1e6,
                  .limited = 0.25 * static_cast<double>(n)},
                 at_ns);
    sampler.losses({.count = 2 * n, .sum = (0.03 + 0.07) * static_cast<double>(n)}, at_ns);
    sampler.trips({.count = 2 * n, .sum = 0.03 * 2 * static_cast<double>(n)}, at_ns);
  }
  call.report(set.snapshot());
  const std::pair<const char*, double> totals[] = {
      {"rtp.packets", 95}, {"rtp.lost", 5},        {"rtp.repaired", 3},     {"rtp.discarded", 1},
      {"rtp.nack", 4},     {"rtp.pli", 2},         {"rtp.fir", 1},          {"send.packets", 90},
      {"send.frames", 30}, {"send.key_frames", 2}, {"send.left_out", 3},    {"send.nack", 2},
      {"send.pli", 1},     {"send.fir", 2},        {"send.huge_frames", 1}, {"send.switches", 1}};
  for (const auto& [metric, each] : totals) call.total(metric, each * kSeconds);
  call.total("send.limited", 0.25 * kSeconds, kDelayTolerance);
  call.each("rtp.loss", 0.05, 0);
  call.each("rtp.jitter", 0.004, 0);
  call.each("rtp.rtt", 0.03, 1e-9);
  call.each("rtp.bitrate", 95'000 * 8, 0);
  call.each("jitterbuffer.delay", 0.05, kDelayTolerance);
  call.each("send.bitrate", 90'000 * 8, 0);
  call.each("send.available_bitrate", 1e6, 0);
  call.each("send.target_bitrate", 8e5, 0);
  call.each("send.fps", 30, 0);
  call.each("send.loss", 0.05, 1e-9);
  call.each("send.lateness", 0.012, 1e-9);
  return {};
}

constexpr std::array kFaults = {clean,    delay,      early,    assembly, jitter, loss,
                                order,    freeze,     dead,     still,    pause,  skew,
                                drift,    leak,       muted,    stranger, unread, broken,
                                likeness, lost_sound, loudness, tone,     noise,  counters};

}  // namespace

Result<std::vector<SelftestRow>> selftest(const std::function<bool(double)>& progress) {
  Rows rows;
  for (size_t n = 0; n < kFaults.size(); ++n) {
    if (progress && !progress(static_cast<double>(n) / kFaults.size()))
      return fail(Code::kInterrupted, "stopped");
    if (auto done = kFaults[n](rows); !done) return tl::unexpected(done.error());
  }
  return rows;
}

std::vector<std::string> not_tried(const std::vector<SelftestRow>& rows) {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) {
    if (std::none_of(rows.begin(), rows.end(), [&](auto& r) { return r.metric == metric.name; }))
      names.emplace_back(metric.name);
  }
  return names;
}

}  // namespace callbot::quality
