#include "recordings/manifest.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/journal.h"
#include "recordings/keys.h"
#include "recordings/recording_folder.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

constexpr const char* kFormat = "callbot-recording";

// One list of keys a structure (describe, below) serves writing and reading.
class Writer {
 public:
  Json json = Json::object();

  void plain(const char* key, const auto& value) { json.set(key, value); }
  template <class T>
  void plain(const char* key, const std::optional<T>& value) {
    if (value) json.set(key, *value);
  }
  void count_if(const char* key, uint64_t value) { json.set_if(value > 0, key, value); }
  void text(const char* key, const std::string& value) { json.set_if(!value.empty(), key, value); }
  void path(const char* key, const std::string& value) { json.set(key, value); }
  void time(const char* key, int64_t ns) { json.set(key, rfc3339(ns)); }
  void time(const char* key, const std::optional<int64_t>& ns) {
    if (ns) time(key, *ns);
  }
  void media(const char* key, MediaKind kind) { json.set(key, name_of(kind)); }
  template <class T>
  void list(const char* key, std::vector<T>& values) {
    Json array = Json::array();
    for (T& value : values) {
      Writer child;
      describe(child, value);
      array.add(child.json);
    }
    json.set(key, array);
  }
  // Not in every recording: an empty one is left out.
  template <class T>
  void list_if(const char* key, std::vector<T>& values) {
    if (!values.empty()) list(key, values);
  }
  template <class T>
  void object(const char* key, T& value) {
    Writer child;
    describe(child, value);
    json.set(key, child.json);
  }
  template <class T>
  void object(const char* key, std::optional<T>& value) {
    if (value) object(key, *value);
  }
};

class Reader {
 public:
  explicit Reader(Fields fields) : fields(std::move(fields)) {}
  Fields fields;

  template <class T>
  void plain(const char* key, T& value) {
    value = fields.need<T>(key);
    if constexpr (std::is_same_v<T, int64_t>) {
      // A sender's clock may say anything.
      const bool any = std::string_view(key) == "ntp_offset_ns";
      if (!any && !is_time_span(key, value)) fields.complain(key, "expected less than three years");
    }
  }
  template <class T>
  void plain(const char* key, std::optional<T>& value) {
    if (fields.has(key)) plain(key, value.emplace());
  }
  void count_if(const char* key, uint64_t& value) { value = fields.get(key, uint64_t{0}); }
  void text(const char* key, std::string& value) { value = fields.get(key, std::string()); }
  void path(const char* key, std::string& value) {
    value = fields.need<std::string>(key);
    if (!is_inside(value)) fields.complain(key, "expected a path below the recording's folder");
  }
  void time(const char* key, int64_t& ns) {
    const auto parsed = parse_rfc3339(fields.need<std::string>(key));
    if (!parsed) fields.complain(key, "expected a time (RFC 3339)");
    ns = parsed.value_or(0);
  }
  void time(const char* key, std::optional<int64_t>& ns) {
    if (fields.has(key)) time(key, ns.emplace());
  }
  void media(const char* key, MediaKind& kind) {
    const auto text = fields.need<std::string>(key);
    if (text != "audio" && text != "video") fields.complain(key, "expected \"audio\" or \"video\"");
    kind = text == "video" ? MediaKind::kVideo : MediaKind::kAudio;
  }
  template <class T>
  void list(const char* key, std::vector<T>& values) {
    if (!fields.has(key)) fields.complain(key, "missing, expected a list");
    fields.list(key, [&](const Json& json, const std::string& path) {
      Reader child(Fields(json, path));
      describe(child, values.emplace_back());
      fields.absorb(child.fields);
    });
  }
  template <class T>
  void list_if(const char* key, std::vector<T>& values) {
    if (fields.has(key)) list(key, values);
  }
  template <class T>
  void object(const char* key, T& value) {
    if (!fields.has(key)) fields.complain(key, "missing, expected an object");
    Reader child(fields.object(key));
    describe(child, value);
    fields.absorb(child.fields);
  }
  template <class T>
  void object(const char* key, std::optional<T>& value) {
    if (fields.has(key)) object(key, value.emplace());
  }
};

void describe(auto& v, Span& s) {
  v.plain("from_ns", s.from_ns);
  v.plain("to_ns", s.to_ns);
  v.text("reason", s.reason);
}

void describe(auto& v, Said& s) {
  v.media("media", s.media);
  v.plain("on", s.on);
  v.text("source", s.source);
  v.plain("from_ns", s.from_ns);
  v.plain("to_ns", s.to_ns);
}

