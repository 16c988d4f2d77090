// browsers/driver.h: what both browsers have in common: process, profile, connection, how they
// fail. A dialect (chromium.cc, firefox.cc) adds the command line and the words of its protocol.
//
// Thread:  loop.
// Owner:   whoever holds the Browser.
// Fails:   see browser.h.
#pragma once

#include <optional>

#include "base/alive.h"
#include "base/worker.h"
#include "browsers/browser.h"
#include "browsers/process.h"
#include "browsers/wire.h"

namespace callbot::browsers {

constexpr int kPictureQuality = 70;  // of a screenshot's JPEG, of 100

class Driver : public Browser {
 public:
  Driver(Loop& loop, Log log, BrowserConfig config, BrowserEvents events);
  ~Driver() override;

  void start(Done started);
  void freeze(bool yes) override;
  void close(std::function<void()> done) override;
  Kind kind() const override { return config_.kind; }
  pid_t pid() const override { return process_ ? process_->pid() : 0; }

 protected:
  // --- what a dialect says
  virtual std::string program() const = 0;  // where Debian installs it
  virtual const char* package() const = 0;
  virtual std::vector<std::string> arguments() const = 0;
  virtual Result<> write_profile() { return {}; }
  // The WebSocket's URL, where a line of standard error tells it.
  virtual std::optional<std::string> endpoint(const std::string& line) const = 0;
  virtual void opened() = 0;  // the connection stands: get a page ready, then ready()
  virtual void event(const std::string& method, const Json& message) = 0;
  virtual void ask_to_close() = 0;
  virtual void give_up(const Error& error) { (void)error; }  // what waits for more than an answer

  void ready(Result<> how);
  // The page, or all of the browser, is gone.
  void died(const std::string& how);
  void say(const std::string& level, const std::string& text);
  void hear(const std::string& text) {
    if (events_.told) events_.told(text);
  }
  // Answers with what `died` says, where the browser is gone already.
  bool refused(const std::function<void(const Error&)>& answer);
  std::vector<std::string> scripts() const;  // all that run before the page's own
  const fs::path& profile() const { return profile_; }

  Loop& loop_;
  Log log_;
  BrowserConfig config_;
  std::unique_ptr<Wire> wire_;

 private:
  Result<> launch();
  void took_line(const std::string& line);
  void process_ended(const std::string& how);
  void clean_up();

  BrowserEvents events_;
  fs::path profile_;
  std::unique_ptr<Process> process_;
  Done started_;
  std::function<void()> closed_;
  bool closing_ = false;
  std::optional<Error> gone_;
  Timer deadline_;
  std::unique_ptr<Worker> cleaner_;
  Alive alive_;
};

std::string decoded_base64(const std::string& text);

std::unique_ptr<Driver> make_chromium(Loop& loop, Log log, BrowserConfig config,
                                      BrowserEvents events);
std::unique_ptr<Driver> make_firefox(Loop& loop, Log log, BrowserConfig config,
                                     BrowserEvents events);

}  // namespace callbot::browsers
