// The same verbs on both real browsers, and how each of them fails.
#include "browsers/browser.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>

#include <optional>
#include <set>

#include "signaling/http_server.h"
#include "tests/support/temp_folder.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kPatience = 90s;  // several browsers on a busy machine
constexpr auto kStep = 40s;

constexpr const char* kPage = R"(<!doctype html><title>first</title>
<input id="file" type="file"><script>
console.warn("a warning", 7);
window.loads = Number(sessionStorage.loads ?? 0) + 1;
sessionStorage.loads = window.loads;
</script>)";

class BrowserTest : public testing::TestWithParam<Kind> {
 protected:
  BrowserTest() {
    setenv("TMPDIR", folder_.path().c_str(), 1);  // whatever else runs here, the profiles are ours
    http_ = *signaling::HttpServer::create(loop_, Log("test"), {});
    http_->route("GET", "/", [](const auto&, const signaling::Responder& answer) {
      answer.send({200, "text/html; charset=utf-8", kPage, {}});
    });
  }

  ~BrowserTest() override { temp_ ? setenv("TMPDIR", temp_->c_str(), 1) : unsetenv("TMPDIR"); }

  BrowserConfig config() {
    BrowserConfig config;
    config.kind = GetParam();
    return config;
  }
  Result<> start(BrowserConfig config) {
    std::optional<Result<>> started;
    BrowserEvents events{[this](const ConsoleMessage& message) { console_.push_back(message); },
                         [this](const Error& error) { gone_.push_back(error); },
                         [this](const std::string& text) { told_.push_back(text); }};
    browser_ = Browser::start(loop_, Log("test"), std::move(config), std::move(events),
                              [&](Result<> how) { started = std::move(how); });
    loop_.run_until([&] { return started.has_value(); }, kPatience);
    return started ? *started : fail(Code::kTimeout, "start() never answered");
  }
  Result<> open(const std::string& url) {
    std::optional<Result<>> opened;
    browser_->open(url, kStep, [&](Result<> how) { opened = std::move(how); });
    loop_.run_until([&] { return opened.has_value(); }, kPatience);
    return opened ? *opened : fail(Code::kTimeout, "open() never answered");
  }
  Result<Json> evaluate(const std::string& expression, std::chrono::milliseconds deadline = kStep) {
    std::optional<Result<Json>> value;
    browser_->evaluate(expression, deadline, [&](Result<Json> v) { value = std::move(v); });
    loop_.run_until([&] { return value.has_value(); }, kPatience);
    return value ? *value : fail(Code::kTimeout, "evaluate() never answered");
  }
  std::string text_of(const std::string& expression) {
    const auto value = evaluate(expression);
    return value ? value->dump() : value.error().message;
  }
  bool said(const std::string& level, const std::string& text) {
    return loop_.run_until(
        [&] {
          for (const auto& message : console_)
            if (message.level == level && message.text.find(text) != std::string::npos) return true;
          return false;
        },
        kStep);
  }
  bool closed() {
    bool done = false;
    browser_->close([&] { done = true; });
    return loop_.run_until([&] { return done; }, kPatience);
  }
  static std::set<fs::path> profiles() {
    std::set<fs::path> all;
    for (const auto& entry : fs::directory_iterator(fs::temp_directory_path()))
      if (entry.path().filename().string().starts_with("callbot-browser-"))
        all.insert(entry.path());
    return all;
  }

  static std::optional<std::string> temp() {
    const char* before = getenv("TMPDIR");
    return before == nullptr ? std::nullopt : std::optional<std::string>(before);
  }

  const std::optional<std::string> temp_ = temp();
  Loop loop_;
  test::TempFolder folder_;
  std::unique_ptr<signaling::HttpServer> http_;
  std::vector<ConsoleMessage> console_;
  std::vector<Error> gone_;
  std::vector<std::string> told_;
  std::unique_ptr<Browser> browser_;
};

