// tests/support/rtp_media.h: real RTP packets (encoders and payloaders of GStreamer) for tests, and
// what comes out of them.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/gref.h"
#include "pipelines/sink.h"

namespace callbot::pipelines {

struct RtpStream {
  GRef<GstCaps> caps;  // application/x-rtp
  std::vector<GRef<GstBuffer>> packets;
};

struct RtpMaking {
  int frames = 60;
  int width = 160, height = 120;
  int key_every = 20;
  std::string pattern = "ball";
  uint32_t ssrc = 4711;
  int first_sequence = 1000;
  uint32_t first_time = 90000;
  int mtu = 300;   // small, so that frames have several packets
  int slices = 1;  // of an H.264 frame; the payloader puts parameter sets before each key slice
};
// Of the codec with this name; audio: 20 ms packets.
RtpStream make_rtp(const std::string& codec, const RtpMaking& making = {});

struct RtpHeader {
  uint32_t ssrc = 0;
  uint16_t sequence = 0;
  uint32_t time = 0;
  bool marker = false;
};
RtpHeader header_of(const GRef<GstBuffer>& packet);
GRef<GstBuffer> with_header(const GRef<GstBuffer>& packet, const RtpHeader& header);

// Keeps copies of the frames of all tracks.
class KeepingSink : public Sink {
 public:
  struct Kept {
    std::vector<uint8_t> bytes;
    Frame frame;  // without owner and bytes
  };
  void add_track(const TrackInfo& track) override;
  void frame(TrackId track, const Frame& frame) override;
  void remove_track(TrackId track) override;
  void drain(Done done) override { done({}); }

  std::vector<Kept> frames() const;
  size_t count() const;
  std::vector<TrackInfo> added() const;
  std::vector<TrackId> removed() const;
  // Called with every frame, on the streaming thread.
  std::function<void()> on_frame;

 private:
  mutable std::mutex mutex_;
  std::vector<Kept> frames_;
  std::vector<TrackInfo> added_;
  std::vector<TrackId> removed_;
};

// Decodes and gives a checksum of each picture, by the RTP time of its frame. A frame that the
// decoder rejects has none.
std::map<int64_t, std::string> decoded_pictures(const std::string& codec,
                                                const std::vector<KeepingSink::Kept>& frames);

}  // namespace callbot::pipelines
