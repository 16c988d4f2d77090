#include "bot/scenario_tracks.h"

#include <algorithm>
#include <utility>

namespace callbot::bot {

TrackInfo as_it_is(TrackInfo track, const std::vector<signaling::Member>& members) {
  if (track.kind != MediaKind::kVideo || !track.source.empty()) return track;
  const bool screen = std::any_of(members.begin(), members.end(), [&](const auto& member) {
    return member.name == track.name && member.video_source == "screen";
  });
  if (screen) track.source = "screen";
  return track;
}

std::vector<CallTrack> tracks_now(std::vector<CallTrack> tracks,
                                  const std::vector<signaling::Member>& members) {
  constexpr int64_t kGone_ns = 1'000'000'000;
  for (CallTrack& track : tracks) track.info = as_it_is(std::move(track.info), members);
  const auto all = tracks;
  std::erase_if(tracks, [&](const CallTrack& track) {
    return std::any_of(all.begin(), all.end(), [&](const CallTrack& other) {
      return other.info.participant == track.info.participant &&
             other.info.kind == track.info.kind && other.info.source == track.info.source &&
             other.stats.last_packet_ns > track.stats.last_packet_ns + kGone_ns;
    });
  });
  return tracks;
}

}  // namespace callbot::bot
