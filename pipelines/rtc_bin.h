// pipelines/rtc_bin.h: one webrtcbin in a pipeline of its own, set up as a call needs it; its
// promises as Results, its end off the loop.
//
// Thread:  loop, and Events on the loop; Taps on GStreamer's threads.
// Owner:   Peer. Destroying it tears the pipeline down on a thread of GStreamer's pool and waits
//          for nobody; no event and no answer comes after that.
// Fails:   create(): kInternal if an element is missing; each verb with webrtcbin's own words.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/alive.h"
#include "base/error.h"
#include "base/gref.h"
#include "base/log.h"
#include "base/loop.h"

namespace callbot::pipelines {

class RtcBin {
 public:
  // What has to happen where and when it happens. On GStreamer's threads: they may touch nothing
  // but what they share.
  struct Taps {
    std::function<void(GstElement* jitterbuffer, uint32_t ssrc)> jitterbuffer;
    std::function<void(GstElement* element)> element;  // put into webrtcbin, at whatever depth
    std::function<void(GstPad* pad, bool sent)> rtcp;  // where all RTCP passes, out or in
    std::function<void(GstWebRTCDataChannel* channel)> channel;  // opened by the other end
  };
  class Events {
   public:
    virtual ~Events() = default;
    virtual void candidate(const std::string& text) = 0;
    virtual void gathered() = 0;
    virtual void connection_changed(GstWebRTCPeerConnectionState state) = 0;
    // A received stream's pad, held: nothing flows until release_pad().
    virtual void src_pad_added(const GRef<GstPad>& pad) = 0;
    virtual void broken(const Error& error) = 0;
  };
  using Done = std::function<void(Result<>)>;
  using Made = std::function<void(Result<std::string>)>;

  static Result<std::unique_ptr<RtcBin>> create(Loop& loop, Log log,
                                                std::chrono::milliseconds latency, Taps taps,
                                                Events& events);
  ~RtcBin();

  // It has allocations at TURN servers, which its end gives back.
  void uses_relays() { relays_ = true; }
  // To PLAYING, once everything is set.
  Result<> start();

  void create_offer(Made made) { ask("create-offer", "offer", std::move(made)); }
  void create_answer(Made made) { ask("create-answer", "answer", std::move(made)); }
  void set_local(bool offer, const std::string& sdp, Done done);
  void set_remote(bool offer, const std::string& sdp, Done done);
  // "candidate:..."; empty: the end of candidates.
  void add_candidate(uint32_t mline, const std::string& text);

  // The RTP session of the bundle, once there is one.
  void set_up_session(uint32_t bundle_index);

  GstElement* rtc() const { return rtc_.get(); }
  GstBin* pipeline() const { return GST_BIN(pipeline_.get()); }
  // Lets the data of a held pad flow, and holds it again.
  static void release_pad(GstPad* pad);
  static void hold_pad(GstPad* pad);

  // Pipelines whose end is still under way, in the whole process.
  static int ending();
  // Before a process exits: OpenSSL's cleanup then would be torn from under those pipelines.
  static void wait_for_ends(std::chrono::milliseconds most);

 private:
  RtcBin(Loop& loop, Log log, Events& events);
  Result<> build(std::chrono::milliseconds latency, Taps taps);
  void act_at_once(Taps taps);
  void listen();
  void watch_bus();
  void ask(const char* verb, const char* field, Made made, int tries = 50);
  void set(const char* verb, bool offer, const std::string& sdp, Done done);

  Loop& loop_;
  Log log_;
  Events& events_;
  GRef<GstElement> pipeline_;
  GRef<GstElement> rtc_;
  bool relays_ = false;
  const std::shared_ptr<std::atomic<bool>> holds_ = std::make_shared<std::atomic<bool>>(true);
  Timer again_;
  Alive alive_;
};

}  // namespace callbot::pipelines
