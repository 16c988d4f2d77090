// The pictures of a run's page: actors and steps over time, and what was measured.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/chart.h"
#include "base/html.h"
#include "base/units.h"
#include "scenarios/report.h"
#include "scenarios/report_networks.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostActors = 40;   // rows
constexpr size_t kMostLines = 12;    // of one graph
constexpr size_t kMostPoints = 400;  // of one line
constexpr size_t kMostSpans = 300;   // of one row
constexpr size_t kMostStrips = 4;    // of networks, under one graph
constexpr double kRowHeight = 34;
constexpr double kGraphHeight = 150;

struct Graph {
  std::string title;
  std::vector<std::string_view> metrics;
};
// What a page always has, and what a threshold names beside it.
std::vector<Graph> graphs_of(const Scenario& scenario) {
  std::vector<Graph> all = {
      {"Delay, end to end", {"video.e2e_delay", "audio.e2e_delay"}},
      {"Delay of the network", {"video.network_delay", "audio.network_delay"}},
      {"Round trip time", {"rtp.rtt"}},
      {"Frame rate", {"video.fps"}},
      {"Bit rate received", {"rtp.bitrate"}},
      {"Bit rate sent", {"send.bitrate", "send.target_bitrate", "send.available_bitrate"}},
      {"Loss", {"rtp.loss", "send.loss"}},
      {"Asked for again, each second", {"rtp.nack", "rtp.pli"}},
      {"Held by the jitterbuffer", {"jitterbuffer.delay"}},
      {"Frames on their way to the picture", {"video.processing", "video.assembly"}},
      {"Frames late at the sender", {"send.lateness"}},
      {"Sound against picture", {"av.skew"}},
      {"PSNR", {"video.psnr"}},
  };
  for (const Threshold& t : scenario.thresholds) {
    const Metric* metric = find_metric(t.metric);
    const bool there = std::any_of(all.begin(), all.end(), [&](const Graph& g) {
      return std::find(g.metrics.begin(), g.metrics.end(), t.metric) != g.metrics.end();
    });
    if (metric != nullptr && metric->kind == MetricKind::kGauge && !there)
      all.push_back({metric->name, {metric->name}});
  }
  return all;
}

// Where many would be drawn, those first that something was wrong with.
std::vector<const Series*> in_order(const RunRecord& run, const Graph& graph) {
  std::vector<const Series*> out;
  for (const std::string_view metric : graph.metrics)
    for (const Series& s : run.evidence.series)
      if (s.metric == metric && !is_empty(s)) out.push_back(&s);
  const auto& cases = run.judged.cases;
  std::stable_partition(out.begin(), out.end(), [&](const Series* s) {
    return std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
      return c.verdict != Verdict::kPass && c.metric == s->metric && c.place &&
             c.place->actor == s->actor && (c.place->from.empty() || c.place->from == s->from);
    });
  });
  return out;
}

double duration(const Evidence& e) {
  return std::max(static_cast<double>(e.ended_ns - e.began_ns) / 1e9, 0.001);
}

std::string span_title(const Evidence& e, const TimeWindow& span, const std::string& what) {
  return html(what) + " " + span_text(e.seconds(span.from_ns), e.seconds(span.to_ns));
}

std::string rect(const Evidence& e, const TimeScale& scale, const char* css, const TimeWindow& span,
                 Band band, const std::string& what) {
  return chart_rect(css, scale.x(e.seconds(span.from_ns)), scale.x(e.seconds(span.to_ns)), band,
                    span_title(e, span, what));
}

const char* css_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "step done";
    case Outcome::kFailed:
      return "step failed";
    case Outcome::kSkipped:
      return "step skipped";
    default:
      return "step unknown";
  }
}

std::string row(const std::string& name, const std::string& more, const std::string& chart) {
  return fmt::format(
      "<div class=\"row\"><div class=\"name\"><b>{}</b><small>{}</small></div>"
      "<div class=\"plot\">{}</div></div>\n",
      name, more, chart);
}

