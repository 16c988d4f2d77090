// scenarios/scenario.h: a call test as data: who takes part with what media, what happens when, and
// what must hold. scenarios/SCENARIO.md says it for people, scenarios/shapes.cc for the decoder and
// the schema.
//
// Times are seconds, rates bit/s, shares 0 to 1. Names of actors are roles: a role with a count
// above 1 stands for bob-1, bob-2, ..., and a name that is expected takes "*" and patterns
// ("bob-*").
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never; scenarios/decode.h makes it, and says what is wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/metric.h"
#include "base/yaml.h"
#include "scenarios/stats.h"

namespace callbot::scenarios {

// The run starts a room server of its own for a room with this url.
inline constexpr const char* kEmbedded = "embedded";

struct Room {
  std::string name;
  std::string url = kEmbedded;
  std::string token;
  std::string ca_file;
  bool insecure = false;
  std::vector<std::string> ice_servers;
  int count = 1;  // name-1, name-2, ...; "{n}" in the url is the number
};

struct Video {
  std::string source = "pattern";  // pattern, screen, file, black, none
  std::vector<std::string> files;  // more than one: a playlist
  std::string codec = "vp8";
  int width = 1280, height = 720;
  int fps = 30;
  double bitrate = 1.5e6;
  bool loop = true;
  double at = 0;  // s, of the first file
  // What the file says itself: of files, only that is changed.
  struct Said {
    bool codec = false, size = false, fps = false, bitrate = false;
  } said;
};

struct Audio {
  std::string source = "pattern";  // pattern, file, silence, dtmf, say, none
  std::vector<std::string> files;
  std::string digits;  // of dtmf
  std::string words;   // of say
  std::string codec = "opus";
  double bitrate = 32e3;
  bool loop = true;
  double at = 0;  // s, of the first file
};

struct Media {
  std::string name;
  Video video;
  Audio audio;
};

enum class Verify { kNone, kHeaders, kRotate, kAll };
const char* name_of(Verify verify);

// The keys of network/conditions.h; checked here, read there.
struct NetworkSetting {
  std::string path;  // where it stands: "networks.slow", "actors.bob.network"
  Json value;        // a preset's name or an object
  std::string name;  // for people: the preset, the name in `networks`, or "own"
};

inline constexpr double kMostPlayoutLatency = 10;  // s

struct Actor {
  std::string role;
  std::string name;  // shown in the call; empty: the role
  int count = 1;     // in each of the room's instances
  std::string room;
  std::string url, token;       // instead of the room's
  std::string send;             // a name in `media`; empty: nothing
  std::string receive = "all";  // all, audio, video, none
  Verify verify = Verify::kHeaders;
  double verify_window = 3;               // s; rotate: so long on each stream
  std::optional<double> playout_latency;  // s, up to kMostPlayoutLatency; none: not said, so 0
  std::optional<NetworkSetting> network;
  std::string browser;     // chromium, firefox; empty: the bot itself
  bool elsewhere = false;  // played by another program, `callbot send` on another host, say
  uint16_t seed = 1;       // elsewhere: of its pattern
  std::string echo;        // elsewhere: it sends back what this one sends; empty: nobody
  bool optional = false;   // its failing to get in fails nothing
};

struct LoadStage {
  std::string who;
  double lasts = 0;
  int to = 0;            // so many of `who` are in the call at its end
  double join_rate = 0;  // joins each second at most; 0: evenly over the stage
};

enum class StepKind {
  kJoin,
  kLeave,
  kCrash,
  kMute,
  kUnmute,
  kCameraOff,
  kCameraOn,
  kSwitch,
  kShareScreen,
  kUnshareScreen,
  kNetwork,
  kMessage,
  kFile,
  kWait,
  kMark,
  kExpect,
  kRun,
};
const char* name_of(StepKind kind);

// Steps follow one another; `at` waits for a time since the first one began.
struct Step {
  StepKind kind = StepKind::kWait;
  size_t index = 0;
  TextPlace place;
  std::string name;  // for reports; empty: what it does
  std::string who;   // a pattern of actors
  std::optional<double> at;
  double timeout = 10;
  bool optional = false;

