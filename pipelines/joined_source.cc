#include "pipelines/joined_source.h"

namespace callbot::pipelines {

JoinedSource::JoinedSource(std::vector<std::unique_ptr<Source>> sources, size_t that_end)
    : sources_(std::move(sources)), open_(that_end) {
  for (const auto& source : sources_)
    for (size_t i = 0; i < source->streams().size(); ++i) {
      streams_.push_back(source->streams()[i]);
      streams_.back().msid = streams_.front().msid;
      places_.push_back({source.get(), i});
    }
  for (const auto& source : sources_)
    source->on_end(alive_.guard([this](Result<> how) { one_ended(std::move(how)); }));
}

Result<> JoinedSource::start() {
  for (const auto& source : sources_)
    if (auto started = source->start(); !started) return started;
  return {};
}

TapId JoinedSource::attach(size_t stream, Tap tap) {
  const Place& at = places_.at(stream);
  return at.source->attach(at.stream, std::move(tap));
}

void JoinedSource::detach(size_t stream, TapId tap) {
  const Place& at = places_.at(stream);
  at.source->detach(at.stream, tap);
}

void JoinedSource::request_key_frame(size_t stream) {
  if (stream >= places_.size()) return;
  const Place& at = places_[stream];
  at.source->request_key_frame(at.stream);
}

std::vector<Rendition> JoinedSource::renditions(size_t stream) const {
  const Place& at = places_.at(stream);
  return at.source->renditions(at.stream);
}

TapId JoinedSource::attach_rendition(size_t stream, size_t rendition, Tap tap) {
  const Place& at = places_.at(stream);
  return at.source->attach_rendition(at.stream, rendition, std::move(tap));
}

void JoinedSource::request_rendition_key_frame(size_t stream, size_t rendition) {
  if (stream >= places_.size()) return;
  const Place& at = places_[stream];
  at.source->request_rendition_key_frame(at.stream, rendition);
}

void JoinedSource::set_stream_on(size_t stream, bool on) {
  const Place& at = places_.at(stream);
  at.source->set_stream_on(at.stream, on);
}

void JoinedSource::on_end(std::function<void(Result<>)> ended) {
  ended_ = std::move(ended);
  if (finished_ && ended_) std::exchange(ended_, nullptr)(*finished_);
}

void JoinedSource::one_ended(Result<> how) {
  if (finished_) return;
  if (how && (open_ == 0 || --open_ > 0)) return;
  finished_ = std::move(how);
  if (ended_) std::exchange(ended_, nullptr)(*finished_);
}

}  // namespace callbot::pipelines
