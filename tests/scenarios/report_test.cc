#include "scenarios/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "base/folding.h"
#include "tests/support/invented_run.h"

namespace callbot::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

const Case& case_of(const RunRecord& run, std::string_view metric, Verdict verdict) {
  for (const Case& c : run.judged.cases) {
    if (c.metric == metric && c.verdict == verdict) return c;
  }
  ADD_FAILURE() << "no such case: " << metric;
  return run.judged.cases.front();
}

TEST(Report, TheInventedRunHasEveryVerdict) {
  const auto run = test::invented_run();
  std::set<Verdict> verdicts;
  for (const Case& c : run.judged.cases) verdicts.insert(c.verdict);
  EXPECT_EQ(verdicts, (std::set<Verdict>{Verdict::kPass, Verdict::kWarn, Verdict::kFail,
                                         Verdict::kUnmeasured}));
  EXPECT_EQ(run.judged.verdict, Verdict::kFail);
}

TEST(Report, TextSaysWhyAndWhere) {
  const auto run = test::invented_run();
  const std::string text = report_text(run);
  EXPECT_THAT(
      text, HasSubstr("FAIL       video.freeze total <= 300ms, bob, from loss-start to loss-end"));
  EXPECT_THAT(text, HasSubstr("total 530 ms, expected <= 300 ms"));
  EXPECT_THAT(text, HasSubstr("see bundle/bob-alice.mkv at 6.7 s"));
  EXPECT_THAT(text, HasSubstr("UNMEASURED audio.snr p5"));
  EXPECT_THAT(text, HasSubstr("a chirp of alice at 0:18.9"));
  const std::string last = text.substr(text.rfind('\n') + 1);
  EXPECT_TRUE(last.starts_with("FAIL: ")) << last;
}

TEST(Report, JunitHasACaseForEachCase) {
  const RunRecord runs[] = {test::invented_run(), test::invented_run()};
  const std::string xml = report_junit(runs);
  const auto& cases = runs[0].judged.cases;
  EXPECT_EQ(count(xml, "<testcase "), 2 * cases.size());
  const auto of = [&](Verdict v) {
    return static_cast<size_t>(
        std::count_if(cases.begin(), cases.end(), [&](const Case& c) { return c.verdict == v; }));
  };
  EXPECT_EQ(count(xml, "<failure "), 2 * of(Verdict::kFail));
  EXPECT_EQ(count(xml, "<error "), 2 * of(Verdict::kUnmeasured));
  EXPECT_THAT(xml, HasSubstr("<testsuites name=\"callbot test\" tests=\"" +
                             std::to_string(2 * cases.size()) + "\""));
  EXPECT_THAT(xml, HasSubstr("value: 530 ms\nlimit: &lt;= 300 ms\nsamples: "));
  EXPECT_THAT(xml, HasSubstr("recording: bundle/bob-alice.mkv at 6.7 s\nbundle: bundle\n"
                             "scenario: loss.yaml:"));
  EXPECT_THAT(xml, HasSubstr("definition: between two frames"));
  EXPECT_THAT(xml, HasSubstr("file=\"loss.yaml\" line=\""));
}

