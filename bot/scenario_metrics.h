// bot/scenario_metrics.h: what a run measures, for Prometheus: GET /metrics while it goes on.
//
// Thread:  loop.
// Owner:   bot::ScenarioTest.
// Fails:   create(): kUsage for an address that is none, kConnect where it cannot be listened on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "signaling/http_server.h"

namespace callbot::bot {

class ScenarioMetrics {
 public:
  using Text = std::function<std::string()>;  // in the text exposition format

  // `where`: "ADDRESS:PORT".
  static Result<std::unique_ptr<ScenarioMetrics>> create(Loop& loop, const std::string& where,
                                                         Text text);
  std::string url() const { return http_->url() + "/metrics"; }

 private:
  explicit ScenarioMetrics(std::unique_ptr<signaling::HttpServer> http) : http_(std::move(http)) {}

  std::unique_ptr<signaling::HttpServer> http_;
};

}  // namespace callbot::bot
