// A recording's folder after every kind of accident: repair says what is wrong, never crashes, and
// the second time it changes nothing.
//
// The input is a row of accidents of six bytes: which file, what happens to it, where (three
// bytes), and a value. Accident 5 puts the rest of the input in the file's place.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/recording.h"
#include "recordings/repair.h"
#include "recordings/show.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using Tree = std::map<std::string, std::string>;

void must(bool holds) {
  if (!holds) std::abort();
}

Tree tree_of(const fs::path& folder) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    tree[fs::relative(entry.path(), folder).string()] =
        entry.is_regular_file() ? read_file(entry.path(), 64u << 20).value_or("") : "/";
  return tree;
}

Frame frame(const std::vector<uint8_t>& bytes, bool key, int64_t rtp_time) {
  Frame f;
  f.owner = std::make_shared<std::vector<uint8_t>>(bytes);
  f.bytes = *std::static_pointer_cast<const std::vector<uint8_t>>(f.owner);
  f.key = key;
  f.rtp_time = rtp_time;
  f.first_arrival_ns = f.last_arrival_ns = monotonic_ns();
  return f;
}

// Two members, two seconds. The frames are no pictures: nothing here decodes them.
Tree make_recording(bool finish) {
  const test::TempFolder out(test::in_memory());
  FakeClock clock(1'000'000'000'000, 1'795'234'842'000'000'000);
  auto made = Recording::create(Log("fuzz"), out.path(), {.room = "room"});
  must(made.has_value());
  Recording& r = **made;
  // RFC 6386, 9.1: a key frame of 64x48.
  std::vector<uint8_t> key{0x50, 1, 0, 0x9D, 0x01, 0x2A, 64, 0, 48, 0};
  key.resize(120, 7);
  std::vector<uint8_t> delta(60, 9);
  delta[0] = 0x51;
  const std::vector<uint8_t> sound{0xF8, 0xFF, 0xFE};
  TrackId id = 0;
  for (const char* name : {"alice", "bob"}) {
    r.note({.kind = EventKind::kMemberJoined, .participant = name, .name = name});
    must(r.begin_track({++id, MediaKind::kVideo, "vp8", 90'000, 0, name, name}).has_value());
    must(r.begin_track({++id, MediaKind::kAudio, "opus", 48'000, 2, name, name}).has_value());
  }
  for (int n = 0; n < 60; ++n) {
    for (TrackId t : {1, 3}) (void)r.write(t, frame(n == 0 ? key : delta, n == 0, n * 3000));
    for (TrackId t : {2, 4}) (void)r.write(t, frame(sound, true, n * 1600));
    (void)r.beat();
    clock.advance(std::chrono::nanoseconds(1'000'000'000 / 30));
  }
  const fs::path folder = r.folder();
  if (finish) must(r.finish().has_value());
  made->reset();
  return tree_of(folder);
}

void harm(Tree& tree, std::span<const uint8_t> accident, std::span<const uint8_t> rest) {
  static const char* const kFiles[] = {"manifest.json", "journal.jsonl", "media/alice-1.mkv",
                                       "media/bob-1.mkv"};
  const std::string name = kFiles[accident[0] % std::size(kFiles)];
  const auto found = tree.find(name);
  if (found == tree.end()) return;
  std::string& bytes = found->second;
  const size_t where = (static_cast<size_t>(accident[2]) << 16 | accident[3] << 8 | accident[4]) %
                       (bytes.size() + 1);
  switch (accident[1] % 8) {
    case 0:
      if (where < bytes.size()) bytes[where] = static_cast<char>(bytes[where] ^ accident[5]);
      return;
    case 1:
      return bytes.resize(where);
    case 2:
      bytes.insert(where, accident[5], static_cast<char>(accident[5]));
      return;
    case 3:
      tree.erase(found);
      return;
    case 4:
      return std::swap(bytes, tree[kFiles[accident[5] % std::size(kFiles)]]);
    case 5:
      bytes.assign(rest.begin(), rest.end());
      return;
    case 6:
      bytes.erase(where, accident[5]);
      return;
    default:
      tree[fs::path(name).parent_path() / (std::string(1, 'a' + accident[5] % 26) + "-1.mkv")] =
          bytes;
  }
}

void put(const fs::path& folder, const Tree& tree) {
  fs::remove_all(folder);
  for (const char* name : {"media", "exports", "files"}) fs::create_directories(folder / name);
  for (const auto& [name, bytes] : tree) {
    if (bytes != "/") std::ofstream(folder / name, std::ios::binary) << bytes;
  }
}

}  // namespace

void fuzz_repair(std::span<const uint8_t> input) {
  static const test::TempFolder out(test::in_memory());
  static const Tree kCutOff = make_recording(false);
  static const Tree kFinished = make_recording(true);
  if (input.empty()) return;
  Tree tree = input[0] % 2 == 0 ? kCutOff : kFinished;
  tree.erase(".reserve");
  input = input.subspan(1);
  for (int n = 0; n < 8 && input.size() >= 6; ++n) {
    harm(tree, input.first(6), input.subspan(6));
    input = input.subspan(6);
  }
  const fs::path folder = out.path() / "room";
  put(folder, tree);
  const auto report = repair(folder);
  (void)show(folder);
  if (!report) return must(!report.error().message.empty());
  must(!to_text(*report).empty() && Json::parse(to_json(*report).dump()).has_value());
  const Tree once = tree_of(folder);
  const auto again = repair(folder);
  must(again.has_value() && !again->changed && tree_of(folder) == once);
  const auto loaded = load(folder);
  must(loaded.has_value() && loaded->manifest.state != "running" && !loaded->manifest_error);
}

}  // namespace callbot::recordings

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  callbot::recordings::fuzz_repair({data, size});
  return 0;
}
