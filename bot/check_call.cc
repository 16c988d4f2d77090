#include "bot/check_call.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/print.h"
#include "base/units.h"

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

// Before what is said of that path.
constexpr const char* kDirect = "";
constexpr const char* kThroughTurn = "through TURN, ";

std::string rate_text(double bits) {
  return bits >= 1e6 ? fmt::format("{:.1f} Mbit/s", bits / 1e6)
                     : fmt::format("{:.0f} kbit/s", bits / 1e3);
}
std::string ms_text(std::optional<double> seconds) {
  return seconds ? fmt::format("{:.1f} ms", *seconds * 1e3) : "unknown";
}

std::string share_text(double share) { return fmt::format("{:.3g} %", share * 100); }

struct LimitRow {
  const char* key;
  const char* what;
  double CheckLimits::*warn;
  double CheckLimits::*fail;
  std::string (*text)(double);
};
constexpr LimitRow kLimits[] = {
    {"line_loss", "loss on the line", &CheckLimits::line_loss_warn, &CheckLimits::line_loss_fail,
     share_text},
    {"loss", "after retransmission", &CheckLimits::loss_warn, &CheckLimits::loss_fail, share_text},
    {"rtt_s", "round trip", &CheckLimits::rtt_warn, &CheckLimits::rtt_fail, seconds_text},
    {"jitter_s", "jitter", &CheckLimits::jitter_warn, &CheckLimits::jitter_fail, seconds_text},
    {"missing", "pictures missing", &CheckLimits::missing_warn, &CheckLimits::missing_fail,
     share_text},
    {"broken", "not to be read", &CheckLimits::broken_warn, &CheckLimits::broken_fail, share_text},
    {"bitrate", "bit rate", &CheckLimits::rate_warn, &CheckLimits::rate_fail, rate_text},
};

std::string limits_text(const CheckLimits& limits) {
  std::string text = "limits         warns (fails): ";
  for (size_t i = 0; i < std::size(kLimits); ++i) {
    const LimitRow& row = kLimits[i];
    text += fmt::format("{}{} {} ({})",
                        i == 0       ? ""
                        : i % 3 == 0 ? ",\n               "
                                     : ", ",
                        row.what, row.text(limits.*row.warn), row.text(limits.*row.fail));
  }
  return text + "\n";
}

