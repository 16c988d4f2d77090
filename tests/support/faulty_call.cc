#include "tests/support/faulty_call.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "recordings/event.h"

namespace callbot::test {
namespace {

using recordings::Event;
using recordings::EventKind;
using recordings::Recording;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;
constexpr int kFps = 15;
constexpr int kWidth = 320, kHeight = 180;

struct Colours {
  uint8_t cb, cr;
};

// Somebody in front of a wall.
void paint_person(const PictureView& p, int n, Colours wall) {
  const double x0 = p.width * (0.5 + 0.06 * std::sin(n * 0.11));
  const double y0 = p.height * (0.42 + 0.02 * std::sin(n * 0.23));
  // How it looks there; the wall's brightness changes across.
  struct Look {
    int luma;
    Colours colours;
  };
  const auto look = [&](int x, int y) -> Look {
    const double head = std::hypot((x - x0) / (p.width * 0.10), (y - y0) / (p.height * 0.22));
    const double body =
        std::hypot((x - x0) / (p.width * 0.24), (y - p.height * 1.08) / (p.height * 0.46));
    if (head < 1) return {165, {112, 150}};
    if (body < 1) return {60, {150, 120}};
    return {90 + 70 * (p.width - x) / p.width, wall};
  };
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < p.width; ++x) {
      const Look there = look(x, y);
      const int noise = (x * 7 + y * 13 + n * 5) % 7;
      p.luma[static_cast<size_t>(y) * p.luma_stride + static_cast<size_t>(x)] =
          static_cast<uint8_t>(there.luma + noise);
      if (x % 2 != 0 || y % 2 != 0) continue;
      const size_t at = static_cast<size_t>(y / 2) * p.chroma_stride + static_cast<size_t>(x / 2);
      p.cb[at] = there.colours.cb;
      p.cr[at] = there.colours.cr;
    }
  }
}

void paint_black(const PictureView& p) {
  for (int y = 0; y < p.height; ++y)
    std::fill_n(p.luma + static_cast<size_t>(y) * p.luma_stride, p.width, 16);
  for (int y = 0; y < p.height / 2; ++y) {
    std::fill_n(p.cb + static_cast<size_t>(y) * p.chroma_stride, p.width / 2, 128);
    std::fill_n(p.cr + static_cast<size_t>(y) * p.chroma_stride, p.width / 2, 128);
  }
}

// From second to second of one track: pictures of one size.
EncodedFrames filmed(double from, double to, Colours wall, int width = kWidth, double still = -1,
                     double dark = -1) {
  VideoRecipe recipe{.width = width, .height = width * kHeight / kWidth, .fps = kFps};
  const int first = static_cast<int>(from * kFps);
  recipe.frames = static_cast<int>(to * kFps) - first;
  recipe.key_every = 10 * kFps;
  recipe.marked = false;
  recipe.paint = [=](const PictureView& p, int n) {
    const double at = from + static_cast<double>(n) / kFps;
    if (dark >= 0 && at >= dark && at < dark + 4) return paint_black(p);
    const bool stands = still >= 0 && at >= still && at < still + 5;
    paint_person(p, stands ? static_cast<int>(still * kFps) : first + n, wall);
  };
  auto frames = make_video(recipe);
  for (EncodedFrame& f : frames) {
    f.time_ns += static_cast<int64_t>(from * 1e9);
    f.rtp_time += static_cast<int64_t>(from * 90000);
  }
  return frames;
}

// Speech-like: syllables in sentences, silence between them.
EncodedFrames spoken(double seconds, double phase, double loud_from = -1) {
  return make_audio(
      {.seconds = seconds,
       .marked = false,
       .tone = 0,
       .change = [=](std::vector<float>& s, double at) {
         const bool sentence = std::fmod(at + phase, 13) < 7.5;
         const bool too_loud = loud_from >= 0 && at >= loud_from && at < loud_from + 3;
         for (size_t i = 0; i < s.size(); ++i) {
           const double t = at + static_cast<double>(i) / 48000;
           const double syllable =
               std::pow(std::sin(t * 7.3 + phase), 2) * (0.6 + 0.4 * std::sin(t * 1.7));
           const double voice = std::sin(t * 6.2832 * 160) * 0.5 + std::sin(t * 6.2832 * 480) * 0.3;
           double value = 0.004 * std::sin(t * 6.2832 * 50);
           if (sentence) value += voice * syllable * 0.5;
           if (too_loud) value = std::clamp(voice * 8, -1.0, 1.0);
           s[i] = static_cast<float>(value);
         }
       }});
}

Event on_track(EventKind kind, TrackId track) {
  Event event{.kind = kind};
  event.track = track;
  return event;
}

void note_loss(Feed& feed, double at, TrackId track, int64_t count) {
  feed.at(at, [=](Recording& r) {
    Event loss = on_track(EventKind::kLoss, track);
    loss.count = count;
    r.note(loss);
  });
}

