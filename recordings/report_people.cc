// What the page shows of each person: the row of the timeline, player, pictures, rates.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/html.h"
#include "base/text.h"
#include "recordings/report_chart.h"
#include "recordings/report_sections.h"

namespace callbot::recordings {
namespace {

constexpr size_t kMostPosters = 60;  // of a page with more people they would be most of it

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

std::string axis(const ReportFacts& facts) {
  std::string out;
  for (const Tick& t : ticks_of(facts.seconds()))
    out += fmt::format("<span style=\"left:{:.2f}%\">{}</span>", t.share * 100, t.text);
  return "<div class=\"axis\" aria-hidden=\"true\">" + out + "</div>";
}

struct Entry {
  const char* css;
  const char* text;
};
constexpr Entry kLegend[] = {
    {"there", "there"},
    {"wave", "sound"},
    {"spoke", "speaks"},
    {"picture-on", "picture"},
    {"off", "muted, camera off"},
    {"missing", "nothing came"},
    {"waiting", "waits for a key frame"},
    {"still", "frozen or black"},
    {"lost", "packets lost, made up"},
    {"poor", "small, silent, clipped"},
};

std::string legend(const ReportFacts& facts) {
  std::string out;
  const auto add = [&](const char* css, const char* text) {
    out += fmt::format("<li><i class=\"key {}\"></i>{}</li>", css, text);
  };
  for (const Entry& e : kLegend) add(e.css, e.text);
  const auto any = [&](auto member) {
    return std::any_of(facts.people.begin(), facts.people.end(),
                       [&](const ReportPerson& p) { return !(p.who.*member).empty(); });
  };
  if (any(&TimelineParticipant::refused)) add("refused", "not wanted");
  if (any(&TimelineParticipant::paused)) add("paused", "recording paused");
  if (!facts.recording.manifest.markers.empty()) add("mark", "marker");
  return "<ul class=\"legend\">" + out + "</ul>\n";
}

std::string there_text(const ReportPerson& p, const char* between) {
  const TimeSpan whole = p.who.whole();
  double spoke = 0;
  for (const TimeSpan& s : p.spoke) spoke += seconds(s.to_ns - s.from_ns);
  std::string text = clock_text(whole.from_ns) + " – " + clock_text(whole.to_ns);
  if (spoke > 0) text += between + ("speaks " + clock_text(std::llround(spoke * 1e9)));
  return text;
}

// What concerns everybody, over each row: when the signaling was away, and markers.
std::string overlay(const ReportFacts& facts) {
  std::string out;
  for (const Marker& m : facts.recording.manifest.markers) {
    out += fmt::format("<i class=\"mark\" style=\"left:{:.2f}%\" title=\"{}\"></i>",
                       seconds(m.at_ns) / std::max(facts.seconds(), 0.001) * 100, html(m.text, 80));
  }
  for (const Span& s : facts.recording.manifest.interruptions) {
    const double from = seconds(s.from_ns) / std::max(facts.seconds(), 0.001) * 100;
    const double to = s.to_ns ? seconds(*s.to_ns) / std::max(facts.seconds(), 0.001) * 100 : 100;
    out += fmt::format(
        "<i class=\"away\" style=\"left:{:.2f}%;width:{:.2f}%\" title=\"signaling "
        "away\"></i>",
        from, std::max(to - from, 0.2));
  }
  return out;
}

std::string files_data(const ReportPerson& p, const std::string& base) {
  Json list = Json::array();
  for (const PlayedFile& f : p.files) {
    list.add(Json::object()
                 .set("src", base + html_link(f.path))
                 .set("from", seconds(f.from_ns))
                 .set("to", seconds(f.to_ns)));
  }
  // Links are plain ASCII: nothing that html() would cut or make visible.
  return html(list.dump(), std::string::npos);
}

std::string player(const ReportFacts& facts, const ReportPerson& p, size_t index,
                   const std::string& base) {
  if (p.files.empty()) return "<p class=\"empty\">There is no media file to play.</p>\n";
  const char* element = p.video ? "video" : "audio";
  std::string poster;
  if (p.video && !p.sheet.pictures.empty() && facts.people.size() <= kMostPosters) {
    // The one with as much to see as most have: no black one, no broken one.
    std::vector<const SmallPicture*> pictures;
    for (const SmallPicture& picture : p.sheet.pictures) pictures.push_back(&picture);
    const auto middle = pictures.begin() + static_cast<ptrdiff_t>(pictures.size() / 2);
    std::nth_element(pictures.begin(), middle, pictures.end(),
                     [](auto* a, auto* b) { return a->jpeg.size() < b->jpeg.size(); });
    poster = " poster=\"" + data_url("image/jpeg", (*middle)->jpeg) + "\"";
  }
  std::string out = fmt::format(
      "<{0} id=\"player{1}\" controls preload=\"none\" playsinline src=\"{2}{3}\"{4} "
      "data-files=\"{5}\" aria-label=\"{6}\"></{0}>\n",
      element, index, base, html_link(p.files.front().path), poster, files_data(p, base),
      shown_name(p));
  out += "<p class=\"fine\" id=\"trouble" + std::to_string(index) +
         "\" role=\"status\"></p>\n<p class=\"fine\">";
  for (size_t i = 0; i < p.files.size() && i < 20; ++i) {
    out += fmt::format("{}<a href=\"{}{}\">{}</a>", i == 0 ? "" : " · ", base,
                       html_link(p.files[i].path), html(p.files[i].path, 80));
  }
  return out +
         "<br>Where a browser does not play it: <code>callbot export DIR --to mp4</code></p>\n";
}

std::string sheet(const ReportPerson& p, size_t index) {
  std::string out;
  for (const SmallPicture& picture : p.sheet.pictures) {
    out += fmt::format(
        "<li><a href=\"#p{}\" data-person=\"{}\" data-at=\"{:.3f}\"><img alt=\"\" width=\"{}\" "
        "height=\"{}\" src=\"{}\"><span>{}</span></a></li>\n",
        index, index, seconds(picture.time_ns), picture.width, picture.height,
        data_url("image/jpeg", picture.jpeg), clock_text(picture.time_ns));
  }
  return out.empty() ? "" : "<ol class=\"sheet\" aria-label=\"pictures\">\n" + out + "</ol>\n";
}

std::string rates(const ReportFacts& facts, const ReportPerson& p) {
  const RateChart chart = rate_chart(facts, p);
  if (chart.svg.empty()) return "";
  std::string caption = fmt::format("Bit rate, up to {:.0f} kbit/s", chart.most_kbps);
  caption +=
      p.video ? ": <i class=\"key rate-video\"></i>picture, <i class=\"key rate-audio\"></i>sound"
              : "";
  if (chart.most_lost > 0) {
    caption += fmt::format("; <i class=\"key rate-loss\"></i>up to {} lost in {:.{}f} s",
                           counted(static_cast<uint64_t>(std::llround(chart.most_lost)), "packet"),
                           chart.part_s, chart.part_s < 1 ? 2 : 0);
  }
  return "<figure class=\"rates\"><div class=\"plot\">" + chart.svg + "</div>" + axis(facts) +
         "<figcaption>" + caption + "</figcaption></figure>\n";
}

std::string person_block(const ReportFacts& facts, const ReportPerson& p, size_t index,
                         const std::string& base) {
  std::string findings;
  if (facts.verdict) {
    const auto n = std::count_if(facts.verdict->findings.begin(), facts.verdict->findings.end(),
                                 [&](const Finding& f) { return f.participant == p.who.id; });
    findings = n == 0 ? "nothing found" : fmt::format("{} found", n);
  }
  return fmt::format(
      "<article class=\"person\" id=\"p{}\">\n<h3>{}</h3>\n<p class=\"when\">{}{}{}</p>\n"
      "<div class=\"stage\"><div class=\"player\">\n{}</div>\n{}</div>\n{}</article>\n",
      index, shown_name(p), there_text(p, " · "), findings.empty() ? "" : " · ", findings,
      player(facts, p, index, base), sheet(p, index), rates(facts, p));
}

}  // namespace

std::string shown_name(const ReportPerson& person, size_t most) {
  return html(person.who.name.empty() ? person.who.id : person.who.name, most);
}

std::string timeline_section(const ReportFacts& facts) {
  if (facts.people.empty()) return "";
  std::string rows;
  for (size_t i = 0; i < facts.people.size(); ++i) {
    const ReportPerson& p = facts.people[i];
    rows += fmt::format(
        "<div class=\"row\"><div class=\"name\"><a href=\"#p{0}\">{1}</a><small>{2}</small></div>"
        "<div class=\"plot\" data-person=\"{0}\">{3}{4}</div></div>\n",
        i, shown_name(p, 60), there_text(p, "</small><small>"), person_chart(facts, p),
        overlay(facts));
  }
  return "<section id=\"timeline\">\n<h2>Timeline</h2>\n" + legend(facts) +
         "<div class=\"rows\">\n" + rows + "<div class=\"row\"><div class=\"name\"></div>" +
         axis(facts) + "</div>\n</div>\n</section>\n";
}

std::string people_section(const ReportFacts& facts, const std::string& media_base) {
  if (facts.people.empty()) return "";
  std::string out;
  for (size_t i = 0; i < facts.people.size(); ++i)
    out += person_block(facts, facts.people[i], i, media_base);
  return "<section id=\"people\">\n<h2>People</h2>\n" + out + "</section>\n";
}

}  // namespace callbot::recordings
