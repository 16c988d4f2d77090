#include "quality/marked_file.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <set>

#include "base/audio_mark.h"
#include "base/mark_sequence.h"
#include "base/rhythm.h"
#include "quality/file_skew.h"
#include "quality/mono.h"

namespace callbot::quality {
namespace {

constexpr int kDecodingThreads = 2;
constexpr size_t kPacketsBetweenProgress = 64;
constexpr double kApart = 1;          // seconds without a mark: gone
constexpr double kGapSeconds = 0.06;  // between two packets of sound
constexpr double kMostGapSeconds = 0.2;

int64_t to_ns(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

// One sender, picture by picture.
class SourceReader {
 public:
  SourceReader(int stream, uint16_t source) {
    out_.stream = stream;
    out_.source = source;
  }

  void read(const VideoMark& mark, const MarkPlace& place, const AVFrame& frame, double time) {
    settle_unread(time);
    if (out_.read++ == 0) {
      out_.first_counter = mark.counter;
      out_.span.from = time;
    }
    if (out_.present.empty() || time - out_.present.back().to > kApart)
      out_.present.push_back({time, time});
    out_.present.back().to = std::max(out_.present.back().to, time);
    out_.last_counter = mark.counter;
    out_.span.to = std::max(out_.span.to, time);
    out_.place = place;
    out_.picture_width = frame.width;
    out_.picture_height = frame.height;
    count(mark, time);
  }
  // Not read where it was: unread if it is read again there within a second, else it was gone.
  void unread() { ++unread_; }

  const std::vector<FileFlash>& flashes() const { return flashes_; }
  MarkedSource finish() {
    const double seconds = newest_.time - run_.time;
    if (seconds > 0) out_.rate = static_cast<double>(newest_.counter - run_.counter) / seconds;
    out_.missing = static_cast<uint64_t>(missing_);
    // A composed picture is held for a moment where something else ends later.
    stood_still(kApart);
    for (const FileFlash& flash : flashes_) out_.flashes.push_back(flash.time);
    return std::move(out_);
  }

 private:
  void settle_unread(double time) {
    if (out_.read > 0 && time - out_.present.back().to <= kApart) {
      out_.unread += unread_;
      for (uint64_t n = 0; n < unread_; ++n) sequence_.unread();
    }
    unread_ = 0;
  }
  void count(const VideoMark& mark, double time) {
    using Step = MarkSequence::Step;
    const auto placed = sequence_.add(mark.counter);
    out_.expected += static_cast<uint64_t>(placed.expected);
    missing_ += placed.missing;
    if (placed.step == Step::kStill) still_.again(to_ns(time));
    if (placed.step == Step::kStill || placed.step == Step::kAgain) {
      ++out_.duplicate;
      return;
    }
    if (placed.step == Step::kLate) {
      ++out_.reordered;
      return;
    }
    newest_ = {time, placed.counter};
    if (placed.step == Step::kBegin) {
      if (out_.read > 1) ++out_.restarts;
      run_ = newest_;
      stood_still(0);
      rhythm_.interrupt();
    }
    still_.begin(to_ns(time));
    const auto interval = rhythm_.add(to_ns(time));
    if (interval && interval->freeze)
      out_.freezes.push_back({static_cast<double>(interval->begin_ns) / 1e9, time});
    if ((mark.flags & kMarkChirp) != 0) flashes_.push_back({time, mark.counter});
  }

  // Before the file ends, or other numbers begin.
  void stood_still(double least) {
    const auto freeze = still_.freeze(rhythm_);
    still_.forget();
    if (!freeze || freeze->seconds < least) return;
    const double begin = static_cast<double>(freeze->begin_ns) / 1e9;
    out_.freezes.push_back({begin, begin + freeze->seconds});
  }

  struct Numbered {
    double time = 0;
    int64_t counter = 0;
  };
  MarkedSource out_;
  uint64_t unread_ = 0;  // since it was read last
  int64_t missing_ = 0;
  MarkSequence sequence_;
  Rhythm rhythm_;
  Still still_;
  Numbered run_, newest_;  // first and newest of the run of numbers
  std::vector<FileFlash> flashes_;
};

class StreamReader {
 public:
  virtual ~StreamReader() = default;

  static std::unique_ptr<StreamReader> open(const AVStream& stream);

  void packet(const AVPacket* packet) {
    int result = AVERROR(EAGAIN);
    while (result == AVERROR(EAGAIN)) {
      result = avcodec_send_packet(context_.get(), packet);
      if (result < 0 && result != AVERROR(EAGAIN) && result != AVERROR_EOF) ++undecodable_;
      if (!take_frames() && result == AVERROR(EAGAIN)) return;
    }
  }
  void finish() {
    packet(nullptr);
    ended();
  }
  uint64_t undecodable() const { return undecodable_; }
  double end() const { return end_; }

 protected:
  virtual void decoded(const AVFrame& frame, double time) = 0;
  virtual void ended() {}
  int index_ = 0;
  double end_ = 0;

 private:
  bool take_frames() {
    bool any = false;
    for (;;) {
      const int result = avcodec_receive_frame(context_.get(), frame_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return any;
      any = true;
      if (result < 0) {
        ++undecodable_;
        continue;
      }
      const int64_t pts = frame_->best_effort_timestamp;
      const double time =
          pts == AV_NOPTS_VALUE ? end_ : static_cast<double>(pts) * av_q2d(time_base_);
      decoded(*frame_, time);
      av_frame_unref(frame_.get());
    }
  }

  AvCodecContext context_;
  AvFrame frame_;
  AVRational time_base_ = {1, 1000};
  uint64_t undecodable_ = 0;
};

// Luma of whatever a decoder gives: what has none of 8 bits of its own is converted.
class Grey {
 public:
  std::optional<LumaView> of(const AVFrame& frame) {
    if (const auto luma = luma_of(frame)) return luma;
    const auto format = static_cast<AVPixelFormat>(frame.format);
    scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, format,
                                       frame.width, frame.height, AV_PIX_FMT_GRAY8, SWS_POINT,
                                       nullptr, nullptr, nullptr));
    if (!scaler_) return std::nullopt;
    const auto width = static_cast<size_t>(frame.width);
    pixels_.resize(width * static_cast<size_t>(frame.height));
    uint8_t* to[] = {pixels_.data()};
    const int stride[] = {frame.width};
    if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, to, stride) < 0)
      return std::nullopt;
    return LumaView{pixels_.data(), width, frame.width, frame.height};
  }

