#include "bot/cli_recordings.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"

namespace callbot::bot {
namespace {

constexpr char kRemoved = '\x01';

// A flag's text goes through `parse`, whose error is shown as the flag's.
template <class T, class Parse>
CLI::Option* parsed(CLI::App* app, const char* flag, const char* help, std::optional<T>& target,
                    Parse parse) {
  return app->add_option_function<std::string>(
      flag,
      [&target, parse, flag](const std::string& text) {
        auto value = parse(text);
        if (!value) throw CLI::ValidationError(flag, value.error().message);
        target = *value;
      },
      help);
}

// "2026-11-21", "2026-11-21T04:20:42Z", or so long ago: "7d". In UTC.
Result<int64_t> moment(const std::string& text) {
  if (const auto ago = parse_duration(text))
    return wall_ns() - std::chrono::nanoseconds(*ago).count();
  if (const auto day = parse_rfc3339(text + "T00:00:00Z")) return day;
  if (const auto time = parse_rfc3339(text)) return time;
  return fail(Code::kUsage,
              fmt::format("\"{}\": expected a day (2026-11-21), a time (2026-11-21T04:20:42Z) or "
                          "so long ago (7d)",
                          text));
}

CLI::App* add(CLI::App* parent, RecordingsOptions& o, const char* name, const char* help) {
  auto* c = parent->add_subcommand(name, help);
  c->add_option("--out", o.out, "folder with the recordings")->capture_default_str();
  return c;
}

void add_json(CLI::App* c, RecordingsOptions& o) { c->add_flag("--json", o.json, "as JSON"); }

void add_list_flags(CLI::App* c, RecordingsOptions& o, ListRecordings& list) {
  add_json(c, o);
  c->add_option("--limit", list.limit, "at most so many; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  c->add_option("--sort", list.sort, "what they are sorted by, newest, biggest or A first")
      ->capture_default_str()
      ->check(CLI::IsMember(
          {"started", "room", "length", "members", "size", "state", "verdict", "name"}));
  c->add_flag("--reverse", list.reverse, "the other way round");
  c->add_flag("--rebuild", list.rebuild, "read every folder again, changed or not");
}

void add_query(CLI::App* c, recordings::CatalogueQuery& q) {
  c->add_option("TEXT", q.text,
                "in the folder's name, the room, label, a member's name, a tag or the chat");
  parsed(c, "--since", "started then or later: a day or time in UTC, or 7d for so long ago",
         q.since_wall_ns, moment)
      ->type_name("WHEN");
  parsed(c, "--until", "started before then", q.until_wall_ns, moment)->type_name("WHEN");
  c->add_option("--room", q.room, "of this room");
  c->add_option("--member", q.member, "with a member whose name has this in it");
  c->add_option("--verdict", q.verdict, "judged so; none: not yet judged")
      ->check(CLI::IsMember({"PASS", "WARN", "FAIL", "none"}, CLI::detail::to_lower));
  c->add_option("--tag", q.tags, "with this tag; repeatable: with all of them")
      ->allow_extra_args(false);
  c->add_option("--state", q.state, "running, cut-off, finished, failed or unreadable")
      ->check(CLI::IsMember({"running", "cut-off", "finished", "failed", "unreadable"}));
}

void take_tag(TagRecording& tag, const std::string& word) {
  const bool add = word.front() == '+';
  if (!add && word.front() != kRemoved)
    throw CLI::ValidationError(
        "tag", fmt::format("\"{}\": expected +TAG to add a tag, -TAG to take it away", word));
  const std::string name = word.substr(1);
  if (auto fine = recordings::check_tag(name); !fine)
    throw CLI::ValidationError("tag", fine.error().message);
  (add ? tag.add : tag.remove).push_back(name);
}

void add_list_and_find(CLI::App* parent, RecordingsOptions& o) {
  auto list = std::make_shared<ListRecordings>();
  auto* c = add(parent, o, "list", "all recordings, newest first");
  add_list_flags(c, o, *list);
  c->callback([&o, list] { o.verb = *list; });
  c->footer("Example:\n  callbot recordings list --out /srv/recordings --sort size --limit 10\n");

  auto find = std::make_shared<ListRecordings>();
  c = add(parent, o, "find", "recordings for which everything that is given holds");
  add_query(c, find->query);
  add_list_flags(c, o, *find);
  c->callback([&o, find] { o.verb = *find; });
  c->footer(
      "Examples:\n"
      "  callbot recordings find alice --since 7d\n"
      "  callbot recordings find --room standup --verdict FAIL --tag important --json\n");
}

void add_one(CLI::App* parent, RecordingsOptions& o) {
  constexpr const char* kName = "the folder's name, or a beginning that only one has";
  auto show = std::make_shared<ShowRecording>();
  auto* c = add(parent, o, "show", "print a recording's manifest for people");
  c->add_option("NAME", show->name, kName)->required();
  c->callback([&o, show] { o.verb = *show; });

  auto tag = std::make_shared<TagRecording>();
  c = add(parent, o, "tag", "add tags to a recording or take them away; prints what it has");
  add_json(c, o);
  c->add_option("NAME", tag->name, kName)->required();
  c->add_option_function<std::vector<std::string>>(
       "TAGS",
       [tag](const std::vector<std::string>& words) {
         for (const std::string& word : words) take_tag(*tag, word);
       },
       "+TAG adds it, -TAG takes it away")
      ->type_name("(+|-)TAG");
  c->callback([&o, tag] { o.verb = *tag; });
  c->footer("Example:\n  callbot recordings tag standup-20261121 +important -draft\n");

  auto keep = std::make_shared<KeepRecording>();
  c = add(parent, o, "keep", "mark a recording so that expire never deletes it");
  add_json(c, o);
  c->add_option("NAME", keep->name, kName)->required();
  c->add_flag("--off", keep->off, "take the mark away");
  c->callback([&o, keep] { o.verb = *keep; });
}

void add_expire(CLI::App* parent, RecordingsOptions& o) {
  auto expire = std::make_shared<ExpireRecordings>();
  auto* c = add(parent, o, "expire",
                "delete old recordings; without --yes only print which, and what that frees");
  add_json(c, o);
  parsed(c, "--keep", "delete what ended longer ago", expire->config.keep, parse_duration)
      ->type_name("TIME");
  c->add_option("--keep-count", expire->config.keep_count, "keep the newest so many")
      ->check(CLI::NonNegativeNumber);
  parsed(c, "--free", "delete the oldest until so much is free on the disk",
         expire->config.free_bytes, parse_bytes)
      ->type_name("BYTES");
  c->add_flag("--yes", expire->yes, "do it");
  c->callback([&o, expire] {
    const auto& config = expire->config;
    if (!config.keep && !config.keep_count && !config.free_bytes)
      throw CLI::ValidationError("expire", "expected --keep, --keep-count or --free");
    o.verb = *expire;
  });
  c->footer(
      "What any of the rules asks for is deleted, but never a recording that is running, is\n"
      "marked keep or cannot be read. Exit status 1: --free could not be reached; 4: something\n"
      "could not be deleted.\n\n"
      "Example:\n"
      "  callbot recordings expire --out /srv/recordings --keep 30d --free 20G --yes\n");
}

}  // namespace

void add_recordings(CLI::App& app, RecordingsOptions& o) {
  auto* parent = app.add_subcommand("recordings", "the catalogue: list, find, tag, keep, expire");
  parent->require_subcommand(1);
  add_list_and_find(parent, o);
  add_one(parent, o);
  add_expire(parent, o);
  parent->footer("Example:\n  callbot recordings list --out /srv/recordings\n");
}

std::vector<std::string> mark_removed_tags(int argc, const char* const* argv) {
  std::vector<std::string> words(argv, argv + argc);
  const auto is = [&](size_t i, const char* word) { return i < words.size() && words[i] == word; };
  size_t at = 1;
  while (at < words.size() && !(is(at, "recordings") && is(at + 1, "tag"))) ++at;
  for (at += 2; at < words.size(); ++at) {
    std::string& word = words[at];
    if (word.size() > 1 && word[0] == '-' && word[1] != '-' && word != "-h") word[0] = kRemoved;
  }
  return words;
}

}  // namespace callbot::bot
