// Firefox over WebDriver BiDi (w3.org/TR/webdriver-bidi): one session, the first browsing context.
#include <fmt/core.h>

#include "browsers/driver.h"
#include "browsers/scripts.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 30s;

constexpr const char* kPrefs = R"(
user_pref("media.navigator.permission.disabled", true);
user_pref("media.getdisplaymedia.enabled", true);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("privacy.reduceTimerPrecision", false);
user_pref("dom.min_background_timeout_value", 4);
user_pref("dom.timeout.throttling_delay", -1);
user_pref("widget.windows.window_occlusion_tracking.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.tabs.unloadOnLowMemory", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#");
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("toolkit.startup.max_resumed_crashes", -1);
)";

std::string as_function(const std::string& script) { return "() => {\n" + script + "\n}"; }

class Firefox final : public Driver {
 public:
  using Driver::Driver;

  void open(const std::string& url, std::chrono::milliseconds deadline, Done done) override {
    load("browsingContext.navigate", Json::object().set("url", url), url, deadline,
         std::move(done));
  }
  void reload(std::chrono::milliseconds deadline, Done done) override {
    load("browsingContext.reload", Json::object(), "reload", deadline, std::move(done));
  }

  void evaluate(const std::string& expression, std::chrono::milliseconds deadline,
                Value done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    // As JSON text: BiDi's own values are a format of their own.
    run("(async () => JSON.stringify(await (" + expression + "\n)) ?? 'null')()", deadline,
        [done = std::move(done)](Result<Json> result) {
          if (!result) return done(result);
          done(Json::parse(result->at("value").text().value_or(""), {64u << 20, 128}));
        });
  }

  void set_file(const std::string& expression, const fs::path& file,
                std::chrono::milliseconds deadline, Done done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    choose(expression, file, deadline, std::move(done));
  }

  void screenshot(std::chrono::milliseconds deadline,
                  std::function<void(Result<std::string>)> done) override {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    const Json format =
        Json::object().set("type", "image/jpeg").set("quality", kPictureQuality / 100.0);
    wire_->send("browsingContext.captureScreenshot",
                Json::object().set("context", context_).set("format", format), deadline,
                [done = std::move(done)](Result<Json> picture) {
                  if (!picture) return done(tl::unexpected(picture.error()));
                  done(decoded_base64(picture->at("data").text().value_or("")));
                });
  }

 protected:
  std::string program() const override { return "/usr/bin/firefox-esr"; }
  const char* package() const override { return "firefox-esr"; }

  std::vector<std::string> arguments() const override {
    return {"--headless", "--no-remote",      "--new-instance",
            "--profile",  profile().string(), "--remote-debugging-port=0",
            "about:blank"};
  }

  Result<> write_profile() override {
    const bool fake = config_.devices;
    const std::string devices =
        fmt::format("user_pref(\"media.navigator.streams.fake\", {});\n", fake);
    return write_atomically(profile() / "user.js", kPrefs + devices);
  }

  std::optional<std::string> endpoint(const std::string& line) const override {
    constexpr std::string_view kBefore = "WebDriver BiDi listening on ";
    const size_t at = line.find(kBefore);
    if (at == std::string::npos) return std::nullopt;
    return line.substr(at + kBefore.size()) + "/session";
  }

  void opened() override {
    const Json always =
        Json::object()
            .set("acceptInsecureCerts", config_.insecure)
            .set("unhandledPromptBehavior", Json::object().set("default", "accept"));
    step("session.new",
         Json::object().set("capabilities", Json::object().set("alwaysMatch", always)),
         [this](const Json&) { find_page(); });
  }

  void event(const std::string& method, const Json& message) override {
    const Json params = message.at("params");
    if (method == "log.entryAdded") {
      std::string level = params.at("level").text().value_or("info");
      if (level == "warn") level = "warning";
      return say(level, params.at("text").text().value_or(""));
    }
    if (method == "script.message") return hear(params.at("data").at("value").text().value_or(""));
    if (params.at("context").text() != context_) return;
    if (method == "browsingContext.domContentLoaded") feed();
    if (method == "browsingContext.contextDestroyed") died("the page crashed or was closed");
  }

  void ask_to_close() override {
    wire_->send("browser.close", Json::object(), kStep, [](const Result<Json>&) {});
  }

 private:
  bool has_files() const { return !config_.camera.empty() || !config_.microphone.empty(); }

