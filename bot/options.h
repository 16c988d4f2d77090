// bot/options.h: what each verb of the program can be told, as plain structs with their defaults.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   never; bot/cli fills and checks them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "bot/recordings_options.h"
#include "network/conditions.h"
#include "recordings/keys.h"
#include "scenarios/baseline.h"

namespace callbot::bot {

struct OutputOptions {
  LogLevel level = LogLevel::kWarning;
  bool json = false;  // events and log as JSON lines
};

// How to get into a call, for every verb that joins one.
struct JoinOptions {
  std::string url;
  std::string name;
  std::string token;  // CALLBOT_TOKEN in the environment where no flag is given
  std::string ca_file;
  bool insecure = false;
  std::vector<std::string> ice_servers;  // stun:..., turn:USER:PASSWORD@HOST:PORT?transport=...
  std::vector<std::string> interfaces;
  std::optional<network::Network> network;
};

// Space on the disk that gets the recordings, in bytes; 0: no limit.
struct DiskLimits {
  uint64_t reserve = 500'000'000;          // below it no recording begins
  std::optional<uint64_t> low_water = {};  // below it one that runs ends; none: half of it
  uint64_t low() const { return low_water.value_or(reserve / 2); }
};

// How a recording goes on and ends, for record and for the recorders of serve.
struct RecordRules {
  std::optional<std::chrono::milliseconds> segment_duration;
  uint64_t segment_bytes = 0;              // 0: no limit
  uint64_t most_bytes = 0;                 // of all media; 0: no limit
  std::chrono::milliseconds empty_for{0};  // with until_empty: how long it must be empty
  std::optional<std::chrono::milliseconds> until_silent;
  std::vector<std::string> include, exclude;  // patterns of names
  std::string layer;                          // "high", "medium", "low"; empty: as the server does
  std::optional<recordings::PublicKey> encrypt_to;
};

struct RecordOptions {
  JoinOptions join{.name = "recorder"};
  fs::path out = "recordings";
  std::optional<std::chrono::milliseconds> duration;
  bool until_empty = false;
  bool audio_only = false;
  RecordRules rules;
  std::string on_finish;        // a program; gets the folder and the verdict as arguments
  uint64_t most_file_mb = 100;  // of a file dropped into the chat
  DiskLimits disk;
  fs::path resume;       // go on in this recording
  bool restart = false;  // under a parent that starts it again; see supervise.h
  fs::path asked_in;     // what was asked of this recording holds in ours too
  int tell_fd = -1;      // in its worker: tells that parent what becomes of the recording
  bool repair = true;    // what lies open below `out`
  bool table = true;     // the live table; the demo shows a progress bar instead
};

// What is sent instead of the test pattern, or beside it.
constexpr uint64_t kMostCached = 2'000'000'000;  // bytes of encoded feeds on the disk

struct FeedOptions {
  std::vector<std::string> files;  // in a row; "-" is standard input
  std::chrono::milliseconds at{0};
  uint64_t rounds = 0;  // 0: for ever
  // As the command line says; empty: the files', or else the pattern's.
  std::string picture;  // "pattern", "none", "black", "screen"
  std::string sound;    // "pattern", "none", "silence", "dtmf:KEYS", "say:WORDS"
  // Of pictures from files, where it was asked for.
  bool size = false, fps = false, codec = false, bitrate = false;
  uint64_t most_cached = kMostCached;
  fs::path cache;    // empty: below the user's cache folder
  std::string echo;  // instead of all that: what the member of this name sends; empty: nobody
};

struct SendOptions {
  JoinOptions join{.name = "bot"};
  FeedOptions feed;
  bool video = true;
  bool audio = true;
  int width = 1280, height = 720, fps = 30;
  int bitrate = 1'500'000;  // bit/s, video
  std::string codec = "vp8";
  int count = 1;
  uint64_t seed = 1;
  bool tell_clock = false;
  std::optional<std::chrono::milliseconds> duration;
};

struct ServeOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;
  fs::path tls_cert, tls_key;
  bool tls_auto = false;
  fs::path tls_dir;  // where --tls-auto keeps its keys; empty: below the user's data folder
  std::string token;
  bool open = false;
  std::optional<fs::path> record;
  DiskLimits disk;
  int most_members = 64;
  std::string on_finish;
  // Of its recorders.
  std::optional<std::chrono::milliseconds> duration;
  bool audio_only = false;
  RecordRules rules;
};

