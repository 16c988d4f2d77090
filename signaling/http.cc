#include "signaling/http.h"

#include <fmt/core.h>

#include <map>

#include "base/alive.h"
#include "base/files.h"
#include "signaling/soup_client.h"

namespace callbot::signaling {
namespace {

constexpr gsize kReadBytes = 64u << 10;

using Answer = std::function<void(GAsyncResult*)>;

void answered(GObject*, GAsyncResult* result, gpointer answer) {
  std::unique_ptr<Answer> owned(static_cast<Answer*>(answer));
  (*owned)(result);
}

gpointer boxed(Answer answer) { return std::make_unique<Answer>(std::move(answer)).release(); }

int port_of(GUri* uri) {
  if (g_uri_get_port(uri) > 0) return g_uri_get_port(uri);
  return std::string_view(g_uri_get_scheme(uri)) == "https" ? 443 : 80;
}

bool same_origin(GUri* a, GUri* b) {
  return std::string_view(g_uri_get_scheme(a)) == g_uri_get_scheme(b) &&
         g_ascii_strcasecmp(g_uri_get_host(a), g_uri_get_host(b)) == 0 && port_of(a) == port_of(b);
}

bool secret(const std::string& header) {
  for (const char* name : {"authorization", "cookie", "proxy-authorization"})
    if (g_ascii_strcasecmp(header.c_str(), name) == 0) return true;
  return false;
}

void append_lower(const char* name, const char* value, gpointer headers) {
  Text lower(g_ascii_strdown(name, -1));
  static_cast<decltype(HttpReply::headers)*>(headers)->emplace_back(lower.get(), value);
}

bool followed(const std::string& method, int status) {
  if (status == 307 || status == 308) return true;
  return status >= 301 && status <= 303 && (method == "GET" || method == "HEAD");
}

}  // namespace

// One call, through its redirects. It is gone as soon as it has called `done`.
class Exchange {
 public:
  Exchange(Loop& loop, SoupSession* session, const TlsTrust& trust, HttpCall call,
           std::function<void(Result<HttpReply>)> done)
      : loop_(loop),
        session_(GRef<SoupSession>::share(session)),
        trust_(trust),
        call_(std::move(call)),
        done_(std::move(done)) {}
  ~Exchange() { g_cancellable_cancel(cancel_.get()); }

  void start() {
    deadline_.once(call_.deadline, [this] {
      finish(fail(Code::kTimeout, fmt::format("{}: no answer within {} ms", printable(call_.url),
                                              call_.deadline.count())));
    });
    begin(call_.url);
  }

 private:
  void begin(const std::string& url);
  GRef<SoupMessage> make_message() const;
  void headers_came(GAsyncResult* result);
  bool redirect();
  void read_more();
  void bytes_came(GAsyncResult* result);
  void finish(Result<HttpReply> result) {
    deadline_.stop();
    done_(std::move(result));
  }
  void finish_later(Error error) {
    loop_.post(alive_.guard([this, error] { finish(tl::unexpected(error)); }));
  }

