#include "browsers/page_stats.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace callbot::browsers {
namespace {

// A counter of the report that becomes a metric as its difference.
struct Counter {
  const char* key;
  const char* metric;
};

constexpr Counter kInbound[] = {
    {"packetsReceived", "rtp.packets"},
    {"packetsLost", "rtp.lost"},
    {"retransmittedPacketsReceived", "rtp.repaired"},
    {"packetsDiscarded", "rtp.discarded"},
    {"nackCount", "rtp.nack"},
    {"pliCount", "rtp.pli"},
    {"firCount", "rtp.fir"},
};
constexpr Counter kInboundVideo[] = {
    {"framesReceived", "video.frames"},
    {"keyFramesDecoded", "video.key_frames"},
    {"framesDecoded", "video.decoded"},
};
constexpr Counter kInboundAudio[] = {
    {"totalSamplesReceived", "audio.samples"},
    {"concealedSamples", "audio.concealed"},
    {"silentConcealedSamples", "audio.silent_concealed"},
    {"concealmentEvents", "audio.concealment"},
};
constexpr Counter kOutbound[] = {
    {"packetsSent", "send.packets"},
    {"nackCount", "send.nack"},
    {"pliCount", "send.pli"},
    {"firCount", "send.fir"},
};
constexpr Counter kEncoded[] = {
    {"framesSent", "send.frames"},
    {"keyFramesEncoded", "send.key_frames"},
    {"hugeFramesSent", "send.huge_frames"},
};

std::optional<double> delta(const Json& now, const Json& before, const char* key) {
  const auto a = before.at(key).number();
  const auto b = now.at(key).number();
  if (!a || !b) return std::nullopt;
  return *b - *a;
}

// What `of` grew for each one that `by` grew.
std::optional<double> per(const Json& now, const Json& before, const char* of, const char* by) {
  const auto amount = delta(now, before, of);
  const auto count = delta(now, before, by);
  if (!amount || !count || *count <= 0) return std::nullopt;
  return *amount / *count;
}

std::string candidate(const Json& report) {
  return fmt::format("{} {}:{} {}", report.at("candidateType").text().value_or("?"),
                     report.at("address").text().value_or("?"),
                     report.at("port").whole().value_or(0),
                     report.at("protocol").text().value_or("?"));
}

}  // namespace

struct StatsSeries::Context {
  int64_t at_ns = 0;
  StreamKey camera, microphone, all;  // of the connection's far end
  std::string own;                    // our video: "camera" or "screen"
  std::string name;
  std::map<std::string, Json> reports;
  double seconds = 0;  // since the report before
};

Result<> StatsSeries::add(const Json& stats, const RemoteClock& clock) {
  const Json connections = stats.at("connections");
  const auto now = stats.at("now").number();
  const auto origin = stats.at("origin").number();
  if (!connections.is_array() || !now || !origin)
    return fail(Code::kBadInput,
                "the page gave no statistics: expected what callbotObserver.stats() says");
  pairs_.clear();
  ours_.clear();
  const int64_t at_ns = clock.monotonic_ns_of(*now).value_or(0);
  for (size_t i = 0; i < connections.size(); ++i) {
    const Json one = connections.at(i);
    Context context;
    context.at_ns = at_ns;
    context.own = one.at("own").text().value_or("camera");
    const std::string from = one.at("name").text().value_or("");
    context.camera = {from, one.at("source").text().value_or("camera")};
    context.microphone = {from, "microphone"};
    context.all = {from, ""};
    context.name = fmt::format("{:.3f}/{:.3f}", *origin, one.at("created").number().value_or(0));
    connection(one, clock, context);
  }
  for (const auto& [what, value] : ours_)
    book_.add(what.first, {actor_, what.second}, at_ns, value);
  return {};
}