struct VerifyOptions {
  fs::path dir;
  bool json = false;
  bool save = false;              // verdict.json into the folder
  fs::path thresholds;            // empty: the usual ones
  std::vector<std::string> sets;  // KEY=VALUE, on top of these
};

struct ReportOptions {
  VerifyOptions verify;  // the folder, and by what it is judged
  fs::path out;          // empty: report.html in the folder
  bool judge_anew = false;
};

struct ShowOptions {
  fs::path dir;
};

struct RepairOptions {
  fs::path dir;
  bool json = false;
  std::string on_finish;
};

struct CtlOptions {
  fs::path dir;
  std::string command;  // "pause", "resume", "mark", "split", "status", "include", "exclude"
  std::string member;
  std::string policy = "cut";
  std::string text;                   // of a marker
  std::vector<std::string> patterns;  // to include or exclude
  bool json = false;
};

struct ExportOptions {
  fs::path dir;
  std::string to;
  std::string participant;
  fs::path out;  // empty: exports/ in the recording's folder
  bool whole = false;
  std::optional<double> from, until;  // seconds of the recording; none: its beginning, its end
};

struct ComposeOptions {
  fs::path dir;
  std::string layout = "grid";
  int width = 1280, height = 720, fps = 30;
  fs::path out;  // empty: exports/composed-<layout>.mp4 in the recording's folder
  int threads = 0;
};

struct MarksOptions {
  std::vector<fs::path> files;
  fs::path plan;  // empty: nothing is judged
  bool json = false;
  bool each = false;     // in the JSON: picture by picture
  bool compare = false;  // each file with the one before it
};

struct SelftestOptions {
  bool json = false;
  bool call = true;  // a call over lines as well
};

struct KeyOptions {
  fs::path name;
};

struct UnsealOptions {
  fs::path file, out;
};

struct PatternOptions {
  fs::path to, audio;  // empty: none
  std::string name = "callbot";
  int width = 1280, height = 720, fps = 30;
  int bitrate = 1'500'000;  // bit/s, where the picture is encoded
  int seconds = 10;
  uint64_t seed = 1;
  std::optional<uint16_t> source;
  uint16_t source_id() const { return source.value_or(static_cast<uint16_t>(seed)); }
};

struct TestOptions {
  std::vector<std::string> files;  // scenarios
  bool check = false;
  std::string schema;  // "scenario", "run": print it; empty: no
  std::map<std::string, std::string> vars;
  fs::path csv;
  int repeat = 1;
  std::optional<double> playout_latency;  // s, of actors that set none themselves
  fs::path junit, json, html, bundle;     // empty: where the scenario says, or nowhere
  fs::path baseline;                      // the JSON of an earlier run
  scenarios::BaselineRules baseline_rules;
  std::string metrics;  // "ADDRESS:PORT" for Prometheus; empty: where the scenario says
};

struct DemoOptions {
  fs::path out = "recordings";
  std::chrono::milliseconds duration{10000};
};

struct CheckCallOptions {
  JoinOptions join{.name = "check"};
  std::chrono::milliseconds duration{6000};  // of the marked echo
  int most_bitrate = 8'000'000;              // bit/s that is tried at most; 0: none is
  bool json = false;
};

struct Invocation {
  OutputOptions output;
  std::vector<recordings::SecretKey> keys = {};  // that encrypted recordings are opened with
  std::variant<RecordOptions, SendOptions, ServeOptions, VerifyOptions, ReportOptions, ShowOptions,
               RepairOptions, ExportOptions, ComposeOptions, DemoOptions, CtlOptions,
               RecordingsOptions, KeyOptions, UnsealOptions, MarksOptions, SelftestOptions,
               PatternOptions, TestOptions, CheckCallOptions>
      verb;
};

}  // namespace callbot::bot
