// signaling/server_message.h: a request at the server and its answer, libsoup's <-> ours; only
// http_server sees it.
//
// Thread:  loop.
// Owner:   plain values; libsoup owns the messages.
// Fails:   never; what is not UTF-8 in a request is left out, or read() says so.
#pragma once

#include <libsoup/soup.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "signaling/http_server.h"

namespace callbot::signaling {

using PathSegments = std::vector<std::string>;  // as they came, percent-encoded
using PathParts = std::map<std::string, std::string>;

PathSegments path_of(SoupServerMessage* message);

// "/whip/{id}".
class PathPattern {
 public:
  explicit PathPattern(const std::string& pattern);
  bool matches(const PathSegments& path) const;
  // Of a path that matches, what stands for the names, decoded; false: not UTF-8, or a NUL in it.
  bool read(const PathSegments& path, PathParts& parts) const;
  // The same with U+FFFD for what is not UTF-8.
  void read_anyhow(const PathSegments& path, PathParts& parts) const;

 private:
  PathSegments segments_;
};

// All but HttpRequest::parts.
HttpRequest request_of(SoupServerMessage* message);
void put_response(SoupServerMessage* message, const HttpResponse& response);
// {"error": why}.
HttpResponse refusal(int status, std::string_view why);

}  // namespace callbot::signaling
