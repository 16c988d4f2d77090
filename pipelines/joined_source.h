// pipelines/joined_source.h: several sources as one: a picture from here, a sound from there.
//
// Thread:  as Source.
// Owner:   bot::Call; it owns its sources.
// Fails:   start() with the first that fails; on_end when all that end have, or one fails.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/alive.h"
#include "pipelines/source.h"

namespace callbot::pipelines {

class JoinedSource final : public Source {
 public:
  // Played together: their streams get the msid of the first. When so many of them have ended, all
  // have; those that go on for ever are not waited for.
  JoinedSource(std::vector<std::unique_ptr<Source>> sources, size_t that_end);
  ~JoinedSource() override = default;

  const std::vector<SourceStream>& streams() const override { return streams_; }
  Result<> start() override;
  TapId attach(size_t stream, Tap tap) override;
  void detach(size_t stream, TapId tap) override;
  void request_key_frame(size_t stream) override;
  std::vector<Rendition> renditions(size_t stream) const override;
  TapId attach_rendition(size_t stream, size_t rendition, Tap tap) override;
  void request_rendition_key_frame(size_t stream, size_t rendition) override;
  void set_stream_on(size_t stream, bool on) override;
  void on_end(std::function<void(Result<>)> ended) override;
  // Before anybody asks for streams().
  void set_content(size_t stream, std::string content) {
    streams_.at(stream).content = std::move(content);
  }

 private:
  struct Place {
    Source* source;
    size_t stream;
  };
  void one_ended(Result<> how);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<SourceStream> streams_;
  std::vector<Place> places_;  // of each stream
  size_t open_;
  std::optional<Result<>> finished_;
  std::function<void(Result<>)> ended_;
  Alive alive_;
};

}  // namespace callbot::pipelines
