#include "signaling/room_messages.h"

#include <fmt/core.h>
#include <glib.h>
#include <gnutls/crypto.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/files.h"
#include "base/gref.h"
#include "base/json.h"

namespace callbot::signaling::room {
namespace {

constexpr size_t kMostIdBytes = 64;
constexpr size_t kMostMidBytes = 64;
constexpr size_t kMostIceServers = 64;
constexpr size_t kMostListed = 10000;  // members in one "joined"
constexpr unsigned kMostMline = 65535;

struct Reader {
  Fields fields;
  Sender sender;

  template <class T>
  T need(const char* key) {
    return fields.need<T>(key);
  }
  std::string need_text(const char* key, size_t most) {
    auto text = fields.need<std::string>(key);
    if (text.size() > most) fields.complain(key, fmt::format("expected at most {} bytes", most));
    return text;
  }
  std::string text(const char* key, size_t most) {
    return fields.has(key) ? need_text(key, most) : std::string();
  }
  // Ids and keys end up in other people's messages and logs.
  std::string need_token(const char* key) {
    auto text = need_text(key, kMostIdBytes);
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
      return g_ascii_isalnum(c) || c == '-' || c == '_';
    });
    if (text.empty() || !plain) fields.complain(key, "expected letters, digits, '-' and '_'");
    return text;
  }
  int64_t need_since() {
    const auto since = fields.need<int64_t>("since");
    if (since < 1 || since > kMostSince)
      fields.complain("since", fmt::format("expected 1 to {}", kMostSince));
    return since;
  }
  std::string no_controls(const char* key, std::string text) {
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; }))
      fields.complain(key, "expected no control characters");
    return text;
  }
  std::string one_of(const char* key, std::initializer_list<const char*> choices) {
    auto text = fields.need<std::string>(key);
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
    std::string expected = "expected";
    for (const char* choice : choices) expected += fmt::format(" \"{}\"", choice);
    fields.complain(key, expected);
    return {};
  }
  std::optional<Member::State> on_off(const char* key) {
    if (!fields.has(key)) return std::nullopt;
    return one_of(key, {"on", "off"}) == "on" ? Member::State::kOn : Member::State::kOff;
  }
  std::optional<std::string> video_source() {
    if (!fields.has("videoSource")) return std::nullopt;
    return one_of("videoSource", {"camera", "screen"});
  }
  std::optional<bool> recording() {
    if (!fields.has("recording")) return std::nullopt;
    return one_of("recording", {"allowed", "refused"}) == "allowed";
  }
  Media media() {
    Media m;
    m.audio = on_off("audio").value_or(Member::State::kUnknown);
    m.video = on_off("video").value_or(Member::State::kUnknown);
    m.video_source = video_source().value_or("");
    m.may_be_recorded = recording().value_or(true);
    return m;
  }
  int64_t number() {
    const auto n = fields.need<int64_t>("n");
    if (n < 0 || n > kMostSince) fields.complain("n", "expected 0 or more");
    return n;
  }
  std::string peer() { return need_token(sender == Sender::kClient ? "to" : "from"); }
  uint32_t generation() {
    const auto n = fields.need<uint32_t>("generation");
    if (n == 0) fields.complain("generation", "expected 1 or more");
    return n;
  }
};

RoomMember read_member(Fields fields, Reader& owner) {
  Reader r{std::move(fields), owner.sender};
  RoomMember m;
  m.id = r.need_token("id");
  m.name = r.need<std::string>("name");
  if (auto ok = check_name(m.name, "the name"); !ok) r.fields.complain("name", ok.error().message);
  m.since = r.need_since();
  m.recorder = r.fields.get("recorder", false);
  m.sends = r.fields.get("sends", false);
  m.receives = r.fields.get("receives", false);
  m.media = r.media();
  r.fields.ignore_unknown();
  owner.fields.absorb(r.fields);
  return m;
}

Message read_join(Reader& r) {
  Join j;
  j.name = r.need<std::string>("name");
  j.token = r.text("token", kMostTokenBytes);
  if (r.fields.has("id") || r.fields.has("key"))
    j.ticket = Ticket{r.need_token("id"), r.need_token("key")};
  if (r.fields.has("since")) j.since = r.need_since();
  j.recorder = r.fields.get("recorder", false);
  j.sends = r.fields.get("sends", false);
  j.receives = r.fields.get("receives", false);
  j.media = r.media();
  return j;
}

