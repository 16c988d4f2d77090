#include "base/page.h"

#include <fmt/core.h>
#include <glib.h>

#include <memory>

#include "base/clock.h"
#include "base/gref.h"
#include "base/html.h"
#include "base/page_files.h"

namespace callbot {

std::string page(const PageParts& parts) {
  const std::string media = parts.media.empty() ? "" : " media-src " + parts.media + ";";
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:;{} style-src 'unsafe-inline'; script-src {}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"generator\" content=\"callbot\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}{}</style>\n</head>\n",
      media, csp_hash(parts.script), parts.title, page_style(), parts.style);
  out += fmt::format("<body{}{}>\n<main>\n", parts.body_attributes.empty() ? "" : " ",
                     parts.body_attributes);
  out += parts.body;
  out += "</main>\n<footer>" + parts.footer + "</footer>\n";
  return out + "<script>" + std::string(parts.script) + "</script>\n</body>\n</html>\n";
}

std::string hero(const std::string& css, const std::string& word, const std::string& headline,
                 const std::string& when, const std::string& sentence) {
  return fmt::format(
      "<header class=\"hero {}\">\n<p class=\"word\">{}</p>\n<div>\n<h1>{}</h1>\n"
      "<p class=\"when\">{}</p>\n<p class=\"sum\">{}</p>\n</div>\n</header>\n",
      css, word, headline, when, sentence);
}

std::string tiles(const std::vector<Tile>& all) {
  std::string out;
  for (const Tile& tile : all) {
    out += fmt::format("<div class=\"tile\"><dt>{}</dt><dd>{}<small>{}</small></dd></div>",
                       tile.label, tile.value, tile.more);
  }
  return "<dl class=\"tiles\">" + out + "</dl>\n";
}

std::string shown_time(int64_t wall_ns) {
  const std::unique_ptr<GDateTime, Freer<&g_date_time_unref>> time(
      g_date_time_new_from_unix_utc(wall_ns / 1'000'000'000));
  if (!time) return html(rfc3339(wall_ns));
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{} {} {}, {:02}:{:02}:{:02} UTC", g_date_time_get_day_of_month(time.get()),
                     kMonths[g_date_time_get_month(time.get()) - 1],
                     g_date_time_get_year(time.get()), g_date_time_get_hour(time.get()),
                     g_date_time_get_minute(time.get()), g_date_time_get_second(time.get()));
}

}  // namespace callbot
