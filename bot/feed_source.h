// bot/feed_source.h: what the command line names -> the source that a call sends: the test pattern,
// files, prompts, what comes through standard input, and any picture with any sound.
//
// In two steps, since files are read, and perhaps encoded, before anything can be sent.
//
// Thread:  plan_feed and make_source on the loop; read_feeds on any, as it may take long.
// Owner:   the verb; the source outlives its calls.
// Fails:   plan_feed: kUsage that names the flag; read_feeds: as feeds::prepare; make_source: as
// the
//          sources.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clip.h"
#include "bot/options.h"
#include "feeds/looped_clip.h"
#include "feeds/prepare.h"
#include "pipelines/file_source.h"
#include "pipelines/joined_source.h"
#include "pipelines/test_pattern.h"

namespace callbot::bot {

// One source among those that are joined.
struct FeedPart {
  std::vector<feeds::FeedItem> items;  // none: the pattern
  feeds::FeedWish wish;                // what of it is sent, and how
  feeds::LoopConfig loop;
  pipelines::TestPatternConfig pattern;
  bool standard_input() const;
  // It is there as long as the others are.
  bool endless() const;
};

struct FeedPlan {
  std::vector<FeedPart> parts;
  fs::path cache;  // empty: below the user's cache folder
  uint64_t most_cached = kMostCached;
  bool reads() const;  // there is something for read_feeds to do
};

// What was read, in the order of the parts that are no pattern.
struct ReadFeeds {
  std::vector<std::unique_ptr<ClipReader>> readers;
  std::vector<std::string> notes;  // what was encoded, and why
};

struct MadeSource {
  std::unique_ptr<pipelines::Source> source;
  pipelines::TestPattern* pattern = nullptr;  // where there is one in it
  std::vector<pipelines::FileSource*> files;
};

Result<FeedPlan> plan_feed(const SendOptions& options);
Result<ReadFeeds> read_feeds(const FeedPlan& plan, const feeds::InputFile::Stop& stop,
                             const feeds::FeedProgress& progress);
Result<MadeSource> make_source(Loop& loop, const Log& log, const FeedPlan& plan, ReadFeeds feeds);

}  // namespace callbot::bot
