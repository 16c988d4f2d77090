#include "bot/scenario_bundle.h"

#include <gmock/gmock.h>

#include "recordings/probe.h"
#include "tests/support/feed.h"

namespace callbot::bot {
namespace {

using scenarios::Case;
using scenarios::FileFact;
using scenarios::Verdict;
using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegan = 50 * kSecond;  // the run; bob's recording a second later

// Bob received 20 s of alice, a key frame every second.
std::unique_ptr<test::Feed> recorded() {
  auto feed = std::make_unique<test::Feed>();
  feed->member("alice");
  feed->add({test::video_track(1, "alice"),
             test::make_video({.width = 96, .height = 64, .frames = 600, .key_every = 30})});
  feed->add({test::audio_track(2, "alice"), test::make_audio({.seconds = 20})});
  EXPECT_TRUE(feed->run(20.1));
  return feed;
}

scenarios::RunRecord record(const std::string& actor) {
  scenarios::RunRecord run;
  run.evidence.scenario = "a/b";
  run.evidence.run = 3;
  run.evidence.began_ns = kBegan;
  run.evidence.ended_ns = kBegan + 40 * kSecond;
  run.evidence.began_wall_ns = test::Feed::kStartWall;
  run.evidence.events = {{kBegan + 10 * kSecond, "bob", "muted", "alice", false},
                         {kBegan + 30 * kSecond, "bob", "left", "alice", false}};
  Case failed;
  failed.name = "video.e2e_delay max < 400 ms";
  failed.verdict = Verdict::kFail;
  failed.place = scenarios::CasePlace{kBegan + 11 * kSecond + kSecond / 2, actor, "alice", "", 0};
  run.judged.verdict = Verdict::kFail;
  run.judged.cases.push_back(failed);
  return run;
}

const FileFact* file_of(const std::vector<FileFact>& files, const std::string& kind) {
  for (const FileFact& f : files) {
    if (f.kind == kind) return &f;
  }
  return nullptr;
}

TEST(ScenarioBundle, HoldsTheSecondsAroundTheFailure) {
  const auto feed = recorded();
  test::TempFolder out;
  const auto run = record("bob");
  const auto files = make_bundle(out.path(), run,
                                 {{"bob", feed->folder(), kBegan + kSecond, nullptr, {}},
                                  {"eve", feed->folder(), kBegan + kSecond, nullptr, {}}});
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 5u);
  const FileFact* picture = file_of(*files, "picture");
  ASSERT_NE(picture, nullptr);
  EXPECT_THAT(picture->path, HasSubstr("/bob-sees-alice-at-11.5s.jpg"));
  EXPECT_EQ(picture->text, "video.e2e_delay max < 400 ms");
  EXPECT_EQ(fs::file_size(picture->path), picture->bytes);
  const FileFact* bundle = file_of(*files, "bundle");
  ASSERT_NE(bundle, nullptr);
  EXPECT_EQ(fs::path(bundle->path).filename(), "a_b-20261121T042042Z-run-3");
  const FileFact* media = file_of(*files, "media");
  ASSERT_NE(media, nullptr);
  EXPECT_THAT(media->path, HasSubstr("/6.5s-16.5s/bob-from-alice-at-6.0s.mkv"));
  EXPECT_EQ(media->actor, "bob");
  EXPECT_EQ(media->from, "alice");
  EXPECT_NEAR(static_cast<double>(media->span.from_ns - kBegan) / 1e9, 6, 0.05);
  EXPECT_NEAR(static_cast<double>(media->span.to_ns - kBegan) / 1e9, 16.5, 0.1);
  const auto probed = recordings::probe(media->path, 1);
  ASSERT_TRUE(probed);
  ASSERT_EQ(probed->streams.size(), 2u);
  const auto& pictures = probed->streams[0].pictures;
  ASSERT_FALSE(pictures.empty());
  ASSERT_TRUE(pictures.front().mark);
  EXPECT_EQ(pictures.front().mark->counter, 150u);  // 5 s into the recording
  const auto log = read_file(file_of(*files, "log")->path, 1u << 20);
  ASSERT_TRUE(log);
  EXPECT_THAT(*log, HasSubstr("video.e2e_delay max < 400 ms\n"));
  EXPECT_THAT(*log, HasSubstr("0:10.0  bob          muted"));
  EXPECT_THAT(*log, Not(HasSubstr("left")));
  const auto stats = read_file(file_of(*files, "stats")->path, 64u << 20);
  ASSERT_TRUE(stats);
  const auto runs = Json::parse(*stats, {64u << 20, 64}).and_then(scenarios::runs_of);
  ASSERT_TRUE(runs) << runs.error().message;
  EXPECT_EQ(runs->front().evidence.events.size(), 1u);
  EXPECT_FALSE(fs::exists(feed->folder()));  // taken away
}

TEST(ScenarioBundle, ListsThePacketsOfTheMoment) {
  const auto feed = recorded();
  test::TempFolder out;
  KeptMedia media{"bob", feed->folder(), kBegan + kSecond};
  media.headers = std::make_shared<pipelines::HeaderLog>();
  media.streams[0x01020304] = {"alice, \"al\"", "camera"};
  // RFC 3550, 5.1: marker and payload type 96, sequence 7, time 90000, SSRC 0x01020304.
  uint8_t head[12] = {0x80, 0xe0, 0, 7, 0, 1, 0x5f, 0x90, 1, 2, 3, 4};
  media.headers->note(kBegan + 12 * kSecond, head, 1200);
  media.headers->note(kBegan + 39 * kSecond, head, 1200);  // long after it
  head[1] = 0x60, head[3] = 6, head[11] = 9;
  media.headers->note(kBegan + 11 * kSecond + 500'000, head, 100);  // on another thread
  const auto files = make_bundle(out.path(), record("bob"), {media});
  ASSERT_TRUE(files) << files.error().message;
  const FileFact* headers = file_of(*files, "headers");
  ASSERT_NE(headers, nullptr);
  EXPECT_EQ(fs::path(headers->path).filename(), "bob-rtp-headers-at-11.0s.csv");
  const auto text = read_file(headers->path, 1u << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text,
            "time_s,from,stream,ssrc,payload_type,sequence,rtp_time,marker,bytes\n"
            "11.000500,,,16909065,96,6,90000,0,100\n"
            "12.000000,\"alice, \"\"al\"\"\",camera,16909060,96,7,90000,1,1200\n");
}

// Of a page the pictures around the failure, the one that is nearest to it for the report.
TEST(ScenarioBundle, HoldsPicturesOfAPage) {
  test::TempFolder out;
  KeptMedia page{.actor = "page", .folder = out.path() / "kept", .began_ns = kBegan};
  ASSERT_TRUE(make_folder(page.folder));
  for (int n = 1; n <= 6; ++n) {
    const int64_t at_ns = kBegan + n * 5 * kSecond;
    page.pictures[at_ns] = page.folder / fmt::format("{}.jpg", n);
    ASSERT_TRUE(write_atomically(page.pictures[at_ns], fmt::format("picture {}", n)));
  }
  const auto files = make_bundle(out.path(), record("page"), {page});
  ASSERT_TRUE(files) << files.error().message;
  const FileFact* shown = file_of(*files, "picture");
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->actor, "page");
  EXPECT_THAT(shown->path, HasSubstr("page-page-at-10.0s.jpg"));
  EXPECT_EQ(*read_file(shown->path, 100), "picture 2");
  const FileFact* other = file_of(*files, "page");
  ASSERT_NE(other, nullptr);
  EXPECT_THAT(other->path, HasSubstr("page-page-at-15.0s.jpg"));
  EXPECT_EQ(file_of(*files, "media"), nullptr);
  EXPECT_FALSE(fs::exists(page.folder)) << "taken away";
}

TEST(ScenarioBundle, CasesThenSayWhereToLook) {
  const auto feed = recorded();
  test::TempFolder out;
  auto run = record("");
  const auto files = make_bundle(out.path(), run, {{"bob", feed->folder(), kBegan + kSecond}});
  ASSERT_TRUE(files) << files.error().message;
  run.evidence.files = *files;
  scenarios::CasePlace place = *run.judged.cases[0].place;
  place.actor = "bob";
  scenarios::find_place(place, run.evidence);
  EXPECT_EQ(place.file, file_of(*files, "media")->path);
  EXPECT_NEAR(place.in_file, 5.5, 0.1);
}

TEST(ScenarioBundle, KeepsEverythingOfARunThatPassed) {
  const auto feed = recorded();
  test::TempFolder out;
  auto run = record("bob");
  run.judged = {};
  run.judged.verdict = Verdict::kPass;
  const auto files =
      make_bundle(out.path(), run, {{"bob", feed->folder(), kBegan + kSecond}}, true);
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 2u) << "the folder, and the one stream pair";
  const FileFact* media = file_of(*files, "media");
  ASSERT_NE(media, nullptr);
  EXPECT_THAT(media->path, HasSubstr("/received/bob-from-alice-at-1.0s.mkv"));
  const auto probed = recordings::probe(media->path, 1);
  ASSERT_TRUE(probed);
  ASSERT_TRUE(probed->streams[0].pictures.front().mark);
  EXPECT_EQ(probed->streams[0].pictures.front().mark->counter, 0u) << "from the beginning";
}

TEST(ScenarioBundle, MediaThatIsDamagedIsLeftOut) {
  const auto feed = recorded();
  fs::remove_all(feed->folder() / "media");
  test::TempFolder out;
  const auto files =
      make_bundle(out.path(), record("bob"), {{"bob", feed->folder(), kBegan + kSecond}});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(file_of(*files, "media"), nullptr);
  EXPECT_NE(file_of(*files, "stats"), nullptr);
}

TEST(ScenarioBundle, ADiskThatRefusesIsSaid) {
  test::TempFolder out;
  ASSERT_TRUE(write_atomically(out.path() / "file", "x"));
  const auto files = make_bundle(out.path() / "file", record("bob"), {});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::kStorage);
}

}  // namespace
}  // namespace callbot::bot