void StatsSeries::connection(const Json& connection, const RemoteClock& clock, Context& context) {
  const auto moment = [&](const char* key) { return connection.at(key).number(); };
  if (moment("connected") && moment("ice") && joined_.insert(context.name).second) {
    const auto at = clock.monotonic_ns_of(*moment("connected")).value_or(0);
    // The page makes its peer connection when it begins to describe itself.
    book_.add("join.ice", context.all, at, (*moment("ice") - *moment("created")) / 1000);
    book_.add("join.dtls", context.all, at, (*moment("connected") - *moment("ice")) / 1000);
  }
  const Json reports = connection.at("reports");
  for (size_t i = 0; i < reports.size(); ++i)
    context.reports[reports.at(i).at("id").text().value_or("")] = reports.at(i);
  for (const auto& [id, now] : context.reports) {
    const std::string type = now.at("type").text().value_or("");
    if (type == "candidate-pair") pair(context, now);
    Json& last = last_[context.name + "/" + id];
    const Json before = std::exchange(last, now);
    if (type == "remote-inbound-rtp") loss(context, now, before);
    if (before.is_null()) continue;
    context.seconds = delta(now, before, "timestamp").value_or(0) / 1000;
    if (context.seconds <= 0) continue;
    if (type == "inbound-rtp") inbound(context, now, before);
    if (type == "outbound-rtp") outbound(context, now, before);
    if (type == "remote-inbound-rtp") trip(context, now, before);
  }
}

void StatsSeries::inbound(const Context& context, const Json& now, const Json& before) {
  const bool video = now.at("kind").text() == "video";
  const StreamKey& key = video ? context.camera : context.microphone;
  for (const auto& [name, metric] : kInbound)
    if (const auto d = delta(now, before, name)) book_.add(metric, key, context.at_ns, *d);
  const auto packets = delta(now, before, "packetsReceived");
  const auto lost = delta(now, before, "packetsLost");
  if (packets && lost && *packets + *lost > 0)
    book_.add("rtp.loss", key, context.at_ns, *lost / (*packets + *lost));
  if (const auto jitter = now.at("jitter").number())
    book_.add("rtp.jitter", key, context.at_ns, *jitter);
  if (const auto bytes = delta(now, before, "bytesReceived"))
    book_.add("rtp.bitrate", key, context.at_ns, *bytes * 8 / context.seconds);
  if (const auto delay = per(now, before, "jitterBufferDelay", "jitterBufferEmittedCount"))
    book_.add("jitterbuffer.delay", key, context.at_ns, *delay);
  if (video)
    inbound_video(context, now, before);
  else
    inbound_audio(context, now, before);
}

void StatsSeries::inbound_video(const Context& context, const Json& now, const Json& before) {
  const auto& [at_ns, key] = std::pair(context.at_ns, context.camera);
  for (const auto& [name, metric] : kInboundVideo)
    if (const auto d = delta(now, before, name)) book_.add(metric, key, at_ns, *d);
  if (const auto frames = delta(now, before, "framesDecoded"))
    book_.add("video.fps", key, at_ns, *frames / context.seconds);
  if (const auto qp = per(now, before, "qpSum", "framesDecoded"))
    book_.add("video.qp", key, at_ns, *qp);
  if (const auto time = per(now, before, "totalProcessingDelay", "framesDecoded"))
    book_.add("video.processing", key, at_ns, *time);
  if (const auto time = per(now, before, "totalAssemblyTime", "framesAssembledFromMultiplePackets"))
    book_.add("video.assembly", key, at_ns, *time);
  for (const auto& [name, metric] :
       {Counter{"frameWidth", "video.width"}, {"frameHeight", "video.height"}}) {
    const auto size = now.at(name).number();
    double& last = sizes_[context.name + now.at("id").text().value_or("") + name];
    if (size && *size != last) book_.add(metric, key, at_ns, last = *size);
  }
  // The report says how many and how long altogether; when each began it does not say.
  for (const auto& [count, duration, metric] :
       {std::tuple("freezeCount", "totalFreezesDuration", "video.freeze"),
        {"pauseCount", "totalPausesDuration", "video.pause"}}) {
    const auto n = delta(now, before, count);
    const auto s = delta(now, before, duration);
    if (!n || !s) continue;
    book_.of(metric, key).state = Measured::kOk;
    for (int i = 0; i < std::lround(*n); ++i)
      book_.add(metric, key, at_ns - std::llround(*s * 1e9), *s / *n);
  }
}

void StatsSeries::inbound_audio(const Context& context, const Json& now, const Json& before) {
  const StreamKey& key = context.microphone;
  for (const auto& [name, metric] : kInboundAudio)
    if (const auto d = delta(now, before, name)) book_.add(metric, key, context.at_ns, *d);
  // totalAudioEnergy: the square of the level, 0..1, times seconds.
  const auto power = per(now, before, "totalAudioEnergy", "totalSamplesDuration");
  if (power && *power > 0) book_.add("audio.level", key, context.at_ns, 10 * std::log10(*power));
}