Message read_joined(Reader& r) {
  Joined j;
  j.id = r.need_token("id");
  j.key = r.need_token("key");
  j.since = r.need_since();
  j.room = r.need<std::string>("room");
  r.fields.list("members", [&](const Json& item, const std::string& path) {
    if (j.members.size() < kMostListed) j.members.push_back(read_member(Fields(item, path), r));
  });
  r.fields.list("iceServers", [&](const Json& item, const std::string& path) {
    if (j.ice_servers.size() >= kMostIceServers) return;
    Fields f(item, path);
    IceServer s;
    s.url = f.need<std::string>("urls");
    s.username = f.get("username", std::string());
    s.credential = f.get("credential", std::string());
    f.ignore_unknown();
    r.fields.absorb(f);
    j.ice_servers.push_back(std::move(s));
  });
  return j;
}

template <class T>
Message read_about_member(Reader& r) {
  return T{read_member(r.fields.object("member"), r)};
}

Message read_left(Reader& r) {
  return MemberLeft{r.need_token("id"), r.one_of("reason", {"left", "lost", "replaced"})};
}

template <Description::Type kType>
Message read_sdp(Reader& r) {
  Sdp s;
  s.peer = r.peer();
  s.type = kType;
  s.generation = r.generation();
  s.sdp = r.need<std::string>("sdp");
  const bool printable_text = std::all_of(s.sdp.begin(), s.sdp.end(), [](unsigned char c) {
    return (c >= 32 && c != 127) || c == '\r' || c == '\n' || c == '\t';
  });
  if (s.sdp.empty() || !printable_text) r.fields.complain("sdp", "expected a description");
  if (r.fields.has("n")) s.n = r.number();
  return s;
}

Message read_candidate(Reader& r) {
  IceCandidate c;
  c.peer = r.peer();
  c.generation = r.generation();
  c.candidate = r.no_controls("candidate", r.need_text("candidate", kMostCandidateBytes));
  c.mid = r.no_controls("sdpMid", r.text("sdpMid", kMostMidBytes));
  c.mline = r.fields.get("sdpMLineIndex", 0U);
  if (c.mline > kMostMline)
    r.fields.complain("sdpMLineIndex", fmt::format("expected at most {}", kMostMline));
  return c;
}

Message read_renegotiate(Reader& r) {
  return Renegotiate{r.peer(), r.fields.get("restart", false)};
}

Message read_state(Reader& r) {
  return State{r.on_off("audio"), r.on_off("video"), r.video_source(), r.recording()};
}

Message read_leave(Reader&) { return Leave{}; }

template <class T>
Message read_number(Reader& r) {
  return T{r.number()};
}

Message read_error(Reader& r) {
  return Problem{r.need_text("code", 64), r.need_text("message", 4096), r.text("about", 64)};
}

struct Row {
  const char* type;
  bool from_client;
  bool from_server;
  Message (*read)(Reader&);
};

constexpr Row kRows[] = {
    {"join", true, false, read_join},
    {"joined", false, true, read_joined},
    {"member-joined", false, true, read_about_member<MemberJoined>},
    {"member-changed", false, true, read_about_member<MemberChanged>},
    {"member-left", false, true, read_left},
    {"offer", true, true, read_sdp<Description::Type::kOffer>},
    {"answer", true, true, read_sdp<Description::Type::kAnswer>},
    {"candidate", true, true, read_candidate},
    {"renegotiate", true, true, read_renegotiate},
    {"state", true, false, read_state},
    {"leave", true, false, read_leave},
    {"ping", true, false, read_number<Ping>},
    {"pong", false, true, read_number<Pong>},
    {"error", false, true, read_error},
};

tl::unexpected<Problem> problem(std::string code, std::string message, std::string about = {}) {
  return tl::unexpected<Problem>(Problem{std::move(code), std::move(message), std::move(about)});
}

const char* text_of(Member::State state) { return state == Member::State::kOn ? "on" : "off"; }

void put_media(Json& to, const Media& m) {
  to.set("recording", m.may_be_recorded ? "allowed" : "refused");
  if (m.audio != Member::State::kUnknown) to.set("audio", text_of(m.audio));
  if (m.video != Member::State::kUnknown) to.set("video", text_of(m.video));
  if (!m.video_source.empty()) to.set("videoSource", m.video_source);
}

Json json_of(const RoomMember& m) {
  Json json = Json::object();
  json.set("id", m.id).set("name", m.name).set("since", m.since).set("recorder", m.recorder);
  json.set("sends", m.sends).set("receives", m.receives);
  put_media(json, m.media);
  return json;
}

// Fills in everything but "type".
struct Writer {
  Json& json;
  Sender sender;

