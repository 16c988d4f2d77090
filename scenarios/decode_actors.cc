// Who takes part, where, and with what: rooms, media, actors, load.
#include <fmt/core.h>

#include <algorithm>

#include "scenarios/decode.h"

namespace callbot::scenarios {
namespace {

constexpr size_t kMostInstances = 20'000;

void decode_rooms(Reader& root, Scenario& scenario) {
  root.map("rooms", [&](const std::string& name, Reader reader) {
    Room room{.name = name};
    room.url = reader.text("url", kEmbedded);
    room.token = reader.text("token");
    room.ca_file = reader.text("ca_file");
    room.insecure = reader.flag("insecure", false);
    room.ice_servers = reader.texts("ice_servers");
    room.count = static_cast<int>(reader.whole("count", 1));
    const bool numbered = room.url.find("{n}") != std::string::npos;
    if (room.count > 1 && room.url != kEmbedded && !numbered)
      reader.complain("url", "expected {n} in it, the number of each of the rooms");
    reader.done();
    scenario.rooms.push_back(std::move(room));
  });
  const std::string url = root.text("url");
  const std::string token = root.text("token");
  for (const char* key : {"url", "token"}) {
    if (root.has(key) && root.has("rooms"))
      root.complain(key, "expected in the rooms, since there are `rooms`");
  }
  if (scenario.rooms.empty())
    scenario.rooms.push_back(
        {.name = "main", .url = url.empty() ? kEmbedded : url, .token = token});
}

// What a source cannot do without, and what it does not take.
void check_source(Reader& reader, const std::string& source, const char* key,
                  const char* of_source) {
  if (source == of_source && !reader.has(key))
    reader.notes().mistake(reader.path(), fmt::format("missing {}: the source is {}", key, source));
  if (source != of_source && reader.has(key))
    reader.complain(key, fmt::format("expected only with source: {}", of_source));
}

void check_at(Reader& reader, const std::string& source) {
  if (source != "file" && reader.has("at"))
    reader.complain("at", "expected only with source: file");
}

Video decode_video(Reader& media) {
  Video video;
  auto reader = media.object("video");
  if (!reader) {
    video.source = "none";
    return video;
  }
  video.source = reader->text("source", reader->has("file") ? "file" : video.source);
  video.files = reader->texts("file");
  video.codec = reader->text("codec", video.codec);
  if (const auto size = reader->size("size")) std::tie(video.width, video.height) = *size;
  video.fps = static_cast<int>(reader->whole("fps", video.fps));
  video.bitrate = reader->number("bitrate", video.bitrate);
  video.loop = reader->flag("loop", true);
  video.at = reader->number("at", 0);
  video.said = {reader->has("codec"), reader->has("size"), reader->has("fps"),
                reader->has("bitrate")};
  check_source(*reader, video.source, "file", "file");
  check_at(*reader, video.source);
  reader->done();
  return video;
}

Audio decode_audio(Reader& media) {
  Audio audio;
  auto reader = media.object("audio");
  if (!reader) {
    audio.source = "none";
    return audio;
  }
  audio.source = reader->text("source", reader->has("file") ? "file" : audio.source);
  audio.files = reader->texts("file");
  audio.digits = reader->text("digits");
  audio.words = reader->text("words");
  audio.codec = reader->text("codec", audio.codec);
  audio.bitrate = reader->number("bitrate", audio.bitrate);
  audio.loop = reader->flag("loop", true);
  audio.at = reader->number("at", 0);
  check_source(*reader, audio.source, "file", "file");
  check_source(*reader, audio.source, "digits", "dtmf");
  check_source(*reader, audio.source, "words", "say");
  check_at(*reader, audio.source);
  if (audio.digits.find_first_not_of("0123456789*#ABCD") != std::string::npos)
    reader->complain("digits", "expected 0 to 9, *, #, A to D");
  reader->done();
  return audio;
}

Verify verify_of(const std::string& name) {
  for (const Verify v : {Verify::kNone, Verify::kHeaders, Verify::kRotate, Verify::kAll}) {
    if (name == name_of(v)) return v;
  }
  return Verify::kHeaders;
}

Actor decode_actor(Reader& root, const std::string& role, Reader reader) {
  Actor actor{.role = role};
  actor.count = static_cast<int>(reader.whole("count", 1));
  actor.name = reader.text("name");
  actor.room = reader.text("room");
  actor.url = reader.text("url");
  actor.token = reader.text("token");
  actor.send = reader.text("send");
  if (actor.send == "none") actor.send.clear();
  actor.receive = reader.text("receive", "all");
  actor.verify = verify_of(reader.text("verify", "headers"));
  actor.verify_window = reader.number("verify_window", actor.verify_window);
  const double playout_latency = reader.number("playout_latency", 0);
  if (reader.has("playout_latency")) actor.playout_latency = playout_latency;
  actor.network = decode_network(root, reader, "network");
  actor.browser = reader.text("browser");
  actor.elsewhere = reader.flag("elsewhere", false);
  actor.seed = static_cast<uint16_t>(reader.whole("seed", 1));
  actor.echo = reader.text("echo");
  if (actor.elsewhere) actor.verify = Verify::kNone;
  actor.optional = reader.flag("optional", false);
  if (role.find('*') != std::string::npos)
    reader.notes().mistake(reader.path(), "expected a role without *", true);
  reader.done();
  return actor;
}

void decode_load(Reader& root, Scenario& scenario) {
  auto load = root.object("load");
  if (!load) return;
  const double rate = load->number("join_rate", 0);
  load->list("stages", [&](Reader reader) {
    LoadStage stage;
    stage.who = reader.text("who");
    stage.lasts = reader.number("for", 0);
    stage.to = static_cast<int>(reader.whole("to", 0));
    stage.join_rate = reader.number("join_rate", rate);
    reader.done();
    scenario.load.push_back(std::move(stage));
  });
  load->done();
}

}  // namespace

void decode_actors(Reader& root, Scenario& scenario) {
  decode_rooms(root, scenario);
  root.map("media", [&](const std::string& name, Reader reader) {
    if (name == "none") reader.notes().mistake(reader.path(), "expected another name", true);
    scenario.media.push_back({name, decode_video(reader), decode_audio(reader)});
    reader.done();
  });
  size_t instances = 0;
  root.map("actors", [&](const std::string& role, Reader reader) {
    scenario.actors.push_back(decode_actor(root, role, reader));
    Actor& actor = scenario.actors.back();
    if (actor.room.empty() && scenario.rooms.size() == 1) actor.room = scenario.rooms[0].name;
    if (actor.room.empty())
      reader.notes().mistake(reader.path(), "missing room: there are several");
    const Room* room = scenario.room(actor.room);
    instances += static_cast<size_t>(actor.count) * (room == nullptr ? 1 : room->count);
  });
  if (instances > kMostInstances)
    root.complain("actors",
                  fmt::format("{} of them in all: expected at most {}", instances, kMostInstances));
  if (root.has("actors") && scenario.actors.empty()) root.complain("actors", "expected somebody");
  decode_load(root, scenario);
}

}  // namespace callbot::scenarios
