#include "recordings/contact_sheet.h"

#include <algorithm>
#include <optional>

#include "recordings/lane_reader.h"
#include "recordings/small_jpeg.h"

namespace callbot::recordings {
namespace {

constexpr size_t kPacketsBetweenProgress = 512;
// So far a picture at its very time is worth decoding those before it; further away the key frame
// itself will do.
constexpr int64_t kMostRunNs = 20'000'000'000;
// A decoder that gave nothing for so long after the wanted time gives nothing at all.
constexpr int64_t kPatienceNs = 5'000'000'000;

// One picture that is wanted: decoding begins at the key frame and goes on until `time_ns`.
struct Wanted {
  int64_t key_ns = 0, time_ns = 0;
  int piece = 0;
};

class Progress {
 public:
  Progress(const std::function<bool(double)>& tell, int64_t from_ns, int64_t to_ns)
      : tell_(tell), from_ns_(from_ns), length_ns_(std::max<int64_t>(to_ns - from_ns, 1)) {}
  // Two passes, the first one cheap.
  Result<> at(int64_t time_ns, double from, double share) {
    if (!tell_ || ++count_ % kPacketsBetweenProgress != 0) return {};
    const double part = static_cast<double>(time_ns - from_ns_) / static_cast<double>(length_ns_);
    if (tell_(from + share * std::clamp(part, 0.0, 1.0))) return {};
    return fail(Code::kInterrupted, "stopped");
  }

 private:
  const std::function<bool(double)>& tell_;
  int64_t from_ns_, length_ns_;
  size_t count_ = 0;
};

// The first pass: what was received when, and which pictures to take.
class Planner {
 public:
  Planner(const ContactSheetConfig& config, int64_t from_ns, int64_t to_ns, ContactSheet& sheet)
      : config_(config), from_ns_(from_ns), slots_(config.pictures), sheet_(sheet) {
    slot_ns_ = std::max<int64_t>((to_ns - from_ns) / std::max<int64_t>(count(), 1), 1);
    sheet_.bytes.assign(config.columns, 0);
  }

  void packet(const LanePacket& p) {
    if (config_.duration_ns > 0 && p.time_ns >= 0) {
      const auto column = static_cast<size_t>(static_cast<double>(p.time_ns) /
                                              static_cast<double>(config_.duration_ns) *
                                              static_cast<double>(config_.columns));
      sheet_.bytes[std::min(column, config_.columns - 1)] += static_cast<uint64_t>(p.packet->size);
    }
    if (p.key) key_ = {p.time_ns, p.time_ns, p.piece};
    const int64_t at = (p.time_ns - from_ns_) / slot_ns_;
    if (!key_ || at < 0 || at >= count()) return;
    Slot& slot = slots_[static_cast<size_t>(at)];
    const int64_t middle = from_ns_ + at * slot_ns_ + slot_ns_ / 2;
    if (p.key && (!slot.by_key || distance(p, middle) < std::abs(slot.by_key->time_ns - middle)))
      slot.by_key = key_;
    // The last picture up to the middle, or else the first one.
    if (p.piece == key_->piece && (!slot.by_run || p.time_ns <= middle))
      slot.by_run = Wanted{key_->key_ns, p.time_ns, p.piece};
  }

  std::vector<Wanted> wanted() const {
    std::vector<Wanted> out;
    for (const Slot& slot : slots_) {
      if (!slot.by_run) continue;
      const bool far = slot.by_run->time_ns - slot.by_run->key_ns > kMostRunNs;
      out.push_back(far && slot.by_key ? *slot.by_key : *slot.by_run);
    }
    return out;
  }

 private:
  struct Slot {
    std::optional<Wanted> by_key, by_run;
  };
  int64_t count() const { return static_cast<int64_t>(slots_.size()); }
  static int64_t distance(const LanePacket& p, int64_t middle) {
    return std::abs(p.time_ns - middle);
  }

