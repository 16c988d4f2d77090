#include "bot/scenario_senses.h"

#include <algorithm>

#include "bot/scenario_sending.h"

namespace callbot::bot {
namespace {

using quality::PresenceSpan;

bool is_stream(const Sensed& whom, MediaKind media, const std::string& stream) {
  return media == whom.media && (whom.stream.empty() || whom.stream == stream);
}

// Its camera's marks, or its screen's.
bool is_his(const PresenceSpan& span, const Sensed& whom) {
  if (span.source && (*span.source & ~kScreenMarks) != whom.source) return false;
  if (span.from == whom.from) return true;
  return span.source && !whom.in_his_own &&
         std::find(whom.echoes.begin(), whom.echoes.end(), span.from) == whom.echoes.end();
}

}  // namespace

std::optional<int64_t> sensed_since(const std::vector<PresenceSpan>& spans, const Sensed& whom,
                                    int64_t since_ns) {
  std::optional<int64_t> last;
  for (const PresenceSpan& span : spans) {
    if (!is_his(span, whom) || span.to_ns < since_ns || !is_stream(whom, span.media, span.stream))
      continue;
    last = std::max(last.value_or(0), span.to_ns);
  }
  return last;
}

std::optional<uint16_t> stranger_since(const std::vector<PresenceSpan>& spans, const Sensed& whom,
                                       int64_t since_ns) {
  for (const PresenceSpan& span : spans) {
    if (span.from == whom.from && span.source && !is_his(span, whom) && span.to_ns >= since_ns &&
        is_stream(whom, span.media, span.stream))
      return span.source;
  }
  return std::nullopt;
}

bool decoded_since(const std::vector<quality::FirstDecoded>& decoded, const Sensed& whom,
                   int64_t since_ns) {
  return std::any_of(decoded.begin(), decoded.end(), [&](const quality::FirstDecoded& one) {
    return one.from == whom.from && one.at_ns >= since_ns && is_stream(whom, one.media, one.stream);
  });
}

std::string source_text(uint16_t source, const std::string* known) {
  if (source == quality::kStranger) return "somebody else";
  return known == nullptr ? "source " + std::to_string(source) : *known;
}

bool looked_at(const std::vector<PresenceSpan>& looks, const Sensed& whom, int64_t from_ns,
               int64_t to_ns) {
  return std::any_of(looks.begin(), looks.end(), [&](const PresenceSpan& look) {
    return look.from == whom.from && look.to_ns > from_ns && look.from_ns < to_ns &&
           is_stream(whom, look.media, look.stream);
  });
}

}  // namespace callbot::bot
