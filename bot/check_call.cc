#include "bot/check_call.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/print.h"

namespace callbot::bot {
namespace {

using Level = CheckVerdict::Level;

const char* name_of(Level level) {
  switch (level) {
    case Level::kGood:
      return "PASS";
    case Level::kWarn:
      return "WARN";
    case Level::kFail:
      return "FAIL";
    case Level::kUnmeasured:
      break;
  }
  return "UNMEASURED";
}

const char* name_of_way(int i) { return i == 0 ? "there" : "back"; }

std::string rate_text(double bits) {
  return bits >= 1e6 ? fmt::format("{:.1f} Mbit/s", bits / 1e6)
                     : fmt::format("{:.0f} kbit/s", bits / 1e3);
}
std::string ms_text(std::optional<double> seconds) {
  return seconds ? fmt::format("{:.1f} ms", *seconds * 1e3) : "unknown";
}

// Gathers what is wrong, the worst first.
class Judge {
 public:
  // `value` beyond `warn` or `fail`; `more`: more is better.
  void gate(std::optional<double> value, double warn, double fail, const std::string& text,
            bool more = false) {
    if (!value) return;
    const auto beyond = [&](double limit) { return more ? *value < limit : *value > limit; };
    if (beyond(fail))
      say(Level::kFail, text);
    else if (beyond(warn))
      say(Level::kWarn, text);
  }
  void say(Level level, std::string text) { said_.emplace_back(level, std::move(text)); }
  CheckVerdict verdict() {
    std::stable_sort(said_.begin(), said_.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    CheckVerdict verdict;
    if (!said_.empty()) verdict.level = said_.front().first;
    for (auto& [level, text] : said_) verdict.why.push_back(std::move(text));
    return verdict;
  }

 private:
  std::vector<std::pair<Level, std::string>> said_;
};

void judge_way(const EchoWay& way, int i, const CheckLimits& limits, Judge& judge) {
  const std::string where = name_of_way(i);
  if (way.marked == 0)
    judge.say(Level::kUnmeasured, where + ": not one marked picture could be read");
  if (way.lost)
    judge.gate(way.loss(), limits.loss_warn, limits.loss_fail,
               fmt::format("{}: {:.1f} % of the packets were lost", where, way.loss() * 100));
  judge.gate(way.jitter, limits.jitter_warn, limits.jitter_fail,
             fmt::format("{}: {} of jitter", where, ms_text(way.jitter)));
  const double missing =
      way.expected == 0 ? 0 : static_cast<double>(way.missing) / static_cast<double>(way.expected);
  judge.gate(missing, limits.missing_warn, limits.missing_fail,
             fmt::format("{}: {} of {} pictures never came", where, way.missing, way.expected));
}

Json json_of(const EchoWay& way) {
  Json json = Json::object();
  const auto put = [&](const char* key, std::optional<double> value) {
    json.set(key, value ? Json::of(*value) : Json());
  };
  json.set("packets", way.packets).set("lost", way.lost ? Json::of(*way.lost) : Json());
  put("loss", way.lost ? std::optional(way.loss()) : std::nullopt);
  put("jitter_s", way.jitter);
  put("network_s", way.way);
  put("network_p95_s", way.way_95);
  put("delay_s", way.delay);
  put("delay_p95_s", way.delay_95);
  return json.set("marked", way.marked)
      .set("unread", way.unread)
      .set("expected", way.expected)
      .set("missing", way.missing);
}

Json json_of(const EchoResult& echo) {
  const auto rtt = echo.rtt();
  return Json::object()
      .set("join_s", echo.join_s)
      .set("connect_s", echo.connect_s)
      .set("pairs", Json::array().add(echo.pair[0]).add(echo.pair[1]))
      .set("rtt_s", rtt ? Json::of(*rtt) : Json())
      .set("there", json_of(echo.way[0]))
      .set("back", json_of(echo.way[1]));
}

Json json_of(const RateWay& way) {
  Json steps = Json::array();
  for (const RateStep& step : way.steps)
    steps.add(Json::object()
                  .set("sent", step.sent)
                  .set("received", step.received)
                  .set("delay_s", step.delay)
                  .set("good", step.good));
  return Json::object()
      .set("bitrate", way.achieved)
      .set("at_least", way.open_ended)
      .set("steps", steps);
}

template <class T>
Json json_or_error(const Result<T>& result, const auto& json) {
  return result ? json(*result) : Json::object().set("error", result.error().message);
}

}  // namespace

CheckVerdict judge(const CheckReport& report, const CheckLimits& limits) {
  Judge judge;
  judge.gate(report.echo.rtt(), limits.rtt_warn, limits.rtt_fail,
             "a packet takes " + ms_text(report.echo.rtt()) + " there and back");
  for (int i = 0; i < 2; ++i) judge_way(report.echo.way[i], i, limits, judge);
  if (report.relayed && !*report.relayed)
    judge.say(Level::kFail, "no call through the TURN server: " + report.relayed->error().message);
  if (report.rate && !*report.rate)
    judge.say(Level::kWarn, "bit rate not measured: " + report.rate->error().message);
  if (report.rate && *report.rate) {
    for (int i = 0; i < 2; ++i) {
      const double rate = (*report.rate)->way[i].achieved;
      judge.gate(rate, limits.rate_warn, limits.rate_fail,
                 fmt::format("{}: no more than {} gets through", name_of_way(i), rate_text(rate)),
                 true);
    }
  }
  return judge.verdict();
}

std::string to_text(const CheckReport& report, const CheckVerdict& verdict) {
  const EchoResult& echo = report.echo;
  std::string text = fmt::format("joined in {}, media both ways {} later\n", ms_text(echo.join_s),
                                 ms_text(echo.connect_s));
  text += fmt::format("connection     {}\n               {}\n", echo.pair[0], echo.pair[1]);
  if (report.relayed && *report.relayed)
    text += fmt::format("through TURN   {}, round trip {}\n", (*report.relayed)->pair[0],
                        ms_text((*report.relayed)->rtt()));
  text += fmt::format("round trip     {}\n", ms_text(echo.rtt()));
  for (int i = 0; i < 2; ++i) {
    const EchoWay& way = echo.way[i];
    text += fmt::format(
        "{:<6} lost {} of {} packets, jitter {}; pictures {} of {}, from capture to received {} "
        "(95 %: {})\n",
        name_of_way(i), way.lost ? std::to_string(*way.lost) : "?", way.packets,
        ms_text(way.jitter), way.marked, way.expected, ms_text(way.delay), ms_text(way.delay_95));
  }
  if (report.rate && *report.rate) {
    text += "bit rate      ";
    for (int i = 0; i < 2; ++i) {
      const RateWay& way = (*report.rate)->way[i];
      text += fmt::format(" {}{} {}", way.open_ended ? "at least " : "", rate_text(way.achieved),
                          i == 0 ? "there," : "back");
    }
    text += "\n";
  }
  text += fmt::format("{}", name_of(verdict.level));
  if (verdict.why.empty()) text += ": this machine can hold a call there";
  for (const std::string& why : verdict.why) text += "\n  " + why;
  return text + "\n";
}

Json to_json(const CheckReport& report, const CheckVerdict& verdict) {
  Json why = Json::array();
  for (const std::string& text : verdict.why) why.add(text);
  Json json = Json::object()
                  .set("verdict", name_of(verdict.level))
                  .set("why", why)
                  .set("echo", json_of(report.echo));
  if (report.relayed)
    json.set("relayed",
             json_or_error(*report.relayed, [](const EchoResult& echo) { return json_of(echo); }));
  if (report.rate)
    json.set("bitrate", json_or_error(*report.rate, [](const RateResult& rate) {
               return Json::object()
                   .set("there", json_of(rate.way[0]))
                   .set("back", json_of(rate.way[1]));
             }));
  return json;
}

CheckCall::CheckCall(Loop& loop, Console& console, CheckCallOptions options,
                     std::function<void(Done)> done)
    : loop_(loop), console_(console), options_(std::move(options)), done_(std::move(done)) {}

CheckCall::~CheckCall() = default;

// Through an impaired network there is none (pipelines' own rule).
bool CheckCall::has_turn() const {
  if (options_.join.network) return false;
  return std::any_of(options_.join.ice_servers.begin(), options_.join.ice_servers.end(),
                     [](const std::string& s) { return s.starts_with("turn"); });
}

void CheckCall::start() { direct(); }

void CheckCall::direct() {
  if (!options_.json) console_.line("a call with two members of our own ...");
  echo_ = std::make_unique<EchoPair>(
      loop_, log_, EchoConfig{.join = options_.join, .duration = options_.duration},
      [this](Result<EchoResult> result) {
        if (!result) return fail_with(result.error());
        report_.echo = std::move(*result);
        if (interrupted_) return finish();
        has_turn() ? relayed() : rate();
      });
  echo_->start();
}

void CheckCall::relayed() {
  if (!options_.json) console_.line("the same through the TURN server alone ...");
  echo_ = std::make_unique<EchoPair>(loop_, log_,
                                     EchoConfig{.join = options_.join,
                                                .relay_only = true,
                                                .duration = std::min<std::chrono::milliseconds>(
                                                    options_.duration, std::chrono::seconds(2))},
                                     [this](Result<EchoResult> result) {
                                       report_.relayed = std::move(result);
                                       interrupted_ ? finish() : rate();
                                     });
  echo_->start();
}

void CheckCall::rate() {
  if (options_.most_bitrate == 0) return finish();
  if (!options_.json) console_.line("what bit rate gets through ...");
  rate_ = std::make_unique<RatePair>(
      loop_, log_, RateConfig{.join = options_.join, .most = options_.most_bitrate},
      [this](Result<RateResult> result) {
        report_.rate = std::move(result);
        finish();
      });
  rate_->start();
}

void CheckCall::finish() {
  const CheckVerdict verdict = judge(report_);
  if (options_.json)
    print("{}\n", to_json(report_, verdict).dump(true));
  else
    print("{}", to_text(report_, verdict));
  Done done;
  if (verdict.level == Level::kFail) done.status = kExitNotGood;
  if (verdict.level == Level::kUnmeasured) done.status = kExitUnmeasured;
  if (interrupted_) done.status = kExitInterrupted;
  std::exchange(done_, nullptr)(done);
}

void CheckCall::fail_with(Error error) {
  std::exchange(done_, nullptr)({exit_status(error), std::move(error)});
}

void CheckCall::interrupt() {
  if (std::exchange(interrupted_, true)) return;
  if (rate_) return rate_->stop();
  if (echo_) echo_->stop();
}

}  // namespace callbot::bot
