#include "bot/call_pair.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bot/call.h"

namespace callbot::bot {
namespace {

struct Candidate {
  std::string_view type, ip, port;
  bool is_host() const { return type == "host" || type == "prflx"; }
};

// "host 127.0.0.1:4000"
std::optional<Candidate> candidate_of(std::string_view text) {
  const size_t space = text.find(' '), port = text.rfind(':');
  if (space == std::string_view::npos || port == std::string_view::npos || port < space)
    return std::nullopt;
  return Candidate{text.substr(0, space), text.substr(space + 1, port - space - 1),
                   text.substr(port + 1)};
}

}  // namespace

const char* name_of(CallPath path) {
  switch (path) {
    case CallPath::kMachine:
      return "this machine";
    case CallPath::kServer:
      return "a server on this machine";
    case CallPath::kNetwork:
      return "network";
    case CallPath::kTurn:
      return "turn";
    case CallPath::kUnknown:
      break;
  }
  return "unknown";
}

CallPath path_of(const Pairs& pairs) {
  constexpr std::string_view kBetween = " -> ";
  std::vector<Candidate> near, far;
  for (const std::string_view pair : pairs) {
    const size_t middle = pair.find(kBetween);
    if (middle == std::string_view::npos) return CallPath::kUnknown;
    const auto local = candidate_of(pair.substr(0, middle)),
               remote = candidate_of(pair.substr(middle + kBetween.size()));
    if (!local || !remote) return CallPath::kUnknown;
    near.push_back(*local);
    far.push_back(*remote);
  }
  const auto relayed = [](const Candidate& c) { return c.type == "relay"; };
  const auto ours = [&](const Candidate& c) {
    return c.is_host() &&
           std::any_of(near.begin(), near.end(), [&](const auto& one) { return one.ip == c.ip; });
  };
  if (std::any_of(near.begin(), near.end(), relayed) ||
      std::any_of(far.begin(), far.end(), relayed))
    return CallPath::kTurn;
  if (!std::all_of(near.begin(), near.end(), ours) || !std::all_of(far.begin(), far.end(), ours))
    return CallPath::kNetwork;
  const bool each_other = near[0].port == far[1].port && near[1].port == far[0].port;
  return each_other ? CallPath::kMachine : CallPath::kServer;
}

CallPair::CallPair(Loop& loop, Done done) : loop_(loop), done_(std::move(done)) {}

void CallPair::start(const std::array<Call*, 2>& calls) {
  calls_ = calls;
  open_ = 2;
  for (Call* call : calls_) call->start();
}

void CallPair::end(Result<> how) {
  if (outcome_) return;
  outcome_ = std::move(how);
  if (open_ == 0) return finish();
  for (Call* call : calls_) call->stop();
}

void CallPair::call_done(Result<> how) {
  if (!outcome_) end(how ? fail(Code::kConnect, "the call ended") : std::move(how));
  if (--open_ == 0) finish();
}

Pairs CallPair::pairs() const {
  Pairs pairs;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (calls_[i] == nullptr) continue;
    for (const CallConnection& connection : calls_[i]->stats().connections)
      if (!connection.selected_pair.empty()) pairs[i] = connection.selected_pair;
  }
  return pairs;
}

void CallPair::finish() {
  loop_.post(alive_.guard([this] {
    const auto done = std::exchange(done_, nullptr);
    if (done) done(*outcome_);
  }));
}

}  // namespace callbot::bot
