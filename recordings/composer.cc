#include "recordings/composer.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "recordings/cuts.h"
#include "recordings/encoders.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kCanvases = 3;
constexpr int kKeyEverySeconds = 4;
// The same on every machine: with another number x264 and libvpx give other bytes.
constexpr int kEncoderThreads = 4;
constexpr size_t kMostVideoPackets = 16;
// Without pictures nothing else holds the sound back. AAC: 1.4 s.
constexpr size_t kMostAudioPackets = 64;

int processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

int threads_of(const ComposeConfig& c) { return c.threads > 0 ? c.threads : processors(); }

// The sound must be ahead by more than what its encoder holds back (0.1 s), or pictures wait for
// it.
size_t beats_of(const ComposeConfig& c) { return static_cast<size_t>(std::max(8, c.fps / 2)); }

std::vector<std::string> names_of(const Timeline& timeline) {
  std::vector<std::string> names;
  for (const TimelineParticipant& p : timeline.participants)
    names.push_back(p.name.empty() ? p.id : p.name);
  return names;
}

}  // namespace

// What ExportFile wants to know of a stream; its packets go another way.
class Composer::Track final : public ExportTrack {
 public:
  explicit Track(const AVCodecContext& encoder)
      : parameters_(avcodec_parameters_alloc()), base_(encoder.time_base) {
    avcodec_parameters_from_context(parameters_.get(), &encoder);
  }
  const AVCodecParameters& parameters() const override { return *parameters_; }
  AVRational time_base() const override { return base_; }
  Result<AvPacket> next() override { return AvPacket(); }
  std::vector<std::string> notes() const override { return {}; }

 private:
  AvParameters parameters_;
  AVRational base_;
};

Composer::Composer(ComposePlan plan)
    : plan_(std::move(plan)),
      mixer_(plan_.config.folder, *plan_.timeline),
      watch_(*plan_.timeline, plan_.speech),
      stage_(plan_.config.folder, *plan_.timeline, std::clamp(threads_of(plan_.config) / 4, 1, 4)),
      painter_(names_of(*plan_.timeline), plan_.config.width, plan_.config.height,
               std::min(threads_of(plan_.config), 8)),
      beats_(beats_of(plan_.config)),
      free_(kCanvases),
      painted_(kCanvases),
      video_packets_(kMostVideoPackets),
      audio_packets_(plan_.video_codec.empty() ? kMostAudioPackets
                                               : std::numeric_limits<size_t>::max()) {}

Composer::~Composer() {
  failed({Code::kInterrupted, "stopped"});
  for (std::thread& thread : threads_) thread.join();
}

Result<std::unique_ptr<Composer>> Composer::begin(ComposePlan plan) {
  take_av_log();
  std::unique_ptr<Composer> composer(new Composer(std::move(plan)));
  if (auto opened = composer->open(); !opened) return tl::unexpected(opened.error());
  return composer;
}

Result<> Composer::open() {
  const ComposeConfig& c = plan_.config;
  if (!plan_.video_codec.empty()) {
    auto video = open_encoder(PictureEncoding{.codec = plan_.video_codec,
                                              .width = c.width,
                                              .height = c.height,
                                              .time_base = {1, c.fps},
                                              .fps = c.fps,
                                              .threads = kEncoderThreads,
                                              .rec601 = true});
    if (!video) return tl::unexpected(video.error());
    video_ = std::move(*video);
    tracks_.push_back(std::make_unique<Track>(*video_));
    canvases_.resize(kCanvases);
    for (Canvas& canvas : canvases_) {
      canvas.frame = make_picture(c.width, c.height);
      if (!canvas.frame) return fail(Code::kStorage, "out of memory");
      free_.push(&canvas);
    }
  }
  auto audio =
      open_encoder(SoundEncoding{plan_.audio_codec, Mixer::kFormat.rate, Mixer::kFormat.channels});
  if (!audio) return tl::unexpected(audio.error());
  audio_ = std::move(*audio);
  tracks_.push_back(std::make_unique<Track>(*audio_));
  start([this] { return make_sound(); });
  if (!video_) return {};
  start([this] { return make_pictures(); });
  start([this] { return encode_pictures(); });
  return {};
}

template <class Stage>
void Composer::start(Stage stage) {
  threads_.emplace_back([this, stage] {
    if (auto done = stage(); !done) failed(done.error());
  });
}

