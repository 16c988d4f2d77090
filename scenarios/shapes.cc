#include "scenarios/shapes.h"

#include "base/picture_limits.h"
#include "scenarios/shape_rows.h"

namespace callbot::scenarios {
namespace {

using enum KeyKind;

constexpr double kMostAt = 86400;  // s
constexpr const char* kVideoSources[] = {"pattern", "screen", "file", "black", "none"};
constexpr const char* kAudioSources[] = {"pattern", "file", "silence", "dtmf", "say", "none"};
constexpr const char* kReceive[] = {"all", "audio", "video", "none"};
constexpr const char* kVerify[] = {"none", "headers", "rotate", "all"};
constexpr const char* kBrowsers[] = {"chromium", "firefox"};
constexpr const char* kJitterShapes[] = {"uniform", "normal", "pareto"};
constexpr const char* kPacketKinds[] = {"stun", "dtls", "rtp", "rtcp", "other"};
constexpr const char* kPresets[] = {"clean", "edge", "3g", "4g", "wifi-bad", "satellite"};
constexpr const char* kPer[] = {"run", "actor", "stream"};
constexpr const char* kSeverity[] = {"fail", "warn"};

constexpr double kMostActors = 10'000;

constexpr Key kRoomKeys[] = {
    {"url", kText,
     "where the room is, with the scheme of its signaling; \"embedded\": in a room server that the "
     "run starts; {n} is the number of a counted room"},
    {"token", kText, "what the server wants to let in"},
    {"ca_file", kText, "a certificate authority to trust"},
    {"insecure", kFlag, "accept any certificate"},
    {"ice_servers", kTexts, "stun:HOST:PORT, turn:USER:PASSWORD@HOST:PORT?transport=udp|tcp"},
    {"count",
     kWhole,
     "so many rooms of this kind, NAME-1 and on; each has all its actors",
     nullptr,
     {},
     false,
     1,
     kMostActors},
};
constexpr Shape kRoom{"room", "a room, and how to get into it", kRoomKeys, nullptr, "url"};

constexpr Key kVideoKeys[] = {
    {"source", kChoice,
     "pattern: marked test pictures; screen: marked, like a shared screen; file: `file`; black; "
     "none",
     nullptr, kVideoSources},
    {"file", kTexts, "video files or still pictures; several are a playlist"},
    {"codec", kChoice, "what it is encoded with", nullptr, kVideoCodecs},
    {"size", kSize, "WIDTHxHEIGHT in pixels"},
    {"fps", kWhole, "frames each second", nullptr, {}, false, 1, kMostFps},
    {"bitrate",
     kBitRate,
     "what the encoder aims at",
     nullptr,
     {},
     false,
     kLeastBitrate,
     kMostBitrate},
    {"loop", kFlag, "begin a file anew at its end (true)"},
    {"at", kSeconds, "begin the first file there", nullptr, {}, false, 0, kMostAt},
};
constexpr Shape kVideo{"video", "pictures that an actor sends", kVideoKeys, nullptr, "source"};

constexpr Key kAudioKeys[] = {
    {"source", kChoice,
     "pattern: chirps; file: `file`; silence; dtmf: `digits`; say: `words`, by espeak-ng or flite; "
     "none",
     nullptr, kAudioSources},
    {"file", kTexts, "sound files; several are a playlist"},
    {"digits", kText, "0 to 9, *, #, A to D"},
    {"words", kText, "what is said"},
    {"codec", kChoice, "what it is encoded with", nullptr, kAudioCodecs},
    {"bitrate", kBitRate, "what the encoder aims at"},
    {"loop", kFlag, "begin a file anew at its end (true)"},
    {"at", kSeconds, "begin the first file there", nullptr, {}, false, 0, kMostAt},
};
constexpr Shape kAudio{"audio", "sound that an actor sends", kAudioKeys, nullptr, "source"};

constexpr Key kMediaKeys[] = {
    {"video", kObject, "pictures", &kVideo},
    {"audio", kObject, "sound", &kAudio},
};
constexpr Shape kMedia{"media", "what can be sent", kMediaKeys};

constexpr Key kBurstKeys[] = {
    {"p", kShare, "chance after a packet to turn bad"},
    {"r", kShare, "chance after a packet to turn good again"},
    {"good", kShare, "loss while it is good"},
    {"bad", kShare, "loss while it is bad"},
};
constexpr Shape kBurst{"burst", "loss in bursts (Gilbert-Elliott)", kBurstKeys};

constexpr Key kDirectionKeys[] = {
    {"rate", kBitRate, "the bottleneck"},
    {"trace", kText, "a file of the bottleneck's times, in mahimahi's format"},
    {"queue", kAmount, "before the bottleneck, as a time or as bytes"},
    {"delay", kSeconds, "one way", nullptr, {}, false, 0, 60},
    {"jitter", kSeconds, "how much the delay varies", nullptr, {}, false, 0, 60},
    {"jitter_shape", kChoice, "how it is distributed", nullptr, kJitterShapes},
    {"jitter_reorders", kFlag, "packets may overtake by jitter"},
    {"loss", kShare, "of packets, each by itself"},
    {"burst", kObject, "loss in bursts", &kBurst},
    {"loss_of", kChoices, "both kinds of loss concern only these packets", nullptr, kPacketKinds},
    {"reorder", kShare, "of packets that are held back"},
    {"reorder_by", kSeconds, "so long", nullptr, {}, false, 0, 60},
    {"duplicate", kShare, "of packets that come twice"},
    {"block", kChoices, "of these packets nothing passes", nullptr, kPacketKinds},
    {"blackout", kFlag, "nothing passes"},
};
constexpr Shape kDirection{"direction", "one direction of a path", kDirectionKeys};

constexpr Key kConditionKeys[] = {
    {"preset", kChoice, "a kind of network; the other keys change it", nullptr, kPresets},
    {"up", kObject, "what the actor sends", &kDirection},
    {"down", kObject, "what it receives", &kDirection},
};
constexpr Shape kConditions{"conditions", "both directions of a path; seen from the actor",
                            kConditionKeys, &kDirection};

constexpr Key kScheduledKeys[] = {
    {"at", kSeconds, "since the schedule began", nullptr, {}, true},
};
constexpr Shape kScheduled{"scheduled", "a change of the network, at a time", kScheduledKeys,
                           &kConditions};

constexpr Key kNetworkKeys[] = {
    {"seed", kWhole, "of its chances; without one the scenario's", nullptr, {}, false, 0},
    {"schedule", kList, "what changes by itself, and when", &kScheduled},
};
constexpr Shape kNetwork{"network", "the path between an actor and the call", kNetworkKeys,
                         &kConditions, "preset"};

constexpr Key kActorKeys[] = {
    {"count", kWhole, "so many of it, ROLE-1 and on (1)", nullptr, {}, false, 1, kMostActors},
    {"name", kText,
     "its name in the call, with its number where there are several; the role without one"},
    {"room", kText, "a name in `rooms`; the only room without one"},
    {"url", kText, "instead of the room's"},
    {"token", kText, "instead of the room's"},
    {"send", kText, "a name in `media`; nothing without one, or \"none\""},
    {"receive", kChoice, "what it asks for (all)", nullptr, kReceive},
    {"verify", kChoice,
     "how closely it looks: none; headers: RTP alone (usual); rotate: decodes one stream after the "
     "other; all: decodes every stream",
     nullptr, kVerify},
    {"verify_window",
     kSeconds,
     "rotate: so long on each stream (3s)",
     nullptr,
     {},
     false,
     0.5,
     3600},
    {"playout_latency",
     kSeconds,
     "of the modelled playout that freezes and delays are counted at (--playout-latency, or 0)",
     nullptr,
     {},
     false,
     0,
     kMostPlayoutLatency},
    {"network", kObject, "a name in `networks`, a preset, or conditions of its own", &kNetwork},
    {"browser", kChoice, "a real browser on the room server's page", nullptr, kBrowsers},
    {"elsewhere", kFlag,
     "another program plays it, on another host maybe: `callbot send` with its name and its seed"},
    {"seed",
     kWhole,
     "elsewhere: as callbot send --seed (1); another than the numbers of the others",
     nullptr,
     {},
     false,
     1,
     32767},
    {"echo", kText, "elsewhere: it sends back what this actor sends (`callbot send --echo`)"},
    {"optional", kFlag, "that it does not get in fails nothing"},
};
constexpr Shape kActor{"actor", "somebody in a call", kActorKeys};

constexpr Key kStageKeys[] = {
    {"who", kText, "a role of `actors`", nullptr, {}, true},
    {"for", kSeconds, "how long the stage lasts", nullptr, {}, true},
    {"to", kWhole, "so many of them are in the call at its end", nullptr, {}, true, 0, kMostActors},
    {"join_rate",
     kNumber,
     "joins each second at most; evenly over the stage without one",
     nullptr,
     {},
     false,
     0.01,
     1000},
};
constexpr Shape kStage{"stage", "a stage of the load", kStageKeys};

constexpr Key kLoadKeys[] = {
    {"stages", kList, "one after the other, beside the steps", &kStage, {}, true},
    {"join_rate", kNumber, "of stages that say none", nullptr, {}, false, 0.01, 1000},
};
constexpr Shape kLoad{"load", "actors that come and go in numbers", kLoadKeys};

constexpr Key kTimelineKeys[] = {
    {"between", kMoments, "from a mark, or a time since the steps began, to another"},
    {"after", kMoment, "from there to the end"},
    {"before", kMoment, "from the beginning to there"},
    {"who", kText, "who looks (*)"},
    {"must_see", kTexts, "actors whose picture is there all the time"},
    {"must_hear", kTexts, "actors whose sound is there all the time"},
    {"may_see", kTexts, "actors who may be seen; matters where the row is closed"},
    {"may_hear", kTexts, "actors who may be heard; matters where the row is closed"},
    {"must_not_see", kTexts, "actors of whom no picture may come"},
    {"must_not_hear", kTexts, "actors of whom no sound may come"},
    {"closed", kFlag, "whom the row does not name must be neither seen nor heard"},
    {"grace",
     kSeconds,
     "so long after its begin and before its end nothing is wrong, and so long may be missing (1s)",
     nullptr,
     {},
     false,
     0,
     3600},
    {"name", kText, "for reports"},
};
constexpr Shape kTimeline{"timeline", "who is to be seen and heard by whom, and when",
                          kTimelineKeys};

constexpr Key kThresholdKeys[] = {
    {"metric", kMetric, "a name of the metric table", nullptr, {}, true},
    {"stat", kStat, "which number of its samples", nullptr, {}, true},
    {"op", kChoice, "how it compares", nullptr, kOperators, true},
    {"value", kQuantity, "with, in the metric's unit: 400ms, 10%, 300 kbit/s", nullptr, {}, true},
    {"per", kChoice, "of all samples together, of each actor's, or of each stream's (run)", nullptr,
     kPer},
    {"between", kMoments, "from a mark, or a time since the steps began, to another"},
    {"after", kMoment, "from there to the end"},
    {"before", kMoment, "from the beginning to there"},
    {"who", kText, "who measured: a role, an instance, or a pattern; each of them has to"},
    {"from", kText, "whose streams: a role, an instance, or a pattern; each of them has to"},
    {"stream", kChoice, "which of their streams", nullptr, kStreams},
    {"quorum", kShare,
     "of actors or streams for which it has to hold; of the run: measured (100%)"},
    {"samples", kWhole, "with fewer it is unmeasured (1)", nullptr, {}, false, 1},
    {"severity", kChoice, "what it is if it does not hold (fail)", nullptr, kSeverity},
    {"abort", kFlag, "end the run as soon as it does not hold"},
    {"delay", kSeconds, "abort: not before so long in its window", nullptr, {}, false, 0},
    {"name", kText, "for reports"},
};
constexpr Shape kThreshold{"threshold", "what a measured number has to be", kThresholdKeys};

constexpr const char* kKeep[] = {"failures", "everything"};
constexpr Key kReportKeys[] = {
    {"junit", kText, "file for JUnit XML"},
    {"json", kText, "file for JSON (callbot test --schema=run)"},
    {"html", kText, "file for one HTML page"},
    {"bundle", kText, "folder for what is kept of a run that does not pass"},
    {"keep", kChoice,
     "in the bundle: the seconds around failures, or everything received (failures)", nullptr,
     kKeep},
    {"metrics", kText, "address for Prometheus while it runs: \":9100\""},
};
constexpr Shape kReport{"report", "where the reports go; flags go before it", kReportKeys};

constexpr const char* kUnmeasured[] = {"fail", "warn"};
constexpr const char* kSignaling[] = {"joined",  "left", "muted",       "unmuted",
                                      "message", "file", "interrupted", "reconnected"};
constexpr Key kScenarioKeys[] = {
    {"callbot", kWhole, "version of this format: 1", nullptr, {}, true, 1, 1},
    {"name", kText, "of the test", nullptr, {}, true},
    {"description", kText, "what it is for"},
    {"seed", kWhole, "of everything that is random (1)", nullptr, {}, false, 0},
    {"vars", kValues,
     "what ${NAME} is where neither --var, the CSV's row nor the environment says it"},
    {"url", kText, "of the only room; instead of `rooms`"},
    {"token", kText, "of the only room; instead of `rooms`"},
    {"rooms", kMap, "rooms by name", &kRoom},
    {"media", kMap, "what can be sent, by name", &kMedia},
    {"networks", kMap, "kinds of network, by name", &kNetwork},
    {"actors", kMap, "who takes part, by role", &kActor, {}, true},
    {"load", kObject, "actors in numbers", &kLoad},
    {"steps", kSteps, "what happens, one after the other", nullptr, {}, true},
    {"timeline", kList, "who is to be seen and heard by whom", &kTimeline},
    {"thresholds", kList, "what has to hold", &kThreshold},
    {"unmeasured", kChoice, "what is unmeasured: fails the run, or only warns (fail)", nullptr,
     kUnmeasured},
    {"optional", kChoices, "signaling that no step brings about, and that fails nothing", nullptr,
     kSignaling},
    {"timeout", kSeconds, "of the whole run", nullptr, {}, false, 0},
    {"report", kObject, "where the reports go", &kReport},
};
constexpr Shape kScenario{"scenario", "a call test", kScenarioKeys, nullptr, nullptr, true};

}  // namespace

const Shape& network_shape() { return kNetwork; }
const Shape& scenario_shape() { return kScenario; }

const Key* Shape::find(std::string_view key) const {
  for (const Key& row : keys) {
    if (key == row.name) return &row;
  }
  return common == nullptr ? nullptr : common->find(key);
}

std::vector<std::string_view> Shape::names() const {
  std::vector<std::string_view> out;
  for (const Key& row : keys) out.emplace_back(row.name);
  if (common == nullptr) return out;
  for (const std::string_view name : common->names()) out.push_back(name);
  return out;
}

std::vector<const Shape*> all_shapes() {
  std::vector<const Shape*> out;
  const auto add = [&](auto&& self, const Shape* shape) -> void {
    for (const Shape* known : out) {
      if (known == shape) return;
    }
    out.push_back(shape);
    if (shape->common != nullptr) self(self, shape->common);
    for (const Key& key : shape->keys) {
      if (key.shape != nullptr) self(self, key.shape);
    }
  };
  add(add, &kScenario);
  for (const StepShape& step : step_shapes()) add(add, step.shape);
  return out;
}

}  // namespace callbot::scenarios
