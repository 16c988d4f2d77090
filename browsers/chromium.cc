// Chromium over the Chrome DevTools Protocol (chromedevtools.github.io/devtools-protocol): one
// target, attached to with "flatten", so that its messages carry a session id.
#include <fmt/core.h>
#include <unistd.h>

#include "browsers/driver.h"
#include "browsers/scripts.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 30s;

// "TypeError: x is not a function\n    at ..." of an exceptionDetails.
std::string thrown(const Json& details) {
  if (const auto text = details.at("exception").at("description").text()) return *text;
  if (const auto value = details.at("exception").at("value").text()) return *value;
  return details.at("text").text().value_or("an exception without words");
}

std::string level_of(const std::string& type) {
  if (type == "error" || type == "assert") return "error";
  if (type == "warning" || type == "debug") return type;
  return "info";
}

class Chromium final : public Driver {
 public:
  using Driver::Driver;

  void open(const std::string& url, std::chrono::milliseconds deadline, Done done) override {
    load("Page.navigate", Json::object().set("url", url), url, deadline, std::move(done));
  }
  void reload(std::chrono::milliseconds deadline, Done done) override {
    load("Page.reload", Json::object(), "reload", deadline, std::move(done));
  }

  void evaluate(const std::string& expression, std::chrono::milliseconds deadline,
                Value done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    run(expression, true, deadline, [done = std::move(done)](Result<Json> result) {
      done(result ? Result<Json>(result->at("value")) : result);
    });
  }

  void set_file(const std::string& expression, const fs::path& file,
                std::chrono::milliseconds deadline, Done done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    run(expression, false, deadline,
        [this, file, deadline, done = std::move(done)](Result<Json> element) {
          if (!element) return done(tl::unexpected(element.error()));
          command("DOM.setFileInputFiles",
                  Json::object()
                      .set("files", Json::array().add(fs::absolute(file).string()))
                      .set("objectId", element->at("objectId")),
                  deadline, [done](Result<Json> set) {
                    done(set ? Result<>() : tl::unexpected(set.error()));
                  });
        });
  }

  void screenshot(std::chrono::milliseconds deadline,
                  std::function<void(Result<std::string>)> done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    command("Page.captureScreenshot",
            Json::object().set("format", "jpeg").set("quality", kPictureQuality), deadline,
            [done = std::move(done)](Result<Json> picture) {
              if (!picture) return done(tl::unexpected(picture.error()));
              done(decoded_base64(picture->at("data").text().value_or("")));
            });
  }

 protected:
  std::string program() const override { return "/usr/bin/chromium"; }
  const char* package() const override { return "chromium"; }

  std::vector<std::string> arguments() const override {
    std::vector<std::string> all{
        "--headless", "--remote-debugging-port=0", "--user-data-dir=" + profile().string(),
        fmt::format("--window-size={},{}", config_.width, config_.height), "--no-first-run",
        "--no-default-browser-check", "--disable-gpu", "--disable-quic", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-extensions",
        "--disable-dev-shm-usage", "--password-store=basic",
        // A page that nobody sees must not be slowed down: somebody looks at it.
        "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding", "--autoplay-policy=no-user-gesture-required",
        // Host candidates as addresses, of the loopback interface too.
        "--disable-features=WebRtcHideLocalIpsWithMdns", "--allow-loopback-in-peer-connection",
        // Answers the questions for camera, microphone and screen.
        "--use-fake-ui-for-media-stream"};
    if (getuid() == 0) all.push_back("--no-sandbox");  // it refuses to start as root otherwise
    if (config_.insecure) all.push_back("--ignore-certificate-errors");
    if (config_.devices) all.push_back("--use-fake-device-for-media-stream");
    if (!config_.camera.empty())
      all.push_back("--use-file-for-fake-video-capture=" + fs::absolute(config_.camera).string());
    if (!config_.microphone.empty())
      all.push_back("--use-file-for-fake-audio-capture=" +
                    fs::absolute(config_.microphone).string());
    return all;
  }

  std::optional<std::string> endpoint(const std::string& line) const override {
    constexpr std::string_view kBefore = "DevTools listening on ";
    const size_t at = line.find(kBefore);
    if (at == std::string::npos) return std::nullopt;
    return line.substr(at + kBefore.size());
  }

  void opened() override {
    wire_->send("Target.createTarget", Json::object().set("url", "about:blank"), kStep,
                [this](Result<Json> made) {
                  if (!made) return ready(tl::unexpected(made.error()));
                  attach(made->at("targetId"));
                });
  }

