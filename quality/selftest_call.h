// quality/selftest_call.h: one call of the selftest: alice sends, bob measures.
//
// Thread:  one.
// Owner:   the selftest.
// Fails:   as quality/known_media.h; then no row is added any more.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "quality/known_media.h"
#include "quality/selftest.h"
#include "quality/watcher.h"

namespace callbot::quality {

// Of the selftest's playout and network, seconds.
constexpr double kTryLatency = 0.1, kTryDelay = 0.04;
// How exact what is reported has to be.
constexpr double kDelayTolerance = 0.005, kSkewTolerance = 0.005;
constexpr double kFrameTolerance = 1.0 / kKnownFps;

class SelftestCall {
 public:
  struct Pictures {
    KnownPictures media = {};
    std::function<double(double captured)> delay = {};  // none: kTryDelay
    std::function<double(int n)> spread = {};  // from its first packet to its last; none: in one
    std::function<bool(int n)> lost = {};
    std::function<void(int n, Frame& frame)> change = {};
  };
  struct Sound {
    KnownSound media = {};
    std::function<double(double captured)> delay = {};
    std::function<bool(double captured)> lost = {};  // and whoever takes them notices
  };

  SelftestCall(std::string fault, std::vector<SelftestRow>& rows);
  WatchConfig& config() { return config_; }
  Member& alice() { return alice_; }
  void mute(MediaKind media, bool muted, double at) { mutes_.push_back({media, muted, at}); }
  Result<> run(const Pictures* pictures, const Sound* sound);
  // Instead of run(): what somebody else than a Watch measured.
  void report(std::vector<Series> reported) { reported_ = std::move(reported); }

  // Rows about what was reported.
  void each(const char* metric, double truth, double tolerance);
  void least(const char* metric, double truth, double tolerance);
  void most(const char* metric, double truth, double tolerance);
  void total(const char* metric, double truth, double tolerance = 0);
  void count(const char* metric, double truth);  // of samples
  void state(const char* metric, Measured truth);

 private:
  struct Told {
    MediaKind media;
    bool muted;
    double at;
  };
  SelftestRow& row(const char* metric, const char* stat, double truth, double tolerance,
                   std::vector<double>& values);

  const std::string fault_;
  std::vector<SelftestRow>& rows_;
  WatchConfig config_;
  Member alice_;
  std::vector<Told> mutes_;
  std::vector<Series> reported_;
};

}  // namespace callbot::quality
