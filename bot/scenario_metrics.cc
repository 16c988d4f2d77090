#include "bot/scenario_metrics.h"

#include "base/units.h"

namespace callbot::bot {

Result<std::unique_ptr<ScenarioMetrics>> ScenarioMetrics::create(Loop& loop,
                                                                 const std::string& where,
                                                                 Text text) {
  const auto listen = parse_listen_address(where);
  if (!listen) return tl::unexpected(listen.error());
  signaling::HttpServerConfig config;
  config.address = listen->address;
  config.port = listen->port;
  auto http = signaling::HttpServer::create(loop, Log("metrics"), config);
  if (!http) return tl::unexpected(http.error());
  (*http)->route(
      "GET", "/metrics",
      [text = std::move(text)](const signaling::HttpRequest&, const signaling::Responder& answer) {
        answer.send({200, "text/plain; version=0.0.4; charset=utf-8", text(), {}});
      });
  return std::unique_ptr<ScenarioMetrics>(new ScenarioMetrics(std::move(*http)));
}

}  // namespace callbot::bot