  const ContactSheetConfig& config_;
  int64_t from_ns_, slot_ns_ = 1;
  std::vector<Slot> slots_;
  ContactSheet& sheet_;
  std::optional<Wanted> key_;  // the last one
};

// The second pass.
class Taker {
 public:
  Taker(const ContactSheetConfig& config, std::vector<Wanted> wanted, ContactSheet& sheet)
      : config_(config), wanted_(std::move(wanted)), sheet_(sheet), frame_(av_frame_alloc()) {}

  bool done() const { return next_ == wanted_.size(); }

  void packet(const LanePacket& p, const AVCodecParameters* parameters) {
    while (!done() && p.time_ns > wanted_[next_].time_ns + kPatienceNs) skip();
    if (done()) return;
    const Wanted& w = wanted_[next_];
    if (p.piece != w.piece || p.time_ns < w.key_ns) return;
    if (!decoder_ || piece_ != p.piece) {
      if (!p.key || !open(p.piece, parameters)) return;
    }
    decode(p);
    if (p.time_ns >= w.time_ns && has_picture_) take(p.time_ns);
  }

 private:
  bool open(int piece, const AVCodecParameters* parameters) {
    decoder_.reset();
    has_picture_ = false;
    const AVCodec* codec =
        parameters == nullptr ? nullptr : avcodec_find_decoder(parameters->codec_id);
    if (codec == nullptr) return false;
    decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder_.get(), parameters);
    decoder_->thread_count = 0;
    decoder_->thread_type = FF_THREAD_SLICE;  // a frame comes out when its packet goes in
    decoder_->flags |= AV_CODEC_FLAG_LOW_DELAY;
    piece_ = piece;
    if (avcodec_open2(decoder_.get(), codec, nullptr) >= 0) return true;
    decoder_.reset();
    return false;
  }

  void decode(const LanePacket& p) {
    avcodec_send_packet(decoder_.get(), p.packet.get());
    while (avcodec_receive_frame(decoder_.get(), frame_.get()) >= 0) {
      has_picture_ = true;
      last_.reset(av_frame_alloc());
      av_frame_move_ref(last_.get(), frame_.get());
    }
  }

  void take(int64_t time_ns) {
    if (auto jpeg = small_jpeg(*last_, config_.width, config_.height))
      sheet_.pictures.push_back({time_ns, jpeg->width, jpeg->height, std::move(jpeg->bytes)});
    skip();
    // Goes on where it is, unless the next one begins at a later key frame.
    if (done() || wanted_[next_].key_ns > time_ns) decoder_.reset();
  }

  void skip() { ++next_; }

  const ContactSheetConfig& config_;
  std::vector<Wanted> wanted_;
  ContactSheet& sheet_;
  AvFrame frame_, last_;
  AvCodecContext decoder_;
  int piece_ = -1;
  size_t next_ = 0;
  bool has_picture_ = false;
};

}  // namespace

Result<ContactSheet> make_contact_sheet(const std::filesystem::path& folder,
                                        const std::vector<TimelinePiece>& pieces,
                                        const ContactSheetConfig& config,
                                        const std::function<bool(double)>& progress) {
  ContactSheet sheet;
  sheet.bytes.assign(config.columns, 0);
  if (pieces.empty() || config.pictures == 0) return sheet;
  const int64_t from = pieces.front().offset_ns;
  int64_t to = from;
  for (const TimelinePiece& p : pieces) to = std::max(to, p.offset_ns + p.duration_ns);
  Progress told(progress, from, to);
  Planner planner(config, from, to, sheet);
  for (LaneReader reader(folder, pieces, MediaKind::kVideo);;) {
    auto packet = reader.next();
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) break;
    planner.packet(**packet);
    if (auto go = told.at((*packet)->time_ns, 0, 0.3); !go) return tl::unexpected(go.error());
  }
  Taker taker(config, planner.wanted(), sheet);
  for (LaneReader reader(folder, pieces, MediaKind::kVideo); !taker.done();) {
    auto packet = reader.next();
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) break;
    taker.packet(**packet, reader.parameters((*packet)->piece));
    if (auto go = told.at((*packet)->time_ns, 0.3, 0.7); !go) return tl::unexpected(go.error());
  }
  return sheet;
}

}  // namespace callbot::recordings