std::string mark_words(const Evidence& e) {
  std::string out;
  for (const MarkFact& mark : e.marks) {
    const double share = e.seconds(mark.at_ns) / duration(e) * 100;
    out += fmt::format("<span style=\"left:{:.2f}%\"{}>{}</span>", std::clamp(share, 0.0, 100.0),
                       share > 85 ? " class=\"late\"" : "", html(mark.name, 40));
  }
  return out.empty() ? "" : "<div class=\"marks\">" + out + "</div>";
}

std::string mark_lines(const Evidence& e, const TimeScale& scale, double height) {
  std::string out;
  for (const MarkFact& mark : e.marks)
    out += fmt::format(R"(<path class="mark" d="M{:.1f} 0V{:g}"/>)", scale.x(e.seconds(mark.at_ns)),
                       height);
  return out;
}

std::string steps_row(const Evidence& e, const TimeScale& scale) {
  std::string content = grid(duration(e), kRowHeight) + mark_lines(e, scale, kRowHeight);
  for (const StepFact& step : e.steps)
    content += rect(e, scale, css_of(step.outcome), step.span, {8, 18},
                    fmt::format("{}. {}: {}", step.index + 1, step.what, name_of(step.outcome)));
  return row("Steps", fmt::format("{} of them", e.steps.size()),
             mark_words(e) + svg(kRowHeight, "steps-chart", "steps", content));
}

std::string spans_of(const Evidence& e, const TimeScale& scale, const std::string& actor,
                     std::string_view metric, const char* css, Band band, const char* what) {
  std::string out;
  size_t drawn = 0;
  for (const Series& s : e.series) {
    if (s.actor != actor || s.metric != metric) continue;
    for (const Sample& sample : s.samples) {
      if (++drawn > kMostSpans) return out;
      const TimeWindow span{sample.at_ns, sample.at_ns + std::llround(sample.value * 1e9)};
      out += rect(e, scale, css, span, band, what + (s.from.empty() ? "" : " of " + s.from));
    }
  }
  return out;
}

std::string actor_row(const Evidence& e, const TimeScale& scale, const ActorFacts& actor) {
  std::string content = grid(duration(e), kRowHeight) + mark_lines(e, scale, kRowHeight);
  for (const TimeWindow& span : actor.inside)
    content += rect(e, scale, "inside", span, {10, 14}, "in the call");
  content += spans_of(e, scale, actor.name, "video.freeze", "frozen", {10, 14}, "frozen picture");
  content += spans_of(e, scale, actor.name, "audio.silence", "silent", {24, 4}, "silence");
  size_t drawn = 0;
  for (const EventFact& event : e.events) {
    if (event.actor != actor.name || ++drawn > kMostSpans) continue;
    content += rect(e, scale, "event", {event.at_ns, event.at_ns}, {4, 26},
                    event.kind + (event.text.empty() ? "" : ": " + event.text));
  }
  std::string more = actor.browser.empty() ? "verify " + actor.verify : actor.browser;
  if (!actor.room.empty()) more += ", " + actor.room;
  if (actor.playout_latency > 0) more += ", playout after " + seconds_text(actor.playout_latency);
  return row(html(actor.name, 40), html(more, 60),
             svg(kRowHeight, "actor-chart", html(actor.name, 40), content) +
                 network_strip(e, scale, actor.name, Strip::kWithLabels));
}

// Means of equal parts of the time, so that a long run is drawn as fast as a short one; a part
// without a sample has no point.
std::vector<std::pair<double, double>> points_of(const Evidence& e, const Series& s) {
  const double all = duration(e);
  std::vector<double> sums(kMostPoints, 0);
  std::vector<size_t> counts(kMostPoints, 0);
  const auto add = [&](int64_t at_ns, double sum, size_t count) {
    const double share = e.seconds(at_ns) / all;
    if (share < 0 || share > 1 || !std::isfinite(sum)) return;
    const auto part = std::min(static_cast<size_t>(share * kMostPoints), kMostPoints - 1);
    sums[part] += sum;
    counts[part] += count;
  };
  for (const Stretch& part : s.stretches)
    add(std::max(part.from_ns + s.stretch_ns / 2, e.began_ns), part.sum, part.count);
  for (const Sample& sample : s.samples) add(sample.at_ns, sample.value, 1);
  std::vector<std::pair<double, double>> out;
  for (size_t i = 0; i < kMostPoints; ++i) {
    if (counts[i] > 0)
      out.emplace_back((static_cast<double>(i) + 0.5) / kMostPoints * all,
                       sums[i] / static_cast<double>(counts[i]));
  }
  return out;
}

