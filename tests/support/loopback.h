// tests/support/loopback.h: two real Peers joined in one process, ICE on 127.0.0.1, and everything
// that passes between them open to the test.
//
// Thread:  loop; the sinks count on streaming threads.
// Owner:   the test.
// Fails:   never by itself; the test looks at what the ends have noted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "network/relay.h"
#include "pipelines/peer.h"
#include "pipelines/test_pattern.h"

namespace callbot::pipelines {

// Notes the frames of every track it is given.
class CountingSink final : public Sink {
 public:
  struct Seen {
    TrackInfo info;
    uint64_t frames = 0, key_frames = 0, gaps = 0;
    int64_t longest_pause_ns = 0;  // between the arrivals of frames
    int64_t last_rtp_time = 0, last_arrival_ns = 0;
    std::optional<int64_t> last_ntp_ns;
    bool removed = false;
  };
  void add_track(const TrackInfo& track) override;
  void frame(TrackId track, const Frame& frame) override;
  void remove_track(TrackId track) override;
  void drain(Done done) override { done({}); }

  std::map<TrackId, Seen> seen() const;
  // Of all tracks of this kind together.
  uint64_t frames(MediaKind kind) const;

 private:
  mutable std::mutex mutex_;
  std::map<TrackId, Seen> seen_;
};

// One end: a Peer, and what it said.
class LoopbackEnd final : public PeerEvents {
 public:
  using Munge = std::function<std::string(std::string sdp)>;

  Munge munge;            // what this end says is changed before the other end gets it
  bool deliver = true;    // false: nothing this end says arrives
  Munge munge_candidate;  // the same for its candidates; nothing left: it does not arrive
  std::unique_ptr<Peer> peer;
  LoopbackEnd* other = nullptr;
  CountingSink sink;

  std::vector<std::string> said;  // descriptions, as the Peer made them
  std::vector<std::string> local_candidates;
  int connected_count = 0;
  std::optional<Error> failure;
  std::vector<TrackInfo> tracks;
  std::vector<TrackId> removed;
  std::vector<TrackId> waits;
  std::function<void()> on_connected, on_track;  // the test's own part in the event
  std::map<ChannelId, std::string> channels;
  std::vector<ChannelId> closed_channels;
  std::vector<std::pair<bool, std::string>> messages;
  int negotiations_needed = 0;
  std::vector<std::pair<uint32_t, uint32_t>> sizes;  // of what is received
  std::vector<size_t> renditions;                    // of what is sent, after the first
  std::vector<std::string> log;                      // everything in order, by name

  const TrackInfo* track(MediaKind kind) const;  // the newest

  void local_description(bool offer, const std::string& sdp) override;
  void local_candidate(uint32_t mline, const std::string& mid, const std::string& text) override;
  void connected() override;
  void track_added(const TrackInfo& track) override;
  void track_removed(TrackId track) override;
  void key_frame_wait(TrackId track) override { waits.push_back(track); }
  void key_frame_found(TrackId, std::chrono::nanoseconds) override {}
  void size_changed(TrackId, uint32_t width, uint32_t height) override {
    sizes.emplace_back(width, height);
  }
  void rendition_changed(size_t rendition, double available) override;
  void channel_opened(ChannelId channel, const std::string& label) override;
  void channel_message(ChannelId channel, bool text, std::string bytes) override;
  void channel_closed(ChannelId channel) override { closed_channels.push_back(channel); }
  void needs_negotiation() override { ++negotiations_needed; }
  void failed(const Error& error) override;
};

struct LoopbackConfig {
  PeerConfig offerer, answerer;  // `offers` and the loopback interface are filled in
};

class Loopback {
 public:
  explicit Loopback(Loop& loop, LoopbackConfig config = {});
  ~Loopback();

  // Before connect(): everything goes over this line; a is its bot, so that up is from a to b.
  // `addresses`: where a gathers, if not on loopback.
  void route(network::Link& line, const std::vector<std::string>& addresses = {});
  // Negotiates and waits until both ends are connected.
  bool connect(std::chrono::milliseconds deadline = std::chrono::seconds(15));
  bool run_until(const std::function<bool()>& condition,
                 std::chrono::milliseconds deadline = std::chrono::seconds(15));
  void run_for(std::chrono::milliseconds time);
  // The offerer offers again; waits until its answer has been delivered.
  bool renegotiate();
  // Does b get more frames of this kind?
  bool flows(LoopbackEnd& end, MediaKind kind, uint64_t frames = 10);
  // What both ends noted, for the message of a failed expectation.
  std::string log() const;

  Loop& loop;
  LoopbackEnd a, b;                       // a offers
  std::unique_ptr<network::Relay> relay;  // of route()
};

// A small, cheap pattern of its own seed.
std::unique_ptr<TestPattern> small_pattern(Loop& loop, bool audio = true, bool video = true,
                                           const std::string& codec = "vp8");
// One that comes in three renditions: 900 kbit/s, 300 kbit/s, 90 kbit/s.
std::unique_ptr<TestPattern> pattern_in_sizes(Loop& loop, const std::string& codec, bool audio);

// --- changing SDP texts

std::string replaced(std::string text, const std::string& what, const std::string& with);
// Lines that begin so are taken out.
std::string without_lines(const std::string& text, const std::string& prefix);
// (session part, m-sections); and back.
std::vector<std::string> sections(const std::string& sdp);
std::string joined(const std::vector<std::string>& sections);

}  // namespace callbot::pipelines
