#include "bot/cli_calls.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/units.h"
#include "bot/cli_feeds.h"
#include "bot/cli_values.h"
#include "bot/member_filter.h"

namespace callbot::bot {
namespace {

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
      "%3A; turns: (TURN over TLS) is not supported; repeatable");
  app->add_option("--interface", join.interfaces,
                  "interface name or address to use; repeatable (default: all)")
      ->allow_extra_args(false);
  const std::string help =
      "send and receive everything (ICE, DTLS, media) through a network of these conditions: " +
      network::preset_names() +
      ", a file, or JSON such as '{\"down\":{\"loss\":\"10%\"}}'; STUN and TURN servers are not "
      "used then";
  parsed<std::optional<network::Network>>(
      app, "--network", help.c_str(), join.network,
      [](const std::string& text) {
        return network::parse_network(text).map(
            [](const network::Network& network) { return std::optional(network); });
      },
      "PRESET|FILE|JSON");
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

CLI::Validator glob() {
  return {[](std::string& text) {
            const auto is = check_pattern(text);
            return is ? std::string() : is.error().message;
          },
          ""};
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
      ->check(glob())
      ->type_name("GLOB");
  c->add_option("--exclude", rules.exclude,
                "leave out members whose name fits this pattern, as if they had asked for it; "
                "repeatable")
      ->allow_extra_args(false)
      ->check(glob())
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

}  // namespace

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

std::string wrong_ctl_command(const CLI::App& ctl, const std::vector<std::string>& rest) {
  if (!ctl.get_subcommands().empty() || rest.empty()) return "";
  std::string names;
  for (const CLI::App* sub : ctl.get_subcommands([](const CLI::App*) { return true; }))
    names += (names.empty() ? "" : ", ") + sub->get_name();
  return fmt::format(
      "ctl: no such command: \"{}\", expected one of {}\nTry \"callbot ctl --help\".",
      printable(rest.front()), names);
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
        ->check(glob())
        ->required();
  c->footer(
      "Examples:\n"
      "  callbot ctl recordings/standup-20261121T042042Z pause --member alice --policy slate\n"
      "  callbot ctl recordings/standup-20261121T042042Z mark \"decision\"\n");
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
                "program to run when the recording is done: PROGRAM FOLDER "
                "PASS|WARN|FAIL|UNMEASURED");
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
  auto* c = app.add_subcommand(
      "send", "join a call as members that send a marked test pattern, files or prompts");
  add_join(c, o.join);
  add_feed(c, o);
  c->add_option("--count", o.count, "join as so many members")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  c->add_option("--seed", o.seed, "the same seed gives the same frames and samples")
      ->capture_default_str();
  c->add_flag(
      "--tell-clock", o.tell_clock,
      "open a data channel to those we offer to, so that `callbot test` on another host can "
      "ask for our clock (who offers to us asks anyway)");
  parsed<std::optional<std::chrono::milliseconds>>(c, "--duration", "leave after this long",
                                                   o.duration, some_duration, "TIME");
  c->footer(
      "Examples:\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --count 3 --duration 30s\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --codec h264 --size 640x360 "
      "--bitrate 500k\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --file talk.mp4 --at 1m --rounds 1\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --video black --audio dtmf:123#\n"
      "  ffmpeg -re -i rtsp://camera/ -f matroska - | callbot send URL --file -\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --name echo --echo alice\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup --network 3g\n"
      "  callbot send ws://127.0.0.1:8080/rooms/standup "
      "--network '{\"up\":{\"rate\":\"300 kbit/s\",\"delay\":\"40ms\"}}'\n"
      "Files: VP8, VP9 of profile 0, H.264 of the constrained baseline profile without B-frames,\n"
      "Opus, PCMU and PCMA are sent as they are, if key frames are at most 2 s apart; all else is\n"
      "encoded once, with a key frame a second, and kept below the user's cache folder. Where a\n"
      "receiver asks for a key frame one is made, and pictures are encoded anew up to the clip's\n"
      "next one. Files follow each other, and repeat, without a seam; --size, --fps, --codec and\n"
      "--bitrate change pictures of files only where they are given.\n");
}

void add_check(CLI::App& app, CheckCallOptions& o) {
  auto* check = app.add_subcommand("check", "what this machine can do: callbot check call URL");
  check->require_subcommand(1);
  auto* c = check->add_subcommand(
      "call",
      "can this machine hold a call there? Two members of our own measure the way between them");
  add_join(c, o.join);
  parsed<std::chrono::milliseconds>(c, "--duration", "how long the marked echo is measured",
                                    o.duration, duration, "TIME")
      ->default_str("6s");
  parsed<int>(c, "--max-bitrate", "the highest bit rate that is tried", o.most_bitrate, bitrate,
              "RATE")
      ->default_str("8M");
  c->add_flag_callback(
      "--no-bitrate", [&o] { o.most_bitrate = 0; },
      "do not fill the line to find out its bit rate");
  c->add_flag("--json", o.json, "print the result as JSON");
  c->footer(
      "The room has to be empty: others in it would see the test picture.\n"
      "Members of a mesh send to each other: what is measured then does not leave this machine, "
      "and\n"
      "the verdict is UNMEASURED (status 5), unless a TURN server is given: then all of it is\n"
      "measured once more, and judged, through that alone. In a room of Janus it is the way to "
      "the\n"
      "server.\n"
      "With --network the first of the two members is behind those conditions, and TURN is not "
      "used:\n"
      "a PASS is then one of that network (\"simulated\" in JSON).\n"
      "Examples:\n"
      "  callbot check call ws://127.0.0.1:8080/rooms/check\n"
      "  callbot check call wss://calls.example/rooms/check --json "
      "--ice-server turn:USER:PASSWORD@turn.example:3478?transport=udp\n");
}

void add_serve(CLI::App& app, ServeOptions& o) {
  auto* c = app.add_subcommand("serve", "run the room server and its web page");
  c->add_option_function<std::string>(
       "--listen",
       [&o](const std::string& text) {
         const auto listen = parse_listen_address(text);
         if (!listen) throw CLI::ValidationError("--listen", listen.error().message);
         o.address = listen->address;
         o.port = listen->port;
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
                "program to run when a recording is done: PROGRAM FOLDER "
                "PASS|WARN|FAIL|UNMEASURED");
  c->footer(
      "Examples:\n"
      "  callbot serve --record /srv/recordings\n"
      "  callbot serve --record /srv/recordings --encrypt-to /etc/callbot/archive.pub\n"
      "  callbot serve --listen 0.0.0.0:8443 --tls-auto --token SECRET\n");
}

}  // namespace callbot::bot
