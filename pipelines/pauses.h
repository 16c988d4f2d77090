// pipelines/pauses.h: the spans of time in which nothing that arrives is taken: of one participant,
// or of everybody.
//
// What counts is when a packet arrived, not when the jitterbuffer let it go: a frame that came in
// before the pause is taken however late it gets here, and one of whose packets any came in during
// the pause is not, even after it.
//
// Thread:  one at a time; the owner's lock.
// Owner:   Recorder.
// Fails:   never.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace callbot::pipelines {

class Pauses {
 public:
  // Nobody's name (an empty one) is everybody. Beginning or ending twice changes nothing.
  void begin(const std::string& participant, int64_t now_ns);
  void end(const std::string& participant, int64_t now_ns);
  // Is any of this span of arrivals in a pause of the participant, or of everybody?
  bool cover(const std::string& participant, int64_t first_ns, int64_t last_ns) const;

 private:
  struct Span {
    int64_t from_ns;
    int64_t to_ns = std::numeric_limits<int64_t>::max();  // while it lasts
  };
  bool covers(const std::string& key, int64_t first_ns, int64_t last_ns) const;
  std::map<std::string, std::vector<Span>> spans_;
};

}  // namespace callbot::pipelines