// Round numbers around all that is to be seen.
struct Range {
  double least = 0, most = 0;
  void take(double v) {
    least = std::min(least, v);
    most = std::max(most, v);
  }
  void round_up() {
    if (most - least <= 0) most = 1;  // nothing but 0
    const double size = std::max(most - least, 1e-6);
    const double step = std::pow(10, std::floor(std::log10(size)));
    most = std::ceil(most / step * 2) / 2 * step;
    least = std::floor(least / step * 2) / 2 * step;
  }
  double y(double v) const {
    return kGraphHeight - 2 - (v - least) / (most - least) * (kGraphHeight - 4);
  }
};

struct Line {
  const Series* series;
  std::vector<std::pair<double, double>> points;
};

class Drawing {
 public:
  Drawing(const Scenario& scenario, const RunRecord& run, Graph graph)
      : e_(run.evidence), graph_(std::move(graph)), scale_(duration(e_)) {
    const auto all = in_order(run, graph_);
    found_ = all.size();
    for (size_t i = 0; i < found_ && i < kMostLines; ++i)
      lines_.push_back({all[i], points_of(e_, *all[i])});
    for (const Line& line : lines_) actors_.insert({line.series->actor, line.series->from});
    networked_ = networked(e_, actors_);
    for (const Threshold& t : scenario.thresholds) {
      const bool here =
          std::find(graph_.metrics.begin(), graph_.metrics.end(), t.metric) != graph_.metrics.end();
      const Metric* metric = find_metric(t.metric);
      if (here && metric != nullptr && unit_of(t.stat, *metric) == metric->unit)
        limits_.push_back(&t);
    }
  }

  std::string text() {
    if (lines_.empty()) return "";
    for (const Line& line : lines_) {
      for (const auto& [x, y] : line.points) range_.take(y);
    }
    for (const Threshold* t : limits_) range_.take(t->value * 1.05);
    range_.round_up();
    const char* unit = find_metric(lines_.front().series->metric)->unit;
    return fmt::format(
        "<figure class=\"graph\"><h3>{}</h3><div class=\"scaled\"><div class=\"y\"><span>{}</span>"
        "<span>{}</span></div><div class=\"plot\">{}{}</div></div>{}"
        "<figcaption>{}</figcaption></figure>\n",
        graph_.title, value_text(range_.most, unit), value_text(range_.least, unit), chart(),
        strips(), axis(duration(e_)), legend(unit));
  }

 private:
  std::string chart() const {
    std::string content = grid(duration(e_), kGraphHeight) + mark_lines(e_, scale_, kGraphHeight) +
                          network_lines(e_, scale_, actors_, kGraphHeight);
    std::set<std::string> actors;
    for (const Line& line : lines_) actors.insert(line.series->actor);
    const bool video = graph_.metrics[0].starts_with("video.");
    for (const std::string& actor : actors) {
      if (video)
        content += spans_of(e_, scale_, actor, "video.freeze", "frozen faint", {0, kGraphHeight},
                            "frozen picture");
    }
    if (range_.least < 0)
      content +=
          fmt::format(R"(<path class="base" d="M0 {:.1f}H{:g}"/>)", range_.y(0), kChartWidth);
    for (const Threshold* t : limits_) content += limit(*t);
    for (size_t i = 0; i < lines_.size(); ++i) content += path(lines_[i], i);
    return svg(kGraphHeight, "graph-chart", graph_.title, content);
  }

  std::string strips() const {
    std::string out;
    for (size_t i = 0; i < networked_.size() && i < kMostStrips; ++i)
      out += network_strip(e_, scale_, networked_[i], Strip::kThin);
    return out;
  }

  std::string limit(const Threshold& t) const {
    const auto window = window_of(t.span, e_);
    if (!window) return "";
    return fmt::format(
        R"(<path class="limit{}" d="M{:.1f} {:.1f}H{:.1f}"><title>{}</title></path>)",
        t.warn ? " soft" : "", scale_.x(e_.seconds(window->from_ns)), range_.y(t.value),
        scale_.x(e_.seconds(window->to_ns)), html(text_of(t)));
  }

