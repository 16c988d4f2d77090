#include "pipelines/spliced_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>

#include "pipelines/rtp_run.h"
#include "pipelines/rtp_splice.h"

namespace callbot::pipelines {
// Who listens. The splice is the source's thread's; the loop changes it only while no source calls.
struct SplicedSource::Listener {
  Tap tap;
  size_t rendition;
  uint32_t ssrc;
  RtpSplice splice;
  std::optional<TapId> tapped;  // loop: of the place

  void push(const GRef<GstBuffer>& packet) {
    auto copy = GRef<GstBuffer>::adopt(gst_buffer_copy(packet.get()));
    GstMapInfo map;
    // All of it: payloaders keep the descriptor of the picture apart from the header.
    if (!gst_buffer_map(copy.get(), &map, GST_MAP_READWRITE)) return;
    const std::span<uint8_t> whole{map.data, map.size};
    if (const auto header = read_rtp_header(whole)) {
      GST_WRITE_UINT32_BE(map.data + 8, ssrc);  // RFC 3550, 5.1
      splice.join(whole, header->header_bytes,
                  GST_BUFFER_PTS_IS_VALID(packet.get())
                      ? static_cast<int64_t>(GST_BUFFER_PTS(packet.get()))
                      : -1);
    }
    gst_buffer_unmap(copy.get(), &map);
    tap(copy);
  }
};

SplicedSource::SplicedSource(Source& first, const std::vector<SourceStream>& later)
    : first_(first), streams_(first.streams()) {
  for (size_t i = 0; i < streams_.size(); ++i) places_.push_back({&first, i});
  for (const SourceStream& stream : later) {
    const bool there = std::any_of(streams_.begin(), streams_.end(), [&](const SourceStream& s) {
      return s.kind == stream.kind && s.codec == stream.codec;
    });
    if (there) continue;
    streams_.push_back(stream);
    streams_.back().msid = streams_.front().msid;
    places_.emplace_back();
  }
  listeners_.resize(streams_.size());
}

SplicedSource::~SplicedSource() {
  for (size_t i = 0; i < listeners_.size(); ++i)
    for (auto& [id, listener] : listeners_[i])
      if (listener->tapped && places_[i].source != nullptr)
        places_[i].source->detach(places_[i].stream, *listener->tapped);
}

Result<> SplicedSource::splice(Source& to) { return splice(to, true); }
Result<> SplicedSource::splice_pictures(Source& to) { return splice(to, false); }

Result<> SplicedSource::splice(Source& to, bool sound) {
  const auto is_meant = [&](const SourceStream& s) { return sound || s.kind == MediaKind::kVideo; };
  std::vector<std::optional<size_t>> found(streams_.size());
  for (size_t i = 0; i < to.streams().size(); ++i) {
    const SourceStream& stream = to.streams()[i];
    if (!is_meant(stream)) continue;
    const auto slot = std::find_if(streams_.begin(), streams_.end(), [&](const SourceStream& s) {
      return s.kind == stream.kind && s.codec == stream.codec;
    });
    if (slot == streams_.end())
      return fail(Code::kUsage, fmt::format("{} in {} has no place in what is sent already",
                                            name_of(stream.kind), stream.codec));
    auto& taken = found[static_cast<size_t>(slot - streams_.begin())];
    if (!taken) taken = i;
  }
  for (size_t i = 0; i < streams_.size(); ++i)
    if (is_meant(streams_[i])) replace(i, found[i] ? &to : nullptr, found[i].value_or(0));
  return {};
}

void SplicedSource::replace(size_t stream, Source* source, size_t by) {
  Place& place = places_[stream];
  for (auto& [id, listener] : listeners_[stream])
    if (listener->tapped) place.source->detach(place.stream, *listener->tapped);
  {
    const std::lock_guard lock(mutex_);
    place.source = source;
    place.stream = by;
  }
  if (source != nullptr) source->set_stream_on(by, place.on);
  for (auto& [id, listener] : listeners_[stream]) {
    listener->tapped.reset();
    listener->splice.cut();
    listen(stream, *listener);
  }
}

void SplicedSource::listen(size_t stream, Listener& listener) {
  const Place& place = places_[stream];
  if (place.source == nullptr) return;
  listener.tapped = place.source->attach_rendition(
      place.stream, listener.rendition,
      [to = &listener](const GRef<GstBuffer>& packet) { to->push(packet); });
  place.source->request_rendition_key_frame(place.stream, listener.rendition);
}

Result<> SplicedSource::start() { return first_.start(); }

TapId SplicedSource::attach(size_t stream, Tap tap) {
  return attach_rendition(stream, 0, std::move(tap));
}

TapId SplicedSource::attach_rendition(size_t stream, size_t rendition, Tap tap) {
  const SourceStream& offered = streams_.at(stream);
  const GstStructure* caps = gst_caps_get_structure(offered.caps.get(), 0);
  guint ssrc = 0;
  gst_structure_get_uint(caps, "ssrc", &ssrc);
  gint clock = 0;
  gst_structure_get_int(caps, "clock-rate", &clock);
  auto& kept = listeners_[stream][++last_];
  kept.reset(new Listener{std::move(tap), rendition, ssrc, RtpSplice(offered.codec, clock), {}});
  listen(stream, *kept);
  return last_;
}

void SplicedSource::detach(size_t stream, TapId tap) {
  auto& all = listeners_.at(stream);
  const auto found = all.find(tap);
  if (found == all.end()) return;
  const Place& place = places_[stream];
  if (found->second->tapped && place.source != nullptr)
    place.source->detach(place.stream, *found->second->tapped);
  all.erase(found);
}

void SplicedSource::request_key_frame(size_t stream) { request_rendition_key_frame(stream, 0); }

std::vector<Rendition> SplicedSource::renditions(size_t stream) const {
  const Place& place = places_.at(stream);
  return place.source != nullptr ? place.source->renditions(place.stream)
                                 : std::vector<Rendition>();
}

void SplicedSource::request_rendition_key_frame(size_t stream, size_t rendition) {
  const std::lock_guard lock(mutex_);
  if (stream >= places_.size() || places_[stream].source == nullptr) return;
  places_[stream].source->request_rendition_key_frame(places_[stream].stream, rendition);
}

void SplicedSource::set_stream_on(size_t stream, bool on) {
  Place& place = places_.at(stream);
  place.on = on;
  if (place.source != nullptr) place.source->set_stream_on(place.stream, on);
}

void SplicedSource::on_end(std::function<void(Result<>)> ended) { first_.on_end(std::move(ended)); }

}  // namespace callbot::pipelines
