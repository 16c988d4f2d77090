// What the guard lets through is really taken by the webrtcbin that is installed.
#include <gmock/gmock.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>

#include <fstream>
#include <sstream>

#include "base/gref.h"
#include "pipelines/sdp_guard.h"
#include "tests/support/sdp_offer.h"

namespace callbot::pipelines {
namespace {

using Description =
    std::unique_ptr<GstWebRTCSessionDescription, Freer<&gst_webrtc_session_description_free>>;
using Promise = std::unique_ptr<GstPromise, Freer<&gst_promise_unref>>;

std::string error_of(GstPromise* promise) {
  if (gst_promise_wait(promise) != GST_PROMISE_RESULT_REPLIED) return "no reply";
  const GstStructure* reply = gst_promise_get_reply(promise);
  if (reply == nullptr || !gst_structure_has_field(reply, "error")) return "";
  GError* error = nullptr;
  gst_structure_get(reply, "error", G_TYPE_ERROR, &error, nullptr);
  return ErrorPtr(error)->message;
}

Description description_of(GstWebRTCSDPType type, const std::string& text) {
  GstSDPMessage* message = nullptr;
  EXPECT_EQ(gst_sdp_message_new_from_text(text.c_str(), &message), GST_SDP_OK);
  return Description(gst_webrtc_session_description_new(type, message));
}

// An answering webrtcbin with a guard in front, without any network.
class Answerer {
 public:
  Answerer() {
    pipeline_ = GRef<GstElement>::sink(gst_pipeline_new(nullptr));
    rtc_ = GRef<GstElement>::sink(gst_element_factory_make("webrtcbin", nullptr));
    gst_util_set_object_arg(G_OBJECT(rtc_.get()), "bundle-policy", "max-bundle");
    gst_bin_add(GST_BIN(pipeline_.get()), rtc_.get());
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  ~Answerer() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  // Our answer, as the other end sees it; or what went wrong.
  std::string answer(const std::string& offer) {
    const auto shown = guard_.remote_offer(offer);
    if (!shown) return "refused: " + shown.error().message;
    prefer_what_is_taken();
    if (auto error = set("set-remote-description", GST_WEBRTC_SDP_TYPE_OFFER, *shown);
        !error.empty())
      return "set-remote: " + error;
    const Promise made(gst_promise_new());
    g_signal_emit_by_name(rtc_.get(), "create-answer", nullptr, made.get());
    if (auto error = error_of(made.get()); !error.empty()) return "create-answer: " + error;
    GstWebRTCSessionDescription* answer = nullptr;
    gst_structure_get(gst_promise_get_reply(made.get()), "answer",
                      GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &answer, nullptr);
    const Description owned(answer);
    const Text text(gst_sdp_message_as_text(answer->sdp));
    if (auto error =
            set("set-local-description", GST_WEBRTC_SDP_TYPE_ANSWER, guard_.own_answer(text.get()));
        !error.empty())
      return "set-local: " + error;
    return guard_.local_answer(text.get());
  }

 private:
  // As MediaLines does it. A transceiver without preferences (one that webrtcbin made for an m-line
  // that was rejected) would stay with the formats of the answer before, in 1.26.
  void prefer_what_is_taken() {
    GArray* all = nullptr;
    g_signal_emit_by_name(rtc_.get(), "get-transceivers", &all);
    for (guint i = 0; i < all->len; ++i) {
      auto* transceiver = g_array_index(all, GstWebRTCRTPTransceiver*, i);
      guint its = 0;
      g_object_get(transceiver, "mlineindex", &its, nullptr);
      if (its >= guard_.mlines().size()) continue;
      const SdpMline& mline = guard_.mlines()[its];
      if (!mline.accepted || mline.codecs.empty()) continue;
      const SdpCodec& codec = mline.codecs[mline.chosen.value_or(0)];
      auto caps = GRef<GstCaps>::adopt(gst_caps_new_simple(
          "application/x-rtp", "media", G_TYPE_STRING, mline.kind.c_str(), "clock-rate", G_TYPE_INT,
          codec.clock, "payload", G_TYPE_INT, codec.payload, nullptr));
      g_object_set(transceiver, "codec-preferences", caps.get(), nullptr);
    }
    g_array_unref(all);
  }
  std::string set(const char* how, GstWebRTCSDPType type, const std::string& text) {
    const Promise done(gst_promise_new());
    g_signal_emit_by_name(rtc_.get(), how, description_of(type, text).get(), done.get());
    return error_of(done.get());
  }
  GRef<GstElement> pipeline_, rtc_;
  SdpGuard guard_{{.codecs = {"OPUS", "VP8", "H264", "VP9", "PCMU"}}};
};

// "audio 9 recvonly, video 0 inactive": the m-lines of an answer.
std::string summary(const std::string& answer) {
  const auto sdp = parse_sdp(answer, {});
  if (!sdp) return answer;
  std::string text;
  for (const SdpMedia& media : sdp->media) {
    const auto direction = direction_of(media.attributes);
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", media.kind, media.port,
                        direction ? name_of(*direction) : "-");
  }
  return text;
}

std::string gone(const char* kind, const char* mid) {
  return lines(fmt::format("m={} 0 UDP/TLS/RTP/SAVPF 96\na=mid:{}\n", kind, mid));
}

std::string inactive(const std::string& text) { return replaced(text, "sendrecv", "inactive"); }

struct Story {
  const char* name;
  std::vector<std::pair<std::string, const char*>> offers;  // and the answer to each
};

std::vector<Story> stories() {
  const std::string usual = usual_offer();
  const std::string video_gone =
      description({audio_line(), gone("video", "1"), data_line()}, "0 2");
  const std::string audio_gone =
      description({gone("audio", "0"), video_line(), data_line()}, "1 2");
  const std::string replaced_video =
      description({audio_line(), video_line("9", 3001), data_line()}, "0 9 2");
  const char* all = "audio 9 recvonly, video 9 recvonly, application 9 -";
  const char* no_video = "audio 9 recvonly, video 0 inactive, application 9 -";
  return {
      {"Usual", {{usual, all}, {usual, all}}},
      {"MutedAndBack",
       {{usual, all},
        {description({audio_line(), inactive(video_line()), data_line()}, "0 1 2"),
         "audio 9 recvonly, video 9 inactive, application 9 -"},
        {inactive(usual), "audio 9 inactive, video 9 inactive, application 9 -"},
        {usual, all}}},
      {"InactiveFromTheBeginning",
       {{inactive(usual), "audio 9 inactive, video 9 inactive, application 9 -"}, {usual, all}}},
      {"DataChannelFirst",
       {{description({data_line(), audio_line(), video_line()}, "2 0 1"),
         "application 9 -, audio 9 recvonly, video 9 recvonly"},
        {description({data_line(), audio_line(), inactive(video_line())}, "2 0 1"),
         "application 9 -, audio 9 recvonly, video 9 inactive"}}},
      {"NoSsrcLines",
       {{replaced(replaced(usual, "a=ssrc", "a=x-ssrc"), "BUNDLE 0 1 2", "BUNDLE 2 1 0"), all}}},
      {"VideoGoneAndBack", {{usual, all}, {video_gone, no_video}, {usual, all}}},
      {"VideoReplaced",
       {{usual, all}, {video_gone, no_video}, {replaced_video, all}, {replaced_video, all}}},
      {"HeadOfTheBundleGone",
       {{usual, all},
        {audio_gone, "audio 0 inactive, video 9 recvonly, application 9 -"},
        {usual, all}}},
      {"RejectedFirstTakenLater",
       {{video_gone, no_video},
        {usual, all},
        {inactive(usual), "audio 9 inactive, video 9 inactive, application 9 -"}}},
      {"UnknownKind",
       {{description({lines("m=text 9 RTP/AVP 98\na=mid:t\n"), audio_line(), video_line()}, "0 1"),
         "text 0 inactive, audio 9 recvonly, video 9 recvonly"},
        {description({lines("m=text 9 RTP/AVP 98\na=mid:t\n"), audio_line(), video_line()}, "0 1"),
         "text 0 inactive, audio 9 recvonly, video 9 recvonly"}}},
      {"MoreAndMore",
       {{description({audio_line()}, "0"), "audio 9 recvonly"},
        {description({audio_line(), video_line()}, "0 1"), "audio 9 recvonly, video 9 recvonly"},
        {usual, all},
        {description({audio_line(), video_line(), data_line(), video_line("3", 3001)}, "0 1 2 3"),
         "audio 9 recvonly, video 9 recvonly, application 9 -, video 9 recvonly"}}},
      {"OneMlineWithoutBundle", {{description({audio_line()}, ""), "audio 9 recvonly"}}},
      {"OtherOrder",
       {{usual, all},
        {description({video_line(), audio_line(), data_line()}, "1 0 2"),
         "refused: remote offer: m-line 0 had mid '0' and now has '1': the order of m-lines must "
         "stay"},
        {usual, all}}},
  };
}

class GuardedWebrtcbin : public testing::TestWithParam<Story> {};

TEST_P(GuardedWebrtcbin, AnswersEveryOffer) {
  Answerer answerer;
  for (const auto& [offer, expected] : GetParam().offers)
    EXPECT_EQ(summary(answerer.answer(offer)), expected);
}

INSTANTIATE_TEST_SUITE_P(Stories, GuardedWebrtcbin, testing::ValuesIn(stories()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(GuardedWebrtcbinOf, ChromiumsOffersAreAnswered) {
  for (const char* name : {"chromium", "chromium-simulcast"}) {
    std::ifstream file(std::string(CALLBOT_SOURCE_DIR "/tests") + "/pipelines/sdp/" + name +
                       ".sdp");
    std::stringstream text;
    text << file.rdbuf();
    Answerer answerer;
    const std::string answer = answerer.answer(text.str());
    EXPECT_EQ(summary(answer), "audio 9 recvonly, video 9 recvonly, application 9 -") << name;
    EXPECT_THAT(answer, testing::HasSubstr("VP8/90000"));
    EXPECT_THAT(answer, testing::Not(testing::HasSubstr("simulcast")));
  }
}

}  // namespace
}  // namespace callbot::pipelines
