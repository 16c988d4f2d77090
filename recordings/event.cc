#include "recordings/event.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "recordings/manifest.h"

namespace callbot::recordings {
namespace {

// Which keys an event has: one row a kind. Required keys are always written; the others only
// where they say something.
struct Row {
  EventKind kind;
  const char* name;
  std::string_view required;
  std::string_view optional;
};

constexpr Row kRows[] = {
    {EventKind::kMemberJoined, "member-joined", "participant name", "recorder"},
    {EventKind::kMemberLeft, "member-left", "participant", "reason"},
    {EventKind::kMemberRenamed, "member-renamed", "participant name", ""},
    {EventKind::kState, "state", "participant media on", "source"},
    {EventKind::kConsent, "consent", "participant allowed", ""},
    {EventKind::kKeyFrameWait, "key-frame-wait", "track", ""},
    {EventKind::kKeyFrameFound, "key-frame-found", "track duration_ns", ""},
    {EventKind::kLoss, "loss", "track count", "repaired"},
    {EventKind::kSignalingInterrupted, "signaling-interrupted", "", "reason"},
    {EventKind::kSignalingResumed, "signaling-resumed", "", ""},
    {EventKind::kPeerLost, "peer-lost", "participant", "reason"},
    {EventKind::kPeerFresh, "peer-fresh", "participant", ""},
    {EventKind::kChat, "chat", "participant text", "sealed"},
    {EventKind::kPaused, "paused", "policy", "participant by"},
    {EventKind::kResumed, "resumed", "", "participant by"},
    {EventKind::kExcluded, "excluded", "participant on", "reason"},
    {EventKind::kFilter, "filter", "pattern include", ""},
    {EventKind::kMarker, "marker", "text", "participant by"},
    {EventKind::kNote, "note", "text", "participant"},
    {EventKind::kError, "error", "code text", "participant"},
    {EventKind::kStarted, "started", "version", ""},
    {EventKind::kTrackBegan, "track-began", "track participant media codec clock_rate",
     "channels name source mid ssrc"},
    {EventKind::kTrackEnded, "track-ended", "track frames key_frames bytes", "skipped"},
    {EventKind::kFileOpened, "file-opened", "file participant offset_ns streams", ""},
    {EventKind::kFileClosed, "file-closed", "file reason duration_ns bytes", "sha256"},
    {EventKind::kAnchor, "anchor", "track file stream reason rtp_time arrival time_ns", "ntp"},
    {EventKind::kSenderReport, "sender-report", "track rtp_time arrival ntp", ""},
    {EventKind::kStall, "stall", "track from_ns to_ns", ""},
    {EventKind::kGap, "gap", "track file from_ns to_ns", ""},
    {EventKind::kOverflow, "overflow", "track count", ""},
    {EventKind::kSize, "size", "track file time_ns width height", ""},
    {EventKind::kSpeech, "speech", "participant from_ns", "to_ns"},
    {EventKind::kFileReceived, "file-received", "path name bytes sha256", "participant"},
    {EventKind::kFileRefused, "file-refused", "name reason", "participant path"},
    {EventKind::kReopened, "reopened", "from_ns", "reason"},
    {EventKind::kEnded, "ended", "reason", "by text"},
};

const Row& row_of(EventKind kind) {
  return *std::find_if(std::begin(kRows), std::end(kRows),
                       [kind](const Row& row) { return row.kind == kind; });
}

bool holds(std::string_view list, std::string_view key) {
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == key) return true;
    at = end + 1;
  }
  return false;
}

// A key's value in an Event: how it is written, whether it says anything, how it is read.
struct Key {
  const char* name;
  Json (*write)(const Event&);
  bool (*says)(const Event&);
  void (*read)(Fields&, const char*, Event&);
};

template <auto kMember>
Key plain(const char* name) {
  using T = std::remove_cvref_t<decltype(std::declval<Event>().*kMember)>;
  return {name, [](const Event& e) { return Json::of(e.*kMember); },
          [](const Event& e) { return e.*kMember != T{}; },
          [](Fields& f, const char* key, Event& e) {
            e.*kMember = f.need<T>(key);
            if constexpr (std::is_same_v<T, int64_t>) {
              if (!is_time_span(key, e.*kMember)) f.complain(key, "expected less than three years");
            }
          }};
}

template <auto kMember>
Key maybe(const char* name) {
  using T = typename std::remove_cvref_t<decltype(std::declval<Event>().*kMember)>::value_type;
  return {name, [](const Event& e) { return Json::of((e.*kMember).value_or(T{})); },
          [](const Event& e) { return (e.*kMember).has_value(); },
          [](Fields& f, const char* key, Event& e) { e.*kMember = f.need<T>(key); }};
}

int64_t read_time(Fields& f, const char* key) {
  const auto text = f.need<std::string>(key);
  const auto time = parse_rfc3339(text);
  if (!time) f.complain(key, "expected a time (RFC 3339)");
  return time.value_or(0);
}

std::string read_path(Fields& f, const char* key) {
  auto path = f.need<std::string>(key);
  if (!is_inside(path)) f.complain(key, "expected a path below the recording's folder");
  return path;
}

