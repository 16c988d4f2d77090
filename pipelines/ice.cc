#include "pipelines/ice.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace callbot::pipelines {
namespace {

struct LocalAddress {
  std::string interface;
  std::string text;
  bool loopback;
};

Result<std::vector<LocalAddress>> local_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return fail(Code::kInternal, "cannot list network interfaces");
  const std::unique_ptr<ifaddrs, Freer<&freeifaddrs>> owned(list);
  std::vector<LocalAddress> found;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
    const bool v4 = at->ifa_addr->sa_family == AF_INET;
    if (!v4 && at->ifa_addr->sa_family != AF_INET6) continue;
    if (!v4 && IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<sockaddr_in6*>(at->ifa_addr)->sin6_addr))
      continue;
    char text[NI_MAXHOST] = "";
    const socklen_t size = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getnameinfo(at->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    found.push_back({at->ifa_name, text, (at->ifa_flags & IFF_LOOPBACK) != 0});
  }
  return found;
}

std::string escaped(const std::string& text) {
  return Text(g_uri_escape_string(text.c_str(), nullptr, FALSE)).get();
}

// RFC 7064 and 7065: "turn:host:port?transport=udp", with no user in it.
struct ServerUrl {
  std::string scheme;
  std::string host;  // an IPv6 address in brackets
  std::string port;  // empty: the scheme's own
  std::string query;
};

Result<ServerUrl> parse_server(const std::string& url) {
  const auto bad = [&] {
    return fail(Code::kUsage,
                fmt::format("\"{}\" is no STUN or TURN server: expected "
                            "stun:HOST[:PORT] or turn:HOST[:PORT][?transport=udp|tcp]",
                            url));
  };
  ServerUrl out;
  const size_t colon = url.find(':');
  if (colon == std::string::npos) return bad();
  out.scheme = url.substr(0, colon);
  std::string rest = url.substr(colon + 1);
  if (rest.starts_with("//")) rest = rest.substr(2);
  if (const size_t mark = rest.find('?'); mark != std::string::npos) {
    out.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const size_t after_host = rest.starts_with('[') ? rest.find(']') : 0;
  if (after_host == std::string::npos) return bad();
  const size_t port = rest.find(':', after_host);
  out.host = rest.substr(0, port);
  if (port != std::string::npos) out.port = rest.substr(port + 1);
  constexpr std::string_view kHostCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  const bool number =
      out.port.size() <= 5 &&
      std::all_of(out.port.begin(), out.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (out.host.empty() || !number || (port != std::string::npos && out.port.empty()) ||
      out.host.find_first_not_of(kHostCharacters) != std::string::npos)
    return bad();
  if (!out.query.empty() && out.query != "transport=udp" && out.query != "transport=tcp")
    return bad();
  return out;
}

}  // namespace

Result<std::vector<std::string>> gathering_addresses(const IceConfig& config) {
  const auto all = local_addresses();
  if (!all) return tl::unexpected(all.error());
  std::vector<std::string> chosen;
  for (const std::string& wanted : config.interfaces) {
    const size_t before = chosen.size();
    for (const LocalAddress& address : *all)
      if (address.interface == wanted || address.text == wanted) chosen.push_back(address.text);
    if (chosen.size() == before)
      return fail(Code::kUsage, fmt::format("no interface or address \"{}\" on this host", wanted));
  }
  if (!config.interfaces.empty()) return chosen;
  for (const LocalAddress& address : *all)
    if (!address.loopback) chosen.push_back(address.text);
  if (config.loopback || chosen.empty())
    for (const LocalAddress& address : *all)
      if (address.loopback) chosen.push_back(address.text);
  return chosen;
}

Result<IceUris> ice_uris(const std::vector<IceServer>& servers) {
  IceUris uris;
  for (const IceServer& server : servers) {
    const auto url = parse_server(server.url);
    if (!url) return tl::unexpected(url.error());
    const bool secure = url->scheme == "turns";
    if (url->scheme == "stun") {
      if (!uris.stun)
        uris.stun = fmt::format("stun://{}:{}", url->host, url->port.empty() ? "3478" : url->port);
    } else if (secure || url->scheme == "stuns") {
      uris.skipped.push_back(server.url);
    } else if (url->scheme == "turn") {
      if (server.username.empty() || server.credential.empty())
        return fail(Code::kUsage, fmt::format("{} needs a user name and a credential", server.url));
      uris.turn.push_back(fmt::format("turn://{}:{}@{}:{}?{}", escaped(server.username),
                                      escaped(server.credential), url->host,
                                      url->port.empty() ? "3478" : url->port,
                                      url->query.empty() ? "transport=udp" : url->query));
    } else {
      return fail(Code::kUsage, fmt::format("{}: not stun:, turn: or turns:", server.url));
    }
  }
  if (!uris.skipped.empty() && uris.turn.empty())
    return fail(Code::kUnsupported,
                fmt::format("{}: TURN over TLS is not supported; offer the same server as turn: "
                            "with transport=udp or transport=tcp",
                            uris.skipped.front()));
  return uris;
}

GRef<GObject> nice_agent_of(GstElement* webrtcbin) {
  GObject* ice = nullptr;
  g_object_get(webrtcbin, "ice-agent", &ice, nullptr);
  const auto owned = GRef<GObject>::adopt(ice);
  GObject* agent = nullptr;
  if (ice != nullptr && g_object_class_find_property(G_OBJECT_GET_CLASS(ice), "agent") != nullptr)
    g_object_get(ice, "agent", &agent, nullptr);
  return GRef<GObject>::adopt(agent);
}

Result<> configure_ice(GstElement* webrtcbin, const IceConfig& config, const Log& log) {
  const auto addresses = gathering_addresses(config);
  if (!addresses) return tl::unexpected(addresses.error());
  const auto uris = ice_uris(config.servers);
  if (!uris) return tl::unexpected(uris.error());
  if (config.max_port < config.min_port)
    return fail(Code::kUsage, fmt::format("ports {} to {}: the last is before the first",
                                          config.min_port, config.max_port));

  GObject* raw = nullptr;
  g_object_get(webrtcbin, "ice-agent", &raw, nullptr);
  const auto ice = GRef<GObject>::adopt(raw);
  if (config.min_port != 0)
    g_object_set(ice.get(), "min-rtp-port", guint{config.min_port}, "max-rtp-port",
                 guint{config.max_port}, nullptr);
  g_object_set(ice.get(), "ice-tcp", FALSE, nullptr);
  if (auto agent = nice_agent_of(webrtcbin)) g_object_set(agent.get(), "upnp", FALSE, nullptr);
  for (const std::string& address : *addresses) {
    gboolean taken = FALSE;
    g_signal_emit_by_name(ice.get(), "add-local-ip-address", address.c_str(), &taken);
    if (!taken) log.warn("cannot gather on {}", address);
  }

  if (uris->stun) g_object_set(webrtcbin, "stun-server", uris->stun->c_str(), nullptr);
  for (const std::string& turn : uris->turn) {
    gboolean taken = FALSE;
    g_signal_emit_by_name(webrtcbin, "add-turn-server", turn.c_str(), &taken);
    if (!taken) return fail(Code::kUsage, "webrtcbin does not understand a TURN server");
  }
  for (const std::string& skipped : uris->skipped)
    log.warn("{}: TURN over TLS is not supported, skipped", skipped);
  if (config.relay_only) {
    if (uris->turn.empty()) return fail(Code::kUsage, "relay only, but no TURN server is given");
    gst_util_set_object_arg(G_OBJECT(webrtcbin), "ice-transport-policy", "relay");
  }
  return {};
}

}  // namespace callbot::pipelines