void describe(auto& v, Participant& p) {
  v.plain("id", p.id);
  v.plain("name", p.name);
  v.plain("recorder", p.recorder);
  v.list("present", p.present);
  v.list("said", p.said);
  v.list("refused", p.refused);
  v.list_if("excluded", p.excluded);
  v.list_if("spoke", p.spoke);
  v.plain("peers_lost", p.peers_lost);
}

void describe(auto& v, Pause& p) {
  v.plain("from_ns", p.from_ns);
  v.plain("to_ns", p.to_ns);
  v.text("participant", p.participant);
  v.plain("policy", p.policy);
  v.text("by", p.by);
}

void describe(auto& v, Marker& m) {
  v.plain("at_ns", m.at_ns);
  v.plain("text", m.text);
  v.text("by", m.by);
  v.text("participant", m.participant);
}

void describe(auto& v, Gap& g) {
  v.plain("file", g.file);
  v.plain("from_ns", g.from_ns);
  v.plain("to_ns", g.to_ns);
}

void describe(auto& v, Size& s) {
  v.plain("file", s.file);
  v.plain("time_ns", s.time_ns);
  v.plain("width", s.width);
  v.plain("height", s.height);
}

void describe(auto& v, Track& t) {
  v.plain("track", t.id);
  v.plain("participant", t.participant);
  v.media("media", t.media);
  v.plain("codec", t.codec);
  v.plain("clock_rate", t.clock_rate);
  v.plain("channels", t.channels);
  v.text("source", t.source);
  v.text("mid", t.mid);
  v.plain("ssrc", t.ssrc);
  v.plain("from_ns", t.from_ns);
  v.plain("to_ns", t.to_ns);
  v.time("start", t.start_wall_ns);
  v.text("start_source", t.start_source);
  v.plain("ntp_offset_ns", t.ntp_offset_ns);
  v.count_if("sender_reports", t.sender_reports);
  v.plain("drift_ppm", t.drift_ppm);
  v.plain("frames", t.frames);
  v.plain("key_frames", t.key_frames);
  v.plain("bytes", t.bytes);
  v.plain("skipped", t.skipped);
  v.plain("overflow", t.overflow);
  v.plain("packets_lost", t.packets_lost);
  v.plain("packets_repaired", t.packets_repaired);
  v.plain("key_frame_waits", t.key_frame_waits);
  v.plain("key_frame_wait_ns", t.key_frame_wait_ns);
  v.plain("anchors", t.anchors);
  v.plain("gap_count", t.gap_count);
  v.plain("gap_ns", t.gap_ns);
  v.list("gaps", t.gaps);
  v.list_if("stalls", t.stalls);
  v.list("sizes", t.sizes);
}

void describe(auto& v, StreamFacts& s) {
  v.plain("track", s.track);
  v.media("media", s.media);
  v.plain("codec", s.codec);
}

void describe(auto& v, MediaFileFacts& f) {
  v.path("path", f.path);
  v.plain("participant", f.participant);
  v.plain("offset_ns", f.offset_ns);
  v.time("start", f.start_wall_ns);
  v.plain("start_source", f.start_source);
  v.list("streams", f.streams);
  v.plain("duration_ns", f.duration_ns);
  v.plain("bytes", f.bytes);
  v.text("reason", f.reason);
  v.text("sha256", f.sha256);
}

void describe(auto& v, FileFacts& f) {
  v.path("path", f.path);
  v.text("participant", f.participant);
  v.plain("name", f.name);
  v.plain("bytes", f.bytes);
  v.plain("sha256", f.sha256);
}

void describe(auto& v, Failure& f) {
  v.plain("at_ns", f.at_ns);
  v.plain("code", f.code);
  v.plain("text", f.text);
  v.text("participant", f.participant);
}

void describe(auto& v, Ending& e) {
  v.plain("reason", e.reason);
  v.text("by", e.by);
  v.text("text", e.text);
}

void describe(auto& v, Encryption& e) {
  v.plain("scheme", e.scheme);
  v.plain("to", e.to);
}

void describe(auto& v, Manifest& m) {
  v.plain("state", m.state);
  v.plain("software", m.software);
  v.text("room", m.facts.room);
  v.text("url", m.facts.url);
  v.text("protocol", m.facts.protocol);
  v.text("recorder", m.facts.recorder);
  v.text("label", m.facts.label);
  v.plain("audio", m.facts.audio);
  v.plain("video", m.facts.video);
  v.object("encryption", m.encryption);
  v.time("started", m.started_wall_ns);
  v.time("ended", m.ended_wall_ns);
  v.object("end", m.ending);
  v.list("participants", m.participants);
  v.list("tracks", m.tracks);
  v.list("media", m.media);
  v.list("received", m.received);
  v.list("interruptions", m.interruptions);
  v.list("failures", m.failures);
  v.list_if("pauses", m.pauses);
  v.list_if("markers", m.markers);
  v.plain("chat_messages", m.chat_messages);
}

