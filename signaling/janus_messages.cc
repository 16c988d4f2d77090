#include "signaling/janus_messages.h"

#include <fmt/core.h>
#include <glib.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/files.h"
#include "base/gref.h"

namespace callbot::signaling::janus {
namespace {

using Uri = std::unique_ptr<GUri, Freer<&g_uri_unref>>;
using Params = std::unique_ptr<GHashTable, Freer<&g_hash_table_unref>>;

constexpr const char* kExample = "janus+ws://127.0.0.1:8188/janus?room=1234";

tl::unexpected<Error> bad(const std::string& url, const std::string& why) {
  return fail(Code::kUsage,
              fmt::format("\"{}\": {} (it has to look like {})", printable(url), why, kExample));
}

// A query key given twice counts once, the last one.
Result<std::map<std::string, std::string>> query_of(const std::string& url, GUri* uri) {
  std::map<std::string, std::string> found;
  const char* query = g_uri_get_query(uri);
  if (query == nullptr) return found;
  GError* error = nullptr;
  Params params(g_uri_parse_params(query, -1, "&", G_URI_PARAMS_WWW_FORM, &error));
  if (!params) return bad(url, ErrorPtr(error)->message);
  GHashTableIter each;
  gpointer key = nullptr, value = nullptr;
  g_hash_table_iter_init(&each, params.get());
  while (g_hash_table_iter_next(&each, &key, &value))
    found[static_cast<const char*>(key)] = static_cast<const char*>(value);
  return found;
}

// A number for Janus, whose ids are whole numbers unless it is told otherwise.
Id room_of(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return {text, error == std::errc() && end == text.data() + text.size() && number >= 0};
}

std::optional<MediaKind> kind_of(const Json& stream) {
  const auto type = stream.at("type").text().value_or("");
  if (type == "audio") return MediaKind::kAudio;
  if (type == "video") return MediaKind::kVideo;
  return std::nullopt;
}

std::optional<Candidate> candidate_of(const Json& one, uint32_t generation) {
  Candidate candidate;
  candidate.generation = generation;
  if (one.at("completed").boolean().value_or(false)) return candidate;
  const auto text = one.at("candidate").text();
  if (!text || text->empty()) return std::nullopt;
  candidate.text = *text;
  candidate.mid = one.at("sdpMid").text().value_or("");
  candidate.mline = static_cast<uint32_t>(
      std::clamp<int64_t>(one.at("sdpMLineIndex").whole().value_or(0), 0, 1000));
  return candidate;
}

}  // namespace

Json Id::json() const {
  int64_t value = 0;
  if (number) std::from_chars(text.data(), text.data() + text.size(), value);
  return number ? Json::of(value) : Json::of(text);
}

std::optional<Id> id_of(const Json& value) {
  if (const auto number = value.whole()) return Id{fmt::format("{}", *number), true};
  if (const auto text = value.text(); text && !text->empty()) return Id{*text, false};
  return std::nullopt;
}

Result<Address> parse_janus_address(const JoinConfig& config) {
  GError* error = nullptr;
  Uri uri(g_uri_parse(config.url.c_str(), G_URI_FLAGS_ENCODED, &error));
  if (!uri) return bad(config.url, ErrorPtr(error)->message);
  const std::string scheme = g_uri_get_scheme(uri.get());
  const char* host = g_uri_get_host(uri.get());
  if (scheme != "janus+ws" && scheme != "janus+wss")
    return bad(config.url, "it does not begin with janus+ws:// or janus+wss://");
  if (host == nullptr || *host == '\0') return bad(config.url, "it names no host");

  auto query = query_of(config.url, uri.get());
  if (!query) return tl::unexpected(query.error());
  for (const auto& [key, value] : *query)
    if (key != "room" && key != "pin" && key != "secret" && key != "apisecret" && key != "token")
      return bad(config.url, fmt::format("nobody knows the setting \"{}\"", printable(key)));
  if ((*query)["room"].empty()) return bad(config.url, "it names no room");

  const std::string path = g_uri_get_path(uri.get());
  Text url(g_uri_join(G_URI_FLAGS_ENCODED, scheme == "janus+wss" ? "wss" : "ws", nullptr, host,
                      g_uri_get_port(uri.get()), path.empty() ? "/janus" : path.c_str(), nullptr,
                      nullptr));
  Address address;
  address.url = url.get();
  address.room = room_of((*query)["room"]);
  address.pin = (*query)["pin"].empty() ? config.token : (*query)["pin"];
  address.api_secret = (*query)["secret"].empty() ? (*query)["apisecret"] : (*query)["secret"];
  address.token = (*query)["token"];
  return address;
}

Json join_body(const Address& address, const char* as) {
  return Json::object()
      .set("request", "join")
      .set("ptype", as)
      .set("room", address.room.json())
      .set_if(!address.pin.empty(), "pin", address.pin)
      .set_if(!address.token.empty(), "token", address.token);
}

std::vector<Feed> feeds_of(const Json& list, bool publish) {
  std::vector<Feed> feeds;
  for (size_t i = 0; i < list.size() && list.is_array(); ++i) {
    const Json one = list.at(i);
    const auto id = id_of(one.at("id"));
    // A dummy only keeps places in a subscription and never sends anything.
    if (!id || one.at("dummy").boolean().value_or(false)) continue;
    Feed feed{*id, one.at("display").text().value_or(""), publish, {}};
    const Json streams = one.at("streams");
    for (size_t k = 0; k < streams.size() && streams.is_array(); ++k) {
      const Json stream = streams.at(k);
      const auto mid = stream.at("mid").text();
      const auto kind = kind_of(stream);
      if (!mid || !kind || stream.at("disabled").boolean().value_or(false)) continue;
      feed.streams.push_back({*mid, *kind, stream.at("description").text().value_or("")});
    }
    feeds.push_back(std::move(feed));
  }
  return feeds;
}

std::vector<Subscribed> subscribed_of(const Json& list) {
  std::vector<Subscribed> all;
  for (size_t i = 0; i < list.size() && list.is_array(); ++i) {
    const Json one = list.at(i);
    const auto mid = one.at("mid").text();
    if (!mid) continue;
    Subscribed stream;
    stream.mid = *mid;
    const auto feed = id_of(one.at("feed_id"));
    const auto feed_mid = one.at("feed_mid").text();
    stream.active = one.at("active").boolean().value_or(true) && feed && feed_mid;
    if (stream.active) {
      stream.feed = *feed;
      stream.feed_mid = *feed_mid;
      stream.name = one.at("feed_display").text().value_or("");
      stream.description = one.at("feed_description").text().value_or("");
    }
    all.push_back(std::move(stream));
  }
  return all;
}

std::string source_of(const std::string& description) {
  for (const char* source : {"camera", "microphone", "screen"})
    if (description == source) return source;
  return {};
}

std::vector<Candidate> candidates_of(const Json& trickle, uint32_t generation) {
  std::vector<Candidate> all;
  const auto take = [&](const Json& one) {
    if (auto candidate = candidate_of(one, generation)) all.push_back(*candidate);
  };
  const Json several = trickle.at("candidates");
  for (size_t i = 0; i < several.size() && several.is_array(); ++i) take(several.at(i));
  if (trickle.at("candidate").is_object()) take(trickle.at("candidate"));
  return all;
}

Json trickle_of(const Candidate& candidate) {
  if (candidate.text.empty()) return Json::object().set("completed", true);
  return Json::object()
      .set("candidate", candidate.text)
      .set_if(!candidate.mid.empty(), "sdpMid", candidate.mid)
      .set("sdpMLineIndex", candidate.mline);
}

Error explain(const JanusFailure& failure, const Id& room) {
  const std::string name = printable(room.text);
  switch (failure.code) {
    case kNoSuchRoom:
      return {Code::kConnect, fmt::format("Janus has no room {}", name)};
    case kPublishersFull:
      return {Code::kDenied,
              fmt::format("room {} of Janus has no place for one more that sends", name)};
    case kUnauthorized:
    case kMissingElement:  // all that a join may lack is the pin
      return {Code::kDenied,
              fmt::format("room {} of Janus refused us: it wants its pin (--token PIN or "
                          "?pin=...), or a token it allows (?token=...): {}",
                          name, failure.error.message)};
    default:
      return failure.error;
  }
}

}  // namespace callbot::signaling::janus
