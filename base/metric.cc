#include "base/metric.h"

#include <algorithm>

namespace callbot {
namespace {

using enum MetricKind;
using enum MetricSource;
using enum Better;

constexpr Metric kMetrics[] = {
    // --- getting in: one sample for each join, or for each stream of it
    {"join.signaling", "s", kGauge, kSignaling, Looks::kNone, kLess, "",
     "from the join to the answer that lets in"},
    {"join.ice", "s", kGauge, kStats, Looks::kNone, kLess, "",
     "of each peer connection: from the first description, of either end, to ICE connected"},
    {"join.dtls", "s", kGauge, kStats, Looks::kNone, kLess, "",
     "of each peer connection: from ICE connected to DTLS connected with the fingerprint checked"},
    {"join.first_rtp", "s", kGauge, kJitterbuffer, Looks::kHeaders, kLess, "",
     "from the join to a stream's first RTP packet"},
    {"join.first_key_frame", "s", kGauge, kJitterbuffer, Looks::kHeaders, kLess, "",
     "from the join to a stream's first whole key frame"},
    {"join.first_frame", "s", kGauge, kDecoder, Looks::kRotate, kLess, "",
     "from the join to a stream's first decoded frame or sound"},
    {"call.reconnects", "1", kCount, kSignaling, Looks::kNone, kLess, "",
     "fresh peer connections after one that had connected"},
    // --- RTP, per received stream
    {"rtp.packets", "1", kCount, kStats, Looks::kHeaders, kNeither, "",
     "packetsReceived (W3C webrtc-stats)"},
    {"rtp.lost", "1", kCount, kStats, Looks::kHeaders, kLess, "rtp.packets",
     "packetsLost (RFC 3550, 6.4.1), after repair; may be negative; of browsers' pictures before "
     "it"},
    {"rtp.loss", "1", kGauge, kStats, Looks::kHeaders, kLess, "",
     "share of the packets expected in a second that never came, after repair; of browsers' "
     "pictures before it"},
    {"rtp.repaired", "1", kCount, kStats, Looks::kHeaders, kNeither, "rtp.packets",
     "retransmittedPacketsReceived (RFC 4588)"},
    {"rtp.discarded", "1", kCount, kJitterbuffer, Looks::kHeaders, kLess, "rtp.packets",
     "packetsDiscarded: came too late for the jitterbuffer"},
    {"rtp.jitter", "s", kGauge, kStats, Looks::kHeaders, kLess, "",
     "interarrival jitter (RFC 3550, 6.4.1)"},
    {"rtp.rtt", "s", kGauge, kStats, Looks::kNone, kLess, "",
     "round trip time of what we send, from receiver reports (RFC 3550, 6.4.1): the mean of those "
     "of a second; who sends nothing has none"},
    {"rtp.bitrate", "bit/s", kGauge, kStats, Looks::kHeaders, kMore, "",
     "payload bits received in each second"},
    {"rtp.nack", "1", kCount, kStats, Looks::kHeaders, kLess, "",
     "NACK packets sent (RFC 4585, 6.2.1)"},
    {"rtp.pli", "1", kCount, kStats, Looks::kHeaders, kLess, "",
     "PLI packets sent (RFC 4585, 6.3.1)"},
    {"rtp.fir", "1", kCount, kStats, Looks::kHeaders, kLess, "",
     "FIR packets sent (RFC 5104, 4.3.1)"},
    {"jitterbuffer.delay", "s", kGauge, kJitterbuffer, Looks::kHeaders, kLess, "",
     "from a frame's first packet in to the frame out: the mean of a second's (jitterBufferDelay "
     "by jitterBufferEmittedCount)"},
    // --- picture
    {"video.frames", "1", kCount, kJitterbuffer, Looks::kHeaders, kNeither, "",
     "framesReceived: whole frames out of the jitterbuffer"},
    {"video.key_frames", "1", kCount, kJitterbuffer, Looks::kHeaders, kNeither, "video.frames",
     "those of them that need no other frame"},
    {"video.assembly", "s", kGauge, kJitterbuffer, Looks::kHeaders, kLess, "",
     "from the first packet to the last of a frame that came in several (totalAssemblyTime by "
     "framesAssembledFromMultiplePackets); of browsers the mean of a second's"},
    {"video.decoded", "1", kCount, kDecoder, Looks::kRotate, kNeither, "", "framesDecoded"},
    {"video.undecodable", "1", kCount, kDecoder, Looks::kRotate, kLess, "video.frames",
     "frames that the decoder refused"},
    {"video.processing", "s", kGauge, kDecoder, Looks::kRotate, kLess, "",
     "from a frame's first packet to the decoded frame (totalProcessingDelay by framesDecoded): in "
     "the jitterbuffer and in the decoder, without what it waits here to be measured; of browsers "
     "the mean of a second's"},
    {"video.fps", "1/s", kGauge, kDecoder, Looks::kHeaders, kMore, "", "frames in each second"},
    {"video.width", "px", kGauge, kDecoder, Looks::kHeaders, kMore, "",
     "frameWidth, at each change; by headers of VP8 alone"},
    {"video.height", "px", kGauge, kDecoder, Looks::kHeaders, kMore, "",
     "frameHeight, at each change; by headers of VP8 alone"},
    {"video.qp", "1", kGauge, kDecoder, Looks::kHeaders, kLess, "",
     "quantiser of each frame (VP8: y_ac_qi, 0 to 127, RFC 6386, 9.6)"},
    {"video.interval", "s", kGauge, kDecoder, Looks::kHeaders, kLess, "",
     "between consecutive frames at the modelled playout (totalInterFrameDelay); its stat "
     "\"harmonic\" is the frame rate with freezes weighed in"},
    {"video.freeze", "s", kSpan, kDecoder, Looks::kHeaders, kLess, "",
     "between two frames at the modelled playout at least max(3 avg, avg + 150 ms), avg of the "
     "last 30 (W3C freezeCount, totalFreezesDuration); the last one too, as long as its sender "
     "neither muted it nor left"},
    {"video.pause", "s", kSpan, kDecoder, Looks::kHeaders, kLess, "",
     "more than 5 s between two frames (W3C pauseCount), and behind the last as of video.freeze"},
    {"video.arrival_interval", "s", kGauge, kDecoder, Looks::kHeaders, kLess, "",
     "as video.interval, between the arrivals of their last packets: what waits for a frame before "
     "it comes with that one"},
    {"video.arrival_freeze", "s", kSpan, kDecoder, Looks::kHeaders, kLess, "",
     "as video.freeze, by video.arrival_interval: what no playout_latency evened out"},
    {"video.e2e_delay", "s", kGauge, kMark, Looks::kRotate, kLess, "",
     "from a marked frame's capture to its first modelled playout"},
    {"video.network_delay", "s", kGauge, kMark, Looks::kRotate, kLess, "",
     "from a marked frame's capture to the arrival of its last packet"},
    {"video.marked", "1", kCount, kMark, Looks::kRotate, kNeither, "",
     "decoded frames whose mark was read"},
    {"video.expected", "1", kCount, kMark, Looks::kRotate, kNeither, "",
     "marked frames sent from the first that came on, until the stream ends"},
    {"video.missing", "1", kCount, kMark, Looks::kRotate, kLess, "video.expected",
     "those of them that never came"},
    {"video.duplicate", "1", kCount, kMark, Looks::kRotate, kLess, "video.marked",
     "frames whose number had come already"},
    {"video.reorder", "1", kCount, kMark, Looks::kRotate, kLess, "video.marked",
     "frames whose number is below one that had come"},
    {"video.skip", "1", kGauge, kMark, Looks::kRotate, kLess, "",
     "numbers left out between two frames, where there are any"},
    {"video.freeze_true", "s", kSpan, kMark, Looks::kRotate, kLess, "",
     "as video.freeze, between frames with a new number, however alike they look; what stands "
     "still to the end is told at the end"},
    {"video.unread", "1", kCount, kMark, Looks::kRotate, kLess, "video.decoded",
     "decoded frames whose mark could not be read; above 2 % all that marks say is invalid"},
    {"video.psnr", "dB", kGauge, kMark, Looks::kRotate, kMore, "",
     "luma against the frame that was sent, at its size"},
    {"video.ssim", "1", kGauge, kMark, Looks::kRotate, kMore, "",
     "structural similarity of luma against the frame that was sent, at its size"},
    {"video.vmaf", "1", kGauge, kMark, Looks::kRotate, kMore, "",
     "VMAF (vmaf_v0.6.1) against the frame that was sent, by the installed FFmpeg's libvmaf: of "
     "every 60th picture, where a threshold or an expectation names it"},
    // --- sound
    {"audio.samples", "1", kCount, kDecoder, Looks::kHeaders, kNeither, "",
     "totalSamplesReceived, concealed ones included"},
    {"audio.concealed", "1", kCount, kDecoder, Looks::kHeaders, kLess, "audio.samples",
     "concealedSamples: made up for packets that never came; behind the last packet where it is "
     "listened to all the time (verify: all) and chirps were due"},
    {"audio.concealment", "1", kCount, kDecoder, Looks::kHeaders, kLess, "", "concealmentEvents"},
    {"audio.silent_concealed", "1", kCount, kDecoder, Looks::kHeaders, kNeither, "audio.concealed",
     "silentConcealedSamples: those of them that were made up as silence; of browsers alone"},
    {"audio.level", "dBFS", kGauge, kDecoder, Looks::kRotate, kNeither, "",
     "RMS of each tenth of a second"},
    {"audio.silence", "s", kSpan, kDecoder, Looks::kRotate, kLess, "",
     "below -60 dBFS for half a second and more"},
    {"audio.clip", "1", kCount, kDecoder, Looks::kRotate, kLess, "audio.samples",
     "samples at full scale, three and more in a row"},
    {"audio.bandwidth", "Hz", kGauge, kDecoder, Looks::kRotate, kMore, "",
     "the frequency below which 99 % of the energy of a second lies"},
    {"audio.e2e_delay", "s", kGauge, kMark, Looks::kRotate, kLess, "",
     "from a chirp's capture to its modelled playout, the codec's own delay taken off"},
    {"audio.network_delay", "s", kGauge, kMark, Looks::kRotate, kLess, "",
     "from a chirp's capture to the arrival of its first packet"},
    {"audio.marked", "1", kCount, kMark, Looks::kRotate, kNeither, "", "chirps found"},
    {"audio.expected", "1", kCount, kMark, Looks::kRotate, kNeither, "",
     "chirps sent from the first that was found on, until the stream ends"},
    {"audio.missing", "1", kCount, kMark, Looks::kRotate, kLess, "audio.expected",
     "those of them that were not found"},
    {"audio.duplicate", "1", kCount, kMark, Looks::kRotate, kLess, "audio.marked",
     "chirps found where none was sent"},
    {"audio.snr", "dB", kGauge, kMark, Looks::kRotate, kMore, "",
     "the sent sound against what is left of the received one without it, each second"},
    // --- both together, and who is who
    {"av.skew", "s", kGauge, kMark, Looks::kRotate, kNeither, "",
     "sound's delay minus the picture's, of a chirp and the frame it begins with; positive: sound "
     "is late"},
    {"av.drift", "s/min", kGauge, kMark, Looks::kRotate, kNeither, "",
     "slope of av.skew over all of it"},
    {"identity.wrong", "1", kCount, kMark, Looks::kRotate, kLess, "",
     "frames and chirps of somebody else than this stream's sender"},
    {"mute_leak", "1", kCount, kMark, Looks::kRotate, kLess, "",
     "frames and chirps that came while their sender was muted"},
    {"recovery_time", "s", kGauge, kMark, Looks::kAll, kLess, "",
     "after a change of the network, until delay and frame rate are back within a tenth of what "
     "they were"},
    // --- what we send
    {"send.bitrate", "bit/s", kGauge, kSender, Looks::kNone, kMore, "",
     "bits of the RTP packets, headers included, sent in each second to all others together"},
    {"send.packets", "1", kCount, kSender, Looks::kNone, kNeither, "",
     "packetsSent, to all others together"},
    {"send.frames", "1", kCount, kSender, Looks::kNone, kNeither, "",
     "framesSent: made and sent, once for all others"},
    {"send.key_frames", "1", kCount, kSender, Looks::kNone, kNeither, "send.frames",
     "keyFramesEncoded"},
    {"send.huge_frames", "1", kCount, kSender, Looks::kNone, kLess, "send.frames",
     "hugeFramesSent: at least 2.5 times as long as those of its rendition before it on average"},
    {"send.fps", "1/s", kGauge, kSender, Looks::kNone, kMore, "", "frames sent in each second"},
    {"send.lateness", "s", kGauge, kSender, Looks::kNone, kLess, "",
     "from a frame's capture to its last packet on its way to all others: drawing, encoding, and "
     "what the machine was late; the mean of a second's"},
    {"send.left_out", "1", kCount, kSender, Looks::kNone, kLess, "send.frames",
     "frames that came too late to be made"},
    {"send.target_bitrate", "bit/s", kGauge, kSender, Looks::kNone, kMore, "",
     "targetBitrate: what the rendition is made for that the other end is sent"},
    {"send.available_bitrate", "bit/s", kGauge, kSender, Looks::kNone, kMore, "",
     "availableOutgoingBitrate: our estimate from transport-cc feedback"},
    {"send.nack", "1", kCount, kSender, Looks::kNone, kLess, "",
     "NACK packets received (RFC 4585, 6.2.1)"},
    {"send.pli", "1", kCount, kSender, Looks::kNone, kLess, "",
     "PLI packets received (RFC 4585, 6.3.1)"},
    {"send.fir", "1", kCount, kSender, Looks::kNone, kLess, "",
     "FIR packets received (RFC 5104, 4.3.1)"},
    {"send.loss", "1", kGauge, kSender, Looks::kNone, kLess, "",
     "the share of our packets that did not come, before repair, as the other end's reports say: "
     "of "
     "those from the report before on (RFC 3550, 6.4.1: cumulative number of packets lost, "
     "extended "
     "highest sequence number)"},
    {"send.switches", "1", kCount, kSender, Looks::kNone, kLess, "",
     "qualityLimitationResolutionChanges: to a lesser rendition for lack of bandwidth, and back"},
    {"send.limited", "s", kSpan, kSender, Looks::kNone, kLess, "",
     "sent below the wanted quality for lack of bandwidth (qualityLimitationDurations)"},
    // --- the bot itself: was it the bottleneck?
    {"bot.lateness", "s", kGauge, kBot, Looks::kNone, kLess, "",
     "how late the loop's ticks came, the latest of each second"},
    {"bot.overruns", "1", kCount, kBot, Looks::kHeaders, kLess, "",
     "frames that a measuring queue had no room for"},
    {"bot.dropped_packets", "1", kCount, kBot, Looks::kNone, kLess, "",
     "datagrams that the kernel dropped because this process did not take them in time; calls "
     "count "
     "them as lost on the way"},
    {"bot.cpu", "1", kGauge, kBot, Looks::kNone, kLess, "",
     "processor time of the process in each second, as a share of all that it may use: of the "
     "processors, and of its control group's quota"},
    {"bot.throttled", "s", kGauge, kBot, Looks::kNone, kLess, "",
     "how long its control group's quota held the process back in each second (cgroup cpu.stat); "
     "all processors' times together"},
    {"bot.encoder_limited", "s", kGauge, kBot, Looks::kNone, kLess, "",
     "how much of each second a browser's encoder was held back by this machine's processors "
     "(qualityLimitationDurations, cpu)"},
};

}  // namespace

const char* name_of(MetricKind kind) {
  switch (kind) {
    case kGauge:
      return "gauge";
    case kCount:
      return "count";
    case kSpan:
      return "span";
  }
  return "";
}

const char* name_of(MetricSource source) {
  switch (source) {
    case kSignaling:
      return "signaling";
    case kStats:
      return "stats";
    case kJitterbuffer:
      return "jitterbuffer";
    case kDecoder:
      return "decoder";
    case kMark:
      return "mark";
    case kSender:
      return "sender";
    case kBot:
      return "bot";
  }
  return "";
}

const char* expected_of(Looks looks) {
  switch (looks) {
    case Looks::kNone:
      return "any verify";
    case Looks::kHeaders:
      return "verify: headers, rotate or all";
    case Looks::kRotate:
      return "verify: rotate or all";
    case Looks::kAll:
      return "verify: all";
  }
  return "";
}

const char* name_of(Measured state) {
  switch (state) {
    case Measured::kOk:
      return "ok";
    case Measured::kUnmeasured:
      return "unmeasured";
    case Measured::kInvalid:
      return "invalid";
  }
  return "";
}

uint64_t count_of(const Series& series) {
  uint64_t count = series.samples.size();
  for (const Folded& folded : series.folded) count += folded.count;
  return count;
}

double total_of(const Series& series) {
  double sum = 0;
  for (const Folded& folded : series.folded) sum += folded.sum;
  for (const Sample& sample : series.samples) sum += sample.value;
  return sum;
}

bool is_empty(const Series& series) { return series.samples.empty() && series.folded.empty(); }

std::span<const Metric> metrics() { return kMetrics; }

bool is_sent(std::string_view metric) { return metric.starts_with("send."); }

const char* towards(std::string_view metric) { return is_sent(metric) ? " to " : " from "; }

const Metric* find_metric(std::string_view name) {
  const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                   [&](const Metric& m) { return m.name == name; });
  return found == std::end(kMetrics) ? nullptr : found;
}

}  // namespace callbot