void joins(Feed& feed, const std::string& id, const std::string& name, double from, double to) {
  feed.at(from, [=](Recording& r) {
    r.note({.kind = EventKind::kMemberJoined, .participant = id, .name = name});
  });
  if (to > 0) {
    feed.at(to, [=](Recording& r) {
      r.note({.kind = EventKind::kMemberLeft, .participant = id, .reason = "left"});
    });
  }
}

void add_alice(Feed& feed) {
  joins(feed, "m1", "Alice Ångström", 0, -1);
  feed.says("m1", 0, kVideo, true, "camera");
  feed.says("m1", 0, kAudio, true);
  feed.add({video_track(1, "m1"), filmed(0, 60, {142, 118})});
  feed.add({audio_track(2, "m1"), spoken(60, 0)});
}

void add_bob(Feed& feed) {
  joins(feed, "m2", "Bob", 5, 55);
  feed.says("m2", 5, kVideo, true, "camera");
  feed.says("m2", 5, kAudio, true);
  feed.says("m2", 20, kAudio, false);
  feed.says("m2", 28, kAudio, true);
  auto pictures = filmed(0, 50, {120, 140});
  // What came after the loss was of no use until the key frame 40 s into it.
  const auto useless = [](const EncodedFrame& f) { return f.time_ns >= 36'500'000'000 && !f.key; };
  const auto first = std::find_if(pictures.begin(), pictures.end(), useless);
  const auto key = std::find_if(first, pictures.end(), [](auto& f) { return f.key; });
  key->after_gap = true;
  pictures.erase(first, key);
  EncodedFrames sound;
  bool lost = false;
  size_t n = 0;
  for (EncodedFrame& f : spoken(50, 6)) {
    const double at = 5 + static_cast<double>(f.time_ns) / 1e9;
    ++n;
    if (at >= 20 && at < 28) continue;
    if (at >= 40 && at < 47 && n % 9 < 2) {
      lost = true;
      continue;
    }
    f.after_gap = std::exchange(lost, false);
    sound.push_back(std::move(f));
  }
  feed.add({.info = video_track(3, "m2"), .frames = pictures, .start = 5});
  feed.add({.info = audio_track(4, "m2"), .frames = sound, .start = 5});
  feed.at(41.6, [](Recording& r) { r.note(on_track(EventKind::kKeyFrameWait, 3)); });
  feed.at(45, [](Recording& r) {
    Event found = on_track(EventKind::kKeyFrameFound, 3);
    found.duration_ns = 3'400'000'000;
    r.note(found);
  });
  note_loss(feed, 15, 3, 2);
  note_loss(feed, 45, 3, 61);
  note_loss(feed, 45, 4, 52);
  note_loss(feed, 50, 4, 78);
}

void add_carol(Feed& feed) {
  joins(feed, "m3", "Carol", 2, -1);
  feed.says("m3", 2, kVideo, true, "camera");
  feed.says("m3", 2, kAudio, true);
  EncodedFrames pictures = filmed(0, 34, {128, 110}, kWidth, 12, 28);
  for (auto part : {filmed(34, 48, {128, 110}, kWidth / 2), filmed(48, 58, {128, 110})})
    std::move(part.begin(), part.end(), std::back_inserter(pictures));
  feed.add({.info = video_track(5, "m3"), .frames = pictures, .start = 2});
  feed.add({.info = audio_track(6, "m3"), .frames = spoken(58, 3, 8), .start = 2});
}

void add_mallory(Feed& feed) {
  joins(feed, "m4", hostile_name(), 8, -1);
  feed.says("m4", 8, kVideo, true, "camera");
  feed.says("m4", 8, kAudio, true);
  const auto silence = [](std::vector<float>& s, double) { std::fill(s.begin(), s.end(), 0.0f); };
  feed.add({.info = audio_track(7, "m4"),
            .frames = make_audio({.seconds = 52, .marked = false, .change = silence}),
            .start = 8});
}

}  // namespace

std::string hostile_name() {
  std::string name =
      "<script>globalThis.hacked=1</script>\"'><img src=x onerror=hacked=1>\u202e&amp;";
  while (name.size() < 10000) name += "W";
  return name;
}

void add_faulty_call(Feed& feed) {
  add_alice(feed);
  add_bob(feed);
  add_carol(feed);
  add_mallory(feed);
  feed.at(33, [](Recording& r) {
    r.note({.kind = EventKind::kSignalingInterrupted, .reason = "connection reset"});
  });
  feed.at(36, [](Recording& r) { r.note({.kind = EventKind::kSignalingResumed}); });
  feed.at(26, [](Recording& r) {
    Event marker{.kind = EventKind::kMarker};
    marker.text = "the decision";
    marker.by = "alice";
    r.note(marker);
  });
  feed.at(50, [](Recording& r) {
    Event pause{.kind = EventKind::kPaused, .participant = "m1"};
    pause.policy = "cut";
    r.note(pause);
  });
  feed.at(53, [](Recording& r) { r.note({.kind = EventKind::kResumed, .participant = "m1"}); });
  feed.at(59, [](Recording& r) {
    r.ending({.reason = "stopped", .by = "user", .text = "the meeting was over"});
  });
}

}  // namespace callbot::test
