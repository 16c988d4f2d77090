#include "bot/scenario_page_limits.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <set>

namespace callbot::bot {
namespace {

using scenarios::Step;
using scenarios::StepKind;

// Its devices play one file each, again and again.
bool is_played(const auto& track, std::initializer_list<const char*> kinds) {
  if (track.source == "pattern" || track.source == "none") return true;
  const bool all_of_it = track.files.size() == 1 && track.loop && track.at == 0;
  if (track.source != "file" || !all_of_it) return false;
  const std::string kind = fs::path(track.files[0]).extension();
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

// The key of a step that asks too much, and why; none: it can be taken.
struct NotTaken {
  const char* key = nullptr;
  std::string why;
};
NotTaken not_taken(const Step& step, const scenarios::Actor& actor, bool has_camera, bool shares) {
  if (step.kind == StepKind::kSwitch)
    return {"do", fmt::format("{}: not for a browser", name_of(step.kind))};
  if (step.kind == StepKind::kShareScreen || step.kind == StepKind::kUnshareScreen) {
    if (actor.browser == "firefox")
      return {"do",
              fmt::format("{}: a Firefox without a window has no screen to share; Chromium has",
                          name_of(step.kind))};
    if (!has_camera)
      return {"do", fmt::format("{}: a browser shares it in its camera's place, and has no camera",
                                name_of(step.kind))};
    if (!step.media.empty()) return {"media", "a browser shares a screen of its own"};
  }
  const bool camera =
      step.kind == StepKind::kCameraOff || step.kind == StepKind::kCameraOn ||
      ((step.kind == StepKind::kMute || step.kind == StepKind::kUnmute) && step.what == "video");
  if (camera && shares)
    return {"do",
            fmt::format("{}: a browser's screen is in its camera's place until unshare-screen",
                        name_of(step.kind))};
  const bool post = step.kind == StepKind::kMessage || step.kind == StepKind::kFile;
  if (post && !step.to.empty()) return {"to", "a browser writes to everybody"};
  return {};
}

bool has_network(const scenarios::Scenario& scenario, const scenarios::Actor& actor) {
  const auto all = scenarios::instances(scenario);
  return actor.network ||
         std::any_of(scenario.steps.begin(), scenario.steps.end(), [&](const Step& step) {
           return step.network && std::any_of(all.begin(), all.end(), [&](const auto& one) {
                    return one.actor == &actor &&
                           scenarios::matches(step.who, actor.role, one.name);
                  });
         });
}

// What a browser exchanges can be impaired only where the bots of its room send and receive it.
std::string no_line(const scenarios::Scenario& scenario, const scenarios::Actor& actor) {
  if (!has_network(scenario, actor)) return "";
  const auto all = scenarios::instances(scenario);
  const auto meets = [&](const scenarios::Actor& other) {
    return std::any_of(all.begin(), all.end(), [&](const auto& one) {
      return one.actor == &actor && std::any_of(all.begin(), all.end(), [&](const auto& two) {
               return two.actor == &other && two.name != one.name && in_one_room(one, two);
             });
    });
  };
  for (const scenarios::Actor& other : scenario.actors) {
    if (!meets(other)) continue;
    if (!other.browser.empty() || other.elsewhere)
      return fmt::format(
          "a browser has a network only among bots: what it exchanges with {} goes its own way",
          other.role);
    if (has_network(scenario, other))
      return fmt::format("a browser has a network only where bots have none: {} has one",
                         other.role);
  }
  return "";
}

}  // namespace

std::optional<PagePlace> page_place_of(const std::string& url) {
  constexpr std::string_view kRooms = "/rooms/";
  const size_t at = url.find(kRooms);
  if (!url.starts_with("ws") || at == std::string::npos) return std::nullopt;
  return PagePlace{"http" + url.substr(2, at - 2), url.substr(at + kRooms.size())};
}

namespace {

using Say = std::function<void(const std::string& path, const std::string& what)>;

void look_at_steps(const scenarios::Scenario& scenario, const scenarios::Actor& actor,
                   const Say& say) {
  const auto* sent = scenario.media_named(actor.send);
  const bool has_camera = sent != nullptr && sent->video.source != "none";
  std::set<std::string> sharing;  // its instances, before the step
  auto own = scenarios::instances(scenario);
  std::erase_if(own, [&](const scenarios::Instance& one) { return one.actor != &actor; });
  for (const Step& step : scenario.steps) {
    NotTaken wrong;
    for (const scenarios::Instance& one : own) {
      if (!scenarios::matches(step.who, actor.role, one.name)) continue;
      if (wrong.key == nullptr)
        wrong = not_taken(step, actor, has_camera, sharing.count(one.name) > 0);
      if (step.kind == StepKind::kShareScreen) sharing.insert(one.name);
      if (step.kind == StepKind::kUnshareScreen || step.kind == StepKind::kLeave ||
          step.kind == StepKind::kCrash)
        sharing.erase(one.name);
    }
    if (wrong.key != nullptr)
      say(path_of(path_of("steps", step.index), wrong.key),
          fmt::format("{} ({} is one)", wrong.why, actor.role));
  }
}

}  // namespace

std::vector<scenarios::Mistake> page_mistakes(const scenarios::Scenario& scenario,
                                              const scenarios::Actor& actor) {
  std::vector<scenarios::Mistake> all;
  const auto say = [&](const std::string& path, const std::string& what) {
    all.push_back(scenarios::mistake_at(scenario, path, what));
  };
  const std::string path = path_of("actors", actor.role);
  const scenarios::Room* room = scenario.room(actor.room);
  const std::string& url = actor.url.empty() && room != nullptr ? room->url : actor.url;
  if (url != scenarios::kEmbedded && !page_place_of(url))
    say(path_of(path, actor.url.empty() ? "browser" : "url"),
        "a browser joins rooms of callbot serve (ws://HOST/rooms/NAME)");
  if (room != nullptr && !room->ca_file.empty())
    say(path_of(path, "browser"),
        "its room has a ca_file, which a browser takes not; insecure does");
  if (actor.receive != "all") say(path_of(path, "receive"), "a browser receives all");
  if (const std::string why = no_line(scenario, actor); !why.empty())
    say(actor.network ? path_of(path, "network") : path_of(path, "browser"), why);
  if (const auto* media = scenario.media_named(actor.send)) {
    if (!is_played(media->video, {".y4m", ".mjpeg"}))
      say(path_of(path, "send"),
          "video of a browser is the pattern or one .y4m or .mjpeg file that repeats, from its "
          "beginning");
    if (!is_played(media->audio, {".wav"}))
      say(path_of(path, "send"),
          "audio of a browser is the pattern or one .wav file that repeats, from its beginning");
  }
  look_at_steps(scenario, actor, say);
  return all;
}

}  // namespace callbot::bot