 private:
  AvScaler scaler_;
  std::vector<uint8_t> pixels_;
};

class PictureReader final : public StreamReader {
 public:
  uint64_t pictures() const { return pictures_; }
  uint64_t bare() const { return bare_; }
  std::map<uint16_t, SourceReader>& sources() { return sources_; }
  void keep_each() { keeps_each_ = true; }
  std::vector<ReadPicture>& each() { return each_; }

 protected:
  void decoded(const AVFrame& frame, double time) override {
    ++pictures_;
    end_ = std::max(end_, time);
    if (keeps_each_) each_.push_back({index_, time, {}});
    const auto luma = grey_.of(frame);
    std::set<uint16_t> here;
    if (luma) {
      const auto& readings = finder_.read(*luma);
      for (const MarkReading& r : readings) {
        if (!r.mark || !here.insert(r.mark->source).second) continue;
        of(r.mark->source).read(*r.mark, r.place, frame, time);
        if (keeps_each_) each_.back().marks.push_back(*r.mark);
      }
      for (const MarkReading& r : readings) {
        if (!r.mark && here.insert(r.source).second) of(r.source).unread();
      }
      if (std::none_of(readings.begin(), readings.end(), [](auto& r) { return r.mark; })) ++bare_;
    } else {
      ++bare_;
    }
  }

