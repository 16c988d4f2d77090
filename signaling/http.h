// signaling/http.h: HTTP client in our terms; libsoup stays inside.
//
// Thread:  loop, callbacks included.
// Owner:   the caller. Destroying the client ends its calls; their callbacks are not called.
// Fails:   kUsage (not an http:// or https:// URL), kConnect (refused, not resolvable, lost, too
//          many redirects), kDenied (TLS not trusted: says how to trust it), kTimeout, kBadInput
//          (the answer is larger than allowed). An HTTP status of any kind is no failure here;
//          error_of() makes one of it.
//
// 307 and 308 are followed with the same method and body, 301 to 303 only for GET and HEAD; the
// bearer token and what else may be secret never goes to another origin, and nothing goes from
// https to http.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "signaling/tls_trust.h"

namespace callbot::signaling {

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;  // of the body
  std::string body;
  std::string bearer;                         // sent as "Authorization: Bearer ..."; empty: none
  std::chrono::milliseconds deadline{10000};  // for everything, redirects and body included
  size_t most_response = 1u << 20;            // bytes of the body, decompressed
  int most_redirects = 5;
};

struct HttpReply {
  int status = 0;
  std::string url;  // where it came from, after redirects; resolve a relative Location against it
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, as they came
  std::string body;

  // The first of this name; empty if there is none.
  std::string header(std::string_view lower_case_name) const;
};

// What a status other than 2xx means: 401 and 403 kDenied, else kConnect.
Error error_of(const HttpReply& reply);

// `reference` as seen from `base`, absolute (RFC 3986, 5). kBadInput.
Result<std::string> resolve_url(const std::string& base, const std::string& reference);

class HttpClient {
 public:
  using Done = std::function<void(Result<HttpReply>)>;

  HttpClient(Loop& loop, TlsTrust trust);
  ~HttpClient();

  // `done` exactly once, never from inside this call; it may destroy the client.
  void call(HttpCall call, Done done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::signaling
