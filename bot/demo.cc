#include "bot/demo.h"

#include "base/clock.h"

namespace callbot::bot {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNames[] = {"alice", "bob"};

}  // namespace

Demo::Demo(Loop& loop, Console& console, DemoOptions options,
           std::function<void(Record::Done)> done)
    : loop_(loop), console_(console), options_(std::move(options)), done_(std::move(done)) {}

Demo::~Demo() {
  record_.reset();
  bots_.clear();  // before the server they are connected to
}

void Demo::start() {
  ServeOptions serve;
  serve.port = 0;
  serve_ = std::make_unique<Serve>(loop_, console_, serve);
  if (auto started = serve_->start(); !started)
    return recorded({exit_status(started.error()), started.error(), {}, {}});
  for (const char* name : kNames) {
    SendOptions send;
    send.join.url = "ws" + serve_->url().substr(4) + "/rooms/demo";
    send.join.name = name;
    send.seed = bots_.size() + 1;
    send.width = 640;
    send.height = 360;
    send.bitrate = 800'000;
    bots_.push_back(std::make_unique<Send>(
        loop_, console_, send, alive_.guard([this](const Send::Done& done) { bot_done(done); })));
  }
  for (auto& bot : bots_) bot->start();
  tick_.every(100ms, [this] { tick(); });
}

void Demo::start_recorder() {
  RecordOptions record;
  record.join.url = "ws" + serve_->url().substr(4) + "/rooms/demo";
  record.out = options_.out;
  record.duration = options_.duration;
  record.table = false;
  record_ = std::make_unique<Record>(
      loop_, console_, record,
      alive_.guard([this](Record::Done done) { recorded(std::move(done)); }));
  record_->start();
}

void Demo::tick() {
  if (!record_) {
    const bool ready =
        bots_.size() == std::size(kNames) && bots_[0]->joined() == 1 && bots_[1]->joined() == 1;
    if (ready) start_recorder();
    return;
  }
  if (!record_->joined()) return;
  if (recording_since_ns_ == 0) recording_since_ns_ = monotonic_ns();
  const double seconds = static_cast<double>(monotonic_ns() - recording_since_ns_) / 1e9;
  const double share = seconds / std::chrono::duration<double>(options_.duration).count();
  if (share <= 1) console_.progress("recording", share);
}

void Demo::interrupt() {
  if (record_) return record_->interrupt();
  recorded({kExitInterrupted, Error{Code::kInterrupted, "interrupted"}, {}, {}});
}

void Demo::terminate() {
  if (record_) return record_->terminate();
  interrupt();
}

void Demo::bot_done(const Send::Done& done) {
  if (recorded_ || !done.error) return;
  if (!record_) return recorded({done.status, done.error, {}, {}});
  console_.event("error", done.error->message, Json::object().set("message", done.error->message));
}

void Demo::recorded(Record::Done done) {
  if (recorded_) return;
  recorded_ = std::move(done);
  tick_.stop();
  for (auto& bot : bots_) bot->interrupt();
  const auto report = alive_.guard([this] { done_(*recorded_); });
  serve_->stop(report);
}

}  // namespace callbot::bot
