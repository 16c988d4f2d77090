#include "bot/scenario_mistakes.h"

#include <fmt/core.h>
#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/gref.h"
#include "base/picture_limits.h"
#include "bot/scenario_network.h"
#include "bot/scenario_page_limits.h"
#include "bot/scenario_room_limits.h"
#include "feeds/input_file.h"

namespace callbot::bot {
namespace {

using scenarios::Actor;
using scenarios::Instance;
using scenarios::Media;
using scenarios::Step;
using scenarios::StepKind;

bool is_drawn(const scenarios::Video& video) {
  return video.source == "pattern" || video.source == "screen";
}

bool reads_standard_input(const Media& media) {
  const auto is = [](const auto& track) {
    return track.source == "file" && std::count(track.files.begin(), track.files.end(), "-") > 0;
  };
  return is(media.video) || is(media.audio);
}

// Why nobody can read it; empty: somebody can.
std::string unreadable(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path + ": is a folder";
  if (access(path.c_str(), R_OK) == 0) return "";
  return fmt::format("cannot read {}: {}", path, strerror(errno));
}

std::string no_media(const std::string& path) {
  if (path == "-") return "";
  if (std::string why = unreadable(path); !why.empty()) return why;
  std::error_code ignored;
  // What comes through a pipe comes once.
  if (!fs::is_regular_file(path, ignored)) return "";
  const auto file = feeds::InputFile::open(path);
  return file ? "" : file.error().message;
}

std::string no_program(const std::string& name) {
  const Text path(g_find_program_in_path(name.c_str()));
  return path ? "" : name + ": no such program";
}

class Mistakes {
 public:
  explicit Mistakes(const scenarios::Scenario& scenario)
      : s_(scenario), instances_(scenarios::instances(scenario)) {}

  std::vector<scenarios::Mistake> all() {
    for (const scenarios::Room& room : s_.rooms) {
      if (room.url != scenarios::kEmbedded && room.url.find("://") == std::string::npos)
        say(path_of(path_of("rooms", room.name), "url"),
            fmt::format("\"{}\": expected embedded, or a URL such as wss://HOST/rooms/NAME",
                        room.url));
      if (!room.ca_file.empty())
        say(path_of(path_of("rooms", room.name), "ca_file"), unreadable(room.ca_file));
    }
    for (const Media& media : s_.media) this->media(media);
    for (scenarios::Mistake& mistake : network_mistakes(s_)) all_.push_back(std::move(mistake));
    for (scenarios::Mistake& mistake : room_mistakes(s_)) all_.push_back(std::move(mistake));
    for (const Actor& actor : s_.actors) {
      if (actor.browser.empty()) continue;
      for (scenarios::Mistake& mistake : page_mistakes(s_, actor))
        all_.push_back(std::move(mistake));
    }
    standard_input();
    for (const Step& step : s_.steps) this->step(step);
    return std::move(all_);
  }

 private:
  void say(const std::string& path, const std::string& what) {
    if (!what.empty()) all_.push_back(scenarios::mistake_at(s_, path, what));
  }

  // Somebody here sends it; what another program sends lies elsewhere.
  bool is_ours(const Media& media) const {
    const auto step = [&](const Step& one) { return one.media == media.name; };
    const auto actor = [&](const Actor& one) { return !one.elsewhere && one.send == media.name; };
    return std::any_of(s_.steps.begin(), s_.steps.end(), step) ||
           std::any_of(s_.actors.begin(), s_.actors.end(), actor);
  }

  void media(const Media& media) {
    const std::string path = path_of("media", media.name);
    const std::string video = path_of(path, "video"), audio = path_of(path, "audio");
    if (is_drawn(media.video)) size(video, media.video.width, media.video.height);
    if (!is_ours(media)) return;
    if (media.video.source == "file") files(video, media.video.files);
    if (media.audio.source == "file") files(audio, media.audio.files);
  }

  void files(const std::string& track, const std::vector<std::string>& names) {
    const std::string path = path_of(track, "file");
    for (size_t i = 0; i < names.size(); ++i)
      say(names.size() > 1 ? path_of(path, i) : path, no_media(names[i]));
  }

  void size(const std::string& path, int width, int height) {
    if (width >= kNarrowestPicture && width <= kWidestPicture && height >= kLowestPicture &&
        height <= kHighestPicture)
      return;
    say(path_of(path, "size"),
        fmt::format("{}x{}: expected {}x{} to {}x{} of a pattern or a screen", width, height,
                    kNarrowestPicture, kLowestPicture, kWidestPicture, kHighestPicture));
  }

  // One alone can have it.
  void standard_input() {
    const Actor* first = nullptr;
    for (const Instance& who : instances_) {
      const Media* media = s_.media_named(who.actor->send);
      if (media == nullptr || who.actor->elsewhere || !reads_standard_input(*media)) continue;
      if (first != nullptr)
        say(path_of(path_of("actors", who.actor->role), "send"),
            fmt::format("{} reads standard input as {} does: expected one actor", who.name,
                        first->role));
      first = who.actor;
    }
  }

  void step(const Step& step) {
    const std::string path = path_of("steps", step.index);
    if (step.kind == StepKind::kSwitch) switches(step, path);
    // What a program makes is not there yet.
    if (step.kind == StepKind::kFile && !ran_) say(path_of(path, "path"), unreadable(step.path));
    if (step.kind != StepKind::kRun) return;
    if (!ran_ && !step.program.empty()) say(path_of(path, "run"), no_program(step.program[0]));
    ran_ = true;
  }

  void switches(const Step& step, const std::string& path) {
    if (step.width) size(path, *step.width, *step.height);
    for (const Instance& who : instances_) {
      if (!scenarios::matches(step.who, who.actor->role, who.name)) continue;
      if (who.actor->elsewhere || !who.actor->browser.empty()) continue;
      const std::string why = not_switched(step, who);
      if (why.empty()) continue;
      return say(path_of(path, "who"), fmt::format("{} {}", who.name, why));
    }
  }

  // What somebody sends once this step was taken; null: nothing.
  const Media* sent_after(const Step& step, const Instance& who) const {
    const Media* media = s_.media_named(who.actor->send);
    for (const Step& one : s_.steps) {
      if (one.index > step.index || media == nullptr) break;
      const bool his = scenarios::matches(one.who, who.actor->role, who.name);
      if (one.kind == StepKind::kSwitch && his && !one.media.empty())
        media = s_.media_named(one.media);
    }
    return media;
  }

  // Empty: he can.
  std::string not_switched(const Step& step, const Instance& who) const {
    const Media* media = sent_after(step, who);
    if (media == nullptr) return "sends nothing that could be switched";
    if (!step.codec.empty() && media->video.source == "none")
      return "sends no picture that could change its codec";
    if (!step.codec.empty() && reads_standard_input(*media))
      return "sends standard input, whose codec cannot change";
    const bool look = step.width || step.fps || step.bitrate;
    return look && !is_drawn(media->video)
               ? "sends no pattern whose size, frame rate or bit rate could change"
               : "";
  }

  const scenarios::Scenario& s_;
  const std::vector<Instance> instances_;
  std::vector<scenarios::Mistake> all_;
  bool ran_ = false;  // a step before that runs a program
};

}  // namespace

std::vector<scenarios::Mistake> mistakes_of(const scenarios::Scenario& scenario) {
  return Mistakes(scenario).all();
}

Result<> can_run(const scenarios::Scenario& scenario) {
  return scenarios::no_mistakes(mistakes_of(scenario), scenario.file);
}

}  // namespace callbot::bot
