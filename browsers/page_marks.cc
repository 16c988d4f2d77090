#include "browsers/page_marks.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace callbot::browsers {
namespace {

constexpr double kMostUnread = 0.02;  // of the frames, as in the metric table
// Of the frames that were shown: the script is called with the page's drawing, on a busy machine
// not for each. They are not missing, and what is said is of the others.
constexpr double kMostUnseen = 0.25;
constexpr int64_t kHung_ns = 500'000'000;
constexpr int64_t kSecond = 1'000'000'000;  // ns
// A counter that goes ahead or back by more than this is a source that began anew, or a file that
// did: browsers show nothing that late.
constexpr MarkSequence::Limits kLimits = {.most_back = 30, .most_ahead = 3000};

std::optional<VideoMark> mark_of(const Json& row) {
  const auto counter = row.at("counter").whole();
  if (!counter) return std::nullopt;
  return VideoMark{static_cast<uint32_t>(*counter),
                   static_cast<uint16_t>(row.at("source").whole().value_or(0)),
                   static_cast<uint8_t>(row.at("flags").whole().value_or(0))};
}

struct Owner {
  bool local = false;
  StreamKey key;
};

std::map<std::string, Owner> owners(const Json& tracks) {
  std::map<std::string, Owner> all;
  for (const std::string& id : tracks.keys()) {
    const Json track = tracks.at(id.c_str());
    all[id] = {track.at("local").boolean().value_or(false),
               {track.at("name").text().value_or(""), track.at("source").text().value_or("")}};
  }
  return all;
}

}  // namespace

Result<PageMarks> parse_marks(const Json& taken, const RemoteClock& clock) {
  if (!taken.at("shown").is_array() || !taken.at("sent").is_array())
    return fail(Code::kBadInput,
                "the page gave no marks: expected what callbotObserver.take() says");
  PageMarks marks;
  marks.lost = static_cast<uint64_t>(taken.at("lost").whole().value_or(0));
  const auto all = owners(taken.at("tracks"));
  const auto time = [&](const Json& row, const char* key) -> std::optional<int64_t> {
    const auto ms = row.at(key).number();
    return ms ? clock.monotonic_ns_of(*ms) : std::nullopt;
  };
  const auto owner = [&](const Json& row) {
    const auto found = all.find(row.at("track").text().value_or(""));
    return found == all.end() ? Owner{} : found->second;
  };
  const Json shown = taken.at("shown");
  for (size_t i = 0; i < shown.size(); ++i) {
    const Json row = shown.at(i);
    ShownFrame frame{owner(row).key, mark_of(row), time(row, "at").value_or(0)};
    if (const auto stream = row.at("stream").text()) frame.key.stream = *stream;
    frame.display_ns = time(row, "display").value_or(frame.read_ns);
    frame.receive_ns = time(row, "receive");
    frame.first_ns = time(row, "first");
    frame.capture_ns = time(row, "capture");
    if (const auto rtp = row.at("rtp").whole()) frame.rtp_time = static_cast<uint32_t>(*rtp);
    frame.presented = static_cast<uint64_t>(row.at("presented").whole().value_or(0));
    frame.width = static_cast<int>(row.at("width").whole().value_or(0));
    frame.height = static_cast<int>(row.at("height").whole().value_or(0));
    marks.shown.push_back(std::move(frame));
  }
  const Json sent = taken.at("sent");
  for (size_t i = 0; i < sent.size(); ++i) {
    const Json row = sent.at(i);
    marks.sent.push_back({owner(row).key.stream, mark_of(row), time(row, "at").value_or(0)});
  }
  auto heard = parse_heard(taken, clock);
  if (!heard) return tl::unexpected(std::move(heard.error()));
  marks.heard = std::move(*heard);
  return marks;
}

