#include "bot/marks.h"

#include <algorithm>

#include "base/files.h"
#include "base/print.h"
#include "bot/interrupt.h"
#include "quality/mark_plan.h"
#include "recordings/av.h"

namespace callbot::bot {
namespace {

constexpr uint64_t kMostPlan = 1 << 20;  // bytes

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
                                               [](auto& s) { return s.chirps > 0; });
}

// One file's answer, printed or added to `all`.
ExitStatus tell(const fs::path& path, const quality::MarkedFile& marks,
                const std::optional<quality::MarkPlan>& plan, Json* all) {
  const auto verdict = plan ? quality::judge_marks(marks, *plan) : quality::MarkVerdict{};
  ExitStatus status = has_marks(marks) ? kExitGood : kExitUnmeasured;
  if (!verdict.unmeasured.empty()) status = kExitUnmeasured;
  if (!verdict.wrong.empty()) status = kExitNotGood;
  if (all != nullptr) {
    Json json = quality::to_json(marks);
    json.set("file", path.string());
    if (plan) {
      Json wrong = Json::array(), unmeasured = Json::array();
      for (const std::string& text : verdict.wrong) wrong.add(text);
      for (const std::string& text : verdict.unmeasured) unmeasured.add(text);
      json.set("verdict", word_of(status)).set("wrong", wrong).set("unmeasured", unmeasured);
    }
    all->add(json);
    return status;
  }
  print("{}: {}{}", path.string(), plan ? std::string(word_of(status)) + ", " : "",
        quality::to_text(marks));
  for (const std::string& text : verdict.wrong) print("  wrong: {}\n", text);
  for (const std::string& text : verdict.unmeasured) print("  unmeasured: {}\n", text);
  if (!plan && !has_marks(marks)) print("  no mark could be read\n");
  return status;
}

// FAIL outweighs what could not be measured.
ExitStatus worse(ExitStatus a, ExitStatus b) {
  for (const ExitStatus status : {kExitNotGood, kExitUnmeasured}) {
    if (a == status || b == status) return status;
  }
  return std::max(a, b);
}

}  // namespace

ExitStatus run_marks(Console& console, const MarksOptions& options) {
  const auto plan = plan_of(options);
  if (!plan) return tell_on_disk(plan.error());
  const Interrupt interrupt;
  const bool bar = console.terminal() && !options.json;
  Json all = Json::array();
  ExitStatus status = kExitGood;
  for (const fs::path& path : options.files) {
    const auto marks = marks_of(console, path, bar, options.each);
    if (!marks && marks.error().code == Code::kInterrupted) return tell_on_disk(marks.error());
    status = worse(status, marks ? tell(path, *marks, *plan, options.json ? &all : nullptr)
                                 : tell_on_disk(marks.error()));
  }
  if (options.json) print("{}\n", all.dump(true));
  return status;
}

}  // namespace callbot::bot
