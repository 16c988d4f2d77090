// base/html.h: text from anybody as part of a page.
//
// Thread:  any.
// Owner:   nobody; functions.
// Fails:   never.
#pragma once

#include <string>
#include <string_view>

namespace callbot {

// For element content and quoted attributes alike; control characters and bidi marks are made
// visible, and after `most` characters it is cut.
std::string html(std::string_view text, size_t most = 200);
// A relative path as a link: everything but letters, digits and "-_.~/" as %XX.
std::string html_link(std::string_view path);
// "data:image/jpeg;base64,..."
std::string data_url(std::string_view type, std::string_view bytes);
// The source of a Content-Security-Policy that allows this very text: 'sha256-...'.
std::string csp_hash(std::string_view text);

}  // namespace callbot
