// tests/support/made_recordings.h: folders that are recordings as far as a catalogue looks, made
// quickly: manifest, journal, a media file without media.
//
// Thread:  any.
// Owner:   the test.
// Fails:   the test, through EXPECT.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "recordings/event.h"
#include "recordings/manifest.h"

namespace callbot::test {

struct MadeRecording {
  std::string name;
  std::string room = "room";
  int64_t started_wall_ns = 1'795'234'842'000'000'000;  // 2026-11-21T04:20:42Z
  double length_s = 60;
  std::vector<std::string> members = {"alice"};
  std::string state = "finished";
  std::vector<std::string> chat = {};
  size_t media_bytes = 1000;
  std::string verdict = {};
  std::string label = {};
};

inline void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

// Somebody writes the recording for as long as this lives.
class Writing {
 public:
  explicit Writing(const std::filesystem::path& folder)
      : fd_(open((folder / "journal.jsonl").c_str(), O_WRONLY | O_CLOEXEC)) {
    EXPECT_EQ(flock(fd_, LOCK_EX | LOCK_NB), 0);
  }
  ~Writing() { close(fd_); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  int fd_;
};

// As if nobody had written it for so long.
inline void age_journal(const std::filesystem::path& folder, std::chrono::seconds by) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const timespec then{now.tv_sec - by.count(), 0};
  const timespec times[] = {then, then};
  EXPECT_EQ(utimensat(AT_FDCWD, (folder / "journal.jsonl").c_str(), times, 0), 0);
}

inline std::filesystem::path make_recording(const std::filesystem::path& out,
                                            const MadeRecording& made) {
  using namespace recordings;
  const auto folder = out / made.name;
  std::filesystem::create_directories(folder / "media");
  std::filesystem::create_directories(folder / "exports");
  const auto length_ns = static_cast<int64_t>(made.length_s * 1e9);
  Manifest manifest;
  manifest.software = "test";
  manifest.facts = {.room = made.room, .label = made.label};
  manifest.started_wall_ns = made.started_wall_ns;
  std::vector<Event> events{{.kind = EventKind::kStarted, .version = kFormatVersion}};
  for (const std::string& name : made.members)
    events.push_back({.kind = EventKind::kMemberJoined, .participant = "p-" + name, .name = name});
  events.push_back({.kind = EventKind::kMemberJoined,
                    .participant = "recorder",
                    .name = "recorder",
                    .recorder = true});
  for (const std::string& text : made.chat)
    events.push_back({.kind = EventKind::kChat, .participant = "p", .text = text});
  if (made.state != "running")
    events.push_back(
        {.kind = EventKind::kEnded, .reason = made.state == "failed" ? "error" : "stopped"});
  else
    events.push_back({.kind = EventKind::kNote, .text = "still there"});
  std::string journal;
  const Manifest begun = manifest;
  for (Event& event : events) {
    event.wall_ns = made.started_wall_ns + (&event == &events.back() ? length_ns : 0);
    journal += to_line(event) + '\n';
    apply(manifest, event);
  }
  write(folder / "manifest.json", to_text(made.state == "running" ? begun : manifest));
  write(folder / "journal.jsonl", journal);
  write(folder / "media" / "alice-1.mkv", std::string(made.media_bytes, 'm'));
  if (!made.verdict.empty())
    write(folder / "verdict.json", "{\"verdict\":\"" + made.verdict + "\"}");
  return folder;
}

}  // namespace callbot::test