MediaKind read_media(Fields& f, const char* key) {
  const auto text = f.need<std::string>(key);
  if (text != "audio" && text != "video") f.complain(key, "expected \"audio\" or \"video\"");
  return text == "video" ? MediaKind::kVideo : MediaKind::kAudio;
}

Json write_streams(const Event& e) {
  Json list = Json::array();
  for (const StreamFacts& s : e.streams)
    list.add(
        Json::object().set("track", s.track).set("media", name_of(s.media)).set("codec", s.codec));
  return list;
}

void read_streams(Fields& f, const char* key, Event& e) {
  f.list(key, [&](const Json& json, const std::string& path) {
    Fields s(json, path);
    StreamFacts facts;
    facts.track = s.need<TrackId>("track");
    facts.media = read_media(s, "media");
    facts.codec = s.need<std::string>("codec");
    f.absorb(s);
    e.streams.push_back(std::move(facts));
  });
}

template <auto kMember>
Key path(const char* name) {
  Key key = plain<kMember>(name);
  key.read = [](Fields& f, const char* k, Event& e) { e.*kMember = read_path(f, k); };
  return key;
}

Json time_json(int64_t ns) { return Json::of(rfc3339(ns)); }

const Key kKeys[] = {
    plain<&Event::participant>("participant"),
    plain<&Event::name>("name"),
    plain<&Event::reason>("reason"),
    plain<&Event::text>("text"),
    plain<&Event::by>("by"),
    plain<&Event::code>("code"),
    plain<&Event::policy>("policy"),
    plain<&Event::source>("source"),
    plain<&Event::track>("track"),
    {"media", [](const Event& e) { return Json::of(name_of(e.media.value_or(MediaKind::kAudio))); },
     [](const Event& e) { return e.media.has_value(); },
     [](Fields& f, const char* key, Event& e) { e.media = read_media(f, key); }},
    maybe<&Event::on>("on"),
    maybe<&Event::allowed>("allowed"),
    maybe<&Event::recorder>("recorder"),
    plain<&Event::pattern>("pattern"),
    maybe<&Event::include>("include"),
    maybe<&Event::sealed>("sealed"),
    plain<&Event::count>("count"),
    maybe<&Event::repaired>("repaired"),
    plain<&Event::duration_ns>("duration_ns"),
    path<&Event::file>("file"),
    plain<&Event::stream>("stream"),
    plain<&Event::offset_ns>("offset_ns"),
    plain<&Event::time_ns>("time_ns"),
    plain<&Event::from_ns>("from_ns"),
    plain<&Event::to_ns>("to_ns"),
    plain<&Event::rtp_time>("rtp_time"),
    {"arrival", [](const Event& e) { return time_json(e.arrival_ns); },
     [](const Event& e) { return e.arrival_ns != 0; },
     [](Fields& f, const char* key, Event& e) { e.arrival_ns = read_time(f, key); }},
    {"ntp", [](const Event& e) { return time_json(e.ntp_ns.value_or(0)); },
     [](const Event& e) { return e.ntp_ns.has_value(); },
     [](Fields& f, const char* key, Event& e) { e.ntp_ns = read_time(f, key); }},
    plain<&Event::codec>("codec"),
    plain<&Event::clock_rate>("clock_rate"),
    plain<&Event::channels>("channels"),
    plain<&Event::mid>("mid"),
    plain<&Event::ssrc>("ssrc"),
    plain<&Event::width>("width"),
    plain<&Event::height>("height"),
    plain<&Event::bytes>("bytes"),
    plain<&Event::frames>("frames"),
    plain<&Event::key_frames>("key_frames"),
    plain<&Event::skipped>("skipped"),
    plain<&Event::sha256>("sha256"),
    path<&Event::path>("path"),
    plain<&Event::version>("version"),
    {"streams", write_streams, [](const Event& e) { return !e.streams.empty(); }, read_streams},
};

}  // namespace

const char* name_of(EventKind kind) { return row_of(kind).name; }

std::string to_line(const Event& event) {
  const Row& row = row_of(event.kind);
  Json json = Json::object();
  json.set("at", rfc3339(event.wall_ns)).set("event", row.name);
  for (const Key& key : kKeys) {
    if (holds(row.required, key.name) || (holds(row.optional, key.name) && key.says(event)))
      json.set(key.name, key.write(event));
  }
  return json.dump();
}

Result<Event> parse_event(std::string_view line) {
  auto json = Json::parse(line, {.most_bytes = 1u << 20, .deepest = 8});
  if (!json) return tl::unexpected(json.error());
  Fields f(*json);
  Event event;
  event.wall_ns = read_time(f, "at");
  const auto name = f.need<std::string>("event");
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Row& r) { return name == r.name; });
  if (row == std::end(kRows)) {
    f.complain("event", fmt::format("unknown kind \"{}\"", name));
    return f.done().map([&] { return event; });
  }
  event.kind = row->kind;
  for (const Key& key : kKeys) {
    if (holds(row->required, key.name) || (holds(row->optional, key.name) && f.has(key.name)))
      key.read(f, key.name, event);
  }
  return f.done().map([&] { return event; });
}

}  // namespace callbot::recordings