void StatsSeries::outbound(const Context& context, const Json& now, const Json& before) {
  const std::string stream = now.at("kind").text() == "video" ? context.own : "microphone";
  for (const auto& [name, metric] : kOutbound)
    if (const auto d = delta(now, before, name)) sum(metric, stream, *d);
  for (const auto& [name, metric] : kEncoded)
    if (const auto d = delta(now, before, name)) most(metric, stream, *d);
  if (const auto frames = delta(now, before, "framesSent"))
    most("send.fps", stream, *frames / context.seconds);
  if (const auto bytes = delta(now, before, "bytesSent"))
    sum("send.bitrate", stream,
        (*bytes + delta(now, before, "headerBytesSent").value_or(0)) * 8 / context.seconds);
  const StreamKey theirs{context.all.from, stream};
  if (const auto rate = now.at("targetBitrate").number())
    book_.add("send.target_bitrate", theirs, context.at_ns, *rate);
  if (const auto switches = delta(now, before, "qualityLimitationResolutionChanges"))
    book_.add("send.switches", theirs, context.at_ns, *switches);
  const auto limited_by = [&](const char* what) {
    return delta(now.at("qualityLimitationDurations"), before.at("qualityLimitationDurations"),
                 what);
  };
  if (const auto busy = limited_by("cpu")) most("bot.encoder_limited", stream, *busy);
  const auto limited = limited_by("bandwidth");
  if (!limited) return;
  book_.of("send.limited", theirs).state = Measured::kOk;
  if (*limited > 0)
    book_.add("send.limited", theirs, context.at_ns - std::llround(*limited * 1e9), *limited);
}

void StatsSeries::trip(const Context& context, const Json& now, const Json& before) {
  const auto seconds = now.at("roundTripTime").number();
  const auto news = delta(now, before, "roundTripTimeMeasurements");
  if (seconds && news.value_or(1) > 0) book_.add("rtp.rtt", context.all, context.at_ns, *seconds);
}

// A report with the time of the one before is the same one. A new one about a stream of which
// nothing was sent since says nothing. The fraction is that of the newest report alone, and some
// are sent since something was lost: it is asked only where the counters are not told.
void StatsSeries::loss(const Context& context, const Json& now, const Json& before) {
  if (!before.is_null() && delta(now, before, "timestamp").value_or(0) <= 0) return;
  const auto kind = now.at("kind").text();
  if (!kind) return;
  const StreamKey stream{context.all.from, kind == "video" ? context.own : "microphone"};
  const std::string local = now.at("localId").text().value_or("");
  const auto ours = context.reports.find(local);
  constexpr double kUnknown = -1;
  const double sent = ours == context.reports.end()
                          ? kUnknown
                          : ours->second.at("packetsSent").number().value_or(kUnknown);
  Reported& reported = reported_[context.name + "/" + local];
  const double expected = sent - std::exchange(reported.sent, sent);
  if (sent != kUnknown && expected <= 0) return;
  const auto lost = now.at("packetsLost").number(), fraction = now.at("fractionLost").number();
  if (sent == kUnknown || !lost) {
    if (fraction) book_.add("send.loss", stream, context.at_ns, *fraction);
    return;
  }
  // What came late after all is no loss of the next ones.
  const double news = *lost - std::exchange(reported.lost, *lost) - reported.late;
  reported.late = std::max(-news, 0.0);
  book_.add("send.loss", stream, context.at_ns, std::clamp(news / expected, 0.0, 1.0));
}

void StatsSeries::pair(const Context& context, const Json& now) {
  const auto end = [&](const char* key) {
    const auto found = context.reports.find(now.at(key).text().value_or(""));
    return found == context.reports.end() ? "" : candidate(found->second);
  };
  pairs_.push_back({context.all.from, end("localCandidateId"), end("remoteCandidateId")});
  if (const auto rate = now.at("availableOutgoingBitrate").number())
    book_.add("send.available_bitrate", context.all, context.at_ns, *rate);
}

}  // namespace callbot::browsers
