#include "bot/cli_folders.h"

#include "base/units.h"
#include "bot/cli_values.h"

namespace callbot::bot {
namespace {

void add_limits(CLI::App* app, VerifyOptions& o) {
  app->add_option("--thresholds", o.thresholds,
                  "JSON file with the limits to judge by; FORMAT.md lists their keys and units")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  app->add_option("--set", o.sets, "one limit, such as gap_warn=1; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

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

void add_show(CLI::App& app, ShowOptions& show) {
  auto* s = app.add_subcommand("show", "print a recording's manifest for people");
  s->add_option("DIR", show.dir, "folder of the recording")->required();
  s->footer("Example:\n  callbot show recordings/standup-20261121T042042Z\n");
}

void add_repair(CLI::App& app, RepairOptions& repair) {
  auto* r = app.add_subcommand("repair", "finish a recording that was cut off, mend a damaged one");
  r->add_option("DIR", repair.dir, "folder of the recording")->required();
  r->add_flag("--json", repair.json, "what was done as JSON");
  r->add_option("--on-finish", repair.on_finish,
                "program to run with folder and verdict, once, if the recorder died before that")
      ->type_name("PROGRAM");
  r->footer(
      "Nothing is deleted: what cannot be used is kept in DIR/damaged. What nobody judged is "
      "judged\n"
      "(DIR/verdict.json). Repairing again changes nothing. Exits with 1 if something is lost or "
      "the\n"
      "verdict is FAIL, with 5 if it cannot be judged (encrypted, and no --key opens it) or is "
      "still\n"
      "being written.\n"
      "Example:\n  callbot repair recordings/standup-20261121T042042Z\n");
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
  const auto moment = [](const std::string& text) -> Result<std::optional<double>> {
    return parse_seconds(text).map([](double seconds) { return std::optional(seconds); });
  };
  parsed<std::optional<double>>(c, "--from", "leave out what is before this time of the recording",
                                o.from, moment, "TIME");
  parsed<std::optional<double>>(c, "--until", "and what is after this one", o.until, moment,
                                "TIME");
  c->footer(
      "Examples:\n"
      "  callbot export recordings/standup-20261121T042042Z --to mp4\n"
      "  callbot export recordings/standup-20261121T042042Z --to mkv --from 90s --until 2min\n"
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

void add_marks(CLI::App& app, MarksOptions& o) {
  auto* c = app.add_subcommand(
      "marks", "list the marks of callbot's test pattern in any video or sound file");
  c->add_option("FILE", o.files, "files that FFmpeg opens, whoever recorded them")->required();
  c->add_option("--plan", o.plan, "JSON file that says who should be there from when to when")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  auto* json = c->add_flag("--json", o.json, "as JSON, a value for each file");
  c->add_flag("--each", o.each, "in the JSON also each picture: when it is, and the marks in it")
      ->needs(json);
  c->add_flag(
      "--compare", o.compare,
      "also the pictures and chirps of each file with those of the one before it, number by "
      "number: what was sent, received and recorded");
  c->footer(
      "Marks are found in composed, letterboxed, scaled and cropped pictures. For each source: "
      "when\n"
      "it is seen, frames missing, double, out of order and unread, where in the picture, and how\n"
      "far its sound is off.\n\n"
      "A plan:\n"
      "  {\"fps\": 30, \"seconds\": 20,\n"
      "   \"who\": [{\"source\": 1, \"name\": \"alice\", \"from\": \"0s\", \"to\": \"18s\", "
      "\"heard\": true,\n"
      "            \"must_not_hear\": [{\"from\": \"8s\", \"to\": \"14s\"}]}],\n"
      "   \"missing\": 0.02, \"duplicate\": 0.02, \"reordered\": 0, \"unread\": 0.02,\n"
      "   \"freeze\": \"0s\", \"skew\": \"125ms\", \"tolerance\": \"1s\", \"others\": false}\n"
      "Only who is required; the values are the usual ones. \"must_not_hear\": true is all of the "
      "file.\n"
      "--compare tells what is missing where, and by how much the times of pictures and chirps "
      "differ:\n"
      "the median, and the most that one is off it; it judges nothing. Chirps that go with no "
      "picture\n"
      "are known by fifteen in a row.\n"
      "Exit status 1: the plan does not hold;\n"
      "5: no mark could be read, or too few to judge, or two files have nothing in common.\n\n"
      "Examples:\n"
      "  callbot marks composed.mp4\n"
      "  callbot marks composed.mp4 --plan plan.json --json\n"
      "  callbot marks --compare sent.y4m received.webm recorded.mp4\n");
}

void add_key(CLI::App& app, KeyOptions& key) {
  auto* k = app.add_subcommand("key", "make a key pair for encrypted recordings");
  k->add_option("NAME", key.name, "gets NAME.pub, for who records, and NAME.key, to be kept secret")
      ->required();
  k->footer(
      "Without NAME.key nobody can open what was encrypted to NAME.pub: keep a copy of it.\n"
      "Example:\n"
      "  callbot key archive\n"
      "  callbot record ws://127.0.0.1:8080/rooms/standup --encrypt-to archive.pub\n"
      "  callbot verify recordings/standup-20261121T042042Z --key archive.key\n");
}

void add_unseal(CLI::App& app, UnsealOptions& unseal) {
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

}  // namespace callbot::bot
