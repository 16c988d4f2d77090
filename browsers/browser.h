// browsers/browser.h: a real browser with one page, its camera and microphone fed from files:
// Chromium over the Chrome DevTools Protocol, Firefox over WebDriver BiDi, with the same verbs.
//
// Chromium takes the files as its fake devices. Firefox has no such thing: there a script of ours
// stands in for getUserMedia and plays the same files (canvas, AudioContext).
// Every browser has a profile of its own in a temporary folder, runs without a window, and ends
// with us whatever happens.
//
// Thread:  loop, all of it, callbacks included; nothing blocks it. The loop's thread lives as long
//          as the browser (see browsers/process.h).
// Owner:   whoever started it. Destroying it kills the browser at once (up to a second); close()
//          first is polite, and quicker for the loop.
// Fails:   every verb through its Result: kUnsupported (not installed: says which package),
// kConnect
//          (did not start, with the last lines it said; a page that cannot be reached; the browser
//          or its page is gone), kTimeout, kBadInput (the script threw: its words). A browser or
//          page that dies is also told once through BrowserEvents::gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"

namespace callbot::browsers {

enum class Kind { kChromium, kFirefox };
const char* name_of(Kind kind);  // "Chromium"

struct BrowserConfig {
  Kind kind = Kind::kChromium;
  std::string program;             // empty: where Debian installs it
  fs::path camera;                 // .y4m or .mjpeg; empty: the browser's own fake picture
  fs::path microphone;             // .wav; empty: the browser's own fake sound
  bool devices = true;             // false: there is neither camera nor microphone
  int width = 1280, height = 800;  // of the window, px
  bool insecure = false;           // take any TLS certificate
  // Run in every page before its own scripts, in this order, after ours (browsers/scripts/).
  std::vector<std::string> scripts = {};
  std::vector<std::string> arguments = {};        // added to the command line
  std::chrono::milliseconds start_within{60000};  // several may start at once on a small machine
};

struct ConsoleMessage {
  std::string level;  // "debug", "info", "warning", "error"; an uncaught exception is an "error"
  std::string text;
  int64_t at_ns = 0;  // monotonic_ns() when we heard of it
};

struct BrowserEvents {
  std::function<void(const ConsoleMessage&)> console;
  // The browser ended or was killed, its page crashed, or we lost it. Once; the verbs under way
  // have failed then. Not called after close().
  std::function<void(const Error&)> gone;
  // What a script in the page says with callbotTell(text), as soon as it does.
  std::function<void(const std::string& text)> told = {};
};

class Browser {
 public:
  using Done = std::function<void(Result<>)>;
  using Value = std::function<void(Result<Json>)>;

  // `started` once, never from inside this call.
  static std::unique_ptr<Browser> start(Loop& loop, Log log, BrowserConfig config,
                                        BrowserEvents events, Done started);
  virtual ~Browser() = default;

  // Goes there and waits until the page is loaded.
  virtual void open(const std::string& url, std::chrono::milliseconds deadline, Done done) = 0;
  virtual void reload(std::chrono::milliseconds deadline, Done done) = 0;
  // A JavaScript expression; a promise is waited for. Its value as JSON, undefined as null.
  virtual void evaluate(const std::string& expression, std::chrono::milliseconds deadline,
                        Value done) = 0;
  // Chooses a file in the <input type=file> that the expression gives.
  virtual void set_file(const std::string& expression, const fs::path& file,
                        std::chrono::milliseconds deadline, Done done) = 0;
  // What the page looks like, as JPEG.
  virtual void screenshot(std::chrono::milliseconds deadline,
                          std::function<void(Result<std::string>)> done) = 0;

  // Stops all of the browser where it stands (SIGSTOP), and lets it go on: a tab that hangs.
  virtual void freeze(bool yes) = 0;
  // `done` once the browser is gone and its profile removed; kills it after some seconds.
  virtual void close(std::function<void()> done) = 0;
  virtual Kind kind() const = 0;
  virtual pid_t pid() const = 0;  // 0: it does not run
};

}  // namespace callbot::browsers
