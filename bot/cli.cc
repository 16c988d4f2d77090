#include "bot/cli.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/clock.h"

namespace callbot::bot {
namespace {

constexpr const char* kExitStatuses = R"(
Exit status, the same list for every command:
  0    done, and good (PASS or WARN)
  1    done, but the call or the recording is not good (FAIL)
  2    wrong use
  3    could not connect or join
  4    storage: a folder or file could not be read or written
  5    unmeasured or invalid: there was nothing to judge
  130  interrupted before it was done (Ctrl-C while a recording runs ends the recording and
       judges it; a second Ctrl-C interrupts the judging)
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
            if (!value) throw CLI::ValidationError(flag, value.error().message);
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

bool parse_size(const std::string& text, int* width, int* height) {
  int used = 0;
  return sscanf(text.c_str(), "%4dx%4d%n", width, height, &used) == 2 &&
         static_cast<size_t>(used) == text.size() && *width >= 96 && *width <= 3840 &&
         *height >= 64 && *height <= 2160 && *width % 2 == 0 && *height % 2 == 0;
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

void add_record(CLI::App& app, RecordOptions& o) {
  auto* c = app.add_subcommand("record", "join a call and record every other member");
  add_join(c, o.join);
  c->add_option("--out", o.out, "folder that gets one folder a recording")->capture_default_str();
  parsed<std::optional<std::chrono::milliseconds>>(c, "--duration", "end after this long",
                                                   o.duration, some_duration, "TIME");
  c->add_flag("--until-empty", o.until_empty, "end when the last member has left");
  c->add_flag("--audio-only", o.audio_only, "refuse video");
  c->add_option("--on-finish", o.on_finish,
                "program to run when the recording is done: PROGRAM FOLDER PASS|WARN|FAIL");
  c->add_option("--max-file-mb", o.most_file_mb, "largest file taken from the chat, in MB")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  c->footer(
      "Examples:\n"
      "  callbot record ws://127.0.0.1:8080/rooms/standup --out /srv/recordings --until-empty\n"
      "  callbot record 'janus+ws://127.0.0.1:8188/janus?room=1234' --duration 1h --log json\n");
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
  c->add_option_function<std::string>(
       "--size",
       [&o](const std::string& text) {
         if (!parse_size(text, &o.width, &o.height))
           throw CLI::ValidationError(
               "--size", "\"" + text + "\": expected WIDTHxHEIGHT, even, 96x64 to 3840x2160");
       },
       "picture size in pixels")
      ->type_name("WxH")
      ->default_str("1280x720");
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
  c->add_option("--max-members", o.most_members, "members a room")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  c->add_option("--on-finish", o.on_finish,
                "program to run when a recording is done: PROGRAM FOLDER PASS|WARN|FAIL");
  c->footer(
      "Examples:\n"
      "  callbot serve --record /srv/recordings\n"
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
      "  callbot verify recordings/standup-20261121-042042 --json\n"
      "  callbot verify recordings/standup-20261121-042042 --set gap_warn=1 --set gap_fail=5\n");
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
      "  callbot report recordings/standup-20261121-042042\n"
      "  callbot report recordings/standup-20261121-042042 --out /srv/www/standup.html\n");
}

std::string help_of(const CLI::App& app) {
  for (const CLI::App* verb : app.get_subcommands()) return verb->help("callbot");
  return app.help();
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
  DemoOptions demo;
  add_record(app, record);
  add_send(app, send);
  add_serve(app, serve);
  add_verify(app, verify);
  add_report(app, report);

  auto* s = app.add_subcommand("show", "print a recording's manifest for people");
  s->add_option("DIR", show.dir, "folder of the recording")->required();
  s->footer("Example:\n  callbot show recordings/standup-20261121-042042\n");
  auto* d = app.add_subcommand("demo", "a call on this machine: two bots, a recorder, its verdict");
  d->add_option("--out", demo.out, "folder that gets the recording")->capture_default_str();
  parsed<std::chrono::milliseconds>(d, "--duration", "how long to record", demo.duration, duration,
                                    "TIME")
      ->default_str("10s");
  d->footer("Example:\n  callbot demo --duration 5s\n");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return HelpText{std::string("callbot ") + CALLBOT_VERSION + "\n"};
  } catch (const CLI::CallForHelp&) {
    return HelpText{help_of(app)};
  } catch (const CLI::CallForAllHelp&) {
    return HelpText{app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::ParseError& e) {
    const auto verbs = app.get_subcommands();
    return fail(Code::kUsage, fmt::format("{}\nTry \"callbot {}--help\".", e.what(),
                                          verbs.empty() ? "" : verbs.front()->get_name() + " "));
  }

  Invocation invocation{output, demo};
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "record") invocation.verb = record;
  if (verb == "send") invocation.verb = send;
  if (verb == "serve") invocation.verb = serve;
  if (verb == "verify") invocation.verb = verify;
  if (verb == "report") invocation.verb = report;
  if (verb == "show") invocation.verb = show;
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

}  // namespace callbot::bot
