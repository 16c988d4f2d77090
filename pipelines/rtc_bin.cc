#include "pipelines/rtc_bin.h"

#include <fmt/format.h>
#include <gst/sdp/sdp.h>
#include <nice/agent.h>

#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "base/signal.h"
#include "pipelines/far_peer.h"
#include "pipelines/gst_glue.h"
#include "pipelines/ice.h"
#include "pipelines/rtcp_split.h"

namespace callbot {

template <>
struct RefTraits<GstPromise> {
  static void ref(GstPromise* p) { gst_promise_ref(p); }
  static void unref(GstPromise* p) { gst_promise_unref(p); }
};

}  // namespace callbot

namespace callbot::pipelines {
namespace {

using Description =
    std::unique_ptr<GstWebRTCSessionDescription, Freer<&gst_webrtc_session_description_free>>;

// webrtcbin asks the pads of its received tracks for their caps when it describes itself, and fails
// while one of them is just being linked. Nothing has changed then: it is asked again.
constexpr const char* kPadNotReady = "Caps negotiation on pad";
constexpr std::chrono::milliseconds kTryAgain{20};

constexpr char kHold[] = "callbot-hold";
std::atomic<int> pipelines_ending{0};

// RTCP's share is 5 % of this (RFC 3550, 6.2), and its share says how often feedback may be sent
// early (RFC 4585, 3.5): about every 100 ms. What rtpsession estimates for a quiet session allows a
// NACK every second or so, too late for what it asks for.
constexpr double kSessionBandwidth = 1'500'000;  // bit/s
// Between regular reports, which are what tells the time and that somebody is there.
constexpr guint64 kReportInterval = GST_SECOND;
// Of transport-wide feedback, as libwebrtc has it. Without it a report goes with every frame, which
// the sender of many calls pays for.
constexpr guint64 kFeedbackInterval = 100 * GST_MSECOND;

// --- promises

struct Question {
  Loop& loop;
  const char* field;  // what the reply must carry; null: nothing
  RtcBin::Made made;
};

Result<std::string> reply_of(GstPromise* promise, const char* field) {
  if (gst_promise_wait(promise) != GST_PROMISE_RESULT_REPLIED)
    return fail(Code::kInternal, "webrtcbin did not answer");
  const GstStructure* reply = gst_promise_get_reply(promise);
  if (reply != nullptr && gst_structure_has_field(reply, "error")) {
    GError* error = nullptr;
    gst_structure_get(reply, "error", G_TYPE_ERROR, &error, nullptr);
    const ErrorPtr owned(error);
    return fail(Code::kBadInput, owned ? owned->message : "webrtcbin refused");
  }
  if (field == nullptr) return std::string();
  GstWebRTCSessionDescription* made = nullptr;
  if (reply != nullptr)
    gst_structure_get(reply, field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &made, nullptr);
  if (made == nullptr) return fail(Code::kInternal, "webrtcbin made no description");
  const Description owned(made);
  return std::string(Text(gst_sdp_message_as_text(owned->sdp)).get());
}

// webrtcbin's own thread.
void answered(GstPromise* promise, gpointer data) {
  auto* question = static_cast<Question*>(data);
  auto result = reply_of(promise, question->field);
  question->loop.post([made = question->made, result = std::move(result)] { made(result); });
}

GRef<GstPromise> ask_about(Loop& loop, const char* field, RtcBin::Made made) {
  auto* question = std::make_unique<Question>(Question{loop, field, std::move(made)}).release();
  return GRef<GstPromise>::adopt(gst_promise_new_with_change_func(
      answered, question, [](gpointer data) { delete static_cast<Question*>(data); }));
}

// --- pads: data comes before the loop looks, so each one is held where it appears

GstPadProbeReturn wait_for_loop(GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }

void hold(const GValue* values) {
  auto* pad = static_cast<GstPad*>(g_value_get_object(&values[1]));
  if (gst_pad_get_direction(pad) == GST_PAD_SRC) RtcBin::hold_pad(pad);
}

// --- what the handbook of webrtcbin wants set

// Sender reports that say when a packet was sent are wrong by the send latency, which webrtcbin
// 1.22 never learns; its check of received ones throws good ones away; and moving timestamps in
// the middle of a stream is nothing a recording wants.
void set_up_rtpbin(GstElement* rtpbin) {
  g_object_set(rtpbin, "rtcp-sync-send-time", FALSE, "max-rtcp-rtp-time-diff", -1, "max-ts-offset",
               G_GINT64_CONSTANT(1), nullptr);
}

// rtx-next-seqnum would ask for packets that were only reordered; do-retransmission is left unset
// by webrtcbin for an SSRC that no a=ssrc line named.
void set_up_jitterbuffer(GstElement* jitterbuffer) {
  g_object_set(jitterbuffer, "do-retransmission", TRUE, "rtx-next-seqnum", FALSE, nullptr);
}

// --- the end

// sctpenc of 1.22.0 tries for ever to send on a stream that is being reset, unless its pads are
// flushing; going to NULL would then wait for it for ever.
void flush_sctp(GstElement* pipeline) {
  GstIterator* elements = gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), "sctpenc");
  GValue value = G_VALUE_INIT;
  while (gst_iterator_next(elements, &value) == GST_ITERATOR_OK) {
    auto* sctpenc = static_cast<GstElement*>(g_value_get_object(&value));
    auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(sctpenc, "src"));
    if (pad) gst_pad_send_event(pad.get(), gst_event_new_flush_start());
    g_value_reset(&value);
  }
  g_value_unset(&value);
  gst_iterator_free(elements);
}