  void peer(const std::string& id) { json.set(sender == Sender::kClient ? "to" : "from", id); }

  void operator()(const Join& m) {
    json.set("version", kVersion).set("name", m.name);
    json.set_if(!m.token.empty(), "token", m.token);
    if (m.ticket) json.set("id", m.ticket->id).set("key", m.ticket->key);
    if (m.since) json.set("since", *m.since);
    json.set("recorder", m.recorder).set("sends", m.sends).set("receives", m.receives);
    put_media(json, m.media);
  }
  void operator()(const Joined& m) {
    json.set("version", kVersion).set("id", m.id).set("key", m.key).set("since", m.since);
    json.set("room", m.room);
    Json members = Json::array();
    for (const RoomMember& member : m.members) members.add(json_of(member));
    json.set("members", members);
    Json servers = Json::array();
    for (const IceServer& s : m.ice_servers) {
      Json server = Json::object();
      server.set("urls", s.url).set_if(!s.username.empty(), "username", s.username);
      server.set_if(!s.credential.empty(), "credential", s.credential);
      servers.add(server);
    }
    json.set("iceServers", servers);
  }
  void operator()(const MemberJoined& m) { json.set("member", json_of(m.member)); }
  void operator()(const MemberChanged& m) { json.set("member", json_of(m.member)); }
  void operator()(const MemberLeft& m) { json.set("id", m.id).set("reason", m.reason); }
  void operator()(const Sdp& m) {
    peer(m.peer);
    json.set("generation", m.generation).set("sdp", m.sdp);
    if (m.n) json.set("n", *m.n);
  }
  void operator()(const IceCandidate& m) {
    peer(m.peer);
    json.set("generation", m.generation).set("candidate", m.candidate);
    json.set("sdpMid", m.mid).set("sdpMLineIndex", m.mline);
  }
  void operator()(const Renegotiate& m) {
    peer(m.peer);
    json.set("restart", m.restart);
  }
  void operator()(const State& m) {
    if (m.audio) json.set("audio", text_of(*m.audio));
    if (m.video) json.set("video", text_of(*m.video));
    if (m.video_source) json.set("videoSource", *m.video_source);
    if (m.may_be_recorded) json.set("recording", *m.may_be_recorded ? "allowed" : "refused");
  }
  void operator()(const Leave&) {}
  void operator()(const Ping& m) { json.set("n", m.n); }
  void operator()(const Pong& m) { json.set("n", m.n); }
  void operator()(const Problem& m) {
    json.set("code", m.code).set("message", m.message);
    json.set_if(!m.about.empty(), "about", m.about);
  }
};

struct Namer {
  const char* operator()(const Join&) { return "join"; }
  const char* operator()(const Joined&) { return "joined"; }
  const char* operator()(const MemberJoined&) { return "member-joined"; }
  const char* operator()(const MemberChanged&) { return "member-changed"; }
  const char* operator()(const MemberLeft&) { return "member-left"; }
  const char* operator()(const Sdp& m) {
    return m.type == Description::Type::kOffer ? "offer" : "answer";
  }
  const char* operator()(const IceCandidate&) { return "candidate"; }
  const char* operator()(const Renegotiate&) { return "renegotiate"; }
  const char* operator()(const State&) { return "state"; }
  const char* operator()(const Leave&) { return "leave"; }
  const char* operator()(const Ping&) { return "ping"; }
  const char* operator()(const Pong&) { return "pong"; }
  const char* operator()(const Problem&) { return "error"; }
};

bool is_space(gunichar c) {
  return g_unichar_isspace(c) || g_unichar_type(c) == G_UNICODE_SPACE_SEPARATOR;
}

// Characters that do not show, or change how what stands around them is shown.
bool is_forbidden(gunichar c) {
  switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
      return true;
    case G_UNICODE_FORMAT: {
      const bool joiner = c == 0x200C || c == 0x200D;      // Persian, Indic scripts, emoji
      const bool flag_tag = c >= 0xE0020 && c <= 0xE007F;  // flags of regions
      return !joiner && !flag_tag;
    }
    default:
      return c == 0x034F || c == 0x115F || c == 0x1160 || c == 0x3164 ||
             c == 0xFFA0;  // blank letters
  }
}

bool is_visible(gunichar c) {
  return !is_space(c) && g_unichar_type(c) != G_UNICODE_FORMAT && !g_unichar_ismark(c);
}

}  // namespace

