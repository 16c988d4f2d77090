// tests/support/clips.h: small marked media files for tests of what is sent.
//
// Thread:  one.
// Owner:   the caller's folder.
// Fails:   the test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "bot/pattern.h"
#include "feeds/looped_clip.h"
#include "tests/support/exported.h"

namespace callbot::test {

struct ClipRecipe {
  int width = 320, height = 180, fps = 30, seconds = 2;
  uint64_t seed = 1;
  uint16_t source = 1;
};

// By the extension: see `callbot pattern`.
inline std::filesystem::path pattern_clip(const std::filesystem::path& path,
                                          const ClipRecipe& recipe = {}) {
  bot::PatternOptions options;
  options.to = path;
  options.width = recipe.width;
  options.height = recipe.height;
  options.fps = recipe.fps;
  options.seconds = recipe.seconds;
  options.seed = recipe.seed;
  options.source = recipe.source;
  options.bitrate = 300'000;
  const auto done = bot::write_pattern(options, {});
  EXPECT_TRUE(done) << done.error().message;
  return path;
}

// Of another file, by the ffmpeg program.
inline std::filesystem::path converted(const std::filesystem::path& from,
                                       const std::filesystem::path& to,
                                       const std::vector<std::string>& how) {
  std::vector<std::string> command = {"ffmpeg", "-v", "error", "-y", "-i", from.string()};
  command.insert(command.end(), how.begin(), how.end());
  command.push_back(to.string());
  const Said said = ask(command);
  EXPECT_EQ(said.status, 0) << said.text;
  return to;
}

// The same with its sound so many seconds later.
inline std::filesystem::path with_late_sound(const std::filesystem::path& from,
                                             const std::filesystem::path& to,
                                             const std::string& seconds) {
  return converted(
      from, to,
      {"-itsoffset", seconds, "-i", from.string(), "-map", "0:v", "-map", "1:a", "-c", "copy"});
}

inline Result<std::vector<feeds::PreparedClip>> prepared(const std::vector<std::string>& files,
                                                         const std::filesystem::path& cache,
                                                         const feeds::FeedWish& wish = {},
                                                         const feeds::FeedProgress& tell = {}) {
  std::vector<feeds::FeedItem> items;
  for (const std::string& file : files) items.push_back({feeds::FeedItem::Kind::kFile, file});
  return feeds::prepare(items, wish, feeds::ClipCache(cache), tell);
}

}  // namespace callbot::test
