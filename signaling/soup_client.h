// signaling/soup_client.h: what the HTTP and the WebSocket client share of libsoup: a session, the
// trust in certificates, and errors in clear words. Only for their .cc files.
//
// Thread:  loop.
// Owner:   a ServerCheck lives as long as the connection attempt it watches.
// Fails:   see each.
#pragma once

#include <libsoup/soup.h>

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/gref.h"
#include "signaling/tls_trust.h"

namespace callbot::signaling {

using Uri = std::unique_ptr<GUri, Freer<&g_uri_unref>>;

// An absolute URL of one of these two schemes, with a host. kUsage.
Result<Uri> parse_url(const std::string& url, const char* scheme, const char* tls_scheme);

// A session that holds no state: no cookies, no authentication dialogue, no WebSocket extensions.
GRef<SoupSession> make_session();

// Judges the server's certificate of one SoupMessage, and remembers what was wrong with it.
class ServerCheck {
 public:
  // kUsage: the CA file is none.
  static Result<std::unique_ptr<ServerCheck>> create(const TlsTrust& trust);
  ~ServerCheck();

  void watch(SoupMessage* message);
  // The error of an attempt, in words for people. `host` is the URL's.
  Error explain(const GError* error, const std::string& host) const;
  // What an attempt that got no answer still waits for, in words for people.
  std::string waits_for() const;

 private:
  static gboolean accept(SoupMessage* message, GTlsCertificate* certificate,
                         GTlsCertificateFlags problems, gpointer self);
  static void progressed(SoupMessage* message, GSocketClientEvent event, GIOStream* connection,
                         gpointer self);
  bool trusted_by_file(SoupMessage* message, GTlsCertificate* certificate);
  std::string hint() const;

  TlsTrust trust_;
  GRef<GTlsDatabase> file_;
  GTlsCertificateFlags problems_ = G_TLS_CERTIFICATE_NO_FLAGS;
  GRef<SoupMessage> message_;
  std::optional<GSocketClientEvent> last_event_;
};

}  // namespace callbot::signaling