// Every element closed in its turn, every attribute quoted, no stray & or <.
void expect_well_formed(const std::string& xml) {
  const std::regex tag(R"(<(/?)([A-Za-z][\w-]*)((?:\s+[\w-]+="[^"<]*")*)\s*(/?)>)");
  std::vector<std::string> open;
  std::string rest = xml;
  if (rest.starts_with("<?xml")) rest = rest.substr(rest.find("?>") + 2);
  for (std::smatch m; std::regex_search(rest, m, tag); rest = m.suffix()) {
    const std::string between = m.prefix();
    ASSERT_EQ(between.find_first_of("<>"), std::string::npos) << between;
    ASSERT_FALSE(std::regex_search(between, std::regex("&(?!(amp|lt|gt|quot|#39);)"))) << between;
    if (m[1].length() > 0) {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(open.back(), m[2]);
      open.pop_back();
    } else if (m[4].length() == 0) {
      open.push_back(m[2]);
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(Report, JunitIsWellFormed) {
  RunRecord runs[] = {test::invented_run()};
  runs[0].judged.cases[0].text = "a < b & \"c\" \x01 ]]>";
  expect_well_formed(report_junit(runs));
}

TEST(Report, APageThatAsksNothingOfAnyNetwork) {
  const auto run = test::invented_run();
  const std::string page = report_html(test::invented_scenario(), run, [](const FileFact&) {
    return std::optional<std::string>("\xff\xd8picture");
  });
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_EQ(count(page, "data:image/jpeg;base64,"), 1u);
  for (const char* way : {"src=\"http", "href=\"http", "url(", "@import", "fetch(", "srcset"})
    EXPECT_THAT(page, Not(HasSubstr(way)));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert"));
  for (const char* part : {"id=\"verdicts\"", "id=\"timeline\"", "id=\"graphs\"", "id=\"pictures\"",
                           "id=\"facts\"", "Candidate pairs", "prefers-color-scheme: dark"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_EQ(count(page, "<path class=\"limit"), 5u);  // drawn where their unit is the graph's
  EXPECT_GT(count(page, "class=\"frozen\""), 0u);
}

// Browsers take no "nan" in a path, and draw nothing of it.
TEST(Report, AGraphOfNothingBut0IsDrawn) {
  RunRecord run = test::invented_run();
  std::erase_if(run.evidence.series, [](const Series& s) { return s.metric != "rtp.loss"; });
  for (Series& s : run.evidence.series)
    for (Sample& sample : s.samples) sample.value = 0;
  const std::string page = report_html(Scenario{}, run, {});
  EXPECT_THAT(page, HasSubstr("class=\"line c0\" d=\"M"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(Report, ALongRunIsDrawnFromItsBeginning) {
  auto run = test::invented_run();
  Series series = run.evidence.series[0];
  for (Series& s : run.evidence.series) s.samples.clear();
  series.metric = "video.fps";
  series.samples.clear();
  run.evidence.ended_ns = run.evidence.began_ns + 3600 * int64_t{1'000'000'000};
  for (int64_t n = 0; n < 3600; ++n) {
    series.samples.push_back({run.evidence.began_ns + n * 1'000'000'000, 30});
    fold(series, {});
  }
  ASSERT_LT(series.samples.size(), 600u);
  run.evidence.series.push_back(series);
  const std::string page = report_html(test::invented_scenario(), run, {});
  const size_t line = page.find("<path class=\"line");
  ASSERT_NE(line, std::string::npos);
  const size_t begin = page.find(" d=\"M", line) + 5;
  const std::string path = page.substr(begin, page.find('"', begin) - begin);
  EXPECT_LT(std::stod(path), 10) << path.substr(0, 80);
  EXPECT_EQ(count(path, "M"), 0u) << "no hole in it";
}

// What stands between the first `begin` from `from` on and the next `end`.
std::string part(const std::string& page, const std::string& begin, const std::string& end,
                 size_t from = 0) {
  const size_t at = page.find(begin, from);
  return at == std::string::npos ? "" : page.substr(at, page.find(end, at) - at);
}

TEST(Report, OfManyLinesThoseOfWhatFailedAreDrawn) {
  auto run = test::invented_run();
  const auto found = std::find_if(run.evidence.series.begin(), run.evidence.series.end(),
                                  [](const Series& s) { return s.metric == "video.e2e_delay"; });
  ASSERT_NE(found, run.evidence.series.end());
  Series series = *found;
  for (int i = 0; i < 20; ++i) {
    series.actor = "listener-" + std::to_string(i);
    series.metric = i == 17 ? "audio.e2e_delay" : "video.e2e_delay";
    run.evidence.series.push_back(series);
  }
  const auto drawn = [&] {
    const std::string page = report_html(test::invented_scenario(), run, {});
    return count(part(page, "<h3>Delay, end to end", "</figure>"), "<title>listener-17 from") > 0;
  };
  EXPECT_FALSE(drawn());
  Case failed = run.judged.cases.front();
  failed.verdict = Verdict::kFail;
  failed.metric = "audio.e2e_delay";
  failed.place = CasePlace{run.evidence.began_ns, "listener-17", series.from, "", 0};
  run.judged.cases.push_back(failed);
  EXPECT_TRUE(drawn());
}

TEST(Report, WhatAThresholdNamesIsDrawn) {
  auto run = test::invented_run();
  Series series = run.evidence.series.front();
  series.metric = "video.ssim";
  series.samples = {{run.evidence.began_ns + 1'000'000'000, 0.9}};
  run.evidence.series.push_back(series);
  auto scenario = test::invented_scenario();
  EXPECT_THAT(report_html(scenario, run, {}), Not(HasSubstr("<h3>video.ssim</h3>")));
  Threshold t = scenario.thresholds.front();
  t.metric = "video.ssim";
  scenario.thresholds.push_back(t);
  EXPECT_THAT(report_html(scenario, run, {}), HasSubstr("<h3>video.ssim</h3>"));
}

TEST(Report, NetworksAreSpansUnderTheirActor) {
  const std::string page = report_html(test::invented_scenario(), test::invented_run(), {});
  EXPECT_EQ(count(page, "<div class=\"networks\">"), 1u) << "alice and carol have none";
  const std::string strip = part(page, "<div class=\"networks\">", "</div>");
  EXPECT_EQ(count(strip, "<span class=\"network"), 3u);
  EXPECT_EQ(count(strip, "<span class=\"network clean\""), 2u);
  EXPECT_THAT(strip, HasSubstr("style=\"left:35.25%;width:25.00%\""));
  EXPECT_THAT(strip, HasSubstr("title=\"bob, 0:07.1 – 0:12.1: both ways loss 10 % (set by step 6), "
                               "done: seen: up: random loss; down: random loss\">loss 10 %<"));
  EXPECT_THAT(strip, HasSubstr("clean (set by step 8), not asked\">clean<"));
  EXPECT_THAT(page, HasSubstr("<i class=\"key network cut\"></i>blackout"));
}

TEST(Report, HowANetworkWasIsSeen) {
  auto run = test::invented_run();
  auto& all = run.evidence.networks;
  all[0].outcome = Outcome::kUnmeasured;
  all[1].outcome = Outcome::kInvalid;
  all[2].label = "blackout";
  all[2].conditions = "both ways blackout";
  const std::string page = report_html(test::invented_scenario(), run, {});
  for (const char* css : {"network clean unseen", "network unproved", "network cut"})
    EXPECT_THAT(part(page, "<div class=\"networks\">", "</div>"),
                HasSubstr("<span class=\"" + std::string(css) + "\""));
}

TEST(Report, GraphsShowWhereTheNetworksOfTheirActorsChange) {
  auto run = test::invented_run();
  const auto changes = [&] {
    const std::string page = report_html(test::invented_scenario(), run, {});
    return count(part(page, "<h3>Frame rate", "</figure>"), "<path class=\"change");
  };
  EXPECT_EQ(changes(), 2u) << "joining is no change";
  run.evidence.networks[0].set_by = "step 1";
  EXPECT_EQ(changes(), 2u) << "nor with one that was set before";
  run.evidence.networks.erase(run.evidence.networks.begin());
  EXPECT_EQ(changes(), 2u) << "in the call, after none";
  run = test::invented_run();
  for (NetworkFact& fact : run.evidence.networks) fact.actor = "alice";
  std::erase_if(run.evidence.series, [](const Series& s) { return s.actor == "alice"; });
  EXPECT_EQ(changes(), 2u) << "what she sends";
  std::erase_if(run.evidence.series, [](const Series& s) { return s.from == "alice"; });
  EXPECT_EQ(changes(), 0u) << "she is not in it";
}

TEST(Report, AReturnToTheSameNetworkIsNoChange) {
  auto run = test::invented_run();
  auto& all = run.evidence.networks;
  all.push_back(all.back());
  all[2].span.to_ns = test::at_s(14);
  all[3].span.from_ns = test::at_s(16);
  const std::string page = report_html(test::invented_scenario(), run, {});
  EXPECT_EQ(count(part(page, "<div class=\"networks\">", "</div>"), "<span"), 4u);
  EXPECT_EQ(count(part(page, "<h3>Frame rate", "</figure>"), "<path class=\"change"), 2u);
}

TEST(Report, AScheduleOfThousandsIsLegible) {
  auto run = test::invented_run();
  auto& all = run.evidence.networks;
  all.clear();
  for (int n = 0; n < 10'000; ++n) {
    const double at = 1.1 + n * 0.001;
    all.push_back({"bob", "", n % 2 == 0 ? "clean" : "both ways loss 10 %", Outcome::kDone,
                   test::window_s(at, at + 0.001), "", n % 2 == 0 ? "clean" : "loss 10 %"});
  }
  all.push_back({"bob", "", "both ways blackout", Outcome::kInvalid, test::window_s(11.1, 15),
                 "not proved: a packet passed", "blackout"});
  const std::string page = report_html(test::invented_scenario(), run, {});
  const std::string strip = part(page, "<div class=\"networks\">", "</div>");
  EXPECT_LT(count(strip, "<span"), 200u);
  EXPECT_THAT(strip, HasSubstr("phases: clean; loss 10 %; clean ...\"></span>"));
  EXPECT_THAT(strip, HasSubstr("<span class=\"network cut unproved\""));
  EXPECT_THAT(strip, HasSubstr(">blackout</span>"));
  EXPECT_LT(count(part(page, "<h3>Frame rate", "</figure>"), "<path class=\"change"), 100u);
  EXPECT_LT(page.size(), 1'000'000u);
}

TEST(Report, ALongRunMakesNoLargePage) {
  auto run = test::invented_run();
  auto& samples = run.evidence.series[0].samples;
  const Sample last = samples.back();
  for (int i = 0; i < 200'000; ++i) samples.push_back({last.at_ns + i * 1000, 0.1});
  for (int i = 0; i < 20'000; ++i)
    run.evidence.events.push_back({last.at_ns, "bob", "message", "text"});
  const std::string page = report_html(test::invented_scenario(), run, {});
  EXPECT_LT(page.size(), 1'000'000u);
}

TEST(Report, NothingAtAllIsAPageToo) {
  RunRecord run;
  run.judged = judge(Scenario{}, run.evidence);
  const std::string page = report_html(Scenario{}, run, {});
  EXPECT_THAT(page, HasSubstr("Unmeasured"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(Report, CasesPointIntoTheRecording) {
  const auto run = test::invented_run();
  EXPECT_EQ(place_text(case_of(run, "video.freeze", Verdict::kFail)),
            "bundle/bob-alice.mkv at 6.7 s");
}

}  // namespace
}  // namespace callbot::scenarios
