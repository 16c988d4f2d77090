#include "scenarios/live_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <tuple>

#include "base/clock.h"
#include "base/files.h"

namespace callbot::scenarios {
namespace {

// --- Prometheus

// Base units stand at the end of a name (Prometheus's rules for names).
std::string unit_suffix(std::string_view unit) {
  if (unit == "s") return "_seconds";
  if (unit == "s/min") return "_seconds_per_minute";
  if (unit == "bit/s") return "_bits_per_second";
  if (unit == "1/s") return "_per_second";
  if (unit == "dB") return "_decibels";
  if (unit == "dBFS") return "_dbfs";
  if (unit == "Hz") return "_hertz";
  if (unit == "px") return "_pixels";
  return "";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

class Exposition {
 public:
  explicit Exposition(const LiveRun& run)
      : labels_(fmt::format("scenario=\"{}\",run=\"{}\"", escaped(run.scenario), run.run)) {}

  void family(const std::string& name, const char* type, std::string_view help) {
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(help), name, type);
  }
  void sample(const std::string& name, const Series* series, double value) {
    std::string labels = labels_;
    const auto add = [&](const char* label, const std::string& text) {
      if (!text.empty()) labels += fmt::format(",{}=\"{}\"", label, escaped(text));
    };
    if (series != nullptr) {
      add("actor", series->actor);
      add("from", series->from);
      add("stream", series->stream);
    }
    out_ += fmt::format("{}{{{}}} {}\n", name, labels, number(value));
  }
  void single(const std::string& name, const char* type, const char* help, double value) {
    family(name, type, help);
    sample(name, nullptr, value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string labels_, out_;
};

void expose(Exposition& out, const Metric& metric, const std::vector<const Series*>& all) {
  std::string name = std::string("callbot_") + metric.name;
  std::replace(name.begin(), name.end(), '.', '_');
  const std::string in_unit = name + unit_suffix(metric.unit);
  if (metric.kind == MetricKind::kGauge) {
    out.family(in_unit, "gauge", metric.what);
    for (const Series* s : all) {
      if (!s->samples.empty()) out.sample(in_unit, s, s->samples.back().value);
    }
    return;
  }
  // A loss may be taken back (RFC 3550, 6.4.1), which no counter of Prometheus can.
  const char* type = metric.name == std::string_view("rtp.lost") ? "gauge" : "counter";
  const std::string sum = (metric.kind == MetricKind::kSpan ? in_unit : name) + "_total";
  out.family(sum, type, metric.what);
  for (const Series* s : all) out.sample(sum, s, total_of(*s));
  if (metric.kind != MetricKind::kSpan) return;
  out.family(name + "_total", "counter", fmt::format("how many: {}", metric.what));
  for (const Series* s : all) out.sample(name + "_total", s, static_cast<double>(count_of(*s)));
}

// --- the table

struct Stream {
  std::string actor, from, name;
  friend auto operator<=>(const Stream&, const Stream&) = default;
};

// "-" is not measured.
std::string cell(const LiveRun& run, const Stream& stream, std::string_view metric,
                 const std::function<std::string(const Series&)>& text) {
  for (const Series* s : run.series) {
    if (s->metric == metric && s->actor == stream.actor && s->from == stream.from &&
        s->stream == stream.name && s->state == Measured::kOk)
      return text(*s);
  }
  return "-";
}

std::string last_of(const Series& s, double factor, int decimals) {
  return s.samples.empty() ? "-"
                           : fmt::format("{:.{}f}", s.samples.back().value * factor, decimals);
}

}  // namespace

std::string prometheus_text(const LiveRun& run) {
  Exposition out(run);
  out.single("callbot_run_seconds", "gauge", "since the run began", run.seconds);
  out.single("callbot_run_steps", "gauge", "steps of the scenario", static_cast<double>(run.steps));
  out.single("callbot_run_step", "gauge", "the step that is being done, from 1; 0: none yet",
             static_cast<double>(run.step_number));
  out.single("callbot_run_actors", "gauge", "actors of the scenario",
             static_cast<double>(run.actors));
  out.single("callbot_run_actors_inside", "gauge", "actors that are in their call",
             static_cast<double>(run.inside));
  for (const Metric& metric : metrics()) {
    std::vector<const Series*> of_it;
    for (const Series* s : run.series) {
      if (s->metric == metric.name && s->state == Measured::kOk) of_it.push_back(s);
    }
    if (!of_it.empty()) expose(out, metric, of_it);
  }
  return out.take();
}

LiveTable live_table(const LiveRun& run, size_t most_rows) {
  LiveTable table;
  table.summary = fmt::format(
      "{}  {}  {} of {} in the call  step {} of {}{}", printable(run.scenario, 40),
      clock_text(static_cast<int64_t>(run.seconds * 1e9)), run.inside, run.actors, run.step_number,
      run.steps, run.step.empty() ? "" : ": " + printable(run.step, 60));
  std::vector<Stream> streams;
  for (const Series* s : run.series) {
    const Stream stream{s->actor, s->from, s->stream};
    if (!s->stream.empty() && std::find(streams.begin(), streams.end(), stream) == streams.end())
      streams.push_back(stream);
  }
  std::sort(streams.begin(), streams.end());
  table.left_out = streams.size() > most_rows ? streams.size() - most_rows : 0;
  streams.resize(streams.size() - table.left_out);
  table.rows.push_back(
      {"actor", "from", "stream", "kbit/s", "fps", "loss %", "delay ms", "frozen s"});
  for (const Stream& s : streams) {
    const auto last = [&](std::string_view metric, double factor, int decimals) {
      return cell(run, s, metric,
                  [=](const Series& one) { return last_of(one, factor, decimals); });
    };
    const bool sound = s.name == "microphone";
    // Without decoding, the frames of about the last second.
    std::string fps = sound ? "" : last("video.fps", 1, 1);
    if (fps == "-") fps = last("video.frames", 1, 0);
    table.rows.push_back({printable(s.actor, 20), printable(s.from, 20), printable(s.name, 12),
                          last("rtp.bitrate", 1e-3, 0), fps, last("rtp.loss", 100, 1),
                          last(sound ? "audio.e2e_delay" : "video.e2e_delay", 1e3, 0),
                          sound ? "" : cell(run, s, "video.freeze", [](const Series& one) {
                            return fmt::format("{:.1f}", total_of(one));
                          })});
  }
  return table;
}

}  // namespace callbot::scenarios
