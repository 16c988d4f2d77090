// browsers/page_stats.h: getStats of a page's peer connections (W3C webrtc-stats), as observer.js
// gives it -> series. Counters only as differences between two reports.
//
// Thread:  loop; a value.
// Owner:   the caller, one a page.
// Fails:   add(): kBadInput.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/remote_clock.h"
#include "browsers/series_book.h"

namespace callbot::browsers {

// The candidate pair that a peer connection uses.
struct UsedPair {
  std::string member;         // at the other end; empty: the page does not say
  std::string local, remote;  // "host 192.0.2.2:4000 udp"
};

class StatsSeries {
 public:
  explicit StatsSeries(std::string actor) : actor_(actor), book_(std::move(actor)) {}

  // What callbotObserver.stats() gave.
  Result<> add(const Json& stats, const RemoteClock& clock);
  std::vector<Series> all() const { return book_.all(); }
  std::vector<Series> take() { return book_.take(); }  // since the last time
  const std::vector<UsedPair>& pairs() const { return pairs_; }

 private:
  struct Context;
  // Of a stream that is sent, until the last report about it.
  struct Reported {
    double sent = 0, lost = 0;  // packets
    double late = 0;            // of what was counted as lost, and was not yet taken off
  };
  void connection(const Json& connection, const RemoteClock& clock, Context& context);
  void inbound(const Context& context, const Json& now, const Json& before);
  void inbound_video(const Context& context, const Json& now, const Json& before);
  void inbound_audio(const Context& context, const Json& now, const Json& before);
  void outbound(const Context& context, const Json& now, const Json& before);
  void trip(const Context& context, const Json& now, const Json& before);
  void loss(const Context& context, const Json& now, const Json& before);
  void pair(const Context& context, const Json& now);
  // What goes to several members at once is one stream of ours: it is summed up. Each of them has
  // an encoder of its own: of frames it is the one that made the most.
  void sum(const char* metric, const std::string& stream, double value) {
    ours_[{metric, stream}] += value;
  }
  void most(const char* metric, const std::string& stream, double value) {
    double& so_far = ours_[{metric, stream}];
    so_far = std::max(so_far, value);
  }

  std::string actor_;
  SeriesBook book_;
  std::map<std::pair<std::string, std::string>, double> ours_;  // of one report
  std::map<std::string, Json> last_;  // by document, connection and report
  std::map<std::string, double> sizes_;
  std::map<std::string, Reported> reported_;
  std::set<std::string> joined_;  // connections whose joining was told
  std::vector<UsedPair> pairs_;
};

}  // namespace callbot::browsers
