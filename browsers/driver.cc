#include "browsers/driver.h"

#include <fmt/core.h>
#include <signal.h>

#include "base/clock.h"
#include "browsers/scripts.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;

constexpr auto kCloseWithin = 5s;  // a polite end; then it is killed

void remove_folder(const fs::path& folder) {
  std::error_code failed;
  // A process of the group that is just dying may still be writing.
  for (int i = 0; i < 5; ++i) {
    fs::remove_all(folder, failed);
    if (!fs::exists(folder, failed)) return;
  }
}

}  // namespace

const char* name_of(Kind kind) { return kind == Kind::kChromium ? "Chromium" : "Firefox"; }

std::string decoded_base64(const std::string& text) {
  gsize size = 0;
  const std::unique_ptr<guchar, Freer<&g_free>> bytes(g_base64_decode(text.c_str(), &size));
  return {reinterpret_cast<const char*>(bytes.get()), size};
}

std::unique_ptr<Browser> Browser::start(Loop& loop, Log log, BrowserConfig config,
                                        BrowserEvents events, Done started) {
  const auto make = config.kind == Kind::kChromium ? make_chromium : make_firefox;
  Log own = log.child(name_of(config.kind));
  auto browser = make(loop, std::move(own), std::move(config), std::move(events));
  browser->start(std::move(started));
  return browser;
}

Driver::Driver(Loop& loop, Log log, BrowserConfig config, BrowserEvents events)
    : loop_(loop), log_(std::move(log)), config_(std::move(config)), events_(std::move(events)) {}

Driver::~Driver() {
  wire_.reset();
  process_.reset();
  cleaner_.reset();  // waits for it
  if (!profile_.empty()) remove_folder(profile_);
}

void Driver::start(Done started) {
  started_ = std::move(started);
  if (auto launched = launch(); !launched) {
    loop_.post(alive_.guard([this, launched] { ready(launched); }));
    return;
  }
  deadline_.once(config_.start_within, [this] {
    ready(fail(Code::kTimeout,
               fmt::format("{} did not start within {} s; it said last:\n{}", name_of(kind()),
                           config_.start_within.count() / 1000, process_->last_lines())));
  });
}

Result<> Driver::launch() {
  for (const fs::path& file : {config_.camera, config_.microphone}) {
    std::error_code unknown;
    if (!file.empty() && !fs::is_regular_file(file, unknown))
      return fail(Code::kStorage, fmt::format("{}: no such file", file.string()));
  }
  const auto profile = make_unique_folder(fs::temp_directory_path() / "callbot-browser");
  if (!profile) return tl::unexpected(profile.error());
  profile_ = *profile;
  if (auto written = write_profile(); !written) return written;
  ProcessConfig process;
  process.words = {config_.program.empty() ? program() : config_.program};
  for (const auto& more : {arguments(), config_.arguments})
    process.words.insert(process.words.end(), more.begin(), more.end());
  // What they write beside the profile goes into it, and with it.
  for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"})
    process.environment.emplace_back(name, profile_.string());
  process.environment.emplace_back("MOZ_CRASHREPORTER_DISABLE", "1");
  process.environment.emplace_back("MOZ_HEADLESS_WIDTH", std::to_string(config_.width));
  process.environment.emplace_back("MOZ_HEADLESS_HEIGHT", std::to_string(config_.height));
  ProcessHandlers handlers;
  handlers.line = [this](const std::string& line) { took_line(line); };
  handlers.ended = [this](const std::string& how) { process_ended(how); };
  auto started = Process::start(process, std::move(handlers));
  if (!started && started.error().code == Code::kUnsupported)
    return fail(Code::kUnsupported,
                fmt::format("{} is not installed ({}); on Debian: apt install {}", name_of(kind()),
                            process.words.front(), package()));
  if (!started) return tl::unexpected(started.error());
  process_ = std::move(*started);
  return {};
}

void Driver::took_line(const std::string& line) {
  log_.debug("{}", line);
  if (wire_) return;
  const auto url = endpoint(line);
  if (!url) return;
  WireHandlers handlers;
  handlers.opened = [this] { opened(); };
  handlers.event = [this](const std::string& method, const Json& message) {
    if (!gone_) event(method, message);
  };
  // Usually the process has just ended, which says more.
  handlers.closed = [this](const Error& error) {
    deadline_.once(500ms, [this, error] { died("connection lost: " + error.message); });
  };
  wire_ = std::make_unique<Wire>(loop_, *url, std::move(handlers));
}

void Driver::process_ended(const std::string& how) {
  if (closing_) return clean_up();
  if (started_)
    return ready(fail(Code::kConnect, fmt::format("{} did not start: {}; it said last:\n{}",
                                                  name_of(kind()), how, process_->last_lines())));
  died("ended with " + how);
}

void Driver::ready(Result<> how) {
  if (!started_) return;
  deadline_.stop();
  const auto started = std::exchange(started_, nullptr);
  if (!how) gone_ = how.error();
  started(std::move(how));
}

void Driver::died(const std::string& how) {
  const std::string text = fmt::format("{}: {}", name_of(kind()), how);
  if (started_) return ready(fail(Code::kConnect, text));
  if (gone_ || closing_) return;
  gone_ = Error{Code::kConnect, text};
  log_.warn("{}", how);
  give_up(*gone_);
  if (wire_) wire_->give_up(*gone_);
  const auto told = events_.gone;
  if (!told) return;
  // Behind the verbs' own answers; and the handler may destroy us.
  loop_.post(alive_.guard([told, error = *gone_] { told(error); }));
}

void Driver::say(const std::string& level, const std::string& text) {
  log_.info("console {}: {}", level, printable(text, 500));
  if (events_.console) events_.console({level, printable(text, 2000), monotonic_ns()});
}

bool Driver::refused(const std::function<void(const Error&)>& answer) {
  std::optional<Error> why = gone_;
  if (!wire_ || closing_)
    why = Error{Code::kConnect, std::string(name_of(kind())) + " is not running"};
  if (!why) return false;
  loop_.post(alive_.guard([answer, error = *why] { answer(error); }));
  return true;
}

std::vector<std::string> Driver::scripts() const {
  std::vector<std::string> all{std::string(script_observer())};
  all.insert(all.end(), config_.scripts.begin(), config_.scripts.end());
  return all;
}

void Driver::freeze(bool yes) {
  if (process_) process_->signal(yes ? SIGSTOP : SIGCONT);
}

void Driver::close(std::function<void()> done) {
  if (closing_) return;
  closing_ = true;
  started_ = nullptr;
  closed_ = std::move(done);
  if (!process_ || process_->pid() == 0) return clean_up();
  freeze(false);
  deadline_.once(kCloseWithin, [this] { process_->signal(SIGKILL); });
  if (wire_ && !gone_)
    ask_to_close();
  else
    process_->signal(SIGKILL);
}

void Driver::clean_up() {
  deadline_.stop();
  if (cleaner_) return;
  cleaner_ = std::make_unique<Worker>(loop_, 1);
  cleaner_->run<bool>(
      [folder = profile_]() -> Result<bool> {
        if (!folder.empty()) remove_folder(folder);
        return true;
      },
      alive_.guard([this](Result<bool>) {
        const auto closed = std::exchange(closed_, nullptr);
        if (closed) closed();
      }));
}

}  // namespace callbot::browsers
