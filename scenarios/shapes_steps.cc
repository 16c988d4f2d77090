// The table of keys, second part: steps and what can be expected.
#include "base/picture_limits.h"
#include "scenarios/shape_rows.h"
#include "scenarios/shapes.h"

namespace callbot::scenarios {
namespace {

using enum KeyKind;

constexpr const char* kMutable[] = {"audio", "video"};
// In the order of expectations().
constexpr const char* kExpected[] = {"joined", "first-frame", "first-sound", "seen",    "heard",
                                     "unseen", "silence",     "muted",       "unmuted", "left",
                                     "size",   "codec",       "message",     "file",    "metric"};

constexpr Key kStepKeys[] = {
    {"name", kText, "for reports"},
    {"at", kSeconds, "not before so long since the first step"},
    {"optional", kFlag, "that it fails matters not"},
};
constexpr Shape kStep{"step", "what every step takes", kStepKeys};

constexpr const char* kDo[] = {
    "join",   "leave",        "crash",          "mute",    "unmute",  "camera-off", "camera-on",
    "switch", "share-screen", "unshare-screen", "network", "message", "file"};
constexpr Key kWhoKeys[] = {
    {"do", kChoice, "what is done", nullptr, kDo, true},
    {"who", kText, "actors: a role, an instance (bob-2), or a pattern (*)", nullptr, {}, true},
    {"timeout", kSeconds, "it has to be done by then (10s)", nullptr, {}, false, 0},
};
constexpr Shape kWho{"step_who", "a step that actors take", kWhoKeys, &kStep};

constexpr Shape kJoin{"join", "gets into its room; done when connected", {}, &kWho};
constexpr Shape kLeave{"leave", "says goodbye and goes", {}, &kWho};
constexpr Shape kCrash{"crash", "vanishes without a goodbye", {}, &kWho};

constexpr Key kWhatKeys[] = {
    {"what", kChoice, "its sound or its picture (audio)", nullptr, kMutable}};
constexpr Shape kMute{"mute", "sends nothing of it, and says so", kWhatKeys, &kWho};
constexpr Shape kUnmute{"unmute", "sends it again", kWhatKeys, &kWho};
constexpr Shape kCameraOff{"camera_off", "ends its camera's track", {}, &kWho};
constexpr Shape kCameraOn{"camera_on", "sends its camera again", {}, &kWho};

constexpr Key kSwitchKeys[] = {
    {"media", kText, "a name in `media`: another source"},
    {"codec", kChoice, "another codec of the picture", nullptr, kVideoCodecs},
    {"size", kSize, "another size of the picture"},
    {"fps", kWhole, "another frame rate", nullptr, {}, false, 1, kMostFps},
    {"bitrate",
     kBitRate,
     "another bit rate of the picture",
     nullptr,
     {},
     false,
     kLeastBitrate,
     kMostBitrate},
};
constexpr Shape kSwitch{"switch", "changes what it sends while it sends", kSwitchKeys, &kWho};
constexpr Key kShareScreenKeys[] = {
    {"media", kText, "a name in `media`; a marked screen without one"},
};
constexpr Shape kShareScreen{"share_screen", "sends a screen beside its camera", kShareScreenKeys,
                             &kWho};
constexpr Shape kUnshareScreen{"unshare_screen", "ends its screen", {}, &kWho};

constexpr Key kNetworkKeys[] = {
    {"set",
     kObject,
     "a name in `networks`, a preset (\"clean\"), or conditions of its own",
     nullptr,
     {},
     true},
    {"verify", kFlag,
     "prove that the call goes that way and that it shows; else the run is invalid"},
};
constexpr Key kMessageKeys[] = {
    {"text", kText, "what it says", nullptr, {}, true},
    {"to", kText, "whom; everybody without one"},
};
constexpr Shape kMessage{"message", "sends a text over the data channel", kMessageKeys, &kWho};
constexpr Key kFileKeys[] = {
    {"path", kText, "the file", nullptr, {}, true},
    {"to", kText, "whom; everybody without one"},
};
constexpr Shape kFile{"file", "sends a file over the data channel", kFileKeys, &kWho};

constexpr Key kWaitKeys[] = {{"wait", kSeconds, "so long", nullptr, {}, true, 0}};
constexpr Shape kWait{"wait", "nothing happens for so long", kWaitKeys, &kStep};
constexpr Key kMarkKeys[] = {
    {"mark", kText, "a name for this moment, for thresholds and the timeline", nullptr, {}, true}};
constexpr Shape kMark{"mark", "gives this moment a name", kMarkKeys, &kStep};

constexpr Key kExpectKeys[] = {
    {"expect", kChoice, "what has to come true", nullptr, kExpected, true},
    {"who",
     kText,
     "actors, each of them: a role, an instance (bob-2), or a pattern (*)",
     nullptr,
     {},
     true},
    {"from", kText, "whose picture, sound, message: a role, an instance, or a pattern"},
    {"stream", kChoice, "which of their streams; of muted and unmuted: camera or microphone (that)",
     nullptr, kStreams},
    {"within", kSeconds, "it has to begin to be so by then (10s)", nullptr, {}, false, 0},
    {"for", kSeconds, "and then to stay so for so long", nullptr, {}, false, 0},
    {"grace",
     kSeconds,
     "of unseen and silence: so long it may still come (500ms)",
     nullptr,
     {},
     false,
     0},
    {"size", kSize, "of expect: size"},
    {"codec", kChoice, "of expect: codec", nullptr, kCodecs},
    {"text", kText, "of expect: message; any without one"},
    {"metric", kMetric, "of expect: metric; over `for`, or since this step began"},
    {"stat", kStat, "of expect: metric"},
    {"op", kChoice, "of expect: metric", nullptr, kOperators},
    {"value", kQuantity, "of expect: metric"},
};
constexpr Shape kExpect{"expect", "waits until something is so; fails where it never is",
                        kExpectKeys, &kStep};

constexpr Key kRunKeys[] = {
    {"run",
     kTexts,
     "a program and its arguments; a single text is a program without any",
     nullptr,
     {},
     true},
    {"timeout", kSeconds, "it has to end by then (10s)", nullptr, {}, false, 0},
    {"exit_status", kWhole, "that it has to end with (0)", nullptr, {}, false, 0, 255},
};
constexpr Shape kRun{"run", "runs a program; no shell", kRunKeys, &kStep};

}  // namespace

std::span<const StepShape> step_shapes() {
  // The shape of conditions lies in another file, whose address no constant here may hold.
  static std::vector<Key> network_keys = [] {
    std::vector<Key> keys(std::begin(kNetworkKeys), std::end(kNetworkKeys));
    keys[0].shape = &network_shape();  // "set"
    return keys;
  }();
  static const Shape network{"network_step", "changes the actors' network", network_keys, &kWho};
  static const StepShape rows[] = {
      {StepKind::kJoin, "do", "join", &kJoin},
      {StepKind::kLeave, "do", "leave", &kLeave},
      {StepKind::kCrash, "do", "crash", &kCrash},
      {StepKind::kMute, "do", "mute", &kMute},
      {StepKind::kUnmute, "do", "unmute", &kUnmute},
      {StepKind::kCameraOff, "do", "camera-off", &kCameraOff},
      {StepKind::kCameraOn, "do", "camera-on", &kCameraOn},
      {StepKind::kSwitch, "do", "switch", &kSwitch},
      {StepKind::kShareScreen, "do", "share-screen", &kShareScreen},
      {StepKind::kUnshareScreen, "do", "unshare-screen", &kUnshareScreen},
      {StepKind::kNetwork, "do", "network", &network},
      {StepKind::kMessage, "do", "message", &kMessage},
      {StepKind::kFile, "do", "file", &kFile},
      {StepKind::kWait, "wait", nullptr, &kWait},
      {StepKind::kMark, "mark", nullptr, &kMark},
      {StepKind::kExpect, "expect", nullptr, &kExpect},
      {StepKind::kRun, "run", nullptr, &kRun},
  };
  return rows;
}

std::span<const Expectation> expectations() {
  static const Expectation rows[] = {
      {"joined", "is in the room and connected to everybody in it", {}, {"within", "for"}},
      {"first-frame", "has decoded a picture of `from`", {"from"}, {"stream", "within"}, true},
      {"first-sound", "has heard something of `from`", {"from"}, {"stream", "within"}, true},
      {"seen",
       "reads the marks of `from` in its pictures, and no others",
       {"from"},
       {"stream", "within", "for"},
       true},
      {"heard",
       "hears sound of `from`, and nobody else's chirps in it",
       {"from"},
       {"stream", "within", "for"},
       true},
      {"unseen", "reads no mark of `from`", {"from", "for"}, {"stream", "grace"}, true},
      {"silence", "hears nothing of `from`", {"from", "for"}, {"stream", "grace"}, true},
      {"muted", "is told that `from` is muted", {"from"}, {"stream", "within"}},
      {"unmuted", "is told that `from` is not muted", {"from"}, {"stream", "within"}},
      {"left", "is told that `from` is gone", {"from"}, {"within"}},
      {"size",
       "receives pictures of this size from `from`",
       {"from", "size"},
       {"stream", "within", "for"}},
      {"codec", "receives this codec from `from`", {"from", "codec"}, {"stream", "within", "for"}},
      {"message",
       "receives a message from `from`, with this text where there is one",
       {"from"},
       {"text", "within"}},
      {"file", "receives a file from `from`, whole", {"from"}, {"within"}},
      {"metric",
       "what is measured is so",
       {"metric", "stat", "op", "value"},
       {"from", "stream", "within", "for"}},
  };
  return rows;
}

const Expectation* find_expectation(std::string_view name) {
  for (const Expectation& row : expectations()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

}  // namespace callbot::scenarios