// Gives allocations at TURN servers back; libnice keeps them until they expire otherwise.
void release_relays(const GRef<GObject>& agent) {
  constexpr std::chrono::seconds kAnswerWithin{1};
  auto released = std::make_shared<std::promise<void>>();
  auto waiting = released->get_future();
  // libnice gives one back each Ta, which may be long (pipelines/far_peer.h).
  g_object_set(agent.get(), "stun-pacing-timer", kUsualTa_ms, nullptr);
  nice_agent_close_async(
      NICE_AGENT(agent.get()),
      [](GObject*, GAsyncResult*, gpointer data) {
        const std::unique_ptr<std::shared_ptr<std::promise<void>>> released(
            static_cast<std::shared_ptr<std::promise<void>>*>(data));
        (*released)->set_value();
      },
      std::make_unique<std::shared_ptr<std::promise<void>>>(released).release());
  waiting.wait_for(kAnswerWithin);
}

// A thread of GStreamer's pool; `agent` may be null.
void end(GstElement* pipeline, gpointer agent) {
  const auto owned = GRef<GObject>::share(static_cast<GObject*>(agent));
  flush_sctp(pipeline);
  if (owned) release_relays(owned);
  gst_element_set_state(pipeline, GST_STATE_NULL);
}

void ended(gpointer agent) { GRef<GObject>::adopt(static_cast<GObject*>(agent)); }

}  // namespace

int RtcBin::ending() { return pipelines_ending; }

