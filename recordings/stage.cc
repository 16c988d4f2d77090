#include "recordings/stage.h"

#include <algorithm>

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kOpenEarlyNs = kSecond / 2;
// Matroska keeps whole milliseconds: half of one is no delay.
constexpr int64_t kRoundingNs = 500'000;
// A camera that gave nothing for so long is shown as off; a screen may stand still.
constexpr int64_t kCameraStaleNs = 3 * kSecond;
constexpr int64_t kScreenStaleNs = 10 * kSecond;
// The same for a lane of which nothing comes any more.
constexpr int64_t kCameraEndedNs = kSecond / 2;
constexpr int64_t kScreenEndedNs = 2 * kSecond;

const TimeSpan* span_at(const std::vector<TimeSpan>& spans, int64_t time_ns) {
  for (const TimeSpan& s : spans) {
    if (time_ns >= s.from_ns && time_ns < s.to_ns) return &s;
  }
  return nullptr;
}

bool is_there(const TimelineParticipant& p, int64_t time_ns) {
  if (p.recorder || span_at(p.refused, time_ns) != nullptr) return false;
  const TimeSpan whole = p.whole();
  if (p.present.empty()) return time_ns >= whole.from_ns && time_ns < whole.to_ns;
  return span_at(p.present, time_ns) != nullptr;
}

}  // namespace

Stage::Stage(std::filesystem::path folder, const Timeline& timeline, int threads)
    : folder_(std::move(folder)), threads_(threads) {
  uint64_t id = 0;
  for (const TimelineParticipant& p : timeline.participants) {
    Member member{.facts = &p, .camera = {}, .screen = {}};
    for (const TimelinePiece& piece : p.video.pieces)
      (piece.source == "screen" ? member.screen : member.camera).pieces.push_back(piece);
    member.camera.id = ++id;
    member.screen.id = ++id;
    members_.push_back(std::move(member));
  }
}

Result<Stage::Seen> Stage::look(Lane& lane, int64_t time_ns) {
  if (lane.pieces.empty() || time_ns < lane.pieces.front().offset_ns - kOpenEarlyNs) return Seen{};
  if (!lane.player) lane.player = std::make_unique<PictureLane>(folder_, lane.pieces, threads_);
  if (auto advanced = lane.player->advance(time_ns + kRoundingNs); !advanced)
    return tl::unexpected(advanced.error());
  if (lane.player->picture() == nullptr) return Seen{};
  return Seen{&lane, time_ns - lane.player->picture()->time_ns};
}

Result<> Stage::add_roles(Member& member, size_t index, int64_t time_ns, std::vector<Role>& out) {
  const TimelineParticipant& p = *member.facts;
  // Also of one that is not there now: what was decoded ahead is not to pile up behind the time.
  auto camera = look(member.camera, time_ns);
  if (!camera) return tl::unexpected(camera.error());
  auto screen = look(member.screen, time_ns);
  if (!screen) return tl::unexpected(screen.error());
  if (!is_there(p, time_ns)) return {};
  const TimeSpan* on = span_at(p.video.on, time_ns);
  if (span_at(p.paused, time_ns) != nullptr) on = nullptr;
  const auto fresh = [&](const Seen& seen, bool as_screen) {
    if (on == nullptr || seen.lane == nullptr) return false;
    const bool ended = seen.lane->player->ended();
    return seen.age_ns <= (as_screen ? (ended ? kScreenEndedNs : kScreenStaleNs)
                                     : (ended ? kCameraEndedNs : kCameraStaleNs));
  };
  const bool screen_fresh = fresh(*screen, true);
  // What the member says of its only picture is newer than what its track once said.
  const bool said_screen = on != nullptr && on->source == "screen";
  const bool said_camera = on != nullptr && on->source == "camera";
  const bool camera_is_screen = said_screen && !screen_fresh;
  const bool camera_fresh = fresh(*camera, camera_is_screen);
  const bool screen_is_camera = screen_fresh && said_camera && !camera_fresh;

  Role person{.member = index};
  Role shared{.member = index, .screen = true};
  const auto show = [](Role& role, const Seen& seen) {
    role.picture = seen.lane->player->picture();
    role.lane = seen.lane->id;
    role.number = seen.lane->player->number();
  };
  if (camera_fresh) show(camera_is_screen ? shared : person, *camera);
  if (screen_fresh) show(screen_is_camera ? person : shared, *screen);
  out.push_back(person);
  if (shared.picture != nullptr) out.push_back(shared);
  return {};
}

Result<std::vector<Role>> Stage::at(int64_t time_ns) {
  std::vector<Role> roles;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (auto added = add_roles(members_[i], i, time_ns, roles); !added)
      return tl::unexpected(added.error());
  }
  return roles;
}

std::vector<std::string> Stage::notes() const {
  std::vector<std::string> all;
  for (const Member& m : members_) {
    for (const Lane* lane : {&m.camera, &m.screen}) {
      if (!lane->player || !lane->player->ended()) continue;
      for (const std::string& note : lane->player->notes()) {
        if (std::find(all.begin(), all.end(), note) == all.end()) all.push_back(note);
      }
    }
  }
  return all;
}

}  // namespace callbot::recordings
