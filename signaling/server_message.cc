#include "signaling/server_message.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/gref.h"
#include "base/json.h"

namespace callbot::signaling {
namespace {

using Bytes = std::unique_ptr<GBytes, Freer<&g_bytes_unref>>;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> segments;
  size_t at = path.empty() || path[0] != '/' ? 0 : 1;
  for (;;) {
    const size_t slash = path.find('/', at);
    segments.push_back(path.substr(at, slash - at));
    if (slash == std::string::npos) return segments;
    at = slash + 1;
  }
}

// One path segment or query value; nothing if it has a NUL in it or is not UTF-8.
std::optional<std::string> decoded(const std::string& text) {
  const Text plain(g_uri_unescape_string(text.c_str(), nullptr));
  if (!plain || !g_utf8_validate(plain.get(), -1, nullptr)) return std::nullopt;
  return std::string(plain.get());
}

std::string decoded_anyhow(const std::string& text) {
  const Bytes bytes(
      g_uri_unescape_bytes(text.data(), static_cast<gssize>(text.size()), nullptr, nullptr));
  if (!bytes) return "\uFFFD";
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
  const Text valid(g_utf8_make_valid(data != nullptr ? data : "", static_cast<gssize>(size)));
  return valid.get();
}

bool is_name(const std::string& segment) { return segment.starts_with('{'); }

std::string raw_path(SoupServerMessage* message) {
  const char* path = g_uri_get_path(soup_server_message_get_uri(message));
  return path != nullptr && *path != '\0' ? path : "/";
}

void collect_header(const char* name, const char* value, gpointer to) {
  const Text lower(g_ascii_strdown(name, -1));
  auto& headers = *static_cast<std::map<std::string, std::string>*>(to);
  auto& entry = headers[lower.get()];
  entry += (entry.empty() ? "" : ", ") + std::string(value);
}

std::optional<std::string> decoded_form(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return decoded(spaced);
}

std::map<std::string, std::string> query_of(SoupServerMessage* message) {
  std::map<std::string, std::string> query;
  const char* text = g_uri_get_query(soup_server_message_get_uri(message));
  for (std::string_view rest = text != nullptr ? text : ""; !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decoded_form(pair.substr(0, equals));
    const auto value = decoded_form(pair.substr(std::min(equals + 1, pair.size())));
    if (key && value && !key->empty()) query[*key] = *value;
  }
  return query;
}

}  // namespace

PathSegments path_of(SoupServerMessage* message) { return split(raw_path(message)); }

PathPattern::PathPattern(const std::string& pattern) : segments_(split(pattern)) {}

bool PathPattern::matches(const PathSegments& path) const {
  return path.size() == segments_.size() &&
         std::equal(path.begin(), path.end(), segments_.begin(),
                    [](const std::string& is, const std::string& wanted) {
                      return wanted == is || (is_name(wanted) && !is.empty());
                    });
}

bool PathPattern::read(const PathSegments& path, PathParts& parts) const {
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (!is_name(segments_[i])) continue;
    const auto value = decoded(path[i]);
    if (!value) return false;
    parts[segments_[i].substr(1, segments_[i].size() - 2)] = *value;
  }
  return true;
}

void PathPattern::read_anyhow(const PathSegments& path, PathParts& parts) const {
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (is_name(segments_[i]))
      parts[segments_[i].substr(1, segments_[i].size() - 2)] = decoded_anyhow(path[i]);
  }
}

HttpRequest request_of(SoupServerMessage* message) {
  HttpRequest request;
  request.method = soup_server_message_get_method(message);
  request.path = decoded_anyhow(raw_path(message));
  request.query = query_of(message);
  soup_message_headers_foreach(soup_server_message_get_request_headers(message), collect_header,
                               &request.headers);
  const char* host = soup_server_message_get_remote_host(message);
  request.remote = host != nullptr ? host : "?";
  const Bytes body(soup_message_body_flatten(soup_server_message_get_request_body(message)));
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(body.get(), &size));
  if (data != nullptr) request.body.assign(data, size);
  return request;
}

void put_response(SoupServerMessage* message, const HttpResponse& response) {
  soup_server_message_set_status(message, static_cast<guint>(response.status), nullptr);
  auto* headers = soup_server_message_get_response_headers(message);
  for (const auto& [name, value] : response.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
  if (!response.content_type.empty() || !response.body.empty())
    soup_server_message_set_response(message, response.content_type.c_str(), SOUP_MEMORY_COPY,
                                     response.body.data(), response.body.size());
}

HttpResponse refusal(int status, std::string_view why) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = Json::object().set("error", std::string(why)).dump() + "\n";
  return response;
}

std::string HttpRequest::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found != headers.end() ? found->second : std::string();
}

std::string HttpRequest::bearer() const {
  const std::string value = header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (value.size() < kScheme.size() ||
      g_ascii_strncasecmp(value.c_str(), kScheme.data(), kScheme.size()) != 0)
    return {};
  return value.substr(value.find_first_not_of(' ', kScheme.size()) == std::string::npos
                          ? value.size()
                          : value.find_first_not_of(' ', kScheme.size()));
}

}  // namespace callbot::signaling
