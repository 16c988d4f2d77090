// pipelines/data_channels.h: the data channels of one webrtcbin, opened by either end.
//
// Thread:  loop, and Events on the loop; tap() is called on webrtcbin's thread.
// Owner:   Peer.
// Fails:   open() and send() with a reason; a message larger than allowed, or more of them than
//          the loop can take, closes the channel.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/alive.h"
#include "base/error.h"
#include "base/gref.h"
#include "base/loop.h"
#include "pipelines/peer.h"

namespace callbot::pipelines {

class DataChannels {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void channel_opened(ChannelId channel, const std::string& label) = 0;
    virtual void channel_message(ChannelId channel, bool text, std::string bytes) = 0;
    virtual void channel_closed(ChannelId channel) = 0;
  };
  DataChannels(Loop& loop, uint64_t most_message_bytes, Events& events);
  ~DataChannels();

  // For RtcBin::Taps::channel.
  std::function<void(GstWebRTCDataChannel*)> tap() const;

  Result<ChannelId> open(GstElement* webrtcbin, const std::string& label);
  Result<> send(ChannelId channel, bool text, std::string_view bytes);
  // What the other end takes (RFC 8841); what it does not say is 64 KiB.
  void set_remote_limit(std::optional<uint64_t> bytes);
  // The fingerprint has matched. Until then what comes in waits here.
  void allow();
  bool any() const { return !channels_.empty(); }

 private:
  struct Shared;
  struct Channel {
    GRef<GstWebRTCDataChannel> object;
    bool open = false;
  };
  using Task = std::function<void()>;
  void when_allowed(Task task);
  void added(ChannelId id, const GRef<GstWebRTCDataChannel>& object);
  void opened(ChannelId id);
  void received(ChannelId id, bool text, const std::shared_ptr<std::string>& bytes);
  void refuse(ChannelId id);
  void closed(ChannelId id);

  Events& events_;
  std::shared_ptr<Shared> shared_;
  std::map<ChannelId, Channel> channels_;
  uint64_t remote_limit_;
  bool allowed_ = false;
  std::vector<Task> waiting_;
  Alive alive_;
};

}  // namespace callbot::pipelines
