#include "bot/marks.h"

#include <algorithm>

#include "base/files.h"
#include "base/print.h"
#include "bot/interrupt.h"
#include "quality/compared_marks.h"
#include "quality/mark_plan.h"
#include "recordings/av.h"

namespace callbot::bot {
namespace {

constexpr uint64_t kMostPlan = 1 << 20;  // bytes
constexpr const char* kNoneInCommon = "they have no picture and no chirp in common";

Result<std::optional<quality::MarkPlan>> plan_of(const MarksOptions& options) {
  if (options.plan.empty()) return std::nullopt;
  const auto text = read_file(options.plan, kMostPlan);
  if (!text) return fail(Code::kUsage, text.error().message);
  auto plan = quality::parse_mark_plan(*text);
  if (!plan) return tl::unexpected(std::move(plan.error()).in(options.plan.string()));
  return *plan;
}

Result<quality::MarkedFile> marks_of(Console& console, const fs::path& path, bool bar, bool each) {
  auto opened = recordings::open_media(path);
  if (!opened) return tl::unexpected(opened.error());
  if (!*opened) return quality::MarkedFile();  // not one frame
  auto marks = quality::read_marks(
      **opened,
      [&](double share) {
        if (bar) console.progress("reading  ", share);
        return !Interrupt::asked();
      },
      each ? quality::Pictures::kEach : quality::Pictures::kSummed);
  if (bar) console.end_progress();
  if (!marks) return tl::unexpected(std::move(marks.error()).in(path.string()));
  return marks;
}

const char* word_of(ExitStatus status) {
  return status == kExitGood ? "PASS" : status == kExitNotGood ? "FAIL" : "UNMEASURED";
}

bool has_marks(const quality::MarkedFile& marks) {
  return !marks.sources.empty() || std::any_of(marks.sounds.begin(), marks.sounds.end(),
                                               [](auto& s) { return !s.chirps.empty(); });
}

// FAIL outweighs what could not be measured.
ExitStatus worse(ExitStatus a, ExitStatus b) {
  for (const ExitStatus status : {kExitNotGood, kExitUnmeasured}) {
    if (a == status || b == status) return status;
  }
  return std::max(a, b);
}

struct ReadFile {
  fs::path path;
  quality::MarkedFile marks;
};

// Printed, or added to the later file's `json`.
ExitStatus compare(const ReadFile& earlier, const quality::MarkedFile& later, Json* json) {
  const auto pictures = quality::compare_marks(earlier.marks, later);
  const auto sounds = quality::compare_chirps(earlier.marks, later);
  bool common = false;
  for (const auto* all : {&pictures, &sounds})
    for (const auto& source : *all) common = common || source.common > 0;
  if (json == nullptr) {
    print("  against {}:\n", earlier.path.string());
    for (const auto* all : {&pictures, &sounds})
      for (const auto& source : *all) print("    {}\n", quality::to_text(source));
    if (!common) print("    unmeasured: {}\n", kNoneInCommon);
  } else {
    const auto array = [](const std::vector<quality::ComparedSource>& all) {
      Json out = Json::array();
      for (const auto& source : all) out.add(quality::to_json(source));
      return out;
    };
    json->set("compared", Json::object()
                              .set("with", earlier.path.string())
                              .set("sources", array(pictures))
                              .set("sounds", array(sounds))
                              .set_if(!common, "unmeasured", kNoneInCommon));
  }
  return common ? kExitGood : kExitUnmeasured;
}

// One file's answer, printed or added to `all`; `before`: the file to compare it with.
ExitStatus tell(const fs::path& path, const quality::MarkedFile& marks,
                const std::optional<quality::MarkPlan>& plan, const ReadFile* before,
                quality::Pictures pictures, Json* all) {
  const auto verdict = plan ? quality::judge_marks(marks, *plan) : quality::MarkVerdict{};
  ExitStatus status = has_marks(marks) ? kExitGood : kExitUnmeasured;
  if (!verdict.unmeasured.empty()) status = kExitUnmeasured;
  if (!verdict.wrong.empty()) status = kExitNotGood;
  if (all != nullptr) {
    Json json = quality::to_json(marks, pictures);
    json.set("file", path.string());
    if (plan) {
      Json wrong = Json::array(), unmeasured = Json::array();
      for (const std::string& text : verdict.wrong) wrong.add(text);
      for (const std::string& text : verdict.unmeasured) unmeasured.add(text);
      json.set("verdict", word_of(status)).set("wrong", wrong).set("unmeasured", unmeasured);
    }
    if (before != nullptr) status = worse(status, compare(*before, marks, &json));
    all->add(json);
    return status;
  }
  print("{}: {}{}", path.string(), plan ? std::string(word_of(status)) + ", " : "",
        quality::to_text(marks));
  for (const std::string& text : verdict.wrong) print("  wrong: {}\n", text);
  for (const std::string& text : verdict.unmeasured) print("  unmeasured: {}\n", text);
  if (!plan && !has_marks(marks)) print("  no mark could be read\n");
  return before == nullptr ? status : worse(status, compare(*before, marks, nullptr));
}

}  // namespace

ExitStatus run_marks(Console& console, const MarksOptions& options) {
  const auto plan = plan_of(options);
  if (!plan) return tell_on_disk(plan.error());
  if (options.compare && options.files.size() < 2)
    return tell_on_disk({Code::kUsage, "--compare: two files or more are needed"});
  const Interrupt interrupt;
  const bool bar = console.terminal() && !options.json;
  Json all = Json::array();
  ExitStatus status = kExitGood;
  std::optional<ReadFile> before;
  for (const fs::path& path : options.files) {
    auto marks = marks_of(console, path, bar, options.each || options.compare);
    if (!marks && marks.error().code == Code::kInterrupted) return tell_on_disk(marks.error());
    if (!marks) {
      status = worse(status, tell_on_disk(marks.error()));
      continue;  // what follows is compared with the last that could be read
    }
    status =
        worse(status, tell(path, *marks, *plan, before ? &*before : nullptr,
                           options.each ? quality::Pictures::kEach : quality::Pictures::kSummed,
                           options.json ? &all : nullptr));
    if (options.compare) before = ReadFile{path, std::move(*marks)};
  }
  if (options.json) print("{}\n", all.dump(true));
  return status;
}

}  // namespace callbot::bot