  // A gap of more than 3 % of the run is one in the line too.
  std::string path(const Line& line, size_t index) const {
    std::string d;
    double last = -1e9;
    for (const auto& [x, y] : line.points) {
      const bool gap = x - last > std::max(duration(e_) * 0.03, 2.5);
      d += fmt::format("{}{:.1f} {:.1f}", gap ? "M" : "L", scale_.x(x), range_.y(y));
      if (gap) d += "h.1";  // so that a point alone is seen
      last = x;
    }
    return fmt::format(R"(<path class="line c{}" d="{}"><title>{}</title></path>)", index % 6, d,
                       html(label(*line.series)));
  }

  static std::string label(const Series& s) {
    const std::string kind = s.metric.substr(0, s.metric.find('.'));
    return fmt::format("{}{}{}, {}", s.actor, s.from.empty() ? "" : towards(s.metric), s.from,
                       s.stream.empty() ? kind : s.stream);
  }

  std::string legend(const char* unit) const {
    std::string out;
    for (size_t i = 0; i < lines_.size(); ++i)
      out += fmt::format("<span><i class=\"key c{}\"></i>{}</span> ", i % 6,
                         html(label(*lines_[i].series), 60));
    if (found_ > lines_.size())
      out += fmt::format("<span>and {} more</span> ", found_ - lines_.size());
    for (const Threshold* t : limits_)
      out += fmt::format("<span><i class=\"key limit\"></i>{} {} {}</span> ", text_of(t->stat),
                         html(t->op), value_text(t->value, unit));
    std::string whose;
    for (size_t i = 0; i < networked_.size() && i < kMostStrips; ++i)
      whose += (i == 0 ? "" : ", ") + html(networked_[i], 40);
    if (networked_.size() > kMostStrips)
      whose += fmt::format(" and {} more", networked_.size() - kMostStrips);
    if (!whose.empty())
      out += "<span><i class=\"key network\"></i>network of " + whose + "</span> ";
    return out;
  }

  const Evidence& e_;
  const Graph graph_;
  const TimeScale scale_;
  std::vector<Line> lines_;
  std::vector<const Threshold*> limits_;
  std::set<std::string> actors_;        // who sends or receives what is drawn
  std::vector<std::string> networked_;  // of them
  size_t found_ = 0;
  Range range_;
};

}  // namespace

std::string steps_section(const Evidence& evidence) {
  const TimeScale scale(duration(evidence));
  std::string rows = steps_row(evidence, scale);
  for (size_t i = 0; i < evidence.actors.size() && i < kMostActors; ++i)
    rows += actor_row(evidence, scale, evidence.actors[i]);
  rows += row("", "", axis(duration(evidence)));
  std::string more;
  if (evidence.actors.size() > kMostActors)
    more = fmt::format("<p class=\"fine\">and {} actors more</p>",
                       evidence.actors.size() - kMostActors);
  return "<section id=\"timeline\">\n<h2>Timeline</h2>\n"
         "<ul class=\"legend\"><li><i class=\"key inside\"></i>in the call</li>"
         "<li><i class=\"key frozen\"></i>frozen picture</li>"
         "<li><i class=\"key silent\"></i>silence</li>"
         "<li><i class=\"key done\"></i>step</li>"
         "<li><i class=\"key failed\"></i>step failed</li>"
         "<li><i class=\"key mark\"></i>mark</li>" +
         network_legend(evidence) + "</ul>\n<div class=\"rows\">" + rows + "</div>" + more +
         "</section>\n";
}

std::string graphs_section(const Scenario& scenario, const RunRecord& run) {
  std::string out;
  for (Graph& graph : graphs_of(scenario)) out += Drawing(scenario, run, std::move(graph)).text();
  if (out.empty()) return "";
  return "<section id=\"graphs\">\n<h2>Measured</h2>\n<div class=\"graphs\">" + out +
         "</div></section>\n";
}

}  // namespace callbot::scenarios