void RtcBin::wait_for_ends(std::chrono::milliseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  for (int ending = pipelines_ending; ending > 0; ending = pipelines_ending) {
    if (std::chrono::steady_clock::now() > deadline) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

RtcBin::RtcBin(Loop& loop, Log log, Events& events)
    : loop_(loop), log_(std::move(log)), events_(events) {}

Result<std::unique_ptr<RtcBin>> RtcBin::create(Loop& loop, Log log,
                                               std::chrono::milliseconds latency, Taps taps,
                                               Events& events) {
  std::unique_ptr<RtcBin> bin(new RtcBin(loop, std::move(log), events));
  return bin->build(latency, std::move(taps)).map([&] { return std::move(bin); });
}

Result<> RtcBin::build(std::chrono::milliseconds latency, Taps taps) {
  auto rtc = make_element("webrtcbin");
  if (!rtc) return tl::unexpected(rtc.error());
  rtc_ = std::move(*rtc);
  pipeline_ = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
  gst_bin_add(pipeline(), rtc_.get());
  gst_util_set_object_arg(G_OBJECT(rtc_.get()), "bundle-policy", "max-bundle");
  g_object_set(rtc_.get(), "latency", static_cast<guint>(latency.count()), nullptr);
  act_at_once(std::move(taps));
  listen();
  watch_bus();
  return {};
}

void RtcBin::act_at_once(Taps taps) {
  // Before listen() connects to the same signal.
  on_signal_now(rtc_.get(), "pad-added", [holds = holds_](const GValue* values) {
    if (*holds) hold(values);
  });
  on_signal_now(rtc_.get(), "on-new-transceiver", [](const GValue* values) {
    g_object_set(g_value_get_object(&values[1]), "do-nack", TRUE, nullptr);
  });
  on_signal_now(rtc_.get(), "on-data-channel", [tap = taps.channel](const GValue* values) {
    tap(static_cast<GstWebRTCDataChannel*>(g_value_get_object(&values[1])));
  });
  on_signal_now(rtc_.get(), "deep-element-added", [tap = taps.element](const GValue* values) {
    tap(static_cast<GstElement*>(g_value_get_object(&values[2])));
  });
  auto rtpbin = GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(rtc_.get()), "rtpbin"));
  set_up_rtpbin(rtpbin.get());
  on_signal_now(rtpbin.get(), "pad-added", [tap = taps.rtcp](const GValue* values) {
    auto* pad = static_cast<GstPad*>(g_value_get_object(&values[1]));
    const Text name(gst_pad_get_name(pad));
    const bool sent = g_str_has_prefix(name.get(), "send_rtcp_src_");
    if (sent) send_key_frame_requests_alone(pad);
    if (tap && (sent || g_str_has_prefix(name.get(), "recv_rtcp_sink_"))) tap(pad, sent);
  });
  on_signal_now(rtpbin.get(), "new-jitterbuffer", [tap = taps.jitterbuffer](const GValue* values) {
    auto* jitterbuffer = static_cast<GstElement*>(g_value_get_object(&values[1]));
    set_up_jitterbuffer(jitterbuffer);
    tap(jitterbuffer, g_value_get_uint(&values[3]));
  });
}

void RtcBin::listen() {
  on_signal(rtc_.get(), "on-ice-candidate", loop_, alive_.guard([this](const SignalArgs& args) {
    const std::string text = args.text_at(2);
    if (!text.empty()) events_.candidate(text);  // 1.23.1 and later say the end like this
  }));
  on_signal(rtc_.get(), "pad-added", loop_, alive_.guard([this](const SignalArgs& args) {
    auto pad = args.object_at<GstPad>(1);
    if (gst_pad_get_direction(pad.get()) == GST_PAD_SRC) events_.src_pad_added(pad);
  }));
  // Read where they change: from the loop, reading would wait for webrtcbin's lock.
  auto connection = alive_.guard([this](int state) {
    events_.connection_changed(static_cast<GstWebRTCPeerConnectionState>(state));
  });
  on_signal_now(rtc_.get(), "notify::connection-state",
                [&loop = loop_, connection](const GValue* values) {
                  gint state = 0;
                  g_object_get(g_value_get_object(&values[0]), "connection-state", &state, nullptr);
                  loop.post([connection, state]() mutable { connection(state); });
                });
  auto gathered = alive_.guard([this] { events_.gathered(); });
  on_signal_now(
      rtc_.get(), "notify::ice-gathering-state", [&loop = loop_, gathered](const GValue* values) {
        gint state = 0;
        g_object_get(g_value_get_object(&values[0]), "ice-gathering-state", &state, nullptr);
        if (state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE) loop.post(gathered);
      });
}

// Handled where it is posted and dropped there: a bus that is read on the loop costs descriptors,
// and one that nobody reads grows.
void RtcBin::watch_bus() {
  struct Watch {
    Loop& loop;
    std::function<void(const Error&)> broken;
  };
  auto* watch = new Watch{loop_, alive_.guard([this](const Error& e) { events_.broken(e); })};
  auto bus = GRef<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  auto sort = [](GstBus*, GstMessage* message, gpointer data) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      auto* watch = static_cast<Watch*>(data);
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      const ErrorPtr owned(error);
      const Error said{Code::kConnect,
                       fmt::format("{}: {}", GST_MESSAGE_SRC_NAME(message), owned->message)};
      watch->loop.post([broken = watch->broken, said]() mutable { broken(said); });
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
  };
  gst_bus_set_sync_handler(bus.get(), sort, watch,
                           [](gpointer data) { delete static_cast<Watch*>(data); });
}