  double wait = 0;   // wait
  std::string mark;  // mark
  std::string what;  // mute: audio, video; expect: its kind
  std::string to;    // message, file: whom; empty: everybody
  std::string text;  // message
  std::string path;  // file
  std::optional<NetworkSetting> network;
  bool verify = false;               // network: prove it
  std::string media;                 // switch, share-screen: a name in `media`
  std::optional<int> width, height;  // switch; expect size
  std::optional<int> fps;            // switch
  std::optional<double> bitrate;
  std::string codec;                 // switch; expect codec
  std::vector<std::string> program;  // run
  int exit_status = 0;

  // expect
  std::string from, stream;
  double lasts = 0;  // must hold so long
  double grace = 0;  // not looked at in the beginning
  std::string metric;
  StatName stat;
  std::string op;
  double value = 0;
};

// From `from` to `to`: a mark or a time since the steps began; none: the run's begin or end.
struct Span {
  struct End {
    std::string mark;
    double seconds = 0;
  };
  std::optional<End> from, to;
};

enum class Sight { kSeen, kHeard };
const char* name_of(Sight sight);
enum class Rule { kMust, kMay, kMustNot };

// One line of the declared timeline.
struct TimelineRow {
  Span span;
  std::string who = "*";  // who looks
  struct Item {
    Rule rule;
    Sight sight;
    std::string whom;
  };
  std::vector<Item> items;
  bool closed = false;  // whom no item names must be neither seen nor heard
  double grace = 1;
  std::string name;
  TextPlace place;
};

enum class Per { kRun, kActor, kStream };
const char* name_of(Per per);

struct Threshold {
  std::string name;  // for reports; empty: what it says
  std::string metric;
  StatName stat;
  std::string op = "<=";
  double value = 0;
  std::string written;  // the value as it was written
  Per per = Per::kRun;
  Span span;
  std::string who, from, stream;  // empty: all that there is
  double quorum = 1;
  size_t least_samples = 1;
  bool warn = false;
  bool abort = false;
  double delay = 0;  // abort: not before so long in the span
  TextPlace place;
};

struct ReportPaths {
  std::string junit, json, html, bundle, metrics;
  bool keeps_everything = false;  // in the bundle, also of a run that passed
};

struct Scenario {
  std::string file;
  std::string name;
  std::string description;
  uint64_t seed = 1;
  std::vector<Room> rooms;  // at least one
  std::vector<Media> media;
  std::vector<Actor> actors;
  std::vector<LoadStage> load;
  std::vector<Step> steps;
  std::vector<TimelineRow> timeline;
  std::vector<Threshold> thresholds;
  bool unmeasured_fails = true;
  std::vector<std::string> optional;  // kinds of EventFact that may come unexpected
  std::optional<double> timeout;      // of the whole run
  ReportPaths report;
  std::shared_ptr<const TextPlaces> places;  // in its file

  const Room* room(std::string_view name) const;
  const Media* media_named(std::string_view name) const;
  const Actor* actor(std::string_view role) const;
};

// One of an actor's count, as it is named in events, samples and reports.
struct Instance {
  const Actor* actor = nullptr;
  std::string name;   // the role; ROLE-1 and on where there are several, over all its rooms
  std::string room;   // NAME, or NAME-1 and on of a counted one
  std::string url;    // {n} filled in
  std::string shown;  // its name in the call: no two of a room may have the same
};
std::vector<Instance> instances(const Scenario& scenario);  // in the order of the file
// Rooms with the same url are one, but for those of the run's own server.
bool in_one_room(const Instance& a, const Instance& b);

// "*", a role, an instance ("bob-2"), or a pattern with * in it.
bool matches(std::string_view pattern, std::string_view role, std::string_view instance);

// A threshold, or a step that waits for it, names this metric.
bool asks_for(const Scenario& scenario, std::string_view metric);

// "video.e2e_delay p95 <= 400ms, bob, from steady to loss-start".
std::string text_of(const Threshold& threshold);
std::string text_of(const Span& span);
// What a step does, in a few words: "join *", "expect first-frame by bob".
std::string text_of(const Step& step);

}  // namespace callbot::scenarios