tl::expected<Message, Problem> parse(std::string_view text, Sender sender) {
  const size_t most = sender == Sender::kClient ? kMostMessageBytes : kMostServerMessageBytes;
  if (text.size() > most)
    return problem("too-large",
                   fmt::format("a message of {} bytes: expected at most {}", text.size(), most));
  const auto json = Json::parse(text, {most, kDeepest});
  if (!json) return problem("bad-json", json.error().message);
  if (!json->is_object()) return problem("bad-message", "expected an object");
  const auto type = json->at("type").text();
  if (!type) return problem("bad-message", "type: missing, expected a text");
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) {
    return *type == r.type && (sender == Sender::kClient ? r.from_client : r.from_server);
  });
  if (row == std::end(kRows))
    return problem("unknown-type", fmt::format("unknown type \"{}\"", printable(*type, 40)));

  Reader reader{Fields(*json), sender};
  if (*type == "join" || *type == "joined") {
    const auto version = reader.need<int64_t>("version");
    if (reader.fields.ok() && version != kVersion)
      return problem("bad-version",
                     fmt::format("version {}: this side speaks {}", version, kVersion), *type);
  }
  Message message = row->read(reader);
  reader.fields.ignore_unknown();
  if (auto ok = reader.fields.done(); !ok)
    return problem("bad-message", printable(ok.error().message), *type);
  if (const auto* join = std::get_if<Join>(&message)) {
    if (auto ok = check_name(join->name, "the name"); !ok)
      return problem("bad-name", ok.error().message, *type);
  }
  return message;
}

std::string text_of(const Message& message, Sender sender) {
  Json json = Json::object();
  json.set("type", type_of(message));
  std::visit(Writer{json, sender}, message);
  return json.dump();
}

const char* type_of(const Message& message) { return std::visit(Namer{}, message); }

Result<> check_name(std::string_view name, std::string_view what) {
  auto bad = [&](std::string_view why) {
    return fail(Code::kBadInput, fmt::format("{} {}", what, why));
  };
  if (name.empty()) return bad("is empty");
  if (!g_utf8_validate(name.data(), static_cast<gssize>(name.size()), nullptr))
    return bad("is not UTF-8");
  if (name == "." || name == "..") return bad("cannot be \".\" or \"..\"");
  const std::string text(name);
  const auto count = static_cast<size_t>(g_utf8_strlen(text.c_str(), -1));
  if (count > kMostNameCharacters)
    return bad(fmt::format("has {} characters: at most {}", count, kMostNameCharacters));
  bool visible = false;
  for (const char* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (c == 0xFFFD) return bad("is not UTF-8");  // what a decoder put in its place
    if (c == '/') return bad("cannot have a '/' in it");
    if (is_forbidden(c))
      return bad(fmt::format("has a control character or bidi mark in it (U+{:04X})", c));
    visible = visible || is_visible(c);
  }
  if (!visible) return bad("has nothing visible in it");
  const gunichar first = g_utf8_get_char(text.c_str());
  const gunichar last = g_utf8_get_char(g_utf8_prev_char(text.c_str() + text.size()));
  if (is_space(first) || is_space(last)) return bad("begins or ends with white space");
  return {};
}

Member member_of(const RoomMember& m) {
  Member member;
  member.id = m.id;
  member.name = m.name;
  member.recorder = m.recorder;
  member.may_be_recorded = m.media.may_be_recorded;
  member.audio = m.media.audio;
  member.video = m.media.video;
  member.video_source = m.media.video_source;
  return member;
}

bool same_media(const Media& a, const Media& b) {
  return a.audio == b.audio && a.video == b.video && a.video_source == b.video_source &&
         a.may_be_recorded == b.may_be_recorded;
}

bool have_leg(const RoomMember& a, const RoomMember& b) {
  return ((a.sends && b.receives) || (b.sends && a.receives)) && !(a.recorder && b.recorder);
}

bool offers(const RoomMember& a, const RoomMember& b) {
  if (a.recorder != b.recorder) return b.recorder;
  return a.since != b.since ? a.since > b.since : a.id > b.id;
}

std::string id_for_key(std::string_view key) {
  constexpr size_t kIdDigits = 20;  // 80 bits: too many to find another key for it
  return sha256_hex(fmt::format("callbot room member {}", key)).substr(0, kIdDigits);
}

std::string make_key() {
  std::array<unsigned char, 16> random{};
  gnutls_rnd(GNUTLS_RND_KEY, random.data(), random.size());
  std::string key;
  for (const unsigned char byte : random) key += fmt::format("{:02x}", byte);
  return key;
}

}  // namespace callbot::signaling::room