RtcBin::~RtcBin() {
  alive_.reset();
  // Going to NULL flushes webrtcbin's pads before what is behind them. One that is added after that
  // and held would stop its jitterbuffer's thread, for which going to NULL waits.
  *holds_ = false;
  if (!pipeline_) return;
  ++pipelines_ending;
  // Told when the last of it is gone, and not when it went to NULL: its DTLS keys go after that.
  g_object_set_data_full(G_OBJECT(pipeline_.get()), "callbot-end", &pipelines_ending,
                         [](gpointer) { --pipelines_ending; });
  auto agent = relays_ ? nice_agent_of(rtc_.get()) : nullptr;
  rtc_ = nullptr;
  gst_element_call_async(pipeline_.get(), end, agent.release(), ended);
}

Result<> RtcBin::start() {
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return fail(Code::kInternal, "webrtcbin did not start: is libnice's plugin installed?");
  return {};
}

void RtcBin::ask(const char* verb, const char* field, Made made, int tries) {
  auto answer = [this, verb, field, made = std::move(made), tries](const Result<std::string>& r) {
    if (r || tries <= 1 || r.error().message.find(kPadNotReady) == std::string::npos)
      return made(r);
    again_.once(kTryAgain, [this, verb, field, made, tries] { ask(verb, field, made, tries - 1); });
  };
  auto promise = ask_about(loop_, field, alive_.guard(std::move(answer)));
  g_signal_emit_by_name(rtc_.get(), verb, nullptr, promise.get());
}

void RtcBin::set_local(bool offer, const std::string& sdp, Done done) {
  set("set-local-description", offer, sdp, std::move(done));
}

void RtcBin::set_remote(bool offer, const std::string& sdp, Done done) {
  set("set-remote-description", offer, sdp, std::move(done));
}

void RtcBin::set(const char* verb, bool offer, const std::string& sdp, Done done) {
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(sdp.c_str(), &message) != GST_SDP_OK) {
    if (message != nullptr) gst_sdp_message_free(message);
    loop_.post(alive_.guard([done] { done(fail(Code::kBadInput, "not an SDP")); }));
    return;
  }
  const Description description(gst_webrtc_session_description_new(
      offer ? GST_WEBRTC_SDP_TYPE_OFFER : GST_WEBRTC_SDP_TYPE_ANSWER, message));
  auto promise = ask_about(loop_, nullptr, alive_.guard([done](const Result<std::string>& r) {
    done(r.map([](const std::string&) {}));
  }));
  g_signal_emit_by_name(rtc_.get(), verb, description.get(), promise.get());
}

void RtcBin::add_candidate(uint32_t mline, const std::string& text) {
  g_signal_emit_by_name(rtc_.get(), "add-ice-candidate", static_cast<guint>(mline), text.c_str());
}

void RtcBin::set_up_session(uint32_t bundle_index) {
  auto rtpbin = GRef<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(rtc_.get()), "rtpbin"));
  GObject* session = nullptr;
  g_signal_emit_by_name(rtpbin.get(), "get-internal-session", guint{bundle_index}, &session);
  const auto owned = GRef<GObject>::adopt(session);
  if (session != nullptr)
    g_object_set(session, "bandwidth", kSessionBandwidth, "rtcp-min-interval", kReportInterval,
                 "twcc-feedback-interval", kFeedbackInterval, nullptr);
}

void RtcBin::hold_pad(GstPad* pad) {
  const gulong id =
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, wait_for_loop, nullptr, nullptr);
  g_object_set_data(G_OBJECT(pad), kHold, GSIZE_TO_POINTER(id));
}

void RtcBin::release_pad(GstPad* pad) {
  const gulong id = GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(pad), kHold));
  if (id == 0) return;
  g_object_set_data(G_OBJECT(pad), kHold, nullptr);
  gst_pad_remove_probe(pad, id);
}

}  // namespace callbot::pipelines
