#include "signaling/soup_client.h"

#include <fmt/core.h>

#include <filesystem>

#include "base/files.h"

namespace callbot::signaling {
namespace {

// The worst problem with a certificate, in words.
const char* words_for(GTlsCertificateFlags problems) {
  if (problems & G_TLS_CERTIFICATE_BAD_IDENTITY) return "its certificate is for another name";
  if (problems & G_TLS_CERTIFICATE_EXPIRED) return "its certificate has expired";
  if (problems & G_TLS_CERTIFICATE_NOT_ACTIVATED) return "its certificate is not valid yet";
  if (problems & G_TLS_CERTIFICATE_REVOKED) return "its certificate was revoked";
  if (problems & G_TLS_CERTIFICATE_INSECURE) return "its certificate uses a weak algorithm";
  return "nobody this host trusts has signed its certificate";
}

Error not_trusted(const std::string& host, const std::string& why) {
  return {Code::kDenied,
          fmt::format("the TLS certificate of {} is not trusted: {}; trust it with --ca FILE (PEM "
                      "with the server's root certificate), or, for tests, take any with "
                      "--insecure",
                      host, why)};
}

}  // namespace

Result<Uri> parse_url(const std::string& url, const char* scheme, const char* tls_scheme) {
  const auto not_one = [&](const std::string& why) {
    return fail(Code::kUsage, fmt::format("\"{}\" is not a {}:// or {}:// URL: {}", printable(url),
                                          scheme, tls_scheme, why));
  };
  GError* error = nullptr;
  Uri uri(g_uri_parse(url.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), &error));
  if (!uri) return not_one(ErrorPtr(error)->message);
  const std::string got = g_uri_get_scheme(uri.get());
  if (got != scheme && got != tls_scheme) return not_one(fmt::format("it begins with {}:", got));
  const char* host = g_uri_get_host(uri.get());
  if (host == nullptr || *host == '\0') return not_one("it names no host");
  return uri;
}

GRef<SoupSession> make_session() {
  auto session = GRef<SoupSession>::adopt(soup_session_new_with_options(
      "user-agent", "callbot", "accept-language-auto", FALSE, nullptr));
  // A compressed WebSocket message may be a thousand times larger than what the limit sees.
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_WEBSOCKET_EXTENSION_MANAGER);
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_COOKIE_JAR);
  return session;
}

Result<std::unique_ptr<ServerCheck>> ServerCheck::create(const TlsTrust& trust) {
  auto check = std::make_unique<ServerCheck>();
  check->trust_ = trust;
  if (trust.ca_file.empty()) return check;
  std::error_code ignored;
  GError* error = nullptr;
  const auto path = std::filesystem::absolute(trust.ca_file, ignored);
  check->file_ =
      GRef<GTlsDatabase>::adopt(G_TLS_DATABASE(g_tls_file_database_new(path.c_str(), &error)));
  if (error == nullptr) {
    // The database takes a file without any certificate; that is surely a mistake.
    GList* list = g_tls_certificate_list_new_from_file(path.c_str(), &error);
    if (list == nullptr && error == nullptr)
      return fail(Code::kUsage, fmt::format("{} holds no certificate (PEM)", trust.ca_file));
    g_list_free_full(list, g_object_unref);
  }
  if (error != nullptr) {
    return fail(Code::kUsage,
                fmt::format("the CA file {}: {}", trust.ca_file, ErrorPtr(error)->message));
  }
  return check;
}

ServerCheck::~ServerCheck() {
  if (message_) g_signal_handlers_disconnect_by_data(message_.get(), this);
}

void ServerCheck::watch(SoupMessage* message) {
  if (message_) g_signal_handlers_disconnect_by_data(message_.get(), this);
  message_ = GRef<SoupMessage>::share(message);
  problems_ = G_TLS_CERTIFICATE_NO_FLAGS;
  last_event_.reset();
  g_signal_connect(message, "accept-certificate", G_CALLBACK(accept), this);
  g_signal_connect(message, "network-event", G_CALLBACK(progressed), this);
}

void ServerCheck::progressed(SoupMessage*, GSocketClientEvent event, GIOStream*, gpointer self) {
  static_cast<ServerCheck*>(self)->last_event_ = event;
}

std::string ServerCheck::waits_for() const {
  if (!last_event_) return "a connection";
  switch (*last_event_) {
    case G_SOCKET_CLIENT_RESOLVING:
      return "the server's name to be resolved";
    case G_SOCKET_CLIENT_RESOLVED:
    case G_SOCKET_CLIENT_CONNECTING:
      return "the server to take the connection";
    case G_SOCKET_CLIENT_TLS_HANDSHAKING:
      return "the TLS handshake; does the server speak TLS on this port?";
    default:
      return "the server's answer; does it want TLS on this port?";
  }
}

gboolean ServerCheck::accept(SoupMessage* message, GTlsCertificate* certificate,
                             GTlsCertificateFlags problems, gpointer self) {
  auto& check = *static_cast<ServerCheck*>(self);
  if (check.trust_.insecure) return TRUE;
  check.problems_ = problems;
  return check.file_ && check.trusted_by_file(message, certificate);
}

bool ServerCheck::trusted_by_file(SoupMessage* message, GTlsCertificate* certificate) {
  GUri* uri = soup_message_get_uri(message);
  int port = g_uri_get_port(uri);
  auto identity = GRef<GSocketConnectable>::adopt(
      g_network_address_new(g_uri_get_host(uri), static_cast<guint16>(port > 0 ? port : 443)));
  problems_ = g_tls_database_verify_chain(
      file_.get(), certificate, G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER, identity.get(), nullptr,
      G_TLS_DATABASE_VERIFY_NONE, nullptr, nullptr);
  return problems_ == G_TLS_CERTIFICATE_NO_FLAGS;
}

Error ServerCheck::explain(const GError* error, const std::string& host) const {
  if (problems_ != G_TLS_CERTIFICATE_NO_FLAGS) return not_trusted(host, words_for(problems_));
  if (error == nullptr) return {Code::kConnect, fmt::format("{}: no answer", host)};
  if (g_error_matches(error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return not_trusted(host, error->message);
  if (error->domain == G_TLS_ERROR)
    return {Code::kConnect, fmt::format("{} does not speak TLS here: {}", host, error->message)};
  if (error->domain == G_RESOLVER_ERROR)
    return {Code::kConnect, fmt::format("{} cannot be found: {}", host, error->message)};
  return {Code::kConnect, fmt::format("{}: {}{}", host, error->message, hint())};
}

// A TLS server ends a connection that begins without TLS, or answers with an alert.
std::string ServerCheck::hint() const {
  if (last_event_ != G_SOCKET_CLIENT_COMPLETE) return "";  // it never got that far
  const std::string scheme = g_uri_get_scheme(soup_message_get_uri(message_.get()));
  if (scheme.ends_with('s') && scheme != "ws") return "";
  return fmt::format("; it took the connection, but this is no answer: does it want {}s:// there?",
                     scheme);
}

}  // namespace callbot::signaling
