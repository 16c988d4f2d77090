#include "recordings/owed_verdict.h"

#include <gmock/gmock.h>

#include "recordings/repair.h"
#include "tests/support/feed.h"
#include "tests/support/temp_folder.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(OwedVerdict, OneTakesItAndOneSettlesIt) {
  const TempFolder out;
  const fs::path folder = out.path() / "call";
  fs::create_directory(folder);
  fs::create_directory(out.path() / "another");
  EXPECT_FALSE(OwedVerdict::take(folder)) << "nothing is owed";
  EXPECT_THAT(owing_recordings(out.path()), IsEmpty());
  owe_verdict(folder);
  owe_verdict(folder);
  EXPECT_THAT(owing_recordings(out.path()), ElementsAre(folder));
  {
    const auto died = OwedVerdict::take(folder);
    ASSERT_TRUE(died);
    EXPECT_FALSE(OwedVerdict::take(folder)) << "somebody is at it";
  }
  auto owed = OwedVerdict::take(folder);
  ASSERT_TRUE(owed);
  EXPECT_TRUE(owed->settle());
  EXPECT_FALSE(owed->settle());
  EXPECT_FALSE(owes_verdict(folder));
  EXPECT_FALSE(OwedVerdict::take(folder));
}

TEST(OwedVerdict, WhoCameTooLateDoesNotSettleTheNextOne) {
  const TempFolder folder;
  owe_verdict(folder.path());
  auto first = OwedVerdict::take(folder.path());
  ASSERT_TRUE(first);
  fs::remove(folder.path() / kUnjudged);
  owe_verdict(folder.path());
  EXPECT_FALSE(first->settle());
  EXPECT_TRUE(owes_verdict(folder.path()));
}

TEST(OwedVerdict, WhatWasCutOffOwesOneOnceItIsFinished) {
  Feed feed;
  feed.member("alice");
  feed.add({audio_track(1, "alice"), make_audio({.seconds = 1})});
  ASSERT_TRUE(feed.run(1, false));
  feed.drop();
  fs::remove(feed.folder() / kUnjudged);
  ASSERT_TRUE(repair(feed.folder()));
  EXPECT_TRUE(owes_verdict(feed.folder()));
  fs::remove(feed.folder() / kUnjudged);
  EXPECT_FALSE(repair(feed.folder())->changed);
  EXPECT_FALSE(owes_verdict(feed.folder())) << "it is finished, and was judged for all we know";
}

}  // namespace
}  // namespace callbot::recordings