// Gathers what is wrong, the worst first.
class Judge {
 public:
  // `value` beyond `warn` or `fail`; a fail below the warn: more is better.
  void gate(double value, double warn, double fail, const std::string& text) {
    if (const Level level = level_of(value, warn, fail); level != Level::kGood) say(level, text);
  }
  static Level level_of(double value, double warn, double fail) {
    const auto beyond = [&](double limit) { return fail < warn ? value < limit : value > limit; };
    return beyond(fail) ? Level::kFail : beyond(warn) ? Level::kWarn : Level::kGood;
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

void judge_loss(const EchoWay& way, const std::string& where, const CheckLimits& limits,
                Judge& judge) {
  const auto line = way.line_loss(), left = way.loss();
  if (!line || !left)
    return judge.say(Level::kUnmeasured, where + ": how many packets were lost is not known");
  const Level level = std::max(Judge::level_of(*line, limits.line_loss_warn, limits.line_loss_fail),
                               Judge::level_of(*left, limits.loss_warn, limits.loss_fail));
  if (level == Level::kGood) return;
  judge.say(level, fmt::format("{}: the line lost {:.1f} % of the packets; {:.1f} % stayed lost "
                               "after retransmission",
                               where, *line * 100, *left * 100));
}

void judge_pictures(const EchoWay& way, const std::string& where, const CheckLimits& limits,
                    Judge& judge) {
  if (way.marked == 0 || way.expected == 0)
    judge.say(Level::kUnmeasured, where + ": not one marked picture could be read");
  else
    judge.gate(static_cast<double>(way.missing) / static_cast<double>(way.expected),
               limits.missing_warn, limits.missing_fail,
               fmt::format("{}: {} of {} pictures never came", where, way.missing, way.expected));
  judge.gate(way.broken(), limits.broken_warn, limits.broken_fail,
             fmt::format("{}: {} pictures came, but could not be read", where,
                         way.unread + way.undecodable));
}

void judge_way(const EchoWay& way, const std::string& where, const CheckLimits& limits,
               Judge& judge) {
  judge_loss(way, where, limits, judge);
  if (way.jitter)
    judge.gate(*way.jitter, limits.jitter_warn, limits.jitter_fail,
               fmt::format("{}: {} of jitter", where, ms_text(way.jitter)));
  else
    judge.say(Level::kUnmeasured, where + ": the jitter is not known");
  judge_pictures(way, where, limits, judge);
}

void judge_echo(const EchoResult& echo, const std::string& path, const CheckLimits& limits,
                Judge& judge) {
  if (const auto rtt = echo.rtt())
    judge.gate(*rtt, limits.rtt_warn, limits.rtt_fail,
               path + "a packet takes " + ms_text(rtt) + " there and back");
  else
    judge.say(Level::kUnmeasured, path + "the round trip is not known");
  for (int i = 0; i < 2; ++i) judge_way(echo.way[i], path + name_of_way(i), limits, judge);
}

void judge_rate(const Result<RateResult>& rate, const std::string& path, const CheckLimits& limits,
                Judge& judge) {
  if (!rate)
    return judge.say(Level::kUnmeasured, path + "bit rate not measured: " + rate.error().message);
  for (int i = 0; i < 2; ++i) {
    const RateWay& way = rate->way[i];
    const std::string where = path + name_of_way(i);
    if (way.steps.empty())
      judge.say(Level::kUnmeasured, where + ": bit rate not measured");
    else
      judge.gate(way.achieved, limits.rate_warn, limits.rate_fail,
                 where + ": no more than " + rate_text(way.achieved) + " gets through");
  }
}

std::string loss_text(const EchoWay& way) {
  if (!way.line_loss()) return fmt::format("lost ? of {} packets", way.packets);
  return fmt::format("lost {} of {} packets on the line, {} after retransmission",
                     *way.lost + *way.repaired, way.sent(), *way.lost);
}

std::string pictures_text(const EchoWay& way) {
  const uint64_t broken = way.unread + way.undecodable;
  return fmt::format("pictures {} of {}", way.marked, way.expected) +
         (broken > 0 ? fmt::format(", {} not to be read", broken) : "");
}

Json json_of(const EchoWay& way) {
  Json json = Json::object();
  const auto put = [&](const char* key, std::optional<double> value) {
    json.set(key, value ? Json::of(*value) : Json());
  };
  json.set("packets", way.packets)
      .set("lost", way.lost ? Json::of(*way.lost) : Json())
      .set("repaired", way.repaired ? Json::of(*way.repaired) : Json());
  put("line_loss", way.line_loss());
  put("loss", way.loss());
  put("jitter_s", way.jitter);
  put("network_s", way.way);
  put("network_p95_s", way.way_95);
  put("delay_s", way.delay);
  put("delay_p95_s", way.delay_95);
  return json.set("marked", way.marked)
      .set("unread", way.unread)
      .set("undecodable", way.undecodable)
      .set("expected", way.expected)
      .set("missing", way.missing);
}

std::string echo_text(const EchoResult& echo) {
  std::string text =
      fmt::format("connection     {}\n               {}\n", echo.pair[0], echo.pair[1]);
  if (path_of(echo.pair) == CallPath::kMachine)
    text +=
        "               host to host on this machine: round trip, loss and bit rate are the\n"
        "               machine's own, not those of the way to a server\n";
  if (path_of(echo.pair) == CallPath::kServer)
    text +=
        "               the server is on this machine: round trip, loss and bit rate are the\n"
        "               machine's own\n";
  text += fmt::format("round trip     {}\n", ms_text(echo.rtt()));
  for (int i = 0; i < 2; ++i) {
    const EchoWay& way = echo.way[i];
    text += fmt::format("{:<6} {}, jitter {}; {}, from capture to received {} (95 %: {})\n",
                        name_of_way(i), loss_text(way), ms_text(way.jitter), pictures_text(way),
                        ms_text(way.delay), ms_text(way.delay_95));
  }
  return text;
}

std::string bitrate_text(const RateResult& rate) {
  std::string text = "bit rate      ";
  for (int i = 0; i < 2; ++i) {
    const RateWay& way = rate.way[i];
    text += fmt::format(" {}{} {}", way.open_ended ? "at least " : "", rate_text(way.achieved),
                        i == 0 ? "there," : "back");
  }
  return text + "\n";
}

// What it is that passed: in a mesh nothing is known of a direct way to others.
std::string good_text(const CheckReport& report) {
  if (path_of(report.echo.pair) != CallPath::kMachine) return "this machine can hold a call there";
  return report.simulated
             ? "a call can be held behind that network; of the real way nothing was measured"
             : "this machine can hold a call there, through TURN; of a direct way to others "
               "nothing was measured";
}

Json json_of(const CheckLimits& limits) {
  Json json = Json::object();
  for (const LimitRow& row : kLimits)
    json.set(row.key, Json::object().set("warn", limits.*row.warn).set("fail", limits.*row.fail));
  return json;
}

Json json_of(const Pairs& pairs) { return Json::array().add(pairs[0]).add(pairs[1]); }

Json json_of(const EchoResult& echo) {
  const auto rtt = echo.rtt();
  return Json::object()
      .set("join_s", echo.join_s)
      .set("connect_s", echo.connect_s)
      .set("path", name_of(path_of(echo.pair)))
      .set("pairs", json_of(echo.pair))
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

Json json_of(const RateResult& rate) {
  return Json::object()
      .set("path", name_of(path_of(rate.pair)))
      .set("pairs", json_of(rate.pair))
      .set("there", json_of(rate.way[0]))
      .set("back", json_of(rate.way[1]));
}

template <class T>
Json json_of(const Result<T>& result) {
  return result ? json_of(*result) : Json::object().set("error", result.error().message);
}

}  // namespace

CheckVerdict judge(const CheckReport& report, const CheckLimits& limits) {
  Judge judge;
  judge_echo(report.echo, kDirect, limits, judge);
  if (report.rate) judge_rate(*report.rate, kDirect, limits, judge);
  if (report.relayed && *report.relayed) judge_echo(**report.relayed, kThroughTurn, limits, judge);
  if (report.relayed && !*report.relayed) {
    const Error& error = report.relayed->error();
    const bool tried = error.code != Code::kInterrupted && error.code != Code::kUsage;
    judge.say(tried ? Level::kFail : Level::kUnmeasured,
              "no call through the TURN server: " + error.message);
  }
  if (report.relayed_rate) judge_rate(*report.relayed_rate, kThroughTurn, limits, judge);
  if (!report.relayed && !report.simulated && path_of(report.echo.pair) == CallPath::kMachine)
    judge.say(Level::kUnmeasured,
              "this machine can join a call and send media; of the way to others nothing was "
              "measured (a TURN server, --ice-server, would give it one)");
  return judge.verdict();
}

std::string to_text(const CheckReport& report, const CheckVerdict& verdict,
                    const CheckLimits& limits) {
  std::string text = fmt::format("joined in {}, media both ways {} later\n",
                                 ms_text(report.echo.join_s), ms_text(report.echo.connect_s));
  text += echo_text(report.echo);
  if (report.rate && *report.rate) text += bitrate_text(**report.rate);
  if (report.relayed && *report.relayed)
    text += "through TURN alone\n" + echo_text(**report.relayed);
  if (report.relayed_rate && *report.relayed_rate) text += bitrate_text(**report.relayed_rate);
  text += limits_text(limits) + name_of(verdict.level);
  if (verdict.why.empty()) text += ": " + good_text(report);
  for (const std::string& why : verdict.why) text += "\n  " + why;
  return text + "\n";
}

Json to_json(const CheckReport& report, const CheckVerdict& verdict, const CheckLimits& limits) {
  Json why = Json::array();
  for (const std::string& text : verdict.why) why.add(text);
  Json json = Json::object()
                  .set("verdict", name_of(verdict.level))
                  .set("why", why)
                  .set("limits", json_of(limits))
                  .set("simulated", report.simulated)
                  .set("echo", json_of(report.echo));
  if (report.rate) json.set("bitrate", json_of(*report.rate));
  if (report.relayed) json.set("relayed", json_of(*report.relayed));
  if (report.relayed_rate) json.set("relayed_bitrate", json_of(*report.relayed_rate));
  return json;
}

// Wrong use and an interrupt say nothing of the line.
Json to_json(const Error& error) {
  const bool refused = exit_status(error) == kExitConnect;
  return Json::object()
      .set("verdict", name_of(refused ? Level::kFail : Level::kUnmeasured))
      .set("why", Json::array().add(error.message))
      .set("error", error.message);
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

void CheckCall::start() {
  report_.simulated = options_.join.network.has_value();
  direct();
}

void CheckCall::measure_echo(bool relay_only, EchoPair::Done done) {
  echo_ = std::make_unique<EchoPair>(
      loop_, log_,
      EchoConfig{.join = options_.join, .relay_only = relay_only, .duration = options_.duration},
      std::move(done));
  echo_->start();
}

void CheckCall::measure_rate(bool relay_only, RatePair::Done done) {
  rate_ = std::make_unique<RatePair>(
      loop_, log_,
      RateConfig{.join = options_.join, .relay_only = relay_only, .most = options_.most_bitrate},
      std::move(done));
  rate_->start();
}

void CheckCall::direct() {
  if (!options_.json) console_.line("a call with two members of our own ...");
  measure_echo(false, [this](Result<EchoResult> result) {
    if (!result) return fail_with(result.error());
    report_.echo = std::move(*result);
    interrupted_ ? finish() : rate();
  });
}

void CheckCall::rate() {
  if (options_.most_bitrate == 0) return relayed();
  if (!options_.json) console_.line("what bit rate gets through ...");
  measure_rate(false, [this](Result<RateResult> result) {
    report_.rate = std::move(result);
    rate_.reset();
    interrupted_ ? finish() : relayed();
  });
}

void CheckCall::relayed() {
  if (!has_turn()) return finish();
  if (!options_.json) console_.line("the same through the TURN server alone ...");
  measure_echo(true, [this](Result<EchoResult> result) {
    report_.relayed = std::move(result);
    interrupted_ || !*report_.relayed ? finish() : relayed_rate();
  });
}

void CheckCall::relayed_rate() {
  if (options_.most_bitrate == 0) return finish();
  if (!options_.json) console_.line("what bit rate gets through it ...");
  measure_rate(true, [this](Result<RateResult> result) {
    report_.relayed_rate = std::move(result);
    finish();
  });
}

// What an interrupt left out was to be measured.
void CheckCall::finish() {
  if (interrupted_) {
    const auto missing = [](auto& result) {
      if (!result) result = fail(Code::kInterrupted, "interrupted");
    };
    const bool rates = options_.most_bitrate > 0;
    if (rates) missing(report_.rate);
    if (has_turn()) missing(report_.relayed);
    if (has_turn() && rates && *report_.relayed) missing(report_.relayed_rate);
  }
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
  const ExitStatus status = exit_status(error);
  if (options_.json) print("{}\n", to_json(error).dump(true));
  std::exchange(done_, nullptr)({status, std::move(error)});
}

void CheckCall::interrupt() {
  if (std::exchange(interrupted_, true)) return;
  if (rate_) return rate_->stop();
  if (echo_) echo_->stop();
}

}  // namespace callbot::bot