  Loop& loop_;
  GRef<SoupSession> session_;
  TlsTrust trust_;
  HttpCall call_;
  std::function<void(Result<HttpReply>)> done_;
  Uri uri_;
  GRef<SoupMessage> message_;
  std::unique_ptr<ServerCheck> check_;
  GRef<GInputStream> stream_;
  GRef<GCancellable> cancel_ = GRef<GCancellable>::adopt(g_cancellable_new());
  HttpReply reply_;
  int redirects_ = 0;
  Timer deadline_;
  Alive alive_;
};

void Exchange::begin(const std::string& url) {
  auto uri = parse_url(url, "http", "https");
  if (!uri) return finish_later(uri.error());
  auto check = ServerCheck::create(trust_);
  if (!check) return finish_later(check.error());
  if (uri_ && !same_origin(uri_.get(), uri->get())) {
    call_.bearer.clear();
    std::erase_if(call_.headers, [](const auto& header) { return secret(header.first); });
  }
  uri_ = std::move(*uri);
  check_ = std::move(*check);
  message_ = make_message();
  check_->watch(message_.get());
  soup_session_send_async(
      session_.get(), message_.get(), G_PRIORITY_DEFAULT, cancel_.get(), answered,
      boxed(alive_.guard([this](GAsyncResult* result) { headers_came(result); })));
}

GRef<SoupMessage> Exchange::make_message() const {
  auto message =
      GRef<SoupMessage>::adopt(soup_message_new_from_uri(call_.method.c_str(), uri_.get()));
  soup_message_add_flags(message.get(), SOUP_MESSAGE_NO_REDIRECT);
  auto* headers = soup_message_get_request_headers(message.get());
  for (const auto& [name, value] : call_.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
  if (!call_.bearer.empty())
    soup_message_headers_replace(headers, "Authorization", ("Bearer " + call_.bearer).c_str());
  if (!call_.body.empty() || !call_.content_type.empty()) {
    std::unique_ptr<GBytes, Freer<&g_bytes_unref>> body(
        g_bytes_new(call_.body.data(), call_.body.size()));
    soup_message_set_request_body_from_bytes(
        message.get(), call_.content_type.empty() ? nullptr : call_.content_type.c_str(),
        body.get());
  }
  return message;
}

void Exchange::headers_came(GAsyncResult* result) {
  GError* raw = nullptr;
  stream_ = GRef<GInputStream>::adopt(soup_session_send_finish(session_.get(), result, &raw));
  const ErrorPtr error(raw);
  if (!stream_)
    return finish(tl::unexpected(check_->explain(error.get(), g_uri_get_host(uri_.get()))));
  reply_ = {};
  reply_.status = static_cast<int>(soup_message_get_status(message_.get()));
  reply_.url = Text(g_uri_to_string(uri_.get())).get();
  soup_message_headers_foreach(soup_message_get_response_headers(message_.get()), append_lower,
                               &reply_.headers);
  if (!redirect()) read_more();
}

// Whether the answer sent us on; then another request is on its way, or the call is over.
bool Exchange::redirect() {
  const std::string location = reply_.header("location");
  if (!followed(call_.method, reply_.status) || location.empty()) return false;
  if (++redirects_ > call_.most_redirects) {
    finish_later({Code::kConnect, fmt::format("{} redirects in a row, the last to {}", redirects_,
                                              printable(location))});
    return true;
  }
  auto next = resolve_url(reply_.url, location);
  if (!next) {
    finish_later(next.error());
    return true;
  }
  const std::string scheme = g_uri_get_scheme(uri_.get());
  if (scheme == "https" && !next->starts_with("https:")) {
    finish_later({Code::kConnect, fmt::format("redirected from https to {}", printable(*next))});
    return true;
  }
  begin(*next);
  return true;
}

void Exchange::read_more() {
  g_input_stream_read_bytes_async(
      stream_.get(), kReadBytes, G_PRIORITY_DEFAULT, cancel_.get(), answered,
      boxed(alive_.guard([this](GAsyncResult* result) { bytes_came(result); })));
}

void Exchange::bytes_came(GAsyncResult* result) {
  GError* raw = nullptr;
  std::unique_ptr<GBytes, Freer<&g_bytes_unref>> bytes(
      g_input_stream_read_bytes_finish(stream_.get(), result, &raw));
  const ErrorPtr error(raw);
  if (!bytes)
    return finish(tl::unexpected(check_->explain(error.get(), g_uri_get_host(uri_.get()))));
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
  if (size == 0) return finish(std::move(reply_));
  reply_.body.append(data, size);
  if (reply_.body.size() > call_.most_response) {
    return finish(fail(Code::kBadInput, fmt::format("{}: the answer is larger than {} bytes",
                                                    printable(reply_.url), call_.most_response)));
  }
  read_more();
}

struct HttpClient::Impl {
  Impl(Loop& the_loop, TlsTrust the_trust) : loop(the_loop), trust(std::move(the_trust)) {}

  Loop& loop;
  TlsTrust trust;
  GRef<SoupSession> session = make_session();
  std::map<uint64_t, std::unique_ptr<Exchange>> calls;
  uint64_t next = 0;
};

HttpClient::HttpClient(Loop& loop, TlsTrust trust)
    : impl_(std::make_unique<Impl>(loop, std::move(trust))) {}
HttpClient::~HttpClient() = default;

void HttpClient::call(HttpCall call, Done done) {
  const uint64_t id = impl_->next++;
  auto over = [impl = impl_.get(), id, done = std::move(done)](Result<HttpReply> result) {
    // Both outlive this closure: the call that owns it goes here, `done` may destroy the client.
    auto then = done;
    auto ended = impl->calls.extract(id);
    then(std::move(result));
  };
  auto exchange = std::make_unique<Exchange>(impl_->loop, impl_->session.get(), impl_->trust,
                                             std::move(call), std::move(over));
  auto& added = *impl_->calls.emplace(id, std::move(exchange)).first->second;
  added.start();
}

std::string HttpReply::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

Error error_of(const HttpReply& reply) {
  const bool denied = reply.status == 401 || reply.status == 403;
  return {denied ? Code::kDenied : Code::kConnect,
          fmt::format("{} answered {} {}", printable(reply.url), reply.status,
                      soup_status_get_phrase(static_cast<guint>(reply.status)))};
}

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  GError* raw = nullptr;
  Text resolved(g_uri_resolve_relative(base.c_str(), reference.c_str(),
                                       static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), &raw));
  if (!resolved)
    return fail(Code::kBadInput,
                fmt::format("\"{}\" is no URL: {}", printable(reference), ErrorPtr(raw)->message));
  return std::string(resolved.get());
}

}  // namespace callbot::signaling