TEST_P(BrowserTest, OpensEvaluatesAndCloses) {
  const auto before = profiles();
  const auto started = start(config());
  ASSERT_TRUE(started) << started.error().message;
  const pid_t pid = browser_->pid();
  const auto opened = open(http_->url() + "/");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(text_of("document.title"), "\"first\"");
  EXPECT_EQ(text_of("({ a: [1, 2.5, 'x', null, true] })"), R"({"a":[1,2.5,"x",null,true]})");
  EXPECT_EQ(text_of("undefined"), "null");
  EXPECT_EQ(text_of("new Promise((resolve) => setTimeout(() => resolve('later'), 20))"),
            "\"later\"");
  EXPECT_TRUE(said("warning", "a warning 7"));

  const auto thrown = evaluate("nothing.like.this");
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::kBadInput);
  EXPECT_THAT(thrown.error().message, HasSubstr("nothing is not defined"));
  EXPECT_EQ(evaluate("Promise.reject(new Error('no!'))").error().code, Code::kBadInput);
  EXPECT_EQ(evaluate("new Promise(() => {})", 300ms).error().code, Code::kTimeout);
  ASSERT_TRUE(evaluate("void setTimeout(() => { throw new Error('uncaught one'); })"));
  EXPECT_TRUE(said("error", "uncaught one"));

  ASSERT_TRUE(evaluate("void callbotTell('from the page')"));
  EXPECT_TRUE(loop_.run_until([&] { return !told_.empty(); }, kPatience));
  EXPECT_EQ(told_[0], "from the page");

  const fs::path file = folder_.path() / "chosen.txt";
  ASSERT_TRUE(write_atomically(file, "hello"));
  std::optional<Result<>> chosen;
  browser_->set_file("document.getElementById('file')", file, kStep,
                     [&](Result<> how) { chosen = std::move(how); });
  ASSERT_TRUE(loop_.run_until([&] { return chosen.has_value(); }, kPatience));
  ASSERT_TRUE(*chosen) << chosen->error().message;
  EXPECT_EQ(text_of("document.getElementById('file').files[0].text()"), "\"hello\"");

  std::optional<Result<std::string>> picture;
  browser_->screenshot(kStep, [&](Result<std::string> jpeg) { picture = std::move(jpeg); });
  ASSERT_TRUE(loop_.run_until([&] { return picture.has_value(); }, kPatience));
  ASSERT_TRUE(*picture) << picture->error().message;
  EXPECT_THAT(**picture, StartsWith("\xff\xd8\xff"));

  std::optional<Result<>> reloaded;
  browser_->reload(kStep, [&](Result<> how) { reloaded = std::move(how); });
  ASSERT_TRUE(loop_.run_until([&] { return reloaded.has_value(); }, kPatience));
  ASSERT_TRUE(*reloaded) << reloaded->error().message;
  EXPECT_EQ(text_of("window.loads"), "2");

  const auto unreachable = open("http://127.0.0.1:9/");
  ASSERT_FALSE(unreachable);
  EXPECT_EQ(unreachable.error().code, Code::kConnect);

  EXPECT_GT(profiles().size(), before.size());
  EXPECT_TRUE(closed());
  EXPECT_NE(kill(pid, 0), 0);
  EXPECT_EQ(profiles(), before);
  EXPECT_TRUE(gone_.empty());
}

TEST_P(BrowserTest, OneThatIsKilledIsToldOnce) {
  const auto before = profiles();
  ASSERT_TRUE(start(config()));
  ASSERT_TRUE(open(http_->url() + "/"));
  std::optional<Result<Json>> value;
  browser_->evaluate("new Promise(() => {})", kPatience,
                     [&](Result<Json> v) { value = std::move(v); });
  kill(browser_->pid(), SIGKILL);
  ASSERT_TRUE(loop_.run_until([&] { return !gone_.empty(); }, kPatience));
  ASSERT_TRUE(value) << "what was under way has failed";
  EXPECT_EQ(value->error().code, Code::kConnect);
  EXPECT_EQ(gone_[0].code, Code::kConnect);
  EXPECT_THAT(gone_[0].message, HasSubstr(name_of(GetParam())));
  EXPECT_EQ(browser_->pid(), 0);
  EXPECT_EQ(evaluate("1").error().code, Code::kConnect);
  EXPECT_TRUE(closed());
  EXPECT_EQ(gone_.size(), 1U);
  EXPECT_EQ(profiles(), before);
}

// Destroyed while it starts: nothing is left of it.
TEST_P(BrowserTest, OneThatIsDroppedLeavesNothing) {
  const auto before = profiles();
  bool answered = false;
  browser_ =
      Browser::start(loop_, Log("test"), config(), {}, [&](const Result<>&) { answered = true; });
  ASSERT_TRUE(loop_.run_until([&] { return browser_->pid() > 0; }, kPatience));
  const pid_t pid = browser_->pid();
  browser_.reset();
  EXPECT_NE(kill(pid, 0), 0);
  EXPECT_EQ(profiles(), before);
  EXPECT_FALSE(answered);
}

TEST_P(BrowserTest, OneThatIsNotInstalledSaysWhichPackage) {
  BrowserConfig missing = config();
  missing.program = "/nowhere/browser";
  const auto started = start(missing);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kUnsupported);
  EXPECT_THAT(started.error().message,
              HasSubstr(GetParam() == Kind::kChromium ? "apt install chromium"
                                                      : "apt install firefox-esr"));
}

TEST_P(BrowserTest, OneThatDoesNotStartSaysWhatItSaid) {
  BrowserConfig broken = config();
  broken.program = "/bin/sh";  // takes the first flag for one of its own, or not at all
  const auto started = start(broken);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kConnect);
  EXPECT_THAT(started.error().message, HasSubstr("did not start: exit status"));
  EXPECT_THAT(started.error().message, HasSubstr("sh: "));
}

TEST_P(BrowserTest, AFileThatIsNotThereIsToldBeforeItStarts) {
  BrowserConfig without = config();
  without.camera = folder_.path() / "none.y4m";
  const auto started = start(without);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kStorage);
  EXPECT_THAT(started.error().message, HasSubstr("none.y4m"));
}

INSTANTIATE_TEST_SUITE_P(Both, BrowserTest, testing::Values(Kind::kChromium, Kind::kFirefox),
                         [](const auto& info) { return name_of(info.param); });

using ChromiumTest = BrowserTest;

TEST_P(ChromiumTest, APageThatCrashesIsTold) {
  ASSERT_TRUE(start(config()));
  ASSERT_TRUE(open(http_->url() + "/"));
  browser_->open("chrome://crash", kStep, [](const Result<>&) {});
  ASSERT_TRUE(loop_.run_until([&] { return !gone_.empty(); }, kPatience));
  EXPECT_THAT(gone_[0].message, HasSubstr("the page crashed"));
  EXPECT_EQ(evaluate("1").error().code, Code::kConnect);
}

INSTANTIATE_TEST_SUITE_P(Only, ChromiumTest, testing::Values(Kind::kChromium),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace callbot::browsers