 private:
  SourceReader& of(uint16_t source) {
    return sources_.try_emplace(source, index_, source).first->second;
  }
  Grey grey_;
  MarkFinder finder_{Tiles::kMany};
  std::map<uint16_t, SourceReader> sources_;
  uint64_t pictures_ = 0, bare_ = 0;
  bool keeps_each_ = false;
  std::vector<ReadPicture> each_;
};

class SoundReader final : public StreamReader {
 public:
  const std::vector<FileChirp>& chirps() const { return chirps_; }

 protected:
  void decoded(const AVFrame& frame, double time) override {
    if (!places_.empty() && time - end_ > kGapSeconds)
      push(std::vector<float>(
          static_cast<size_t>(std::min(time - end_, kMostGapSeconds) * kMarkSampleRate)));
    places_.push_back({static_cast<double>(pushed_) + mono_.held(), time});
    const std::vector<float> samples = mono_.of(frame);
    if (samples.empty()) return;
    push(samples);
    end_ = time + static_cast<double>(frame.nb_samples) / frame.sample_rate;
  }
  void ended() override { take(detector_.finish()); }

 private:
  void push(const std::vector<float>& samples) {
    pushed_ += samples.size();
    take(detector_.push(samples));
  }
  void take(const std::vector<FoundChirp>& found) {
    for (const FoundChirp& chirp : found) {
      auto place = std::upper_bound(places_.begin(), places_.end(), chirp.position,
                                    [](double p, const Place& at) { return p < at.position; });
      if (place != places_.begin()) --place;
      chirps_.push_back(
          {place->time + (chirp.position - place->position) / kMarkSampleRate, chirp.up});
    }
  }

  struct Place {
    double position, time;
  };
  Mono mono_;
  ChirpDetector detector_;
  std::vector<Place> places_;
  size_t pushed_ = 0;
  std::vector<FileChirp> chirps_;
};

std::unique_ptr<StreamReader> StreamReader::open(const AVStream& stream) {
  const AVCodecParameters& p = *stream.codecpar;
  std::unique_ptr<StreamReader> reader;
  if (p.codec_type == AVMEDIA_TYPE_VIDEO) reader = std::make_unique<PictureReader>();
  if (p.codec_type == AVMEDIA_TYPE_AUDIO) reader = std::make_unique<SoundReader>();
  const AVCodec* decoder = reader ? avcodec_find_decoder(p.codec_id) : nullptr;
  if (decoder == nullptr) return nullptr;
  reader->context_.reset(avcodec_alloc_context3(decoder));
  reader->frame_.reset(av_frame_alloc());
  reader->time_base_ = stream.time_base;
  reader->index_ = stream.index;
  avcodec_parameters_to_context(reader->context_.get(), &p);
  reader->context_->pkt_timebase = stream.time_base;
  reader->context_->thread_count = p.codec_type == AVMEDIA_TYPE_VIDEO ? kDecodingThreads : 1;
  if (avcodec_open2(reader->context_.get(), decoder, nullptr) < 0) return nullptr;
  return reader;
}

// Which chirps of a sound are nobody's, and which may be one's and another's.
void tell_apart(MarkedFile& file, MarkedSound& sound) {
  const auto key = [](double time) { return std::llround(time * 1e6); };
  std::map<int64_t, std::set<uint16_t>> whose;
  const auto each = [&](auto&& visit) {
    for (MarkedSource& source : file.sources) {
      for (HeardSound& heard : source.heard)
        if (heard.skew.stream == sound.stream) visit(source.source, heard);
    }
  };
  each([&](uint16_t source, const HeardSound& heard) {
    for (const NumberedChirp& chirp : heard.chirps) whose[key(chirp.time)].insert(source);
  });
  each([&](uint16_t, HeardSound& heard) {
    const auto unsure =
        std::stable_partition(heard.chirps.begin(), heard.chirps.end(),
                              [&](auto& chirp) { return whose[key(chirp.time)].size() == 1; });
    heard.unsure.assign(unsure, heard.chirps.end());
    heard.chirps.erase(unsure, heard.chirps.end());
  });
  for (const FileChirp& chirp : sound.chirps)
    if (whose.count(key(chirp.time)) == 0) sound.strays.push_back(chirp.time);
}