std::optional<LocalFrame> parse_sent(const Json& told, double origin, const RemoteClock& clock) {
  const Json row = told.at("sent");
  const auto at_ms = row.at("at").number();
  const auto at_ns = at_ms ? clock.monotonic_ns_of(*at_ms) : std::nullopt;
  const auto mark = mark_of(row);
  if (!at_ns || !mark || told.at("origin").number() != origin) return std::nullopt;
  return LocalFrame{"", mark, *at_ns};
}

void MarkSeries::add(const ShownFrame& frame, double uncertainty_s) {
  if (frame.key.stream == "screen") return;  // another page's, which carries no marks
  Stream& stream = streams_[frame.key];
  uncertainty_s_ = std::max(uncertainty_s_, uncertainty_s);
  uint64_t unseen = 0;
  // Another <video> counts anew.
  if (stream.presented > 0 && frame.presented > stream.presented)
    unseen = frame.presented - stream.presented - 1;
  stream.presented = frame.presented;
  // A page that hangs looks at nothing: that is a freeze, and no lack of looks.
  const bool hung = stream.last_ns > 0 && frame.display_ns - stream.last_ns >= kHung_ns;
  if (!hung) stream.unseen += unseen;
  if (!frame.mark && was_muted(frame.key, frame.display_ns, frame.display_ns)) return;
  ++stream.seen;
  came(stream, frame, unseen == 0);
  say_zeroes(stream, frame);
  if (!frame.mark) {
    ++stream.unread;
    return book_.add("video.unread", frame.key, frame.display_ns, 1);
  }
  book_.add("video.marked", frame.key, frame.display_ns, 1);
  if (foreign(stream, frame)) return book_.add("identity.wrong", frame.key, frame.display_ns, 1);
  const bool fresh = count(stream, frame, unseen);
  if (fresh) pace(stream, frame, unseen == 0 || hung);
  const auto captured = captured_at_ ? captured_at_(*frame.mark, frame.display_ns) : std::nullopt;
  if (!captured || !fresh) return;
  const auto seconds = [&](int64_t until) {
    return static_cast<double>(until - captured->at_ns) / 1e9;
  };
  stream.capture_uncertainty_s =
      std::max(stream.capture_uncertainty_s, static_cast<double>(captured->uncertainty_ns) / 1e9);
  book_.add("video.e2e_delay", frame.key, frame.display_ns, seconds(frame.display_ns));
  if (frame.receive_ns)
    book_.add("video.network_delay", frame.key, *frame.receive_ns, seconds(*frame.receive_ns));
}

void MarkSeries::muted(const std::string& from, bool yes, int64_t at_ns) {
  auto& mutes = mutes_[from];
  const bool is = !mutes.empty() && mutes.back().to_ns == INT64_MAX;
  if (is == yes) return;
  if (yes)
    mutes.push_back({at_ns});
  else
    mutes.back().to_ns = at_ns + kSecond;
}

bool MarkSeries::was_muted(const StreamKey& key, int64_t from_ns, int64_t to_ns) const {
  const auto found = mutes_.find(key.from);
  return found != mutes_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const Mute& mute) {
           return to_ns >= mute.from_ns && from_ns < mute.to_ns;
         });
}

// None is a number too: one sample a second says that somebody looked.
void MarkSeries::say_zeroes(Stream& stream, const ShownFrame& frame) {
  if (frame.display_ns - stream.zeroes_ns < kSecond) return;
  stream.zeroes_ns = frame.display_ns;
  for (const char* metric :
       {"video.missing", "video.duplicate", "video.reorder", "video.unread", "identity.wrong"})
    book_.add(metric, frame.key, frame.display_ns, 0);
}

bool MarkSeries::foreign(Stream& stream, const ShownFrame& frame) const {
  const uint16_t source = frame.mark->source;
  const auto said = expected_.find(frame.key.from);
  if (said != expected_.end()) return source != said->second;
  const uint64_t own = ++stream.sources[source];
  return std::any_of(stream.sources.begin(), stream.sources.end(),
                     [&](const auto& s) { return s.second > own; });
}

