// The readers of marks that there are: the program's own (callbot marks), and in a page the one of
// what it shows and the one of what it sends. What a bot received in a call is read by all of them,
// picture by picture, and they have to say the same of each.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <optional>

#include "base/files.h"
#include "browsers/browser.h"
#include "signaling/http_server.h"
#include "tests/support/program.h"
#include "tests/support/raw_media.h"
#include "tests/support/temp_folder.h"

namespace callbot::browsers {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 150s;  // a whole run with a browser
constexpr auto kStep = 60s;
constexpr size_t kLeastPictures = 60;  // of each file
constexpr size_t kMostPictures = 150;  // that are looked at: each is decoded from its key frame on
constexpr size_t kAtOnce = 15;         // pictures for each question to the page
constexpr double kSame = 0.002;        // s: Matroska counts milliseconds

// "12 of 3", or "none".
std::string text_of(const Json& mark) {
  const auto counter = mark.at("counter").whole();
  return counter ? fmt::format("{} of {}", *counter, mark.at("source").whole().value_or(-1))
                 : "none";
}

struct Picture {
  double time = 0;
  std::string mark;
};

// A player that goes to a time of the file and says what is read in the picture it shows there: by
// readPicture(), as from the <video> of a call, and by readFrame(), as from a track that is sent.
constexpr const char* kPage = R"(<!doctype html><title>reader</title>
<input id="file" type="file"><video id="player" muted preload="auto"></video><script>
const player = document.getElementById('player');
const within = (promise, what) => Promise.race([promise, new Promise((_, reject) => {
  setTimeout(() => reject(new Error(`${what}: not within 20 s`)), 20000);
})]);
window.load = () => within(new Promise((resolve, reject) => {
  player.onloadeddata = () => resolve({ width: player.videoWidth, height: player.videoHeight });
  player.onerror = () => reject(new Error(player.error.message));
  player.src = URL.createObjectURL(document.getElementById('file').files[0]);
}), 'load');
const at = (time) => within(new Promise((resolve, reject) => {
  player.requestVideoFrameCallback(async (_, { mediaTime }) => {
    try {
      const shown = callbotObserver.readPicture(player, player.videoWidth) ?? {};
      const frame = new VideoFrame(player);
      const sent = await callbotObserver.readFrame(frame).finally(() => frame.close()) ?? {};
      resolve({ time: mediaTime, shown, sent });
    } catch (error) {
      reject(error);
    }
  });
  player.currentTime = time;
}), `the picture at ${time} s`);
window.read = async (times) => {
  const all = [];
  for (const time of times) all.push(await at(time));
  return all;
};
</script>)";

class MarkReadersTest : public testing::Test {
 protected:
  MarkReadersTest() {
    http_ = *signaling::HttpServer::create(loop_, Log("test"), {});
    http_->route("GET", "/", [](const auto&, const signaling::Responder& answer) {
      answer.send({200, "text/html; charset=utf-8", kPage, {}});
    });
  }

  // What one bot received of two others and of a browser.
  std::vector<fs::path> received() {
    const fs::path scenario = folder_.path() / "readers.yaml", kept = folder_.path() / "kept";
    EXPECT_TRUE(write_atomically(scenario, R"(
callbot: 1
name: readers
report: {keep: everything, bundle: )" + kept.string() +
                                               R"(}
media:
  vp8: {video: {source: pattern, codec: vp8, size: 640x360, fps: 30, bitrate: 600 kbit/s}}
  h264: {video: {source: pattern, codec: h264, size: 640x360, fps: 15, bitrate: 300 kbit/s}}
actors:
  eye: {verify: headers}
  vp8: {send: vp8, verify: none}
  h264: {send: h264, verify: none}
  page: {browser: chromium, send: vp8, verify: none}
steps:
  - {do: join, who: eye}
  - {do: join, who: page, timeout: 90s}
  - {do: join, who: vp8}
  - {do: join, who: h264}
  - {expect: metric, who: eye, from: page, metric: video.frames, stat: total, op: ">", value: 90, within: 60s}
  - {expect: metric, who: eye, from: vp8, metric: video.frames, stat: total, op: ">", value: 90, within: 60s}
  - {expect: metric, who: eye, from: h264, metric: video.frames, stat: total, op: ">", value: 90, within: 60s}
  - {do: leave, who: "*"}
)"));
    test::Program run(loop_, {CALLBOT_PROGRAM, "test", scenario.string()});
    run.wait(kPatience);  // a machine that is too slow makes it invalid, and keeps all the same
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(kept, none))
      if (entry.path().extension() == ".mkv") files.push_back(evenly(entry.path()));
    EXPECT_EQ(files.size(), 3U) << run.output();
    return files;
  }