using Readers = std::vector<std::unique_ptr<StreamReader>>;

MarkedFile gather(const AVFormatContext& file, Readers& readers) {
  MarkedFile out;
  for (size_t i = 0; i < readers.size(); ++i) {
    if (!readers[i]) continue;
    readers[i]->finish();
    out.undecodable += readers[i]->undecodable();
    out.seconds = std::max(out.seconds, readers[i]->end());
    const auto* sound = dynamic_cast<SoundReader*>(readers[i].get());
    if (sound == nullptr) continue;
    MarkedSound s{.stream = static_cast<int>(i),
                  .codec = avcodec_get_name(file.streams[i]->codecpar->codec_id),
                  .chirps = sound->chirps()};
    if (!s.chirps.empty()) s.span = {s.chirps.front().time, s.chirps.back().time};
    out.sounds.push_back(s);
  }
  for (const auto& reader : readers) {
    auto* pictures = dynamic_cast<PictureReader*>(reader.get());
    if (pictures == nullptr) continue;
    out.pictures += pictures->pictures();
    out.bare += pictures->bare();
    std::move(pictures->each().begin(), pictures->each().end(), std::back_inserter(out.each));
    for (auto& [number, source] : pictures->sources()) {
      MarkedSource marked = source.finish();
      for (const MarkedSound& sound : out.sounds) {
        auto heard = file_sound(number, source.flashes(), sound.chirps);
        if (!heard) continue;
        heard->skew.stream = sound.stream;
        if (has_most(*heard, marked.flashes.size())) marked.skew.push_back(heard->skew);
        marked.heard.push_back(std::move(*heard));
      }
      out.sources.push_back(std::move(marked));
    }
  }
  for (MarkedSound& sound : out.sounds) tell_apart(out, sound);
  return out;
}

}  // namespace

Result<MarkedFile> read_marks(AVFormatContext& file, const FileProgress& progress,
                              Pictures pictures) {
  if (avformat_find_stream_info(&file, nullptr) < 0)
    return fail(Code::kBadInput, "no stream could be found in it");
  Readers readers;
  for (unsigned i = 0; i < file.nb_streams; ++i) {
    readers.push_back(StreamReader::open(*file.streams[i]));
    auto* reader = dynamic_cast<PictureReader*>(readers.back().get());
    if (reader != nullptr && pictures == Pictures::kEach) reader->keep_each();
  }
  if (std::none_of(readers.begin(), readers.end(), [](auto& r) { return r != nullptr; }))
    return fail(Code::kBadInput, "there is neither picture nor sound in it that can be decoded");
  const auto size = static_cast<double>(std::max<int64_t>(avio_size(file.pb), 1));
  const AvPacket packet(av_packet_alloc());
  int result = 0;
  for (size_t n = 0; (result = av_read_frame(&file, packet.get())) >= 0; ++n) {
    const auto index = static_cast<size_t>(packet->stream_index);
    if (index < readers.size() && readers[index]) readers[index]->packet(packet.get());
    av_packet_unref(packet.get());
    if (n % kPacketsBetweenProgress != 0 || !progress) continue;
    if (!progress(static_cast<double>(avio_tell(file.pb)) / size))
      return fail(Code::kInterrupted, "stopped");
  }
  MarkedFile out = gather(file, readers);
  if (result != AVERROR_EOF) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(result, text, sizeof text);
    out.damage = text;
  }
  return out;
}

}  // namespace callbot::quality
