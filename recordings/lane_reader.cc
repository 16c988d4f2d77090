#include "recordings/lane_reader.h"

#include <fmt/core.h>

#include <algorithm>

#include "recordings/codec_parameters.h"

namespace callbot::recordings {
namespace {

constexpr AVRational kNs = {1, 1'000'000'000};

// Opus says in its first byte how long it is, PCM by its size.
int64_t sounding_ns(const AVCodecParameters& p, const AVPacket& packet) {
  if (p.codec_type != AVMEDIA_TYPE_AUDIO) return 0;
  if (p.codec_id == AV_CODEC_ID_OPUS)
    return opus_duration_ns({packet.data, static_cast<size_t>(packet.size)});
  auto* writable = const_cast<AVCodecParameters*>(&p);  // FFmpeg 5.1 takes it so
  const int samples = av_get_audio_frame_duration2(writable, packet.size);
  return samples > 0 && p.sample_rate > 0 ? av_rescale(samples, kNs.den, p.sample_rate) : 0;
}

}  // namespace

// One stream of one open file, with its next packet.
class LaneReader::Piece {
 public:
  Piece(int index, int64_t offset_ns) : index_(index), offset_ns_(offset_ns) {}

  Result<> open(const std::filesystem::path& path, int stream, MediaKind kind) {
    auto input = open_media(path);
    if (!input) return tl::unexpected(input.error());
    input_ = std::move(*input);
    if (!input_) return {};  // ends before its first frame
    const auto type = kind == MediaKind::kVideo ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
    if (stream >= static_cast<int>(input_->nb_streams) ||
        input_->streams[stream]->codecpar->codec_type != type)
      return fail(Code::kBadInput,
                  fmt::format("{}: stream {} is no {}", path.string(), stream, name_of(kind)));
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
      if (static_cast<int>(i) != stream) input_->streams[i]->discard = AVDISCARD_ALL;
    }
    stream_ = stream;
    return {};
  }

  // False at the end; `damage` if that was not the end of the file.
  bool advance(std::optional<Error>& damage, const std::string& name) {
    if (!input_) return false;
    head_.packet.reset(av_packet_alloc());
    int read = 0;
    do {
      av_packet_unref(head_.packet.get());
      read = av_read_frame(input_.get(), head_.packet.get());
    } while (read >= 0 && (head_.packet->stream_index != stream_ ||
                           head_.packet->pts == AV_NOPTS_VALUE || head_.packet->size <= 0));
    if (read < 0) {
      if (read != AVERROR_EOF) damage = av_failure(Code::kBadInput, name, read);
      return false;
    }
    const AVPacket& packet = *head_.packet;
    head_.time_ns = offset_ns_ + av_rescale_q(packet.pts, input_->streams[stream_]->time_base, kNs);
    head_.duration_ns = sounding_ns(parameters(), packet);
    head_.piece = index_;
    head_.key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    return true;
  }

  const AVCodecParameters& parameters() const { return *input_->streams[stream_]->codecpar; }
  LanePacket& head() { return head_; }
  int index() const { return index_; }

 private:
  int index_;
  int64_t offset_ns_;
  AvInput input_;
  int stream_ = 0;
  LanePacket head_;
};

Result<std::unique_ptr<LaneReader>> LaneReader::open(const std::filesystem::path& folder,
                                                     const Manifest& manifest,
                                                     const std::string& participant,
                                                     MediaKind kind) {
  for (const TimelineParticipant& p : Timeline(manifest).participants) {
    if (p.id == participant) return std::make_unique<LaneReader>(folder, p.lane(kind).pieces, kind);
  }
  return fail(Code::kBadInput,
              fmt::format("{}: there is no participant \"{}\"", folder.string(), participant));
}

LaneReader::LaneReader(std::filesystem::path folder, std::vector<TimelinePiece> pieces,
                       MediaKind kind)
    : folder_(std::move(folder)), kind_(kind), plan_(std::move(pieces)), parameters_(plan_.size()) {
  take_av_log();
}

LaneReader::~LaneReader() = default;

// Opens a piece and reads its first packet; a note where that cannot be.
bool LaneReader::start(size_t index) {
  const TimelinePiece& plan = plan_[index];
  auto piece = std::make_unique<Piece>(static_cast<int>(index), plan.offset_ns);
  if (auto opened = piece->open(folder_ / plan.file, plan.stream, kind_); !opened) {
    notes_.push_back(opened.error().message);
    return false;
  }
  std::optional<Error> damage;
  const bool any = piece->advance(damage, plan.file);
  if (damage) notes_.push_back(damage->message);
  if (!any) return false;
  parameters_[index].reset(avcodec_parameters_alloc());
  avcodec_parameters_copy(parameters_[index].get(), &piece->parameters());
  active_.push_back(std::move(piece));
  return true;
}

Result<std::optional<LanePacket>> LaneReader::next() {
  size_t first = 0;
  for (;;) {
    first = 0;
    for (size_t i = 1; i < active_.size(); ++i) {
      if (active_[i]->head().time_ns < active_[first]->head().time_ns) first = i;
    }
    // A piece whose file begins before the next packet may have an earlier one.
    const bool due =
        started_ < plan_.size() &&
        (active_.empty() || plan_[started_].offset_ns <= active_[first]->head().time_ns);
    if (!due) break;
    start(started_++);
  }
  if (active_.empty()) return std::nullopt;
  Piece& piece = *active_[first];
  LanePacket out = std::move(piece.head());
  out.new_piece = out.piece != last_piece_;
  last_piece_ = out.piece;
  out.time_ns = latest_ns_ = std::max(latest_ns_, out.time_ns);
  std::optional<Error> damage;
  if (!piece.advance(damage, plan_[static_cast<size_t>(piece.index())].file))
    active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(first));
  if (damage) notes_.push_back(damage->message);
  return out;
}

std::vector<std::string> cannot_open(const std::filesystem::path& folder,
                                     const std::vector<TimelinePiece>& pieces) {
  std::vector<std::string> notes;
  std::string last;
  for (const TimelinePiece& piece : pieces) {
    if (piece.file == last) continue;
    last = piece.file;
    if (const auto input = open_media(folder / piece.file); !input)
      notes.push_back(input.error().message);
  }
  return notes;
}

const AVCodecParameters* LaneReader::parameters(int piece) const {
  const auto index = static_cast<size_t>(piece);
  return index < parameters_.size() ? parameters_[index].get() : nullptr;
}

}  // namespace callbot::recordings
