// recordings/composer.h: the stages of composing, each on its own thread: sound, pictures, encoder.
//
//   sound (mix, levels, encode) --beats--> pictures (stage, tiles) --canvases--> encoder
//        \--packets--> who calls next() <--packets-------------------------------/
//
// The sound is a little ahead, since it says who speaks. Every queue is bounded: beats, canvases
// and packets of pictures by their number, packets of sound by what it may be ahead of the
// pictures, or, without pictures, by their number too.
//
// Thread:  next() on one thread.
// Owner:   compose(). Destroying it stops and joins all of it.
// Fails:   next(): what the stage failed with.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "recordings/bounded_queue.h"
#include "recordings/compose.h"
#include "recordings/export_track.h"
#include "recordings/mixer.h"
#include "recordings/speaker.h"
#include "recordings/stage.h"
#include "recordings/tile_painter.h"

namespace callbot::recordings {

struct ComposePlan {
  ComposeConfig config;
  const Timeline* timeline;
  int64_t frames = 0;  // of the recording, before anything is cut out
  std::vector<SpeechSpan> speech;
  std::vector<TimeSpan> cuts;
  std::string video_codec, audio_codec;  // no video: audio only
  std::vector<int64_t> key_frames;       // of the file, besides the usual ones; sorted
};

class Composer {
 public:
  static Result<std::unique_ptr<Composer>> begin(ComposePlan plan);
  ~Composer();

  // Video, if there is any, then audio.
  std::vector<std::unique_ptr<ExportTrack>>& tracks() { return tracks_; }
  // The next packet of all tracks, and whose it is; null: the end.
  Result<AvPacket> next(size_t& track);
  // The sound waits for who calls next(); false: not within that time.
  bool is_held_back(std::chrono::milliseconds most) { return audio_packets_.wait_until_full(most); }
  // Once the end was reached.
  std::vector<std::string> notes() const;

 private:
  class Track;
  struct Beat {  // one frame's sound
    std::vector<bool> speaking;
    int speaker = -1;
  };

  explicit Composer(ComposePlan plan);
  Result<> open();
  template <class Stage>
  void start(Stage stage);
  void failed(Error error);

  Result<> make_sound();
  Result<> make_pictures();
  Result<> encode_pictures();
  Result<> encode_sound(std::vector<float>& waiting, bool last);
  Result<> receive(AVCodecContext& encoder, BoundedQueue<AvPacket>& packets);
  std::vector<Tile> place(const std::vector<Role>& roles, const Beat& beat);
  bool is_key(int64_t frame);
  int64_t time_of(int64_t frame) const;

  ComposePlan plan_;
  std::vector<std::unique_ptr<ExportTrack>> tracks_;
  AvCodecContext video_, audio_;
  Mixer mixer_;
  SpeakerWatch watch_;
  Stage stage_;
  TilePainter painter_;
  int64_t sound_frames_ = 0;  // given to the encoder
  size_t next_key_ = 0;
  bool crowded_ = false;

  std::vector<Canvas> canvases_;
  BoundedQueue<Beat> beats_;
  BoundedQueue<Canvas*> free_, painted_;
  BoundedQueue<AvPacket> video_packets_, audio_packets_;
  AvPacket video_head_, audio_head_;

  std::mutex mutex_;
  std::optional<Error> error_;
  std::vector<std::thread> threads_;
};

}  // namespace callbot::recordings