  // The same packets of its pictures, one every 50 ms: a player that is to go to one of two that
  // came together goes to either.
  fs::path evenly(const fs::path& file) {
    const fs::path to = folder_.path() / file.filename();
    test::ffmpeg("-i " + file.string() +
                 " -map 0:v -c copy -bsf:v setts=pts=N*50:dts=N*50:duration=50 " + to.string());
    return to;
  }

  // What the program says of it.
  std::vector<Picture> by_program(const fs::path& file) {
    test::Program marks(loop_, {CALLBOT_PROGRAM, "marks", "--json", "--each", file.string()});
    EXPECT_EQ(marks.wait(), 0) << marks.output();
    const auto json = Json::parse(marks.output(), {64u << 20, 64});
    EXPECT_TRUE(json) << marks.output();
    std::vector<Picture> all;
    if (!json) return all;
    const Json each = json->at(size_t{0}).at("each");
    for (size_t i = 0; i < each.size(); ++i) {
      const Json found = each.at(i).at("marks");
      EXPECT_LE(found.size(), 1U) << found.dump();
      all.push_back({each.at(i).at("time").number().value_or(-1), text_of(found.at(size_t{0}))});
    }
    return all;
  }

  void start_browser() {
    std::optional<Result<>> how;
    browser_ = Browser::start(loop_, Log("test"), {}, {}, [&](Result<> h) { how = std::move(h); });
    ASSERT_TRUE(loop_.run_until([&] { return how.has_value(); }, kPatience));
    ASSERT_TRUE(*how) << how->error().message;
  }
  Json evaluate(const std::string& expression) {
    std::optional<Result<Json>> value;
    browser_->evaluate(expression, kStep, [&](Result<Json> v) { value = std::move(v); });
    loop_.run_until([&] { return value.has_value(); }, kPatience);
    EXPECT_TRUE(value && *value) << expression << ": "
                                 << (value ? value->error().message : "no answer");
    return value && *value ? **value : Json();
  }
  void load(const fs::path& file) {
    std::optional<Result<>> opened, chosen;
    browser_->open(http_->url() + "/", kStep, [&](Result<> how) { opened = std::move(how); });
    ASSERT_TRUE(loop_.run_until([&] { return opened.has_value(); }, kPatience));
    ASSERT_TRUE(*opened) << opened->error().message;
    browser_->set_file("document.getElementById('file')", file, kStep,
                       [&](Result<> how) { chosen = std::move(how); });
    ASSERT_TRUE(loop_.run_until([&] { return chosen.has_value(); }, kPatience));
    ASSERT_TRUE(*chosen) << chosen->error().message;
    const Json size = evaluate("load()");
    EXPECT_EQ(size.at("width").whole(), 640) << size.dump();
  }

  // The page goes to the middle of each picture.
  void compare(const std::vector<Picture>& pictures) {
    const size_t count = std::min(pictures.size(), kMostPictures);
    size_t read = 0;
    for (size_t from = 0; from < count; from += kAtOnce) {
      const size_t to = std::min(from + kAtOnce, count);
      std::string times;
      for (size_t i = from; i < to; ++i) {
        const double next = i + 1 < pictures.size() ? pictures[i + 1].time : pictures[i].time;
        times += fmt::format("{:.6f},", (pictures[i].time + next) / 2);
      }
      const Json seen = evaluate("read([" + times + "])");
      ASSERT_EQ(seen.size(), to - from);
      for (size_t i = from; i < to; ++i) {
        const Json one = seen.at(i - from);
        ASSERT_NEAR(one.at("time").number().value_or(-1), pictures[i].time, kSame);
        EXPECT_EQ(text_of(one.at("shown")), pictures[i].mark) << pictures[i].time;
        EXPECT_EQ(text_of(one.at("sent")), pictures[i].mark) << pictures[i].time;
        read += pictures[i].mark == "none" ? 0 : 1;
      }
    }
    EXPECT_GE(read, kLeastPictures);
  }

  Loop loop_;
  test::TempFolder folder_;
  std::unique_ptr<signaling::HttpServer> http_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(MarkReadersTest, AllOfThemSayTheSameOfEachPicture) {
  const auto files = received();
  ASSERT_NO_FATAL_FAILURE(start_browser());
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    const auto pictures = by_program(file);
    ASSERT_GE(pictures.size(), kLeastPictures);
    ASSERT_NO_FATAL_FAILURE(load(file));
    ASSERT_NO_FATAL_FAILURE(compare(pictures));
  }
}

}  // namespace
}  // namespace callbot::browsers
