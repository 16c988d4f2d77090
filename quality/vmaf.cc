#include "quality/vmaf.h"

#include <fmt/core.h>

#include <cstdlib>
#include <utility>

#include "base/files.h"
#include "base/json.h"

namespace callbot::quality {
namespace {

constexpr size_t kMostWaiting = 16;       // 59 MB of 720p
constexpr const char* kAskWithin = "10";  // seconds
constexpr size_t kMostShown = 400;        // of what a program that failed says
constexpr const char* kVariable = "CALLBOT_FFMPEG";

using Words = std::vector<std::string>;
using Bytes = std::unique_ptr<GBytes, Freer<&g_bytes_unref>>;

std::string text_of(const Bytes& bytes) {
  size_t size = 0;
  const void* data = bytes ? g_bytes_get_data(bytes.get(), &size) : nullptr;
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

// What the program says when it gets this; its stderr is the error's text.
Result<std::string> said_by(const Words& words, GBytes* input, GCancellable* cancellable) {
  std::vector<const char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  const auto flags = static_cast<GSubprocessFlags>(
      (input != nullptr ? G_SUBPROCESS_FLAGS_STDIN_PIPE : G_SUBPROCESS_FLAGS_NONE) |
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  const auto process = GRef<GSubprocess>::adopt(g_subprocess_newv(argv.data(), flags, &error));
  if (!process) return fail(Code::kUnsupported, ErrorPtr(error)->message);
  GBytes *out_bytes = nullptr, *trouble_bytes = nullptr;
  const bool done = g_subprocess_communicate(process.get(), input, cancellable, &out_bytes,
                                             &trouble_bytes, &error);
  const Bytes out(out_bytes), trouble(trouble_bytes);
  if (!done) {
    g_subprocess_force_exit(process.get());
    return fail(Code::kInternal, ErrorPtr(error)->message);
  }
  if (!g_subprocess_get_successful(process.get())) {
    const std::string why = printable(text_of(trouble), kMostShown);
    return fail(Code::kInternal, why.empty() ? "it failed without a word" : why);
  }
  return text_of(out);
}

// 4:2:0, the received pictures above the sent ones; the model looks at luma alone.
void append(std::vector<uint8_t>& to, const std::vector<uint8_t>& above,
            const std::vector<uint8_t>& below) {
  constexpr uint8_t kGrey = 128;
  to.insert(to.end(), above.begin(), above.end());
  to.insert(to.end(), below.begin(), below.end());
  to.insert(to.end(), above.size(), kGrey);  // two planes, each a quarter of both
}

}  // namespace

Result<std::string> vmaf_program() {
  const char* named = std::getenv(kVariable);
  const std::string program = named != nullptr && *named != '\0' ? named : "ffmpeg";
  auto filters =
      said_by({"timeout", kAskWithin, program, "-hide_banner", "-filters"}, nullptr, nullptr);
  if (!filters)
    return fail(Code::kUnsupported, fmt::format("{}: {}", program, filters.error().message));
  if (filters->find(" libvmaf ") == std::string::npos)
    return fail(Code::kUnsupported,
                fmt::format("{} was built without the filter libvmaf; {} may name one that has it",
                            program, kVariable));
  return program;
}

Result<double> vmaf_of(const std::string& program, const VmafPictures& pictures,
                       GCancellable* cancellable) {
  std::vector<uint8_t> bytes;
  bytes.reserve(pictures.sent.size() * 9);
  append(bytes, pictures.before, pictures.before);
  append(bytes, pictures.received, pictures.sent);
  append(bytes, pictures.after, pictures.after);
  const std::string crop = fmt::format("crop={}:{}:0:", pictures.width, pictures.height);
  const std::string filters = fmt::format(
      "split[a][b];[a]{0}0[received];[b]{0}{1}[sent];"
      "[received][sent]libvmaf=log_fmt=json:log_path=/dev/stdout",
      crop, pictures.height);
  const Bytes input(g_bytes_new(bytes.data(), bytes.size()));
  auto said = said_by({"nice",
                       "-n",
                       "19",
                       program,
                       "-hide_banner",
                       "-v",
                       "error",
                       "-f",
                       "rawvideo",
                       "-pixel_format",
                       "yuv420p",
                       "-video_size",
                       fmt::format("{}x{}", pictures.width, 2 * pictures.height),
                       "-i",
                       "pipe:0",
                       "-filter_complex",
                       filters,
                       "-f",
                       "null",
                       "-"},
                      input.get(), cancellable);
  if (!said) return tl::unexpected(std::move(said.error()).in(program));
  const auto log = Json::parse(*said);
  if (!log) return tl::unexpected(Error(log.error()).in(program + ": its log of libvmaf"));
  const auto score = log->at("frames").at(1).at("metrics").at("vmaf").number();
  if (!score)
    return fail(Code::kInternal, program + ": its log of libvmaf has no frames[1].metrics.vmaf");
  return *score;
}

Result<std::shared_ptr<VmafQueue>> VmafQueue::start() {
  auto program = vmaf_program();
  if (!program) return tl::unexpected(std::move(program.error()));
  return std::make_shared<VmafQueue>(std::move(*program));
}

VmafQueue::VmafQueue(std::string program)
    : program_(std::move(program)),
      cancellable_(GRef<GCancellable>::adopt(g_cancellable_new())),
      thread_([this] { work(); }) {}

VmafQueue::~VmafQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  g_cancellable_cancel(cancellable_.get());
  more_.notify_one();
  thread_.join();
}

void VmafQueue::add(VmafPictures pictures, int64_t at_ns, std::shared_ptr<SeriesSet> out) {
  const std::lock_guard lock(mutex_);
  if (jobs_.size() >= kMostWaiting) {
    ++left_out_;
    return;
  }
  jobs_.push_back({std::move(pictures), at_ns, std::move(out)});
  more_.notify_one();
}

bool VmafQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() && !busy_;
}

size_t VmafQueue::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

void VmafQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    measure(job);
    lock.lock();
    busy_ = false;
  }
}

void VmafQueue::measure(const Job& job) {
  const auto score = vmaf_of(program_, job.pictures, cancellable_.get());
  if (score) return job.out->sample("video.vmaf", job.at_ns, *score);
  if (g_cancellable_is_cancelled(cancellable_.get()) != 0) return;
  job.out->expect({"video.vmaf"}, score.error().message);
  job.out->invalidate("video.vmaf", score.error().message);
}

}  // namespace callbot::quality