bool MarkSeries::count(Stream& stream, const ShownFrame& frame, uint64_t unseen) {
  using Step = MarkSequence::Step;
  const VideoMark& mark = *frame.mark;
  if (std::exchange(stream.source, mark.source) != mark.source)
    stream.sequence = MarkSequence(kLimits);
  stream.sequence.unread(static_cast<int64_t>(unseen));
  const auto placed = stream.sequence.add(mark.counter);
  const auto say = [&](const char* metric, int64_t value) {
    if (value != 0) book_.add(metric, frame.key, frame.display_ns, static_cast<double>(value));
  };
  say("video.expected", placed.expected);
  say("video.missing", placed.missing);
  switch (placed.step) {
    case Step::kStill:
      if (!was_muted(frame.key, frame.display_ns, frame.display_ns))
        stream.still.again(frame.display_ns);
      [[fallthrough]];
    case Step::kAgain:
      say("video.duplicate", 1);
      return false;
    case Step::kLate:
      say("video.reorder", 1);
      return false;
    case Step::kBegin:
      finish(frame.key, stream);
      stream.rhythm.interrupt();
      return true;
    case Step::kNew:
      say("video.skip", placed.missing);
      return true;
  }
  return true;
}

void MarkSeries::pace(Stream& stream, const ShownFrame& frame, bool looked) {
  const int64_t at = frame.display_ns;
  if (!looked || was_muted(frame.key, stream.last_ns, at)) stream.rhythm.interrupt();
  stream.still.begin(at);
  stream.last_ns = at;
  const auto interval = stream.rhythm.add(at);
  if (!interval) return;
  book_.add("video.interval", frame.key, at, interval->seconds);
  if (interval->freeze)
    book_.add("video.freeze_true", frame.key, interval->begin_ns, interval->seconds);
}

void MarkSeries::came(Stream& stream, const ShownFrame& frame, bool looked) {
  if (!frame.receive_ns) return;
  if (!looked || was_muted(frame.key, stream.received_ns, *frame.receive_ns))
    stream.arrivals.interrupt();
  stream.received_ns = *frame.receive_ns;
  book_.of("video.arrival_freeze", frame.key).state = Measured::kOk;
  const auto interval = stream.arrivals.add(*frame.receive_ns);
  if (!interval) return;
  book_.add("video.arrival_interval", frame.key, *frame.receive_ns, interval->seconds);
  if (interval->freeze)
    book_.add("video.arrival_freeze", frame.key, interval->begin_ns, interval->seconds);
}

void MarkSeries::finish(const StreamKey& key, Stream& stream) {
  if (const auto freeze = stream.still.freeze(stream.rhythm))
    book_.add("video.freeze_true", key, freeze->begin_ns, freeze->seconds);
  stream.still.forget();
}

void MarkSeries::finish() {
  for (auto& [key, stream] : streams_) finish(key, stream);
}

std::vector<Series> MarkSeries::judged(std::vector<Series> all) const {
  for (Series& series : all) {
    const Metric& metric = *find_metric(series.metric);
    const Stream& stream = streams_.at({series.from, series.stream});
    if (std::string_view(metric.unit) == "s") series.uncertainty = uncertainty_s_;
    if (series.metric.ends_with("_delay")) series.uncertainty += stream.capture_uncertainty_s;
    const auto share = [](uint64_t part, uint64_t of) {
      return static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(of, 1));
    };
    if (metric.source == MetricSource::kMark && share(stream.unread, stream.seen) > kMostUnread)
      series.why = fmt::format("{} of {} frames could not be read", stream.unread, stream.seen);
    if (share(stream.unseen, stream.seen + stream.unseen) > kMostUnseen)
      series.why =
          fmt::format("the page's script did not look at {} of the frames shown, and at {}",
                      stream.unseen, stream.seen);
    if (lost_ > 0) series.why = fmt::format("{} frames were seen, but not taken in time", lost_);
    if (!series.why.empty() && series.metric != "video.unread") series.state = Measured::kInvalid;
  }
  return all;
}

}  // namespace callbot::browsers