  // A step of the start: the first that fails ends it.
  void step(const std::string& method, const Json& params, std::function<void(const Json&)> then) {
    wire_->send(method, params, kStep, [this, then = std::move(then)](Result<Json> answer) {
      if (!answer) return ready(tl::unexpected(answer.error()));
      then(*answer);
    });
  }

  void find_page() {
    step("browsingContext.getTree", Json::object(), [this](const Json& tree) {
      context_ = tree.at("contexts").at(size_t{0}).at("context").text().value_or("");
      const Json events = Json::array()
                              .add("log.entryAdded")
                              .add("browsingContext.domContentLoaded")
                              .add("browsingContext.contextDestroyed")
                              .add("script.message");
      step("session.subscribe", Json::object().set("events", events),
           [this](const Json&) { add_channel(); });
    });
  }

  void add_channel() {
    const Json channel = Json::object()
                             .set("type", "channel")
                             .set("value", Json::object().set("channel", "callbot"));
    step("script.addPreloadScript",
         Json::object()
             .set("functionDeclaration", "(tell) => { globalThis.callbotTell = tell; }")
             .set("arguments", Json::array().add(channel)),
         [this](const Json&) { add_scripts(0); });
  }

  void add_scripts(size_t next) {
    std::vector<std::string> all = scripts();
    if (has_files()) all.insert(all.begin() + 1, feeder());
    if (next == all.size()) return ready({});
    step("script.addPreloadScript",
         Json::object().set("functionDeclaration", as_function(all[next])),
         [this, next](const Json&) { add_scripts(next + 1); });
  }

  std::string feeder() const {
    std::string script(script_feeder());
    for (const auto& [name, file] :
         {std::pair{"camera", config_.camera}, {"microphone", config_.microphone}})
      if (!file.empty())
        script += fmt::format(
            "\nif (globalThis.callbotFeed) callbotFeed.sources.{0} = callbotFeed.{0};", name);
    return script;
  }

  // The files into the new document, where a script of ours plays them.
  void feed() {
    for (const auto& [name, file] :
         {std::pair{"camera", config_.camera}, {"microphone", config_.microphone}}) {
      if (file.empty()) continue;
      choose(fmt::format("callbotFeed.input('{}')", name), file, kStep, [this](Result<> fed) {
        if (!fed) log_.info("no file for the page: {}", fed.error().message);
      });
    }
  }

  void choose(const std::string& expression, const fs::path& file,
              std::chrono::milliseconds deadline, Done done) {
    run(expression, deadline, [this, file, deadline, done = std::move(done)](Result<Json> element) {
      if (!element) return done(tl::unexpected(element.error()));
      const Json shared = Json::object().set("sharedId", element->at("sharedId"));
      wire_->send("input.setFiles",
                  Json::object()
                      .set("context", context_)
                      .set("element", shared)
                      .set("files", Json::array().add(fs::absolute(file).string())),
                  deadline, [done](Result<Json> set) {
                    done(set ? Result<>() : tl::unexpected(set.error()));
                  });
    });
  }

  void load(const std::string& method, Json params, const std::string& what,
            std::chrono::milliseconds deadline, Done done) {
    if (refused([done](const Error& error) { done(tl::unexpected(error)); })) return;
    wire_->send(method, params.set("context", context_).set("wait", "complete"), deadline,
                [what, done = std::move(done)](Result<Json> answer) {
                  if (answer) return done({});
                  Error error = answer.error();
                  if (error.code == Code::kBadInput) error.code = Code::kConnect;
                  done(tl::unexpected(std::move(error).in(what)));
                });
  }

  void run(const std::string& expression, std::chrono::milliseconds deadline, Wire::Done done) {
    wire_->send(
        "script.evaluate",
        Json::object()
            .set("expression", expression)
            .set("target", Json::object().set("context", context_))
            .set("awaitPromise", true)
            .set("userActivation", true),
        deadline, [done = std::move(done)](Result<Json> answer) {
          if (!answer) return done(answer);
          if (answer->at("type").text() == "exception")
            return done(
                fail(Code::kBadInput,
                     "the script threw: " +
                         answer->at("exceptionDetails").at("text").text().value_or("something")));
          done(answer->at("result"));
        });
  }

  std::string context_;
};

}  // namespace

std::unique_ptr<Driver> make_firefox(Loop& loop, Log log, BrowserConfig config,
                                     BrowserEvents events) {
  return std::make_unique<Firefox>(loop, std::move(log), std::move(config), std::move(events));
}

}  // namespace callbot::browsers
