#include "bot/cli.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/files.h"
#include "bot/cli_recordings.h"

namespace callbot::bot {
namespace {

constexpr const char* kExitStatuses = R"(
Exit status, the same list for every command:
  0    done, and good (PASS or WARN)
  1    done, but the call or the recording is not good (FAIL)
  2    wrong use
  3    could not connect or join
  4    storage: a folder or file could not be read or written
  5    unmeasured or invalid: there was nothing to judge, or it is encrypted and no --key
       opens it
  130  interrupted before it was done (Ctrl-C or SIGTERM while a recording runs ends the
       recording and judges it; a second Ctrl-C interrupts the judging)
)";

// A flag's text -> a value, with our own words when it cannot be.
template <class T>
CLI::Option* parsed(CLI::App* app, const char* flag, const char* help, T& target,
                    std::function<Result<T>(const std::string&)> parse, const char* type) {
  return app
      ->add_option_function<std::string>(
          flag,
          [&target, parse, flag](const std::string& text) {
            auto value = parse(text);
            const std::string first = std::string(flag).substr(0, std::string(flag).find(','));
            if (!value) throw CLI::ValidationError(first, value.error().message);
            target = *value;
          },
          help)
      ->type_name(type);
}

Result<std::optional<std::chrono::milliseconds>> some_duration(const std::string& text) {
  return parse_duration(text).map([](auto d) { return std::optional(d); });
}

Result<std::chrono::milliseconds> duration(const std::string& text) { return parse_duration(text); }

Result<int> bitrate(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  const double factor = unit == "k" ? 1e3 : unit == "M" || unit == "m" ? 1e6 : unit.empty() ? 1 : 0;
  const double bits = value * factor;
  if (!(bits >= 30e3 && bits <= 100e6))
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected a bit rate from 30k to 100M, such as 1500k", text));
  return static_cast<int>(bits);
}

// With its unit: a bare number is a time where both may stand.
Result<uint64_t> byte_count(const std::string& text) {
  const auto bytes = parse_bytes(text);
  const bool unit = !text.empty() && std::isalpha(static_cast<unsigned char>(text.back())) != 0;
  if (bytes && unit && *bytes >= 100'000 && *bytes <= 1'000'000'000'000'000) return bytes;
  return fail(Code::kUsage,
              fmt::format("\"{}\": expected a size from 100K up, such as 500M or 2G", text));
}

bool parse_size(const std::string& text, int* width, int* height) {
  int used = 0;
  return sscanf(text.c_str(), "%4dx%4d%n", width, height, &used) == 2 &&
         static_cast<size_t>(used) == text.size() && *width >= 96 && *width <= 3840 &&
         *height >= 64 && *height <= 2160 && *width % 2 == 0 && *height % 2 == 0;
}

void add_size(CLI::App* app, int& width, int& height) {
  app->add_option_function<std::string>(
         "--size",
         [&width, &height](const std::string& text) {
           if (!parse_size(text, &width, &height))
             throw CLI::ValidationError(
                 "--size", "\"" + text + "\": expected WIDTHxHEIGHT, even, 96x64 to 3840x2160");
         },
         "picture size in pixels")
      ->type_name("WxH")
      ->default_str("1280x720");
}

void add_join(CLI::App* app, JoinOptions& join) {
  app->add_option("URL", join.url,
                  "ws://HOST:PORT/rooms/ROOM, wss://..., janus+ws://HOST:PORT/janus?room=N, "
                  "janus+wss://...")
      ->required();
  app->add_option("--name", join.name, "display name")->capture_default_str();
  app->add_option("--token", join.token,
                  "the room's token, or a Janus room's pin ($CALLBOT_TOKEN keeps it out of the "
                  "process list)")
      ->envname("CALLBOT_TOKEN");
  app->add_option("--ca", join.ca_file, "trust the root certificates in this PEM file too")
      ->check(CLI::ExistingFile);
  app->add_flag("--insecure", join.insecure, "take any TLS certificate (tests only)");
  app->add_option(
      "--ice-server", join.ice_servers,
      "stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT?transport=udp|tcp, a ':' in USER as "
      "%3A; repeatable");
  app->add_option("--interface", join.interfaces,
                  "interface name or address to use; repeatable (default: all)")
      ->allow_extra_args(false);
}

void add_disk(CLI::App* c, DiskLimits& disk) {
  parsed<uint64_t>(c, "--reserve", "space on the disk below which no recording begins; 0: no limit",
                   disk.reserve, parse_bytes, "BYTES")
      ->default_str("500M");
  parsed<std::optional<uint64_t>>(
      c, "--low-water",
      "space below which a recording that runs is ended (default: half the reserve)",
      disk.low_water,
      [](const std::string& text) {
        return parse_bytes(text).map([](uint64_t bytes) { return std::optional(bytes); });
      },
      "BYTES");
}

// A time ("10m") or a size ("500M").
void set_segment(const std::string& text, RecordRules& rules) {
  if (const auto bytes = byte_count(text)) {
    rules.segment_bytes = *bytes;
    return;
  }
  const auto time = parse_duration(text);
  if (!time || time->count() < 1000)
    throw CLI::ValidationError("--segment",
                               "\"" + text +
                                   "\": expected a time from 1s, such as 10m, or a size from 100K, "
                                   "such as 500M");
  rules.segment_duration = *time;
}

// The key, or the file that holds it.
Result<std::optional<recordings::PublicKey>> public_key(const std::string& text) {
  std::error_code ignored;
  auto key = text.starts_with("callbot-") && !fs::exists(text, ignored)
                 ? recordings::parse_public_key(text)
                 : recordings::read_public_key(text);
  return key.map([](const auto& k) { return std::optional(k); });
}

void add_keys(CLI::App* c, std::vector<recordings::SecretKey>& keys) {
  c->add_option_function<std::vector<std::string>>(
       "--key",
       [&keys](const std::vector<std::string>& files) {
         for (const std::string& file : files) {
           const auto key = recordings::read_secret_key(file);
           if (!key) throw CLI::ValidationError("--key", key.error().message);
           keys.push_back(*key);
         }
       },
       "secret key of an encrypted recording (NAME.key of callbot key); repeatable")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

// What record and the recorders of serve have in common.
void add_rules(CLI::App* c, std::optional<std::chrono::milliseconds>& most_duration,
               bool& audio_only, RecordRules& rules) {
  parsed<std::optional<std::chrono::milliseconds>>(
      c, "--duration,--max-duration",
      "end after this long, pauses included, and with --resume what there was before (two names of "
      "one "
      "flag)",
      most_duration, some_duration, "TIME");
  parsed<uint64_t>(
      c, "--max-size",
      "end when there is so much media, with --resume what there was before included: 2G",
      rules.most_bytes, byte_count, "SIZE");
  parsed<std::optional<std::chrono::milliseconds>>(
      c, "--until-silent",
      "end when nobody has spoken for so long, by the levels that senders put into their packets "
      "(RFC 6464); who sends none never counts as silent",
      rules.until_silent, some_duration, "TIME");
  c->add_option_function<std::vector<std::string>>(
       "--segment",
       [&rules](const std::vector<std::string>& texts) {
         for (const std::string& text : texts) set_segment(text, rules);
       },
       "begin a new file at a key frame after a time (10m) or size (500M); repeatable for both")
      ->allow_extra_args(false)
      ->type_name("TIME|SIZE");
  c->add_flag("--audio-only", audio_only, "refuse video");
  parsed<std::optional<recordings::PublicKey>>(
      c, "--encrypt-to",
      "encrypt media, received files and chat to this public key (NAME.pub of callbot key); only "
      "the secret key opens them",
      rules.encrypt_to, public_key, "KEYFILE");
  c->add_option("--include", rules.include,
                "record only members whose name fits this pattern (* ? [...]); repeatable")
      ->allow_extra_args(false)
      ->type_name("GLOB");
  c->add_option("--exclude", rules.exclude,
                "leave out members whose name fits this pattern, as if they had asked for it; "
                "repeatable")
      ->allow_extra_args(false)
      ->type_name("GLOB");
}

// Its value is optional: it may stand alone, or before a time.
void add_until_empty(CLI::App* c, const char* help, bool* until_empty,
                     std::chrono::milliseconds& empty_for) {
  c->add_option_function<std::string>(
       "--until-empty",
       [until_empty, &empty_for](const std::string& text) {
         const auto time = parse_duration(text);
         if (!time) throw CLI::ValidationError("--until-empty", time.error().message);
         empty_for = *time;
         if (until_empty != nullptr) *until_empty = true;
       },
       help)
      ->type_name("[TIME]");
}

// So that a word behind --until-empty that is no time is another's. In CLI11's order: last first.
std::vector<std::string> arguments(const std::vector<std::string>& words) {
  std::vector<std::string> args;
  for (size_t i = 1; i < words.size(); ++i) {
    args.push_back(words[i]);
    if (args.back() != "--until-empty") continue;
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    const bool time = !next.empty() && std::isdigit(static_cast<unsigned char>(next[0])) != 0 &&
                      parse_duration(next).has_value();
    args.back() += time ? "=" + next : "=0s";
    i += time ? 1 : 0;
  }
  std::reverse(args.begin(), args.end());
  return args;
}

void add_ctl(CLI::App& app, CtlOptions& o) {
  auto* c = app.add_subcommand("ctl", "steer a recorder that runs: callbot ctl DIR COMMAND");
  c->add_option("DIR", o.dir, "folder of the recording")->required();
  c->require_subcommand(1);
  const auto command = [&](const char* name, const char* help) {
    auto* sub = c->add_subcommand(name, help);
    sub->add_flag("--json", o.json, "print the recorder's answer");
    return sub;
  };
  const auto member = [&](CLI::App* sub, const char* help) {
    sub->add_option("--member", o.member, help)->type_name("NAME");
  };
  auto* pause = command("pause", "write nothing of what comes from now on");
  member(pause, "of this member only: its name, or its id");
  pause
      ->add_option("--policy", o.policy,
                   "what an export makes of the pause: cut it out, or a still")
      ->capture_default_str()
      ->check(CLI::IsMember({"cut", "slate"}));
  member(command("resume", "go on"), "with this member");
  auto* mark = command("mark", "a marker at this moment; exports make chapters of them");
  mark->add_option("TEXT", o.text, "what it says")->required();
  member(mark, "whom it is about");
  command("split", "begin new media files at the next key frame, which is asked for");
  command("status", "who is recorded, how long, how much");
  for (const auto& [name, help] :
       {std::pair{"include", "record members whose name fits from now on"},
        {"exclude", "leave out members whose name fits from now on"}})
    command(name, help)
        ->add_option("GLOB", o.patterns,
                     "pattern of names: * ? [...]; the newest that fits decides")
        ->required();
  c->footer(
      "Examples:\n"
      "  callbot ctl recordings/standup-20261121T042042Z pause --member alice --policy slate\n"
      "  callbot ctl recordings/standup-20261121T042042Z mark \"decision\"\n");
}

// "ctl DIR word" where there is no such word; empty: that is not what is wrong.
std::string wrong_ctl_command(const CLI::App& ctl) {
  const auto rest = ctl.remaining();
  if (!ctl.get_subcommands().empty() || rest.empty()) return "";
  std::string names;
  for (const CLI::App* sub : ctl.get_subcommands([](const CLI::App*) { return true; }))
    names += (names.empty() ? "" : ", ") + sub->get_name();
  return fmt::format(
      "ctl: no such command: \"{}\", expected one of {}\nTry \"callbot ctl --help\".",
      printable(rest.front()), names);
}

void add_record(CLI::App& app, RecordOptions& o) {
  auto* c = app.add_subcommand("record", "join a call and record every other member");
  add_join(c, o.join);
  c->add_option("--out", o.out, "folder that gets one folder a recording")->capture_default_str();
  add_rules(c, o.duration, o.audio_only, o.rules);
  add_until_empty(c, "end when the last member has left; with a time: and nobody came for so long",
                  &o.until_empty, o.rules.empty_for);
  c->add_option(
       "--layer", o.rules.layer,
       "which simulcast layer to ask a Janus server for (default: the server's choice); in "
       "rooms there is none to choose")
      ->check(CLI::IsMember({"high", "medium", "low"}));
  c->add_option("--on-finish", o.on_finish,
                "program to run when the recording is done: PROGRAM FOLDER PASS|WARN|FAIL");
  add_disk(c, o.disk);
  c->add_option("--max-file-mb", o.most_file_mb, "largest file taken from the chat, in MB")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  c->add_option(
       "--resume", o.resume,
       "go on in this recording, which was cut off or ended, instead of a new one; what was "
       "paused or excluded there stays so, until ctl takes it back")
      ->check(CLI::ExistingDirectory);
  c->add_flag("--restart", o.restart,
              "start again after a crash or when the server was lost, and go on in the same "
              "recording; given up, it is repaired, judged and given to --on-finish");
  c->add_flag("!--no-repair", o.repair,
              "leave recordings that lie open below --out as they are (else they are finished, "
              "judged and given to --on-finish)");
  c->footer(
      "Examples:\n"
      "  callbot record ws://127.0.0.1:8080/rooms/standup --out /srv/recordings --until-empty\n"
      "  callbot record 'janus+ws://127.0.0.1:8188/janus?room=1234' --duration 1h --log json\n"
      "  callbot record ws://127.0.0.1:8080/rooms/standup --encrypt-to /etc/callbot/archive.pub\n");
}

void add_send(CLI::App& app, SendOptions& o) {
  auto* c = app.add_subcommand("send", "join a call as members that send a marked test pattern");
  add_join(c, o.join);
  const auto pattern = [c](const char* flag, const char* help, bool& target) {
    c->add_option_function<std::string>(
         flag, [&target](const std::string& text) { target = text == "pattern"; }, help)
        ->check(CLI::IsMember({"pattern", "none"}))
        ->default_str("pattern");
  };
  pattern("--video", "moving picture with clock, name, number and marks", o.video);
  pattern("--audio", "tone bed with chirps", o.audio);
  add_size(c, o.width, o.height);
  c->add_option("--fps", o.fps, "frames a second")->capture_default_str()->check(CLI::Range(1, 60));
  parsed<int>(c, "--bitrate", "of the video, in bit/s: 1500k, 2.5M", o.bitrate, bitrate, "RATE")
      ->default_str("1500k");
  c->add_option("--codec", o.codec, "video codec")
      ->capture_default_str()
      ->check(CLI::IsMember({"vp8", "vp9", "h264"}));
  c->add_option("--count", o.count, "join as so many members")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  c->add_option("--seed", o.seed, "the same seed gives the same frames and samples")
      ->capture_default_str();
  parsed<std::optional<std::chrono::milliseconds>>(c, "--duration", "leave after this long",
                                                   o.duration, some_duration, "TIME");
  c->footer(
      "Examples:\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --count 3 --duration 30s\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --codec h264 --size 640x360 "
      "--bitrate 500k\n");
}

void add_serve(CLI::App& app, ServeOptions& o) {
  auto* c = app.add_subcommand("serve", "run the room server and its web page");
  c->add_option_function<std::string>(
       "--listen",
       [&o](const std::string& text) {
         const size_t colon = text.rfind(':');
         int port = -1;
         if (colon != std::string::npos) {
           const auto digits = text.substr(colon + 1);
           if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos &&
               digits.size() <= 5)
             port = std::stoi(digits);
         }
         if (port < 0 || port > 65535)
           throw CLI::ValidationError("--listen", "\"" + text + "\": expected ADDRESS:PORT");
         o.address = text.substr(0, colon);
         if (o.address.size() > 2 && o.address.front() == '[')
           o.address = o.address.substr(1, o.address.size() - 2);
         o.port = static_cast<uint16_t>(port);
       },
       "address and port; port 0 picks a free one")
      ->type_name("ADDRESS:PORT")
      ->default_str("127.0.0.1:8080");
  auto* cert =
      c->add_option("--tls-cert", o.tls_cert, "certificate chain, PEM")->check(CLI::ExistingFile);
  auto* key = c->add_option("--tls-key", o.tls_key, "private key, PEM")->check(CLI::ExistingFile);
  cert->needs(key);
  key->needs(cert);
  c->add_flag("--tls-auto", o.tls_auto,
              "make and keep a local CA and a certificate for this host, and say how to trust it")
      ->excludes(cert);
  c->add_option("--tls-dir", o.tls_dir, "where --tls-auto keeps its keys");
  c->add_option("--token", o.token, "who joins must know it")->envname("CALLBOT_TOKEN");
  c->add_flag("--open", o.open, "let anybody join on an address other than loopback");
  c->add_option("--record", o.record, "record every room that has members into this folder");
  add_disk(c, o.disk);
  c->add_option("--max-members", o.most_members, "members a room")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  add_rules(c, o.duration, o.audio_only, o.rules);
  add_until_empty(c,
                  "a room's recording ends when it has been empty for so long (default: at once)",
                  nullptr, o.rules.empty_for);
  c->add_option("--on-finish", o.on_finish,
                "program to run when a recording is done: PROGRAM FOLDER PASS|WARN|FAIL");
  c->footer(
      "Examples:\n"
      "  callbot serve --record /srv/recordings\n"
      "  callbot serve --record /srv/recordings --encrypt-to /etc/callbot/archive.pub\n"
      "  callbot serve --listen 0.0.0.0:8443 --tls-auto --token SECRET\n");
}

void add_limits(CLI::App* app, VerifyOptions& o) {
  app->add_option("--thresholds", o.thresholds,
                  "JSON file with the limits to judge by; FORMAT.md lists their keys and units")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  app->add_option("--set", o.sets, "one limit, such as gap_warn=1; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_verify(CLI::App& app, VerifyOptions& o) {
  auto* c = app.add_subcommand("verify", "judge a recording: PASS, WARN or FAIL with findings");
  c->add_option("DIR", o.dir, "folder of the recording")->required();
  c->add_flag("--json", o.json, "the verdict as JSON");
  c->add_flag("--save", o.save, "keep it as verdict.json in the folder");
  add_limits(c, o);
  c->footer(
      "Examples:\n"
      "  callbot verify recordings/standup-20261121T042042Z --json\n"
      "  callbot verify recordings/standup-20261121T042042Z --set gap_warn=1 --set gap_fail=5\n");
}

void add_report(CLI::App& app, ReportOptions& o) {
  auto* c = app.add_subcommand("report", "make one HTML page of a recording, to look at it");
  c->add_option("DIR", o.verify.dir, "folder of the recording")->required();
  c->add_option("--out", o.out, "the page; its player finds the media if both stay where they are")
      ->type_name("FILE")
      ->default_str("DIR/report.html");
  c->add_flag("--judge-anew", o.judge_anew,
              "decode everything again, even where verdict.json still holds");
  add_limits(c, o.verify);
  c->footer(
      "Examples:\n"
      "  callbot report recordings/standup-20261121T042042Z\n"
      "  callbot report recordings/standup-20261121T042042Z --out /srv/www/standup.html\n");
}

void add_export(CLI::App& app, ExportOptions& o) {
  auto* c = app.add_subcommand("export", "make files that anything plays, one a participant");
  c->add_option("DIR", o.dir, "folder of the recording")->required();
  c->add_option("--to", o.to,
                "container; what it takes is copied, the rest encoded: mp4 (H.264, H.265, VP9, "
                "Opus), webm (VP8, VP9, Opus), mkv (everything), wav, mp3, opus (sound only)")
      ->required()
      ->check(CLI::IsMember({"mp4", "webm", "mkv", "wav", "mp3", "opus"}));
  c->add_option("--participant", o.participant, "only this one: a name or an id");
  c->add_option("--out", o.out, "folder that gets the files (default: exports/ in DIR)");
  c->add_flag("--whole", o.whole,
              "let every file begin and end with the recording, so that they can be laid side by "
              "side (default: with the participant's joining and leaving)");
  c->footer(
      "Examples:\n"
      "  callbot export recordings/standup-20261121T042042Z --to mp4\n"
      "  callbot export recordings/standup-20261121T042042Z --to wav --participant Alice "
      "--whole\n");
}

void add_compose(CLI::App& app, ComposeOptions& o) {
  auto* c = app.add_subcommand("compose", "make one picture and one mix of a whole recording");
  c->add_option("DIR", o.dir, "folder of the recording")->required();
  c->add_option("--layout", o.layout,
                "grid: everybody alike; speaker: who speaks large; side-by-side: who speaks beside "
                "the others; a shared screen always gets the large place; audio: the mix alone")
      ->capture_default_str()
      ->check(CLI::IsMember({"grid", "speaker", "side-by-side", "audio"}));
  add_size(c, o.width, o.height);
  c->add_option("--fps", o.fps, "frames a second")->capture_default_str()->check(CLI::Range(1, 60));
  c->add_option("--out", o.out,
                "file to write; its extension says what it is: mp4 (H.264, AAC), webm (VP9, Opus), "
                "mkv (H.264, Opus), and with the layout audio wav, mp3, opus (default: "
                "exports/composed-LAYOUT.mp4 in DIR)");
  c->add_option("--threads", o.threads, "threads that paint (default: as many as processors)")
      ->check(CLI::Range(1, 64));
  c->footer(
      "The same recording and options give the same pictures and samples.\n"
      "Examples:\n"
      "  callbot compose recordings/standup-20261121T042042Z --layout speaker\n"
      "  callbot compose recordings/standup-20261121T042042Z --size 1920x1080 --out call.webm\n"
      "  callbot compose recordings/standup-20261121T042042Z --layout audio --out call.mp3\n");
}

void add_key_verbs(CLI::App& app, KeyOptions& key, UnsealOptions& unseal) {
  auto* k = app.add_subcommand("key", "make a key pair for encrypted recordings");
  k->add_option("NAME", key.name, "gets NAME.pub, for who records, and NAME.key, to be kept secret")
      ->required();
  k->footer(
      "Without NAME.key nobody can open what was encrypted to NAME.pub: keep a copy of it.\n"
      "Example:\n"
      "  callbot key archive\n"
      "  callbot record ws://127.0.0.1:8080/rooms/standup --encrypt-to archive.pub\n"
      "  callbot verify recordings/standup-20261121T042042Z --key archive.key\n");
  auto* u = app.add_subcommand("unseal", "decrypt one file of an encrypted recording");
  u->add_option("FILE", unseal.file, "a file whose name ends in .sealed or .sealed.part")
      ->required();
  u->add_option("--out", unseal.out, "the decrypted file; it must not be there yet")
      ->type_name("FILE")
      ->required();
  u->footer(
      "Example:\n"
      "  callbot unseal recordings/standup-20261121T042042Z/files/plan.pdf.sealed --key "
      "archive.key "
      "--out plan.pdf\n");
}

std::string help_of(const CLI::App& app) {
  const CLI::App* verb = &app;
  std::string before;
  while (!verb->get_subcommands().empty()) {
    before += (before.empty() ? "" : " ") + verb->get_name();
    for (const CLI::Option* option : verb->get_options()) {
      if (option->get_positional()) before += " " + option->get_name(true);
    }
    verb = verb->get_subcommands().front();
  }
  return verb->help(before);
}

}  // namespace

Result<std::variant<Invocation, HelpText>> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "callbot joins WebRTC calls without a browser: records them, judges the recording, "
      "and sends marked test media.",
      "callbot");
  app.set_version_flag("--version", "callbot " CALLBOT_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(std::string("Examples:\n"
                         "  callbot demo\n"
                         "  callbot serve --record recordings\n"
                         "  callbot COMMAND --help\n") +
             kExitStatuses);

  OutputOptions output;
  app.add_option_function<std::string>(
         "--log", [&](const std::string& text) { output.json = text == "json"; },
         "how events and log lines are written")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
  app.add_flag_callback(
      "-v,--verbose", [&] { output.level = LogLevel::kInfo; }, "log more");
  app.add_flag_callback(
      "--debug", [&] { output.level = LogLevel::kDebug; }, "log everything");

  RecordOptions record;
  SendOptions send;
  ServeOptions serve;
  VerifyOptions verify;
  ReportOptions report;
  ShowOptions show;
  RepairOptions repair;
  ExportOptions exported;
  ComposeOptions composed;
  DemoOptions demo;
  KeyOptions key;
  UnsealOptions unseal;
  std::vector<recordings::SecretKey> keys;
  RecordingsOptions recordings;
  CtlOptions ctl;
  add_record(app, record);
  add_send(app, send);
  add_serve(app, serve);
  add_verify(app, verify);
  add_report(app, report);
  add_ctl(app, ctl);

  auto* s = app.add_subcommand("show", "print a recording's manifest for people");
  s->add_option("DIR", show.dir, "folder of the recording")->required();
  s->footer("Example:\n  callbot show recordings/standup-20261121T042042Z\n");
  auto* r = app.add_subcommand("repair", "finish a recording that was cut off, mend a damaged one");
  r->add_option("DIR", repair.dir, "folder of the recording")->required();
  r->add_flag("--json", repair.json, "what was done as JSON");
  r->footer(
      "Nothing is deleted: what cannot be used is kept in DIR/damaged. Repairing again changes\n"
      "nothing. Exits with 1 if something is lost, with 5 if the recording is still being "
      "written.\n"
      "Example:\n  callbot repair recordings/standup-20261121T042042Z\n");
  add_export(app, exported);
  add_compose(app, composed);
  auto* d = app.add_subcommand("demo", "a call on this machine: two bots, a recorder, its verdict");
  d->add_option("--out", demo.out, "folder that gets the recording")->capture_default_str();
  parsed<std::chrono::milliseconds>(d, "--duration", "how long to record", demo.duration, duration,
                                    "TIME")
      ->default_str("10s");
  d->footer("Example:\n  callbot demo --duration 5s\n");
  add_recordings(app, recordings);
  add_key_verbs(app, key, unseal);
  for (const char* name : {"verify", "report", "show", "repair", "export", "compose", "unseal"})
    add_keys(app.get_subcommand(name), keys);

  try {
    app.parse(arguments(mark_removed_tags(argc, argv)));
  } catch (const CLI::CallForVersion&) {
    return HelpText{std::string("callbot ") + CALLBOT_VERSION + "\n"};
  } catch (const CLI::CallForHelp&) {
    return HelpText{help_of(app)};
  } catch (const CLI::CallForAllHelp&) {
    return HelpText{app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::ParseError& e) {
    const auto verbs = app.get_subcommands();
    const auto rest = app.remaining();
    if (!verbs.empty() && verbs.front()->get_name() == "ctl") {
      if (const auto wrong = wrong_ctl_command(*verbs.front()); !wrong.empty())
        return fail(Code::kUsage, wrong);
    }
    if (verbs.empty() && !rest.empty())
      return fail(Code::kUsage, fmt::format("{}: no such command\nTry \"callbot --help\".",
                                            printable(rest.front())));
    return fail(Code::kUsage, fmt::format("{}\nTry \"callbot {}--help\".", e.what(),
                                          verbs.empty() ? "" : verbs.front()->get_name() + " "));
  }

  for (const DiskLimits* disk : {&record.disk, &serve.disk}) {
    if (disk->reserve != 0 && disk->low() > disk->reserve)
      return fail(Code::kUsage, "--low-water: expected at most as much as --reserve");
  }

  Invocation invocation{output, keys, demo};
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "record") invocation.verb = record;
  if (verb == "send") invocation.verb = send;
  if (verb == "serve") invocation.verb = serve;
  if (verb == "verify") invocation.verb = verify;
  if (verb == "report") invocation.verb = report;
  if (verb == "show") invocation.verb = show;
  if (verb == "repair") invocation.verb = repair;
  if (verb == "recordings") invocation.verb = recordings;
  if (verb == "ctl") {
    ctl.command = app.get_subcommands().front()->get_subcommands().front()->get_name();
    invocation.verb = ctl;
  }
  if (verb == "key") invocation.verb = key;
  if (verb == "unseal") invocation.verb = unseal;
  if (verb == "export") invocation.verb = exported;
  if (verb == "compose") invocation.verb = composed;
  return invocation;
}

ExitStatus exit_status(const Error& error) {
  switch (error.code) {
    case Code::kUsage:
    case Code::kUnsupported:
      return kExitUsage;
    case Code::kConnect:
    case Code::kDenied:
    case Code::kTimeout:
      return kExitConnect;
    case Code::kStorage:
      return kExitStorage;
    case Code::kBadInput:
    case Code::kUnmeasured:
      return kExitUnmeasured;
    case Code::kInterrupted:
      return kExitInterrupted;
    case Code::kInternal:
      break;
  }
  return kExitNotGood;
}

ExitStatus exit_status_on_disk(const Error& error) {
  const bool invalid = error.code == Code::kDenied || error.code == Code::kUnsupported;
  return invalid ? kExitUnmeasured : exit_status(error);
}

}  // namespace callbot::bot
