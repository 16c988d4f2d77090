#include "pipelines/far_peer.h"

#include <nice/agent.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace callbot::pipelines {
namespace {

// A peer that is near has answered by then; whoever has not is far, or checks were lost.
constexpr std::chrono::milliseconds kNear{300};
constexpr std::chrono::milliseconds kLonger{700}, kUsual{3500};

constexpr guint kUsualIdle_ms = 5000;  // libnice's DEFAULT_IDLE_TIMEOUT
constexpr guint kTimeout_ms = 1500;    // of a check, and more
// libnice adds Ta to its idle time every 20 ms, whatever Ta is: 700 ms are 35 x 1500 ms. The second
// time in a row it gives up, after 5 s as usual.
constexpr guint kMostIdle_ms = 60'000;

void free_candidates(GSList* all) {
  g_slist_free_full(all,
                    [](gpointer one) { nice_candidate_free(static_cast<NiceCandidate*>(one)); });
}
using Candidates = std::unique_ptr<GSList, Freer<&free_candidates>>;

}  // namespace

void FarPeer::checks_began() {
  if (!timer_.running()) timer_.once(kNear, [this] { wait_longer(); });
}

void FarPeer::connected() {
  timer_.stop();
  const auto ice = changed_ ? find_() : std::nullopt;
  if (ice)
    g_object_set(ice->agent.get(), "stun-pacing-timer", kUsualTa_ms, "idle-timeout", kUsualIdle_ms,
                 nullptr);
}

// There are about as many pairs as remote candidates.
void FarPeer::wait_longer() {
  const auto ice = find_();
  if (!ice) return;
  changed_ = true;
  const Candidates remote(nice_agent_get_remote_candidates(NICE_AGENT(ice->agent.get()),
                                                           ice->stream, NICE_COMPONENT_TYPE_RTP));
  const guint pairs = std::max(1U, g_slist_length(remote.get()));
  g_object_set(ice->agent.get(), "stun-pacing-timer", std::max(kUsualTa_ms, kTimeout_ms / pairs),
               "idle-timeout", kMostIdle_ms, nullptr);
  timer_.once(kLonger, [this] { as_usual(); });
}

void FarPeer::as_usual() {
  const auto ice = find_();
  if (!ice) return;
  g_object_set(ice->agent.get(), "stun-pacing-timer", kUsualTa_ms, nullptr);
  timer_.once(kUsual, [this] { wait_longer(); });
}

}  // namespace callbot::pipelines
