#include "bot/cli_feeds.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/picture_limits.h"
#include "bot/cli_values.h"

namespace callbot::bot {
namespace {

void add_choice(CLI::App* c, SendOptions& o) {
  c->add_option_function<std::string>(
       "--video",
       [&o](const std::string& text) {
         o.feed.picture = text;
         o.video = text != "none";
       },
       "pattern: a moving picture with clock, name, number and marks; screen: slides with marks "
       "that change size; black; none (default: the files', else the pattern)")
      ->check(CLI::IsMember({"pattern", "screen", "black", "none"}));
  c->add_option_function<std::string>(
       "--audio",
       [&o](const std::string& text) {
         const bool known = text == "pattern" || text == "none" || text == "silence" ||
                            text.starts_with("dtmf:") || text.starts_with("say:");
         if (!known)
           throw CLI::ValidationError(
               "--audio",
               "\"" + text + "\": expected pattern, none, silence, dtmf:KEYS or say:WORDS");
         o.feed.sound = text;
         o.audio = text != "none";
       },
       "pattern: tone bed with chirps; silence; dtmf:KEYS, such as dtmf:12#,3, as tones in the "
       "sound; say:WORDS, with espeak-ng or flite; none (default: the files', else the pattern)")
      ->type_name("SOUND");
}

void add_files(CLI::App* c, FeedOptions& feed) {
  c->add_option("--file", feed.files,
                "send this instead: film, sound or picture, anything FFmpeg reads; repeatable: one "
                "after the other; - : live from standard input")
      ->allow_extra_args(false)
      ->type_name("FILE");
  c->add_option("--echo", feed.echo,
                "send back what this member sends, as it comes: its pictures, if they are in "
                "--codec, and its sound in Opus")
      ->type_name("NAME");
  parsed<std::chrono::milliseconds>(
      c, "--at", "begin so far into the first file, at the key frame there or before it", feed.at,
      duration, "TIME");
  c->add_option("--rounds", feed.rounds, "send the files so many times, then leave; 0: for ever")
      ->capture_default_str();
  parsed<uint64_t>(c, "--cache-size", "most space for what had to be encoded, on the disk",
                   feed.most_cached, byte_count, "SIZE")
      ->default_str("2G");
}

}  // namespace

void add_feed(CLI::App* c, SendOptions& o) {
  add_choice(c, o);
  add_files(c, o.feed);
  add_size(c, o.width, o.height)->each([&o](const std::string&) { o.feed.size = true; });
  c->add_option("--fps", o.fps, "frames a second")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostFps))
      ->each([&o](const std::string&) { o.feed.fps = true; });
  parsed<int>(c, "--bitrate", "of the video, in bit/s: 1500k, 2.5M", o.bitrate, bitrate, "RATE")
      ->default_str("1500k")
      ->each([&o](const std::string&) { o.feed.bitrate = true; });
  c->add_option("--codec", o.codec, "video codec")
      ->capture_default_str()
      ->check(CLI::IsMember({"vp8", "vp9", "h264"}))
      ->each([&o](const std::string&) { o.feed.codec = true; });
}

void add_pattern(CLI::App& app, PatternOptions& o) {
  auto* c = app.add_subcommand("pattern", "write the marked test pattern as files");
  c->add_option("--to", o.to,
                "the picture; its extension says what it is: y4m (not encoded: 42 MB a second at "
                "1280x720), mjpeg (a tenth of that), mkv, webm, nut (VP8, and the sound in Opus)")
      ->type_name("FILE");
  c->add_option("--audio", o.audio, "the sound: wav, 16 bit, 48 kHz, mono")->type_name("FILE");
  add_size(c, o.width, o.height);
  c->add_option("--fps", o.fps, "frames a second; mjpeg: 30, as Chromium plays it")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostFps));
  c->add_option("--seconds", o.seconds, "how long: whole seconds, one chirp each")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600));
  parsed<int>(c, "--bitrate", "of a picture in VP8, in bit/s: 1500k, 2.5M", o.bitrate, bitrate,
              "RATE")
      ->default_str("1500k");
  c->add_option("--seed", o.seed, "the same seed gives the same frames and samples")
      ->capture_default_str();
  c->add_option("--source", o.source, "number of the sender in the marks (default: of the seed)");
  c->add_option("--name", o.name, "shown in the picture")->capture_default_str();
  c->footer(
      "Picture and sound belong together to the sample, and the same options give the same bytes.\n"
      "A player that begins again at the end, as a browser's fake camera does, begins with picture "
      "0\n"
      "and chirp 0: counters and chirps start anew, none is cut. A browser starts its fake camera "
      "and\n"
      "its fake microphone each by itself, and repeats each by itself: how far they are apart is "
      "the\n"
      "browser's, and may change from call to call.\n"
      "Examples:\n"
      "  callbot pattern --to feed.y4m --audio feed.wav --size 640x360 --seconds 15\n"
      "  chromium --use-fake-device-for-media-stream --use-fake-ui-for-media-stream \\\n"
      "    --use-file-for-fake-video-capture=$PWD/feed.y4m \\\n"
      "    --use-file-for-fake-audio-capture=$PWD/feed.wav\n"
      "  callbot pattern --to feed.mjpeg --seconds 60 --seed 7\n");
}

}  // namespace callbot::bot
