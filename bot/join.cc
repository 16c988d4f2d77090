#include "bot/join.h"

#include <fmt/core.h>
#include <glib.h>

#include "base/files.h"
#include "base/gref.h"
#include "pipelines/ice.h"

namespace callbot::bot {
namespace {

// %3A and the like; text that is no such thing stays as it is.
std::string unescaped(const std::string& text) {
  const Text plain(g_uri_unescape_string(text.c_str(), nullptr));
  return plain ? plain.get() : text;
}

// turn:USER:PASSWORD@HOST:PORT?transport=... -> the URL of RFC 7065 and the credentials.
Result<pipelines::IceServer> ice_server(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string scheme = text.substr(0, colon);
  if (colon == std::string::npos || (scheme != "stun" && scheme != "turn" && scheme != "turns"))
    return fail(Code::kUsage, fmt::format("--ice-server \"{}\": expected stun:HOST:PORT or "
                                          "turn:USER:PASSWORD@HOST:PORT?transport=udp|tcp",
                                          printable(text)));
  pipelines::IceServer server{text, "", ""};
  const size_t at = text.rfind('@');
  if (scheme == "stun") return server;
  const size_t between = text.find(':', colon + 1);
  if (at == std::string::npos || between == std::string::npos || between > at)
    return fail(Code::kUsage, fmt::format("--ice-server \"{}:…\": a TURN server needs "
                                          "USER:PASSWORD@ before its host",
                                          scheme));
  server.username = unescaped(text.substr(colon + 1, between - colon - 1));
  server.credential = unescaped(text.substr(between + 1, at - between - 1));
  server.url = scheme + ":" + text.substr(at + 1);
  Log::hide(server.credential);
  return server;
}

using Uri = std::unique_ptr<GUri, Freer<&g_uri_unref>>;
using Params = std::unique_ptr<GHashTable, Freer<&g_hash_table_unref>>;

Uri parse(const std::string& url) {
  return Uri(g_uri_parse(url.c_str(), G_URI_FLAGS_PARSE_RELAXED, nullptr));
}

}  // namespace

Result<CallConfig> call_config(const JoinOptions& options, const signaling::Self& self) {
  CallConfig config;
  config.join.url = options.url;
  config.join.self = self;
  config.join.self.name = options.name;
  config.join.token = options.token;
  config.join.ca_file = options.ca_file;
  config.join.insecure = options.insecure;
  config.ice.interfaces = options.interfaces;
  config.network = options.network;
  Log::hide(options.token);
  for (const std::string& text : options.ice_servers) {
    auto server = ice_server(text);
    if (!server) return tl::unexpected(server.error());
    config.ice.servers.push_back(std::move(*server));
  }
  // Now rather than with the first member that comes.
  if (auto usable = pipelines::ice_uris(config.ice.servers); !usable)
    return tl::unexpected(std::move(usable.error()).in("--ice-server"));
  return config;
}

std::string room_of(const std::string& url) {
  const Uri uri = parse(url);
  if (!uri) return "call";
  if (const char* query = g_uri_get_query(uri.get())) {
    const Params params(g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, nullptr));
    const auto* room =
        params ? static_cast<const char*>(g_hash_table_lookup(params.get(), "room")) : nullptr;
    if (room != nullptr) return room;
  }
  const std::string path = g_uri_get_path(uri.get());
  const std::string last = path.substr(path.rfind('/') + 1);
  return last.empty() ? "call" : last;
}

std::string protocol_of(const std::string& url) {
  const std::string scheme = url.substr(0, url.find(':'));
  return scheme == "ws" || scheme == "wss" ? "rooms" : scheme.substr(0, scheme.find('+'));
}

}  // namespace callbot::bot
