#include "pipelines/spliced_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "pipelines/codecs.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kFixedHeader = 12;  // RFC 3550, 5.1

uint16_t get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
void put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
uint32_t get32(const uint8_t* at) { return uint32_t{get16(at)} << 16 | get16(at + 2); }
void put32(uint8_t* at, uint32_t value) {
  put16(at, static_cast<uint16_t>(value >> 16));
  put16(at + 2, static_cast<uint16_t>(value));
}

size_t payload_at(const uint8_t* packet, size_t size) {
  size_t at = kFixedHeader + size_t{4} * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0 && at + 4 <= size) at += 4 + size_t{4} * get16(packet + at + 2);
  return at;
}

// Of 15 bits, in VP8 (RFC 7741, 4.2) and VP9 (RFC 9628, 4.2); null: there is none.
uint8_t* picture_id_in(uint8_t* packet, size_t size, const std::string& codec) {
  const size_t at = payload_at(packet, size);
  const bool vp8 = codec == "vp8", vp9 = codec == "vp9";
  if ((!vp8 && !vp9) || at >= size || (packet[at] & 0x80) == 0) return nullptr;
  const size_t id = vp8 ? at + 2 : at + 1;
  if (vp8 && (at + 1 >= size || (packet[at + 1] & 0x80) == 0)) return nullptr;
  return id + 1 < size && (packet[id] & 0x80) != 0 ? packet + id : nullptr;
}

constexpr uint16_t kPictureIds = 0x7fff;

}  // namespace

// Who listens, and where its numbers are. All but the constants is the source's thread's; the loop
// changes it only while no source calls.
struct SplicedSource::Listener {
  Tap tap;
  std::string codec;
  int clock = 0;
  uint32_t ssrc = 0;
  std::optional<TapId> tapped;  // loop: of the place

  bool fresh = true;  // the next packet is the first of another source
  bool sent = false;
  uint16_t sequence_shift = 0, sequence = 0, id_shift = 0, id = 0;
  uint32_t time_shift = 0, time = 0;
  GstClockTime pts = 0;

  void push(const GRef<GstBuffer>& packet) {
    auto copy = GRef<GstBuffer>::adopt(gst_buffer_copy(packet.get()));
    GstMapInfo map;
    // All of it: payloaders keep the descriptor of the picture apart from the header.
    if (!gst_buffer_map(copy.get(), &map, GST_MAP_READWRITE)) return;
    if (map.size >= kFixedHeader) rewrite(map.data, map.size, GST_BUFFER_PTS(packet.get()));
    gst_buffer_unmap(copy.get(), &map);
    tap(copy);
  }

  void rewrite(uint8_t* data, size_t size, GstClockTime at) {
    uint8_t* picture = picture_id_in(data, size, codec);
    if (std::exchange(fresh, false) && sent) {
      sequence_shift = static_cast<uint16_t>(sequence + 1 - get16(data + 2));
      const double passed = at > pts ? static_cast<double>(at - pts) / 1e9 : 0;
      const auto step = std::max<uint32_t>(1, static_cast<uint32_t>(passed * clock + 0.5));
      time_shift = time + step - get32(data + 4);
      if (picture != nullptr) id_shift = static_cast<uint16_t>(id + 1 - get16(picture));
    }
    sent = true;
    pts = at;
    sequence = static_cast<uint16_t>(get16(data + 2) + sequence_shift);
    time = get32(data + 4) + time_shift;
    put16(data + 2, sequence);
    put32(data + 4, time);
    put32(data + 8, ssrc);
    if (picture == nullptr) return;
    id = static_cast<uint16_t>((get16(picture) + id_shift) & kPictureIds);
    put16(picture, static_cast<uint16_t>(id | 0x8000));
  }
};

SplicedSource::SplicedSource(Source& first) : first_(first), streams_(first.streams()) {
  for (size_t i = 0; i < streams_.size(); ++i) places_.push_back({&first, i});
  listeners_.resize(streams_.size());
}

SplicedSource::~SplicedSource() {
  for (size_t i = 0; i < listeners_.size(); ++i)
    for (auto& [id, listener] : listeners_[i])
      if (listener->tapped && places_[i].source != nullptr)
        places_[i].source->detach(places_[i].stream, *listener->tapped);
}

Result<> SplicedSource::splice(Source& to) {
  std::vector<std::optional<size_t>> found(streams_.size());
  for (size_t i = 0; i < to.streams().size(); ++i) {
    const SourceStream& stream = to.streams()[i];
    const auto slot = std::find_if(streams_.begin(), streams_.end(), [&](const SourceStream& s) {
      return s.kind == stream.kind && s.codec == stream.codec;
    });
    if (slot == streams_.end())
      return fail(Code::kUsage, fmt::format("{} in {} has no place in what is sent already",
                                            name_of(stream.kind), stream.codec));
    auto& taken = found[static_cast<size_t>(slot - streams_.begin())];
    if (!taken) taken = i;
  }
  for (size_t i = 0; i < streams_.size(); ++i) {
    for (auto& [id, listener] : listeners_[i])
      if (listener->tapped) places_[i].source->detach(places_[i].stream, *listener->tapped);
    {
      const std::lock_guard lock(mutex_);
      places_[i].source = found[i] ? &to : nullptr;
      places_[i].stream = found[i].value_or(0);
    }
    if (found[i]) to.set_stream_on(*found[i], places_[i].on);
    for (auto& [id, listener] : listeners_[i]) {
      listener->tapped.reset();
      listener->fresh = true;
      listen(i, *listener);
    }
  }
  return {};
}

void SplicedSource::listen(size_t stream, Listener& listener) {
  const Place& place = places_[stream];
  if (place.source == nullptr) return;
  listener.tapped = place.source->attach(
      place.stream, [to = &listener](const GRef<GstBuffer>& packet) { to->push(packet); });
  place.source->request_key_frame(place.stream);
}

Result<> SplicedSource::start() { return first_.start(); }

TapId SplicedSource::attach(size_t stream, Tap tap) {
  auto listener = std::make_unique<Listener>();
  listener->tap = std::move(tap);
  listener->codec = streams_.at(stream).codec;
  const GstStructure* caps = gst_caps_get_structure(streams_[stream].caps.get(), 0);
  gst_structure_get_uint(caps, "ssrc", &listener->ssrc);
  gst_structure_get_int(caps, "clock-rate", &listener->clock);
  Listener& kept = *(listeners_[stream][++last_] = std::move(listener));
  listen(stream, kept);
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

void SplicedSource::request_key_frame(size_t stream) {
  const std::lock_guard lock(mutex_);
  if (stream >= places_.size() || places_[stream].source == nullptr) return;
  places_[stream].source->request_key_frame(places_[stream].stream);
}

void SplicedSource::set_stream_on(size_t stream, bool on) {
  Place& place = places_.at(stream);
  place.on = on;
  if (place.source != nullptr) place.source->set_stream_on(place.stream, on);
}

void SplicedSource::on_end(std::function<void(Result<>)> ended) { first_.on_end(std::move(ended)); }

}  // namespace callbot::pipelines
