#include "recordings/report_chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/chart.h"
#include "base/html.h"
#include "base/text.h"

namespace callbot::recordings {
namespace {

constexpr double kWidth = kChartWidth;
constexpr double kSoundTop = 10, kSoundHeight = 42;
constexpr double kPictureTop = 58, kPictureHeight = 22;
constexpr double kChartHeight = 84;
constexpr float kSilent = 0.001f;  // -60 dBFS
constexpr size_t kRects = 800;     // of one kind and medium, on the whole page
constexpr double kRateHeight = 64, kLossHeight = 14;

constexpr Band kSound{kSoundTop, kSoundHeight};
constexpr Band kPicture{kPictureTop, kPictureHeight};
constexpr Band kAll{0, kChartHeight};

double seconds_of(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// Spans nearer than a point of the chart are drawn as one.
std::string rects(const char* css, const std::vector<TimeSpan>& spans, const TimeScale& scale,
                  Band band, const char* title) {
  std::string out;
  for (size_t i = 0; i < spans.size();) {
    const double from = scale.x(seconds_of(spans[i].from_ns));
    double to = scale.x(seconds_of(spans[i].to_ns));
    size_t last = i;
    while (last + 1 < spans.size() && scale.x(seconds_of(spans[last + 1].from_ns)) - to < 0.5)
      to = std::max(to, scale.x(seconds_of(spans[++last].to_ns)));
    out += chart_rect(
        css, from, to, band,
        fmt::format("{} {}", title,
                    span_text(seconds_of(spans[i].from_ns), seconds_of(spans[last].to_ns))));
    i = last + 1;
  }
  return out;
}

// Where there was no sound at all there is no line either.
std::string wave(const std::vector<float>& peaks) {
  const double middle = kSoundTop + kSoundHeight / 2;
  const double step = kWidth / static_cast<double>(std::max<size_t>(peaks.size(), 1));
  const auto x = [&](size_t i) { return (static_cast<double>(i) + 0.5) * step; };
  const auto height = [&](size_t i) {  // quiet speech is to be seen too
    return std::sqrt(static_cast<double>(peaks[i])) * (kSoundHeight / 2 - 1);
  };
  std::string path;
  for (size_t i = 0; i < peaks.size();) {
    if (peaks[i] < kSilent) {
      ++i;
      continue;
    }
    size_t end = i;
    path += fmt::format("M{:.1f} {:g}", x(i) - step / 2, middle);
    for (; end < peaks.size() && peaks[end] >= kSilent; ++end)
      path += fmt::format("L{:.1f} {:.1f}", x(end), middle - height(end));
    path += fmt::format("L{:.1f} {:g}", x(end - 1) + step / 2, middle);
    for (size_t back = end; back-- > i;)
      path += fmt::format("L{:.1f} {:.1f}", x(back), middle + height(back));
    path += "Z";
    i = end;
  }
  return path.empty() ? "" : "<path class=\"wave\" d=\"" + path + "\"/>";
}

std::string damage_rects(const ReportFacts& facts, const ReportPerson& person,
                         const TimeScale& scale) {
  std::string out;
  if (!facts.verdict) return out;
  std::vector<DamageSpan> own;
  for (const DamageSpan& d : facts.verdict->damage) {
    if (d.participant == person.who.id) own.push_back(d);
  }
  const size_t most =
      std::clamp<size_t>(kRects / std::max<size_t>(facts.people.size(), 1), 20, 200);
  for (const DamageSpan& d : bounded(std::move(own), most)) {
    const bool sound = d.media == "audio";
    Band band = sound ? kSound : kPicture;
    // What is no finding yet is drawn low.
    if (d.severity == Severity::kPass) band = {band.top + band.height * 2 / 3, band.height / 3};
    const DamageKind* kind = damage_kind(d.kind);
    const auto title = fmt::format("{}, {}: {}", html(kind == nullptr ? d.kind : kind->words),
                                   html(d.media), span_text(d.from, d.to));
    const auto css = fmt::format("d {}{}", damage_group(d.kind), sound ? " over" : "");
    out += chart_rect(css.c_str(), scale.x(d.from), scale.x(d.to), band, title);
  }
  return out;
}

std::vector<double> kbps(const std::vector<uint64_t>& bytes, double part_s) {
  std::vector<double> out;
  out.reserve(bytes.size());
  for (const uint64_t b : bytes) out.push_back(static_cast<double>(b) * 8 / 1000 / part_s);
  return out;
}

std::string line(const char* css, const std::vector<double>& values, double most) {
  if (values.empty() || most <= 0) return "";
  const double step = kWidth / static_cast<double>(values.size());
  std::string path;
  for (size_t i = 0; i < values.size(); ++i) {
    path +=
        fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", (static_cast<double>(i) + 0.5) * step,
                    kRateHeight - values[i] / most * (kRateHeight - 2));
  }
  return fmt::format(R"(<path class="{}" d="{}"/>)", css, path);
}

std::vector<double> lost_in(const ReportPerson& person, size_t parts, double part_s) {
  std::vector<double> lost(parts, 0);
  for (const HarmSpan& loss : person.losses) {
    const auto first = std::min(static_cast<size_t>(loss.from / part_s), parts - 1);
    const auto last = std::min(static_cast<size_t>(loss.to / part_s), parts - 1);
    for (size_t i = first; i <= last; ++i)
      lost[i] += static_cast<double>(loss.packets) / static_cast<double>(last - first + 1);
  }
  return lost;
}

}  // namespace

const char* damage_group(const std::string& kind) {
  if (kind == "gap" || kind == "stall") return "missing";
  if (kind == "key-frame-wait") return "waiting";
  if (kind == "freeze" || kind == "black") return "still";
  if (kind == "loss" || kind == "concealed" || kind == "undecodable") return "lost";
  return "poor";
}

std::string person_chart(const ReportFacts& facts, const ReportPerson& person) {
  const TimeScale scale(facts.seconds());
  const TimelineParticipant& who = person.who;
  std::string content = grid(facts.seconds(), kChartHeight);
  content += rects("there", who.present, scale, {1, 4}, "there");
  content += rects("sound-on", who.audio.on, scale, kSound, "sound on");
  content += rects("picture-on", who.video.on, scale, kPicture, "picture on");
  content += rects("off", person.muted, scale, {kSoundTop + kSoundHeight / 2 - 1, 2}, "muted");
  content += rects("off", person.camera_off, scale, {kPictureTop + kPictureHeight / 2 - 1, 2},
                   "camera off");
  content += wave(person.sound.peaks);
  content += damage_rects(facts, person, scale);
  content += rects("spoke", person.spoke, scale, {kSoundTop + kSoundHeight, 3}, "speaks");
  content += rects("refused", who.refused, scale, kAll, "asked not to be recorded, or excluded");
  content += rects("paused", who.paused, scale, kAll, "recording paused");
  const std::string name = html(who.name.empty() ? who.id : who.name, 80);
  return svg(kChartHeight, "person-chart", "timeline of " + name, content);
}

RateChart rate_chart(const ReportFacts& facts, const ReportPerson& person) {
  RateChart out;
  const size_t parts = person.sheet.bytes.size();
  if (parts == 0) return out;
  out.part_s = std::max(facts.seconds() / static_cast<double>(parts), 0.001);
  const auto video = kbps(person.sheet.bytes, out.part_s);
  const auto audio = kbps(person.sound.bytes, out.part_s);
  for (const auto* values : {&video, &audio}) {
    for (const double v : *values) out.most_kbps = std::max(out.most_kbps, v);
  }
  const auto lost = lost_in(person, parts, out.part_s);
  out.most_lost = *std::max_element(lost.begin(), lost.end());
  std::string content = grid(facts.seconds(), kRateHeight);
  content += line("rate-video", person.video ? video : std::vector<double>(), out.most_kbps);
  content += line("rate-audio", audio, out.most_kbps);
  const double width = kWidth / static_cast<double>(parts);
  for (size_t i = 0; i < parts; ++i) {
    if (lost[i] <= 0) continue;
    const double height = std::max(lost[i] / out.most_lost * kLossHeight, 2.0);
    content +=
        chart_rect("rate-loss", static_cast<double>(i) * width, static_cast<double>(i + 1) * width,
                   {kRateHeight + 2 + kLossHeight - height, height},
                   counted(static_cast<uint64_t>(std::llround(lost[i])), "packet") + " lost");
  }
  content += fmt::format(R"(<path class="base" d="M0 {0:g}H{1:g}"/>)", kRateHeight + 1, kWidth);
  out.svg =
      svg(kRateHeight + kLossHeight + 2, "rate-chart", "bit rate and loss over time", content);
  return out;
}

}  // namespace callbot::recordings
