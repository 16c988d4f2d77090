#include "bot/pattern.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/audio_mark.h"
#include "base/part_file.h"
#include "base/print.h"
#include "bot/interrupt.h"
#include "feeds/clip_writer.h"
#include "pipelines/pattern_picture.h"
#include "pipelines/pattern_sound.h"

namespace callbot::bot {
namespace {

constexpr int kRate = kMarkSampleRate;
constexpr int kMjpegFps = 30;  // Chromium plays every MJPEG file so: the file cannot say

struct Form {
  std::string_view extension;
  const char *container, *codec;
  bool sound;  // it can hold it
};
constexpr Form kForms[] = {
    {".y4m", "yuv4mpegpipe", "raw", false}, {".mjpeg", "mjpeg", "jpeg", false},
    {".mjpg", "mjpeg", "jpeg", false},      {".mkv", "matroska", "vp8", true},
    {".webm", "webm", "vp8", true},         {".nut", "nut", "vp8", true},
};

Result<const Form*> form_of(const fs::path& path) {
  for (const Form& form : kForms)
    if (path.extension() == form.extension) return &form;
  return fail(Code::kUsage,
              fmt::format("--to {}: expected a name that ends in .y4m, .mjpeg, .mkv, .webm or .nut",
                          path.string()));
}

// A file that is being written.
struct Output {
  static Result<Output> create(const fs::path& path, const char* container) {
    auto part = PartFile::create(path);
    if (!part) return tl::unexpected(part.error());
    auto writer = feeds::ClipWriter::create(part->path(), container);
    if (!writer) return tl::unexpected(writer.error());
    return Output{std::move(*part), std::move(*writer)};
  }
  Result<> finish() {
    if (auto whole = writer->finish(); !whole) return whole;
    writer.reset();
    return part.put_in_place();
  }

  PartFile part;
  std::unique_ptr<feeds::ClipWriter> writer;
};

struct Sound {
  feeds::ClipWriter* writer;
  size_t stream;
};

class Writing {
 public:
  explicit Writing(const PatternOptions& options)
      : options_(options), sound_(options.seed, options.source_id()) {}

  Result<> open() {
    if (!options_.to.empty())
      if (auto opened = open_picture(); !opened) return opened;
    if (!options_.audio.empty())
      if (auto opened = open_wav(); !opened) return opened;
    for (auto* file : {&film_, &wav_})
      if (*file)
        if (auto begun = (*file)->writer->begin(); !begun) return begun;
    return {};
  }

  // One second of it all.
  Result<> write_second(int second) {
    for (int i = 0; picture_ && i < options_.fps; ++i) {
      const int64_t number = static_cast<int64_t>(second) * options_.fps + i;
      const auto draw = [&](const PictureView& view) {
        picture_->draw(static_cast<uint64_t>(number), !sounds_.empty() && i == 0, view);
      };
      if (auto put = film_->writer->picture(video_, number, draw); !put) return put;
    }
    std::vector<int16_t> samples(sounds_.empty() ? 0 : kRate);
    sound_.render(static_cast<int64_t>(second) * kRate, samples);
    for (const Sound& to : sounds_)
      if (auto put = to.writer->samples(to.stream, samples); !put) return put;
    return {};
  }

  Result<> finish() {
    for (auto* file : {&film_, &wav_})
      if (*file)
        if (auto done = (*file)->finish(); !done) return done;
    return {};
  }

 private:
  Result<> open_picture() {
    auto form = form_of(options_.to);
    if (!form) return tl::unexpected(form.error());
    if (std::string_view((*form)->codec) == "jpeg" && options_.fps != kMjpegFps)
      return fail(Code::kUsage,
                  fmt::format("--to {}: Chromium plays MJPEG with 30 frames a second, "
                              "whatever was meant; expected --fps 30, or .y4m",
                              options_.to.string()));
    auto picture = pipelines::PatternPicture::create({.seed = options_.seed,
                                                      .source = options_.source_id(),
                                                      .name = options_.name,
                                                      .width = options_.width,
                                                      .height = options_.height,
                                                      .fps = options_.fps});
    if (!picture) return tl::unexpected(picture.error());
    picture_ = std::move(*picture);
    auto file = Output::create(options_.to, (*form)->container);
    if (!file) return tl::unexpected(file.error());
    film_.emplace(std::move(*file));
    auto video = film_->writer->add(feeds::VideoSettings{.codec = (*form)->codec,
                                                         .width = options_.width,
                                                         .height = options_.height,
                                                         .fps = options_.fps,
                                                         .tick = {1, options_.fps},
                                                         .bitrate = options_.bitrate});
    if (!video) return tl::unexpected(video.error());
    video_ = *video;
    return (*form)->sound ? add_sound(*film_, "opus") : Result<>();
  }

  Result<> open_wav() {
    if (options_.audio.extension() != ".wav")
      return fail(Code::kUsage, fmt::format("--audio {}: expected a name that ends in .wav",
                                            options_.audio.string()));
    auto file = Output::create(options_.audio, "wav");
    if (!file) return tl::unexpected(file.error());
    wav_.emplace(std::move(*file));
    return add_sound(*wav_, "pcm");
  }

  Result<> add_sound(Output& file, const char* codec) {
    auto stream = file.writer->add(feeds::AudioSettings{.codec = codec});
    if (!stream) return tl::unexpected(stream.error());
    sounds_.push_back({file.writer.get(), *stream});
    return {};
  }

  const PatternOptions& options_;
  pipelines::PatternSound sound_;
  std::unique_ptr<pipelines::PatternPicture> picture_;
  std::optional<Output> film_, wav_;
  size_t video_ = 0;
  std::vector<Sound> sounds_;
};

void tell(Console& console, const PatternOptions& options, const fs::path& path) {
  std::error_code unknown;
  const auto bytes = fs::file_size(path, unknown);
  console.event("written",
                fmt::format("{} ({} s, {:.1f} MB)", path.string(), options.seconds,
                            static_cast<double>(bytes) / 1e6),
                Json::object()
                    .set("path", path.string())
                    .set("duration_s", options.seconds)
                    .set("bytes", static_cast<int64_t>(bytes)));
}

}  // namespace

Result<> write_pattern(const PatternOptions& options, const std::function<bool(double)>& progress) {
  if (options.to.empty() && options.audio.empty())
    return fail(Code::kUsage, "nothing to write: expected --to FILE, --audio FILE, or both");
  Writing writing(options);
  if (auto open = writing.open(); !open) return open;
  for (int second = 0; second < options.seconds; ++second) {
    if (auto written = writing.write_second(second); !written) return written;
    if (progress && !progress((second + 1.0) / options.seconds))
      return fail(Code::kInterrupted, "interrupted");
  }
  return writing.finish();
}

ExitStatus run_pattern(Console& console, const PatternOptions& options) {
  const Interrupt interrupt;
  const auto done = write_pattern(options, [&](double share) {
    console.progress("writing", share);
    return !Interrupt::asked();
  });
  console.end_progress();
  if (!done) {
    print_error("callbot: {}\n", done.error().message);
    return exit_status(done.error());
  }
  for (const fs::path& path : {options.to, options.audio})
    if (!path.empty()) tell(console, options, path);
  return kExitGood;
}

}  // namespace callbot::bot
