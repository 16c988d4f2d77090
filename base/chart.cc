#include "base/chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"

namespace callbot {
namespace {

constexpr double kLeast = 1.6;  // what is shorter would not be seen

}  // namespace

std::vector<Tick> ticks_of(double seconds, size_t most) {
  constexpr double kSteps[] = {0.5, 1,   2,   5,    10,   15,   30,    60,    120,
                               300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400};
  const auto* step = std::find_if(std::begin(kSteps), std::end(kSteps), [&](double s) {
    return seconds / s <= static_cast<double>(most);
  });
  const double each = step == std::end(kSteps) ? seconds / static_cast<double>(most) : *step;
  std::vector<Tick> out;
  for (double at = 0; at <= seconds * 0.97 && seconds > 0; at += each) {
    std::string text = clock_text(std::llround(at * 1e9));
    if (each >= 1) text.resize(text.size() - 2);  // without ".0"
    out.push_back({at / seconds, text});
  }
  return out;
}

std::string axis(double seconds) {
  std::string out;
  for (const Tick& tick : ticks_of(seconds))
    out += fmt::format("<span style=\"left:{:.2f}%\">{}</span>", tick.share * 100, tick.text);
  return "<div class=\"axis\" aria-hidden=\"true\">" + out + "</div>";
}

TimeScale::TimeScale(double seconds) : per_second_(kChartWidth / std::max(seconds, 0.001)) {}
double TimeScale::x(double seconds) const {
  return std::clamp(seconds * per_second_, 0.0, kChartWidth);
}

std::string chart_rect(const char* css, double from, double to, Band band,
                       const std::string& title) {
  const double width = std::max(to - from, kLeast);
  const double x = std::min(from, kChartWidth - width);
  std::string text =
      fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}")", css, x,
                  band.top, width, band.height);
  return text + (title.empty() ? "/>" : "><title>" + title + "</title></rect>");
}

std::string span_text(double from, double to) {
  return clock_text(std::llround(from * 1e9)) + " – " + clock_text(std::llround(to * 1e9));
}

std::string grid(double seconds, double height) {
  std::string out;
  for (const Tick& tick : ticks_of(seconds)) {
    out += fmt::format(R"(<path class="grid" d="M{0:.1f} 0V{1:g}"/>)", tick.share * kChartWidth,
                       height);
  }
  return out;
}

std::string svg(double height, const std::string& css, const std::string& label,
                const std::string& content) {
  return fmt::format(
      R"(<svg class="{}" viewBox="0 0 {:g} {:g}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>)",
      css, kChartWidth, height, label, content);
}

}  // namespace callbot