// Who wrote it, in which room and what for is lost; the rest follows from the journal.
Manifest manifest_without_facts(const fs::path& folder, const Journal& journal) {
  Manifest m;
  m.software = "callbot " CALLBOT_VERSION;
  m.facts.room = folder.filename().string();
  m.started_wall_ns = journal.events.front().wall_ns;
  return m;
}

Result<Manifest> manifest_of(const fs::path& folder) {
  const auto with_place = [&](Error e) {
    return tl::unexpected(std::move(e).in(kManifest).in(folder.string()));
  };
  const auto text = read_file(folder / kManifest, kMostManifestBytes);
  if (!text) return tl::unexpected(text.error());
  auto manifest = parse_manifest(*text);
  if (!manifest) return with_place(std::move(manifest.error()));
  return manifest;
}

}  // namespace

std::string to_text(const Manifest& manifest) {
  Manifest copy = manifest;
  Writer writer;
  writer.plain("format", kFormat);
  writer.plain("version", kFormatVersion);
  describe(writer, copy);
  return writer.json.dump(true) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto json = Json::parse(text, {.most_bytes = kMostManifestBytes, .deepest = 8});
  if (!json) return tl::unexpected(json.error());
  if (json->at("format").text() != kFormat)
    return fail(Code::kBadInput, fmt::format("format: expected \"{}\"", kFormat));
  if (const auto version = json->at("version").whole(); version && *version > kFormatVersion)
    return fail(Code::kUnsupported,
                fmt::format("version {} of the format: this build reads up to {}", *version,
                            kFormatVersion));
  Reader reader{Fields(*json)};
  Manifest manifest;
  std::string format;
  int version = 0;
  reader.plain("format", format);
  reader.plain("version", version);
  if (version < 1) reader.fields.complain("version", "expected 1 or more");
  describe(reader, manifest);
  if (manifest.state != "running" && manifest.state != "finished" && manifest.state != "failed")
    reader.fields.complain("state", "expected \"running\", \"finished\" or \"failed\"");
  if (manifest.encryption && manifest.encryption->scheme != Encryption().scheme)
    reader.fields.complain("encryption.scheme",
                           fmt::format("expected \"{}\"", Encryption().scheme));
  if (manifest.encryption && !parse_public_key(manifest.encryption->to))
    reader.fields.complain("encryption.to", "expected a public key");
  return reader.fields.done().map([&] { return std::move(manifest); });
}

Result<LoadedRecording> load(const fs::path& folder) {
  Journal journal = read_journal(folder / kJournal);
  return load(folder, journal);
}

Result<LoadedRecording> load(const fs::path& folder, Journal& journal) {
  std::error_code ignored;
  const bool there = fs::exists(folder / kManifest, ignored);
  auto manifest = manifest_of(folder);
  if (!manifest && there && manifest.error().code != Code::kBadInput)
    return tl::unexpected(manifest.error());
  LoadedRecording loaded;
  if (!manifest) {
    loaded.manifest_error = manifest.error();
    if (journal.events.empty() && there) return tl::unexpected(manifest.error());
    if (journal.events.empty()) return tl::unexpected(no_recording(folder));
    manifest = manifest_without_facts(folder, journal);
  }
  loaded.manifest = std::move(*manifest);
  if (int64_t& started = loaded.manifest.started_wall_ns;
      journal.latest_ns && started > *journal.latest_ns) {
    loaded.manifest_error =
        Error{Code::kBadInput, fmt::format("{}: started: {} is after the journal was last written",
                                           kManifest, rfc3339(started))}
            .in(folder.string());
    started = journal.events.front().wall_ns;
  }
  loaded.events = std::move(journal.events);
  loaded.journal_error = journal.error;
  loaded.open = loaded.manifest.state == "running";
  if (loaded.open) {
    for (const Event& event : loaded.events) apply(loaded.manifest, event);
  }
  return loaded;
}

Result<> check_keys(const fs::path& folder, const Manifest& manifest) {
  for (const MediaFileFacts& f : manifest.media) {
    if (auto key = check_key(folder / f.path); !key) return key;
  }
  return {};
}

bool is_encrypted(const fs::path& folder) {
  const auto manifest = manifest_of(folder);
  return manifest && manifest->encryption;
}

}  // namespace callbot::recordings
