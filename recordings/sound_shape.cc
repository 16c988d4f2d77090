#include "recordings/sound_shape.h"

#include <algorithm>
#include <cmath>

#include "recordings/lane_reader.h"

namespace callbot::recordings {
namespace {

constexpr size_t kPacketsBetweenProgress = 512;
constexpr double kLoud = 0.0056;  // RMS: -45 dBFS, above a quiet room and below quiet speech
constexpr int64_t kBridgedNs = 700'000'000;
constexpr int64_t kShortestNs = 200'000'000;

struct Loudness {
  float peak = 0;
  double square = 0;  // mean
};

template <class Sample>
Loudness loudness(const AVFrame& frame, double full) {
  const auto* samples = reinterpret_cast<const Sample*>(frame.extended_data[0]);
  const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) == 1;
  const int count = frame.nb_samples * (planar ? 1 : frame.ch_layout.nb_channels);
  Loudness out;
  for (int i = 0; i < count; ++i) {
    const double value = static_cast<double>(samples[i]) / full;
    out.peak = std::max(out.peak, static_cast<float>(std::abs(value)));
    out.square += value * value;
  }
  out.square /= std::max(count, 1);
  return out;
}

class Shaper {
 public:
  explicit Shaper(const SoundShapeConfig& config) : config_(config), frame_(av_frame_alloc()) {
    shape_.peaks.assign(config.columns, 0);
    shape_.bytes.assign(config.rate_columns, 0);
  }

  void packet(const LanePacket& p, const AVCodecParameters* parameters) {
    shape_.bytes[column(p.time_ns, config_.rate_columns)] += static_cast<uint64_t>(p.packet->size);
    if (p.new_piece || !decoder_) open(parameters);
    if (!decoder_ || avcodec_send_packet(decoder_.get(), p.packet.get()) < 0) return;
    while (avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
      heard(p.time_ns, p.duration_ns);
      av_frame_unref(frame_.get());
    }
  }

  SoundShape finish() {
    std::erase_if(shape_.loud, [](const TimeSpan& s) { return s.to_ns - s.from_ns < kShortestNs; });
    return std::move(shape_);
  }

 private:
  size_t column(int64_t time_ns, size_t columns) const {
    const double share = static_cast<double>(std::max<int64_t>(time_ns, 0)) /
                         static_cast<double>(std::max<int64_t>(config_.duration_ns, 1));
    return std::min(static_cast<size_t>(share * static_cast<double>(columns)), columns - 1);
  }

  void open(const AVCodecParameters* parameters) {
    decoder_.reset();
    const AVCodec* codec =
        parameters == nullptr ? nullptr : avcodec_find_decoder(parameters->codec_id);
    if (codec == nullptr) return;
    decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder_.get(), parameters);
    if (avcodec_open2(decoder_.get(), codec, nullptr) < 0) decoder_.reset();
  }

  void heard(int64_t time_ns, int64_t duration_ns) {
    const auto format = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame_->format));
    Loudness now;
    if (format == AV_SAMPLE_FMT_FLT) now = loudness<float>(*frame_, 1);
    if (format == AV_SAMPLE_FMT_S16) now = loudness<int16_t>(*frame_, 32768);
    float& peak = shape_.peaks[column(time_ns, config_.columns)];
    peak = std::max(peak, std::min(now.peak, 1.0f));
    if (now.square < kLoud * kLoud) return;
    const int64_t end = time_ns + std::max<int64_t>(duration_ns, 1);
    if (shape_.loud.empty() || time_ns - shape_.loud.back().to_ns > kBridgedNs)
      shape_.loud.push_back({time_ns, end});
    shape_.loud.back().to_ns = std::max(shape_.loud.back().to_ns, end);
  }

  const SoundShapeConfig& config_;
  SoundShape shape_;
  AvFrame frame_;
  AvCodecContext decoder_;
};

}  // namespace

Result<SoundShape> make_sound_shape(const std::filesystem::path& folder,
                                    const std::vector<TimelinePiece>& pieces,
                                    const SoundShapeConfig& config,
                                    const std::function<bool(double)>& progress) {
  Shaper shaper(config);
  LaneReader reader(folder, pieces, MediaKind::kAudio);
  for (size_t n = 1;; ++n) {
    auto packet = reader.next();
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) break;
    shaper.packet(**packet, reader.parameters((*packet)->piece));
    if (!progress || n % kPacketsBetweenProgress != 0) continue;
    const double share = static_cast<double>((*packet)->time_ns) /
                         static_cast<double>(std::max<int64_t>(config.duration_ns, 1));
    if (!progress(std::clamp(share, 0.0, 1.0))) return fail(Code::kInterrupted, "stopped");
  }
  return shaper.finish();
}

}  // namespace callbot::recordings
