// pipelines/spliced_source.h: a source whose media can be changed for another source's while it is
// sent: each stream keeps its SSRC and codec, and its sequence numbers, RTP time and picture ids go
// on, so that nothing has to be negotiated, as RTCRtpSender.replaceTrack() does it in browsers.
// Another codec has a stream of its own, which is there from the beginning and silent until then.
//
// Thread:  as Source; splice() on the loop.
// Owner:   who sends it; the sources it is given outlive it.
// Fails:   splice: kUsage, with the stream that does not fit; nothing has changed then.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pipelines/source.h"

namespace callbot::pipelines {

class SplicedSource final : public Source {
 public:
  // `later`: streams that others will have, in codecs that the first has not.
  explicit SplicedSource(Source& first, const std::vector<SourceStream>& later = {});
  ~SplicedSource() override;

  // From now on what `to` has: of each kind and codec its first stream, for which there has to be
  // one here; what it has not is silent.
  Result<> splice(Source& to);
  // Its pictures alone; the sound goes on as it is.
  Result<> splice_pictures(Source& to);

  const std::vector<SourceStream>& streams() const override { return streams_; }
  Result<> start() override;
  TapId attach(size_t stream, Tap tap) override;
  void detach(size_t stream, TapId tap) override;
  void request_key_frame(size_t stream) override;
  // Of what is sent now.
  std::vector<Rendition> renditions(size_t stream) const override;
  TapId attach_rendition(size_t stream, size_t rendition, Tap tap) override;
  void request_rendition_key_frame(size_t stream, size_t rendition) override;
  void set_stream_on(size_t stream, bool on) override;
  void on_end(std::function<void(Result<>)> ended) override;

 private:
  struct Listener;
  // Where a stream comes from now; null: nowhere.
  struct Place {
    Source* source = nullptr;
    size_t stream = 0;
    bool on = true;
  };
  Result<> splice(Source& to, bool sound);
  void replace(size_t stream, Source* source, size_t by);
  void listen(size_t stream, Listener& listener);

  Source& first_;
  std::vector<SourceStream> streams_;
  mutable std::mutex mutex_;  // of places_: key frames are asked for on any thread
  std::vector<Place> places_;
  std::vector<std::map<TapId, std::unique_ptr<Listener>>> listeners_;  // by stream
  TapId last_ = 0;
};

}  // namespace callbot::pipelines
