// base/chart.h: what charts over time are made of: SVG without words that stretches to any width;
// the page puts the words beside it.
//
// Thread:  any.
// Owner:   nobody; functions.
// Fails:   never.
#pragma once

#include <string>
#include <vector>

namespace callbot {

inline constexpr double kChartWidth = 1000;  // units of the viewBox

struct Tick {
  double share = 0;  // of the chart's width
  std::string text;
};
// Where the time axis has words: at round times, at most `most`.
std::vector<Tick> ticks_of(double seconds, size_t most = 8);
// The words, as HTML.
std::string axis(double seconds);

// Times -> the chart's width.
class TimeScale {
 public:
  explicit TimeScale(double seconds);
  double x(double seconds) const;

 private:
  double per_second_;
};

// A band of a chart.
struct Band {
  double top, height;
};
// From x to x; what is shorter than can be seen is drawn as long as that. `title` is escaped.
std::string chart_rect(const char* css, double from, double to, Band band,
                       const std::string& title);
// "0:01.2 – 0:03.4".
std::string span_text(double from, double to);
// Lines at the ticks.
std::string grid(double seconds, double height);
std::string svg(double height, const std::string& css, const std::string& label,
                const std::string& content);

}  // namespace callbot