// The first one counts; nobody waits any more.
void Composer::failed(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  beats_.abort();
  free_.abort();
  painted_.abort();
  video_packets_.abort();
  audio_packets_.abort();
}

Result<> Composer::make_sound() {
  const int fps = plan_.config.fps;
  std::vector<float> waiting;  // for a whole frame of the encoder's
  std::vector<float> samples;
  for (int64_t n = 0; n < plan_.frames; ++n) {
    const int64_t from = n * Mixer::kFormat.rate / fps;
    const int64_t to = (n + 1) * Mixer::kFormat.rate / fps;
    samples.resize(static_cast<size_t>(to - from) * 2);
    if (auto read = mixer_.read(samples); !read) return read;
    if (is_cut(plan_.cuts, time_of(n))) continue;
    waiting.insert(waiting.end(), samples.begin(), samples.end());
    if (auto encoded = encode_sound(waiting, false); !encoded) return encoded;
    if (!video_) continue;
    watch_.listen(time_of(n), mixer_.levels());
    if (!beats_.push({watch_.speaking(), watch_.speaker()})) return {};
  }
  if (auto encoded = encode_sound(waiting, true); !encoded) return encoded;
  avcodec_send_frame(audio_.get(), nullptr);
  if (auto received = receive(*audio_, audio_packets_); !received) return received;
  audio_packets_.close();
  beats_.close();
  return {};
}

Result<> Composer::encode_sound(std::vector<float>& waiting, bool last) {
  const bool any_size = audio_->frame_size == 0;
  const size_t whole = any_size ? waiting.size() / 2 : static_cast<size_t>(audio_->frame_size);
  size_t used = 0;
  while (whole > 0 && (waiting.size() / 2 - used >= whole || (last && used * 2 < waiting.size()))) {
    if (waiting.size() / 2 - used < whole) waiting.resize((used + whole) * 2);
    const AvFrame frame =
        sound_frame(*audio_, waiting.data() + used * 2, static_cast<int>(whole), sound_frames_);
    if (!frame) return fail(Code::kStorage, "out of memory");
    used += whole;
    sound_frames_ += static_cast<int64_t>(whole);
    const int sent = avcodec_send_frame(audio_.get(), frame.get());
    if (sent < 0) return tl::unexpected(av_failure(Code::kInternal, plan_.audio_codec, sent));
    if (auto received = receive(*audio_, audio_packets_); !received) return received;
  }
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(used * 2));
  return {};
}

Result<> Composer::receive(AVCodecContext& encoder, BoundedQueue<AvPacket>& packets) {
  for (;;) {
    AvPacket packet(av_packet_alloc());
    const int got = avcodec_receive_packet(&encoder, packet.get());
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return {};
    if (got < 0) return tl::unexpected(av_failure(Code::kInternal, encoder.codec->name, got));
    packets.push(std::move(packet));
  }
}

Result<> Composer::make_pictures() {
  const Canvas* before = nullptr;
  int64_t shown = 0;
  for (int64_t n = 0; n < plan_.frames; ++n) {
    if (is_cut(plan_.cuts, time_of(n))) continue;
    const auto beat = beats_.pop();
    if (!beat) return {};
    auto roles = stage_.at(time_of(n));
    if (!roles) return tl::unexpected(roles.error());
    const auto canvas = free_.pop();
    if (!canvas) return {};
    painter_.paint(**canvas, before == *canvas ? nullptr : before, place(*roles, *beat));
    AVFrame& frame = *(*canvas)->frame;
    frame.pts = shown++;
    frame.pict_type = is_key(frame.pts) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    before = *canvas;
    if (!painted_.push(*canvas)) return {};
  }
  painted_.close();
  return {};
}

int64_t Composer::time_of(int64_t frame) const { return frame * kSecond / plan_.config.fps; }

// Now and then for players that seek, and where a chapter begins.
bool Composer::is_key(int64_t frame) {
  bool key = frame % (int64_t{plan_.config.fps} * kKeyEverySeconds) == 0;
  while (next_key_ < plan_.key_frames.size() && plan_.key_frames[next_key_] <= frame) {
    key = key || plan_.key_frames[next_key_] == frame;
    ++next_key_;
  }
  return key;
}

