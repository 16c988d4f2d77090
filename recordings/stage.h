// recordings/stage.h: who is on stage at each moment of a recording, and what is to be seen of
// them.
//
// A member that is there has a place: its camera's newest picture, or none where the camera is off,
// paused, or gives nothing any more. A shared screen has a place of its own beside it. Other
// recorders and members that asked not to be recorded have none.
//
// Lanes are opened when their time comes; memory does not grow with the recording.
//
// Thread:  one; every open lane decodes on a thread of its own.
// Owner:   compose().
// Fails:   at(): as PictureLane.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "recordings/picture_lane.h"
#include "recordings/timeline.h"

namespace callbot::recordings {

struct Role {
  size_t member = 0;  // of timeline.participants
  bool screen = false;
  const LanePicture* picture = nullptr;  // null: a still; lasts until the next at()
  uint64_t lane = 0, number = 0;         // together another one for every picture
};

class Stage {
 public:
  // `threads` for each decoder.
  Stage(std::filesystem::path folder, const Timeline& timeline, int threads);

  // In the order of joining, a screen behind who shares it. The time never goes back.
  Result<std::vector<Role>> at(int64_t time_ns);
  // What could not be read of the lanes that ended.
  std::vector<std::string> notes() const;

 private:
  struct Lane {
    std::vector<TimelinePiece> pieces = {};
    std::unique_ptr<PictureLane> player = {};
    uint64_t id = 0;
  };
  struct Member {
    const TimelineParticipant* facts;
    Lane camera, screen;  // by what their tracks say
  };
  struct Seen {  // what of a lane can be shown now
    const Lane* lane = nullptr;
    int64_t age_ns = 0;
  };

  Result<Seen> look(Lane& lane, int64_t time_ns);
  Result<> add_roles(Member& member, size_t index, int64_t time_ns, std::vector<Role>& out);

  std::filesystem::path folder_;
  std::vector<Member> members_;
  int threads_;
};

}  // namespace callbot::recordings
