// quality/mark_plan.h: what marks a file should have, and whether it has them.
//
//   {"fps": 30, "seconds": 20,
//    "who": [{"source": 1, "name": "alice", "from": "0s", "to": "18s", "heard": true,
//             "must_not_hear": [{"from": "8s", "to": "14s"}]}],
//    "missing": 0.02, "duplicate": 0.02, "reordered": 0, "unread": 0.02, "freeze": "0s",
//    "skew": "125ms", "tolerance": "1s", "others": false}
//
// All but who is optional. Times are of the file; "tolerance" is what presence may begin or end
// earlier or later, and how long it may be interrupted. "must_not_hear": true is all of the file; a
// span without "from" or "to" begins or ends with it.
//
// Thread:  any; values.
// Owner:   the caller.
// Fails:   kUsage that names the key and what was expected.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "quality/marked_file.h"

namespace callbot::quality {

struct MarkPlan {
  struct Who {
    uint16_t source = 0;
    std::string name;  // empty: "source N"
    double from = 0;
    std::optional<double> to = {};  // none: the plan's seconds, else the file's end
    bool heard = false;             // its chirps have to be there, in sync
    struct Span {
      double from = 0;
      std::optional<double> to = {};  // none: the file's end
    };
    std::vector<Span> must_not_hear = {};  // none of its chirps may be there then
  };
  std::optional<double> fps = {}, seconds = {};
  std::vector<Who> who;
  double missing = 0.02, duplicate = 0.02, reordered = 0, unread = 0.02;  // shares
  double freeze = 0;                                                      // seconds in all
  double skew = 0.125;                                                    // p95, seconds
  double tolerance = 1;
  bool others = false;  // sources that are not in the plan may be there
};
Result<MarkPlan> parse_mark_plan(std::string_view text);

struct MarkVerdict {
  std::vector<std::string> wrong;       // each a sentence
  std::vector<std::string> unmeasured;  // what the plan asks and the file cannot say
};
MarkVerdict judge_marks(const MarkedFile& file, const MarkPlan& plan);

// For people, a line each, and for machines.
std::string to_text(const MarkedFile& file);
Json to_json(const MarkedFile& file, Pictures pictures = Pictures::kSummed);

}  // namespace callbot::quality
