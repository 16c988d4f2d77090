#include "bot/selftest.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "base/json.h"

namespace callbot::bot {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ExitStatus selftest(bool json, std::string& out) {
  testing::internal::CaptureStdout();
  Console console(json);
  const ExitStatus status = run_selftest(console, {.json = json, .call = false});
  out = testing::internal::GetCapturedStdout();
  return status;
}

TEST(SelftestVerb, PrintsWhatWasMadeBesideWhatIsReported) {
  std::string out;
  EXPECT_EQ(selftest(false, out), kExitGood) << out;
  EXPECT_THAT(out, AllOf(HasSubstr("sound 80 ms later"), HasSubstr("av.skew"),
                         HasSubstr("rtp.loss"), Not(HasSubstr("OFF"))));
}

TEST(SelftestVerb, AsJsonItIsOneValue) {
  std::string out;
  EXPECT_EQ(selftest(true, out), kExitGood);
  const auto json = Json::parse(out);
  ASSERT_TRUE(json) << out;
  ASSERT_GT(json->at("rows").size(), 100u);
  const Json& first = json->at("rows").at(size_t{0});
  EXPECT_EQ(first.at("metric").text(), "video.frames");
  EXPECT_EQ(first.at("true").number(), 360);
  EXPECT_EQ(first.at("reported").number(), 360);
  EXPECT_GT(json->at("not_tried").size(), 5u);
}

// --- the table in the README

std::vector<std::string> split(const std::string& text, const std::string& at) {
  std::vector<std::string> parts;
  size_t from = 0, to = 0;
  while ((to = text.find(at, from)) != std::string::npos) {
    parts.push_back(text.substr(from, to - from));
    from = to + at.size();
  }
  parts.push_back(text.substr(from));
  return parts;
}

// "230.0 ms", "0.06 s/min", "22.1 dB", "5"; in the metric's own unit.
double number_of(const std::string& text) {
  return std::stod(text) * (text.ends_with(" ms") ? 1e-3 : 1);
}

struct TableRow {
  std::string metric, truth, reported;
};

std::vector<TableRow> table_of_readme() {
  std::ifstream readme(std::string(CALLBOT_SOURCE_DIR) + "/README.md");
  std::vector<TableRow> rows;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("| made on purpose |")) inside = true;
    if (line.empty()) inside = false;
    const auto cells = split(line, " | ");
    if (!inside || cells.size() < 5 || cells[1].find('.') == std::string::npos) continue;
    const auto metrics = split(cells[1], ", "), truths = split(cells[2], ", "),
               reported = split(cells[3], ", ");
    for (size_t i = 0; i < truths.size(); ++i)  // one metric of several faults, or one each
      rows.push_back({split(metrics[std::min(i, metrics.size() - 1)], " (")[0], truths[i],
                      reported[std::min(i, reported.size() - 1)]});
  }
  return rows;
}

TEST(SelftestVerb, TheReadmesTableIsWhatItPrints) {
  std::string out;
  ASSERT_EQ(selftest(true, out), kExitGood);
  const Json printed = Json::parse(out)->at("rows");
  const auto table = table_of_readme();
  ASSERT_GT(table.size(), 20u);
  for (const TableRow& row : table) {
    bool found = false;
    for (size_t i = 0; i < printed.size() && !found; ++i) {
      const Json& one = printed.at(i);
      if (one.at("metric").text() != row.metric) continue;
      if (row.truth == "invalid") {
        found = one.at("state").text() == "invalid";
        continue;
      }
      const auto as_said = [](std::optional<double> value, const std::string& said) {
        const double number = number_of(said);
        return value && std::abs(*value - number) <= 1e-4 + 0.005 * std::abs(number);
      };
      found = as_said(one.at("true").number(), row.truth) &&
              as_said(one.at("reported").number(), row.reported);
    }
    EXPECT_TRUE(found) << row.metric << ": true " << row.truth << ", reported " << row.reported;
  }
}

}  // namespace
}  // namespace callbot::bot
