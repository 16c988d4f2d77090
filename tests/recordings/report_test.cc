#include "recordings/report.h"

#include <gmock/gmock.h>

#include <fstream>
#include <regex>

#include "base/files.h"
#include "base/html.h"
#include "tests/support/faulty_call.h"
#include "tests/support/well_formed.h"

namespace callbot::recordings {
namespace {

using namespace callbot::test;
using ::testing::IsEmpty;

constexpr auto kVideo = MediaKind::kVideo;
constexpr auto kAudio = MediaKind::kAudio;

std::string page_at(const fs::path& path) {
  auto text = read_file(path, 64u << 20);
  EXPECT_TRUE(text);
  return text ? *text : "";
}

std::string report_of(const fs::path& folder, const ReportConfig& config = {}) {
  const auto report = write_report(folder, config);
  EXPECT_TRUE(report) << (report ? "" : report.error().message);
  return report ? page_at(report->path) : "";
}

// A page is too long to be printed with a failure.
bool holds(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// Everything that the page refers to.
std::vector<std::string> references(const std::string& page) {
  static const std::regex reference(R"re((?:src|href|poster|action|data)="([^"]{0,200}))re");
  std::vector<std::string> out;
  for (std::sregex_iterator at(page.begin(), page.end(), reference), end; at != end; ++at)
    out.push_back((*at)[1]);
  return out;
}

void plain(Feed& feed, double seconds) {
  feed.member("alice");
  feed.says("alice", 0, kVideo, true);
  feed.says("alice", 0, kAudio, true);
  feed.add({video_track(1, "alice"), make_video(small_video(static_cast<int>(seconds * 30)))});
  feed.add({audio_track(2, "alice"), make_audio({.seconds = seconds})});
}

// One report of the faulty call, for all tests that only read it.
class FaultyReport : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    feed_ = new Feed;
    add_faulty_call(*feed_);
    ASSERT_TRUE(feed_->run(kFaultySeconds));
    verdict_ = new Verdict(*verify(feed_->folder()));
    ASSERT_TRUE(save_verdict(feed_->folder(), *verdict_));
    page_ = new std::string(report_of(feed_->folder()));
  }
  static void TearDownTestSuite() {
    delete page_;
    delete verdict_;
    delete feed_;
  }
  static inline Feed* feed_ = nullptr;
  static inline Verdict* verdict_ = nullptr;
  static inline std::string* page_ = nullptr;
};

TEST_F(FaultyReport, IsWellFormed) { EXPECT_THAT(well_formed(*page_), IsEmpty()); }

TEST_F(FaultyReport, HoldsEveryFindingWithItsSecond) {
  ASSERT_GE(verdict_->findings.size(), 8u) << to_text(*verdict_);
  for (const Finding& f : verdict_->findings) {
    EXPECT_TRUE(holds(*page_, "<p>" + html(f.text, 400) + "</p>")) << f.code;
    EXPECT_TRUE(holds(*page_, "<code>" + f.code + "</code>"));
    const auto second = fmt::format("data-at=\"{:.3f}\"", f.start.value_or(0));
    EXPECT_TRUE(!f.start || count(*page_, second) > 0) << second;
  }
  EXPECT_TRUE(holds(*page_, "<p class=\"word\">FAIL</p>"));
}

TEST_F(FaultyReport, DrawsEveryGroupOfDamage) {
  for (const char* group : {"missing", "waiting", "still", "lost", "poor"})
    EXPECT_TRUE(holds(*page_, std::string("class=\"d ") + group)) << group;
}

TEST_F(FaultyReport, NamesOfOthersAreTextAndNothingElse) {
  EXPECT_EQ(count(*page_, "<script"), 1u);
  EXPECT_EQ(count(*page_, "onerror=hacked"), count(*page_, "&lt;img src=x onerror=hacked"));
  EXPECT_EQ(page_->find("\u202e"), std::string::npos);
  EXPECT_TRUE(holds(*page_, "&lt;script&gt;globalThis.hacked=1"));
  EXPECT_EQ(count(*page_, std::string(300, 'W')), 0u);  // no place shows the whole of it
}

TEST_F(FaultyReport, AsksNothingOfAnyNetwork) {
  for (const std::string& reference : references(*page_)) {
    EXPECT_TRUE(reference.starts_with("#") || reference.starts_with("data:") ||
                reference.starts_with("media/"))
        << reference;
  }
  EXPECT_FALSE(holds(*page_, "@import"));
  EXPECT_FALSE(holds(*page_, "url("));
  EXPECT_TRUE(holds(*page_, "default-src 'none'"));
}

TEST_F(FaultyReport, HasPicturesWavesAndRatesOfThoseWhoSentThem) {
  EXPECT_EQ(count(*page_, "<article"), 4u);
  EXPECT_EQ(count(*page_, "<video"), 3u);
  EXPECT_EQ(count(*page_, "<audio"), 1u);
  EXPECT_EQ(count(*page_, "class=\"wave\" d="), 3u);  // who never made a sound has none
  EXPECT_EQ(count(*page_, "class=\"rate-video\" d="), 3u);
  EXPECT_GE(count(*page_, "class=\"rate-loss\""), 2u);
  EXPECT_EQ(count(*page_, "<ol class=\"sheet\""), 3u);
  EXPECT_GE(count(*page_, "<li><a href=\"#p0\""), 10u);
}

TEST_F(FaultyReport, WithoutScriptsALinkPlaysTheFileFromItsSecond) {
  const std::regex link(
      R"re(href="media/m2-1.mkv#t=([0-9.]+)" data-person="2" data-at="([0-9.]+)")re");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(*page_, found, link));
  EXPECT_NEAR(std::stod(found[2]) - std::stod(found[1]), 5, 0.05);  // Bob's file begins at 5 s
}

TEST_F(FaultyReport, LinksLeadToTheMediaFromWhereverThePageLies) {
  TempFolder elsewhere;
  const auto page = report_of(feed_->folder(), {.out = elsewhere.path() / "a page.html"});
  const auto folder = feed_->folder();
  const auto wanted = "src=\"../" +
                      html_link(fs::relative(folder, elsewhere.path().parent_path()).string()) +
                      "/media/";
  EXPECT_TRUE(holds(page, wanted));
}

TEST(Report, UsesTheSavedVerdictWhileItHolds) {
  Feed feed;
  plain(feed, 3);
  ASSERT_TRUE(feed.run(3.1));
  Verdict saved = *verify(feed.folder());
  saved.findings.push_back({.code = "gap", .text = "only the saved one says so"});
  ASSERT_TRUE(save_verdict(feed.folder(), saved));
  EXPECT_TRUE(holds(report_of(feed.folder()), "only the saved one says so"));
  EXPECT_FALSE(holds(report_of(feed.folder(), {.judge_anew = true}), "only the saved one says so"));
}

// The process died: what it recorded is not lost, and its state is not hidden.
TEST(Pain01, ARecordingThatWasKilledStillHasItsReport) {
  Feed feed;
  plain(feed, 3);
  ASSERT_TRUE(feed.run(3.1, false));
  feed.drop();
  const auto page = report_of(feed.folder());
  EXPECT_THAT(well_formed(page), IsEmpty());
  EXPECT_TRUE(holds(page, "<code>not-finished</code>"));
  EXPECT_TRUE(holds(page, "class=\"wave\" d="));
  EXPECT_GE(count(page, "<li><a href=\"#p0\""), 1u);
}

TEST(Pain07, AParticipantWhoseSoundIsMissingIsToldOnThePage) {
  Feed feed;
  plain(feed, 6);
  feed.member("bob");
  feed.says("bob", 0, kAudio, true);
  ASSERT_TRUE(feed.run(6.1));
  const auto page = report_of(feed.folder());
  EXPECT_TRUE(holds(page, "<code>missing-track</code>"));
  EXPECT_TRUE(holds(page, "There is no media file to play."));
}

TEST(Report, ADamagedRecordingHasOneToo) {
  Feed feed;
  plain(feed, 3);
  ASSERT_TRUE(feed.run(3.1));
  std::ofstream(feed.folder() / "media/alice-1.mkv", std::ios::binary) << std::string(5000, 'x');
  fs::remove(feed.folder() / "journal.jsonl");
  const auto page = report_of(feed.folder());
  EXPECT_THAT(well_formed(page), IsEmpty());
  EXPECT_TRUE(holds(page, "<code>file-damaged</code>"));
}

TEST(Report, WhereNobodyWasItSaysSo) {
  Feed feed;
  ASSERT_TRUE(feed.run(1));
  const auto page = report_of(feed.folder());
  EXPECT_THAT(well_formed(page), IsEmpty());
  EXPECT_TRUE(holds(page, "No verdict"));
}

TEST(Report, RefusesWhatIsNoRecordingAndStopsWhenTold) {
  TempFolder folder;
  const auto none = write_report(folder.path(), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kBadInput);
  Feed feed;
  plain(feed, 3);
  ASSERT_TRUE(feed.run(3.1));
  const auto stopped = write_report(feed.folder(), {}, [](const char*, double) { return false; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::kInterrupted);
  EXPECT_FALSE(fs::exists(feed.folder() / "report.html"));
}

// Everything as full as it gets: a day's worth of members, damage and findings.
TEST(Report, OfEightHoursStaysBelowFiveMegabytes) {
  ReportFacts facts{.folder = "/r/day", .recording = {}, .timeline = Timeline(Manifest())};
  facts.timeline.duration_ns = 8 * 3600 * 1'000'000'000LL;
  facts.verdict.emplace();
  constexpr size_t kPeople = 12;
  for (size_t n = 0; n < kPeople; ++n) {
    const std::string id = "m" + std::to_string(n);
    ReportPerson p;
    p.who.id = id;
    p.who.name = std::string(10000, '<');
    p.video = true;
    p.sound.peaks.assign(wave_columns(kPeople), 0.789f);
    p.sound.bytes.assign(240, 5000);
    p.sheet.bytes.assign(240, 90000);
    for (int i = 0; i < 12; ++i)
      p.sheet.pictures.push_back({i, 224, 126, std::string(6000, '\x81')});
    for (int i = 0; i < 5000; ++i) {
      p.sound.loud.push_back({i * 5'000'000'000LL, i * 5'000'000'000LL + 2'000'000'000});
      p.losses.push_back({i * 5.0, i * 5.0 + 1, 3});
    }
    for (const DamageKind& kind : damage_kinds()) {
      for (int i = 0; i < 300; ++i) {
        facts.verdict->damage.push_back({.kind = kind.name,
                                         .participant = id,
                                         .media = "video",
                                         .from = i * 90.0,
                                         .to = i * 90.0 + 30});
      }
      for (int i = 0; i < 10; ++i) {
        facts.verdict->findings.push_back({.code = kind.name,
                                           .participant = id,
                                           .name = p.who.name,
                                           .start = i,
                                           .end = i + 1,
                                           .text = std::string(100, 'x')});
      }
    }
    facts.people.push_back(std::move(p));
  }
  const auto page = report_page(facts, "");
  EXPECT_LT(page.size(), 5u << 20);
  EXPECT_THAT(well_formed(page), IsEmpty());
}

}  // namespace
}  // namespace callbot::recordings
