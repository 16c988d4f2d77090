// base/page.h: the frame of a report: one HTML page that asks nothing of any network.
//
// Thread:  any.
// Owner:   nobody; functions.
// Fails:   never.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace callbot {

struct PageParts {
  std::string title;        // escaped
  std::string_view style;   // after what all pages share (base/page/style.css)
  std::string_view script;  // the only one that may run
  std::string media;        // where players may take media from: "'self' file: blob:"; none: ""
  std::string body_attributes;
  std::string body;  // of <main>
  std::string footer;
};
std::string page(const PageParts& parts);

// The beginning of a page: a verdict in large letters, a headline, when, a sentence. `css` is
// "pass", "warn", "fail" or "none"; all texts are escaped already.
std::string hero(const std::string& css, const std::string& word, const std::string& headline,
                 const std::string& when, const std::string& sentence);

struct Tile {
  std::string label, value, more;
};
std::string tiles(const std::vector<Tile>& all);

// "21 Nov 2026, 04:20:42 UTC".
std::string shown_time(int64_t wall_ns);

}  // namespace callbot
