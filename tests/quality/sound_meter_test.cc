#include "quality/sound_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/support/measured.h"

namespace callbot::test {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::Le;
using ::testing::SizeIs;

TEST(PacketTicks, AreWhatAPacketLasts) {
  for (const char* codec : {"opus", "pcmu", "pcma", "g722"}) {
    const TrackInfo track = audio_track(1, "alice", codec);
    for (const EncodedFrame& f : make_audio({.codec = codec, .seconds = 0.2}))
      EXPECT_EQ(quality::packet_ticks(codec, f.bytes), track.clock_rate / 50) << codec;
  }
  EXPECT_EQ(quality::packet_ticks("opus", {}), 0);
  // RFC 6716, 3.1: SILK 60 ms; CELT 2.5 ms twice; hybrid 10 ms, three frames.
  EXPECT_EQ(quality::packet_ticks("opus", std::vector<uint8_t>{3 << 3, 0}), 2880);
  EXPECT_EQ(quality::packet_ticks("opus", std::vector<uint8_t>{16 << 3 | 1, 0}), 240);
  EXPECT_EQ(quality::packet_ticks("opus", std::vector<uint8_t>{12 << 3 | 3, 3, 0}), 1440);
  EXPECT_EQ(quality::packet_ticks("opus", std::vector<uint8_t>{3 << 3 | 3, 3, 0}), 0)
      << "beyond 120 ms it is no packet";
}

quality::WatchConfig config() {
  return {.actor = "bob", .verify = quality::Verify::kAll, .log = log_of(1, 600)};
}
const quality::Member kAlice{.sender = {.source = 1, .fps = 30}};
constexpr const char* kMic = "microphone";

class SoundMeterCodecs : public ::testing::TestWithParam<const char*> {};

TEST_P(SoundMeterCodecs, ChirpsHaveTheDelayThatWasMade) {
  Measuring call(config());
  call.watch().expect("alice", kAlice);
  call.add({audio_track(1, "alice", GetParam()), make_audio({.codec = GetParam(), .seconds = 10})});
  call.run(10.5);
  const Snapshot s(call.watch());
  EXPECT_EQ(s.total("audio.marked", kMic), 10);
  EXPECT_THAT(s.values("audio.e2e_delay", kMic), SizeIs(10));
  EXPECT_THAT(s.values("audio.e2e_delay", kMic), Each(DoubleNear(0.04, 0.003)));
  EXPECT_EQ(s.total("audio.samples", kMic), 480000);
}

INSTANTIATE_TEST_SUITE_P(All, SoundMeterCodecs, ::testing::Values("opus", "pcmu", "pcma", "g722"));

TEST(SoundMeter, ASenderThatMakesUpForItsCodecHasNoDelayTakenOff) {
  for (const int64_t ahead : {int64_t{0}, quality::kOpusLookahead_ns}) {
    Measuring call(config());
    call.watch().expect("alice", {.sender = {.source = 1, .fps = 30, .sound_ahead_ns = ahead}});
    call.add({audio_track(1, "alice"), make_audio({.seconds = 6})});
    call.run(6.5);
    EXPECT_THAT(Snapshot(call.watch()).values("audio.e2e_delay", kMic),
                Each(DoubleNear(0.04 + static_cast<double>(ahead) / 1e9, 0.001)));
  }
}

// Nothing comes from then until a chirp's second packet: with that it is found all the same.
EncodedFrames without_beginning(double from, int chirp) {
  return without(make_audio({.codec = "pcmu", .seconds = 16}), std::llround(from * 1e9),
                 chirp * int64_t{1'000'000'000} + 15'000'000);
}

TEST(SoundMeter, AChirpWhoseBeginningWasMutedIsTheOneThatWasUnderWay) {
  // Pauses shorter and longer than what is filled with silence; the directions of some would fit
  // another number as well.
  for (const int unmuted : {4, 5, 6, 7, 8, 9, 10, 11, 12}) {
    Measuring call(config());
    call.watch().expect("alice", kAlice);
    call.add({audio_track(1, "alice", "pcmu"), without_beginning(2.5, unmuted)});
    call.at(2.5, [&] { call.watch().muted("alice", MediaKind::kAudio, true, at_second(2.5)); });
    call.at(unmuted + 0.02, [&] {
      call.watch().muted("alice", MediaKind::kAudio, false, at_second(unmuted - 0.08));
    });
    call.run(16.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("audio.marked", kMic), 3 + 16 - unmuted);
    EXPECT_EQ(s.total("mute_leak", kMic), 0) << "unmuted at " << unmuted << " s";
    EXPECT_THAT(s.values("audio.e2e_delay", kMic), Each(DoubleNear(0.04, 0.003)))
        << "unmuted at " << unmuted << " s";
  }
}

TEST(SoundMeter, AChirpWhoseBeginningWasLostIsTheOneThatCame) {
  for (const int second : {4, 5, 6, 7}) {
    Measuring call(config());
    call.watch().expect("alice", kAlice);
    call.add({audio_track(1, "alice", "pcmu"), without_beginning(second - 0.1, second)});
    call.run(16.5);
    const Snapshot s(call.watch());
    EXPECT_EQ(s.total("audio.marked", kMic), 16);
    EXPECT_EQ(s.total("audio.missing", kMic), 0);
    EXPECT_EQ(s.total("audio.duplicate", kMic), 0);
    EXPECT_THAT(s.values("audio.e2e_delay", kMic), Each(DoubleNear(0.04, 0.003)))
        << "at " << second << " s";
  }
}

TEST(SoundMeter, LevelBandwidthSilenceAndClipping) {
  AudioRecipe recipe{.codec = "pcma", .seconds = 8, .marked = false, .tone = 0.4};
  recipe.change = [](std::vector<float>& samples, double second) {
    if (second >= 2 && second < 4) std::fill(samples.begin(), samples.end(), 0.0F);
    if (second >= 5 && second < 5.1)
      for (float& v : samples) v = v > 0 ? 1.0F : -1.0F;
  };
  Measuring call(config());
  call.add({audio_track(1, "alice", "pcma"), make_audio(recipe)});
  call.run(8.5);
  const Snapshot s(call.watch());
  const auto levels = s.values("audio.level", kMic);
  EXPECT_NEAR(levels[5], 20 * std::log10(0.4 / std::sqrt(2)), 0.3);
  EXPECT_LT(levels[30], -60);
  ASSERT_THAT(s.values("audio.silence", kMic), SizeIs(1));
  EXPECT_NEAR(s.values("audio.silence", kMic)[0], 2, 0.11);
  EXPECT_NEAR(
      static_cast<double>(s.of("audio.silence", kMic).samples[0].at_ns - at_second(2.04)) / 1e9, 0,
      0.11);
  EXPECT_THAT(s.total("audio.clip", kMic), AllOf(Gt(1000), Le(4900)));
  EXPECT_THAT(s.values("audio.bandwidth", kMic)[0], AllOf(Ge(280), Le(420)));
}

TEST(SoundMeter, SnrAgainstTheSentSamples) {
  const auto sent = [](uint16_t, int64_t first, std::span<float> samples) {
    for (size_t i = 0; i < samples.size(); ++i)
      samples[i] = static_cast<float>(
          0.05 * std::sin(2 * std::numbers::pi * 300 *
                          static_cast<double>(first + static_cast<int64_t>(i)) / kMarkSampleRate));
    for (int64_t chirp = first / kChirpPeriodSamples - 1;
         chirp * kChirpPeriodSamples < first + static_cast<int64_t>(samples.size()); ++chirp) {
      const int64_t at = chirp * kChirpPeriodSamples - first;
      if (chirp < 0 || at < -kChirpSamples) continue;
      std::vector<float> one(kChirpSamples);
      add_chirp(one, static_cast<uint64_t>(chirp));
      for (int64_t i = 0; i < kChirpSamples; ++i)
        if (at + i >= 0 && at + i < static_cast<int64_t>(samples.size()))
          samples[static_cast<size_t>(at + i)] += one[static_cast<size_t>(i)];
    }
    return true;
  };
  std::vector<double> clean, noisy;
  for (const bool noise : {false, true}) {
    AudioRecipe recipe{.codec = "opus", .seconds = 8};
    if (noise)
      recipe.change = [](std::vector<float>& samples, double second) {
        for (size_t i = 0; i < samples.size(); ++i)
          samples[i] +=
              static_cast<float>(0.02 * std::sin(2 * std::numbers::pi * 1733 *
                                                 (second + static_cast<double>(i) / 48000)));
      };
    quality::WatchConfig with = config();
    with.sent = sent;
    Measuring call(with);
    call.watch().expect("alice", kAlice);
    call.add({audio_track(1, "alice"), make_audio(recipe)});
    call.run(8.5);
    auto& values = noise ? noisy : clean;
    values = Snapshot(call.watch()).values("audio.snr", kMic);
    // Opus begins with nothing to go by: the beginning of the first chirp suffers.
    ASSERT_FALSE(values.empty());
    values.erase(values.begin());
  }
  ASSERT_GE(clean.size(), 6u);
  // Power of tone and chirps against that of the disturbing tone, 0.02^2 / 2.
  const double power = 0.05 * 0.05 / 2 + 0.08 * 0.251 * 0.251 / 2 * 0.85;
  const double made = 10 * std::log10(power / (0.02 * 0.02 / 2));
  EXPECT_THAT(noisy, Each(DoubleNear(made, 1.5)));
  EXPECT_THAT(clean, Each(Gt(made + 3)));
}

}  // namespace
}  // namespace callbot::test
