#include "feeds/prompts.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numbers>
#include <string_view>

#include "base/gref.h"

namespace callbot::feeds {
namespace {

constexpr int kRate = 48000, kSeconds = 2;
constexpr int kTone = kRate * 160 / 1000, kPause = kRate / 10, kRamp = kRate / 200;
constexpr double kLevel = 0.22;  // peak of each of both tones: about -13 dBFS

// ITU-T Q.23: the row's tone and the column's.
constexpr std::string_view kKeys = "123A456B789C*0#D";
constexpr std::array kLow = {697.0, 770.0, 852.0, 941.0}, kHigh = {1209.0, 1336.0, 1477.0, 1633.0};

void add_key(std::vector<int16_t>& samples, size_t key) {
  const auto phase = [](double hz, int i) {
    return std::sin(2 * std::numbers::pi * hz * i / kRate);
  };
  for (int i = 0; i < kTone; ++i) {
    const double edge = std::min({1.0, i / double{kRamp}, (kTone - i) / double{kRamp}});
    const double value = kLevel * edge * (phase(kLow[key / 4], i) + phase(kHigh[key % 4], i));
    samples.push_back(static_cast<int16_t>(std::lrint(value * 32767)));
  }
}

Result<> write_sound(const fs::path& out, std::span<const int16_t> samples) {
  auto writer = ClipWriter::create(out, "nut");
  if (!writer) return tl::unexpected(writer.error());
  auto stream = (*writer)->add(AudioSettings{});
  if (!stream) return tl::unexpected(stream.error());
  if (auto begun = (*writer)->begin(); !begun) return begun;
  if (auto put = (*writer)->samples(*stream, samples); !put) return put;
  return (*writer)->finish();
}

// Says whether the program is there; `done`: how it went.
bool run(const std::vector<std::string>& command, Result<>& done) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  GError* raw = nullptr;
  char* said = nullptr;
  int status = 0;
  const bool ran =
      g_spawn_sync(nullptr, words.data(), nullptr, static_cast<GSpawnFlags>(G_SPAWN_SEARCH_PATH),
                   nullptr, nullptr, nullptr, &said, &status, &raw) != FALSE;
  const ErrorPtr error(raw);
  const Text text(said);
  if (!ran && error->domain == G_SPAWN_ERROR && error->code == G_SPAWN_ERROR_NOENT) return false;
  if (!ran)
    done = fail(Code::kInternal, fmt::format("{}: {}", command[0], error->message));
  else if (status != 0)
    done = fail(Code::kInternal, fmt::format("{} failed: {}", command[0], text.get()));
  else
    done = {};
  return true;
}

}  // namespace

Result<> write_black(const fs::path& out, const VideoSettings& settings) {
  auto writer = ClipWriter::create(out, "nut");
  if (!writer) return tl::unexpected(writer.error());
  auto stream = (*writer)->add(settings);
  if (!stream) return tl::unexpected(stream.error());
  if (auto begun = (*writer)->begin(); !begun) return begun;
  const auto draw = [](const PictureView& view) {
    std::fill_n(view.luma, view.luma_stride * view.height, uint8_t{16});
    std::fill_n(view.cb, view.chroma_stride * ((view.height + 1) / 2), uint8_t{128});
    std::fill_n(view.cr, view.chroma_stride * ((view.height + 1) / 2), uint8_t{128});
  };
  for (int n = 0; n < kSeconds * settings.fps; ++n)
    if (auto put = (*writer)->picture(*stream, n, draw); !put) return put;
  return (*writer)->finish();
}

Result<> write_silence(const fs::path& out) {
  return write_sound(out, std::vector<int16_t>(size_t{kSeconds} * kRate));
}

Result<std::vector<int16_t>> dtmf_samples(const std::string& keys) {
  std::vector<int16_t> samples;
  for (const char c : keys) {
    const size_t key = kKeys.find(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    if (c == ',') {
      samples.resize(samples.size() + kRate);
    } else if (key == std::string_view::npos) {
      return fail(
          Code::kUsage,
          fmt::format("dtmf:{}: expected keys of 0-9 * # A-D, and commas for pauses", keys));
    } else {
      add_key(samples, key);
      samples.resize(samples.size() + kPause);
    }
  }
  if (samples.empty()) return fail(Code::kUsage, "dtmf: expected keys, such as dtmf:123#");
  const size_t packet = kRate / 50;  // whole packets, so that rounds follow each other exactly
  samples.resize((samples.size() + kRate + packet - 1) / packet * packet);
  return samples;
}

Result<> write_dtmf(const fs::path& out, const std::string& keys) {
  auto samples = dtmf_samples(keys);
  if (!samples) return tl::unexpected(samples.error());
  return write_sound(out, *samples);
}

Result<> speak(const fs::path& out, const std::string& words) {
  if (words.empty()) return fail(Code::kUsage, "say: expected words, such as say:hello");
  // A word that begins with "-" is no flag of theirs.
  const std::string text = " " + words;
  Result<> done;
  if (run({"espeak-ng", "-w", out.string(), text}, done)) return done;
  if (run({"flite", "-t", text, "-o", out.string()}, done)) return done;
  return fail(Code::kUnsupported,
              "say: needs a program that speaks; expected espeak-ng or flite to be installed");
}

}  // namespace callbot::feeds