  void event(const std::string& method, const Json& message) override {
    const Json params = message.at("params");
    if (method == "Page.frameNavigated") return navigated(params.at("frame"));
    // Before that it is the page's that was there until now.
    if (method == "Page.loadEventFired") return navigated_ ? loaded({}) : void();
    if (method == "Inspector.targetCrashed") return died("the page crashed");
    if (method == "Target.detachedFromTarget") return died("the page is gone");
    if (method == "Runtime.exceptionThrown")
      return say("error", thrown(params.at("exceptionDetails")));
    if (method == "Log.entryAdded") {
      const Json entry = params.at("entry");
      const std::string where = entry.at("url").text().value_or("");
      return say(level_of(entry.at("level").text().value_or("")),
                 entry.at("text").text().value_or("") + (where.empty() ? "" : " " + where));
    }
    if (method == "Runtime.bindingCalled") return hear(params.at("payload").text().value_or(""));
    if (method != "Runtime.consoleAPICalled") return;
    std::string text;
    const Json args = params.at("args");
    for (size_t i = 0; i < args.size(); ++i) {
      const Json value = args.at(i).at("value");
      text += (i > 0 ? " " : "") +
              value.text().value_or(value.is_null()
                                        ? args.at(i).at("description").text().value_or("null")
                                        : value.dump());
    }
    say(level_of(params.at("type").text().value_or("")), text);
  }

  void give_up(const Error& error) override {
    if (!load_done_) return;
    loop_.post(alive_.guard([this, error] { loaded(tl::unexpected(error)); }));
  }

  void ask_to_close() override {
    wire_->send("Browser.close", Json::object(), kStep, [](const Result<Json>&) {});
  }

 private:
  void command(const std::string& method, const Json& params, std::chrono::milliseconds deadline,
               Wire::Done done) {
    wire_->send(method, params, deadline, std::move(done), session_);
  }

  void attach(const Json& target) {
    wire_->send("Target.attachToTarget",
                Json::object().set("targetId", target).set("flatten", true), kStep,
                [this](Result<Json> attached) {
                  if (!attached) return ready(tl::unexpected(attached.error()));
                  session_ = attached->at("sessionId").text().value_or("");
                  prepare();
                });
  }

  // Some are carried out by the browser, some by the page's own process: only all of their answers
  // say that the page will be seen, and run our scripts.
  void prepare() {
    std::vector<std::pair<const char*, Json>> all;
    for (const char* domain : {"Page.enable", "Runtime.enable", "Log.enable", "Inspector.enable"})
      all.emplace_back(domain, Json::object());
    all.emplace_back("Runtime.addBinding", Json::object().set("name", "callbotTell"));
    std::vector<std::string> first = scripts();
    if (!config_.microphone.empty()) first.emplace_back(script_plain_sound());
    for (const std::string& script : first)
      all.emplace_back("Page.addScriptToEvaluateOnNewDocument",
                       Json::object().set("source", script));
    all.emplace_back("Page.bringToFront", Json::object());
    auto waiting = std::make_shared<size_t>(all.size());
    for (const auto& [method, params] : all)
      command(method, params, kStep, [this, waiting](const Result<Json>& done) {
        if (!done) return ready(tl::unexpected(done.error()));
        if (--*waiting == 0) ready({});
      });
  }

  void load(const std::string& method, const Json& params, const std::string& what,
            std::chrono::milliseconds deadline, Done done) {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    loaded(fail(Code::kInterrupted, "another page was opened"));
    load_done_ = std::move(done);
    navigated_ = false;
    load_deadline_.once(deadline, [this, what, deadline] {
      loaded(
          fail(Code::kTimeout, fmt::format("{}: not loaded within {} ms", what, deadline.count())));
    });
    command(method, params, deadline, [this, what](Result<Json> answer) {
      if (!answer) return loaded(tl::unexpected(answer.error()));
      if (const auto why = answer->at("errorText").text())
        loaded(fail(Code::kConnect, what + ": " + *why));
    });
  }

  // A page that cannot be reached has a page of its own; the command's answer says so.
  void navigated(const Json& frame) {
    if (frame.at("parentId").is_null() && frame.at("unreachableUrl").is_null() &&
        frame.at("url").text() != "about:blank")
      navigated_ = true;
  }

  void loaded(Result<> how) {
    load_deadline_.stop();
    const auto done = std::exchange(load_done_, nullptr);
    if (done) done(std::move(how));
  }

  void run(const std::string& expression, bool by_value, std::chrono::milliseconds deadline,
           Wire::Done done) {
    command("Runtime.evaluate",
            Json::object()
                .set("expression", expression)
                .set("awaitPromise", true)
                .set("userGesture", true)
                .set("returnByValue", by_value),
            deadline, [done = std::move(done)](Result<Json> answer) {
              if (!answer) return done(answer);
              const Json details = answer->at("exceptionDetails");
              if (details.is_object())
                return done(fail(Code::kBadInput, "the script threw: " + thrown(details)));
              done(answer->at("result"));
            });
  }

  std::string session_;
  Done load_done_;
  bool navigated_ = false;  // to what load_done_ waits for
  Timer load_deadline_;
  Alive alive_;
};

}  // namespace

std::unique_ptr<Driver> make_chromium(Loop& loop, Log log, BrowserConfig config,
                                      BrowserEvents events) {
  return std::make_unique<Chromium>(loop, std::move(log), std::move(config), std::move(events));
}

}  // namespace callbot::browsers