// Who gets which place: a shared screen the large one, else, where the layout has one, who speaks.
std::vector<Tile> Composer::place(const std::vector<Role>& roles, const Beat& beat) {
  std::vector<Tile> tiles;
  tiles.reserve(roles.size());
  for (const Role& role : roles)
    tiles.push_back({{}, role, !role.screen && beat.speaking[role.member]});
  const ComposeConfig& c = plan_.config;
  const auto find = [&](auto matches) {
    const auto found = std::find_if(tiles.rbegin(), tiles.rend(), matches);
    return static_cast<int>(tiles.rend() - found) - 1;
  };
  int large = find([](const Tile& t) { return t.role.screen; });
  int speaker = find([&](const Tile& t) {
    return !t.role.screen && static_cast<int>(t.role.member) == beat.speaker;
  });
  const bool wants_speaker = c.layout == ComposeLayout::kSpeaker ||
                             (c.layout == ComposeLayout::kSideBySide && tiles.size() > 2);
  if (large < 0 && wants_speaker) large = std::max(speaker, 0);
  const int most = most_tiles(c.layout, large >= 0);
  if (static_cast<int>(tiles.size()) > most) {
    crowded_ = true;
    // The last places are for those who must be seen.
    int last = most - 1;
    const auto bring = [&](int& index, int& other) {
      if (index < most) return;
      if (last == other) --last;
      std::swap(tiles[static_cast<size_t>(last)], tiles[static_cast<size_t>(index)]);
      if (other == index) other = last;
      index = last--;
    };
    bring(large, speaker);
    bring(speaker, large);
    tiles.resize(static_cast<size_t>(most));
  }
  const auto places = arrange(c.layout, c.width, c.height, static_cast<int>(tiles.size()), large);
  for (size_t i = 0; i < tiles.size(); ++i) tiles[i].rect = places[i];
  return tiles;
}

Result<> Composer::encode_pictures() {
  while (const auto canvas = painted_.pop()) {
    const int sent = avcodec_send_frame(video_.get(), (*canvas)->frame.get());
    if (sent < 0) return tl::unexpected(av_failure(Code::kInternal, plan_.video_codec, sent));
    if (auto received = receive(*video_, video_packets_); !received) return received;
    // An encoder that keeps the pixels keeps them: the canvas gets others.
    if (av_frame_is_writable((*canvas)->frame.get()) == 0) {
      AVFrame& old = *(*canvas)->frame;
      AvFrame fresh = make_picture(old.width, old.height);
      if (!fresh) return fail(Code::kStorage, "out of memory");
      **canvas = Canvas{std::move(fresh)};
    }
    if (!free_.push(*canvas)) return {};
  }
  avcodec_send_frame(video_.get(), nullptr);
  if (auto received = receive(*video_, video_packets_); !received) return received;
  video_packets_.close();
  return {};
}

Result<AvPacket> Composer::next(size_t& track) {
  const auto refill = [](AvPacket& head, BoundedQueue<AvPacket>& from) {
    if (head) return;
    if (auto packet = from.pop()) head = std::move(*packet);
  };
  if (video_) refill(video_head_, video_packets_);
  refill(audio_head_, audio_packets_);
  {
    const std::lock_guard lock(mutex_);
    if (error_) return tl::unexpected(*error_);
  }
  if (!video_head_ && !audio_head_) return AvPacket();
  const bool video =
      video_head_ && (!audio_head_ || av_compare_ts(video_head_->dts, video_->time_base,
                                                    audio_head_->dts, audio_->time_base) <= 0);
  track = video || !video_ ? 0 : 1;
  AvPacket packet = std::move(video ? video_head_ : audio_head_);
  if (video) packet->duration = 1;
  return packet;
}

std::vector<std::string> Composer::notes() const {
  std::vector<std::string> all = stage_.notes();
  for (const std::string& note : mixer_.notes()) {
    if (std::find(all.begin(), all.end(), note) == all.end()) all.push_back(note);
  }
  if (video_ && !painter_.has_fonts())
    all.emplace_back("no font is installed, so there are no names (Debian: fonts-dejavu-core)");
  if (crowded_)
    all.push_back(fmt::format("more members than tiles: at most {} are shown",
                              most_tiles(plan_.config.layout, false)));
  return all;
}

}  // namespace callbot::recordings
