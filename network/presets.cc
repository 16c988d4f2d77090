// The presets. A round trip is split evenly between the directions; queues are our choice.
#include "network/conditions.h"

namespace callbot::network {
namespace {

struct Plain {
  double rate, delay_s, queue_s;
};

Direction plain(const Plain& numbers) {
  Direction d;
  d.rate = numbers.rate;
  d.delay_s = numbers.delay_s;
  d.queue_s = numbers.queue_s;
  return d;
}

constexpr const char* kWebPageTest =
    "WebPageTest, www/settings/connectivity.ini.sample; the queue is our choice";

// Our choice: a crowded 2.4 GHz channel at the edge of its reach. Contention makes late packets
// with a long tail, collisions lose several in a row, and what the radio repeats may come twice.
Direction bad_wifi(double rate) {
  Direction d = plain({rate, 0.005, 0.2});
  d.jitter_s = 0.015;
  d.jitter_shape = JitterShape::kPareto;
  d.burst = {.p = 0.01, .r = 0.3, .good = 0.002, .bad = 0.6};
  d.duplicate = 0.001;
  return d;
}

// Our choice: geostationary. Up and down over 35,786 km each is 239 ms of light one way; the rest
// is processing and access. Rates as consumer offers have them.
Direction by_satellite(double rate) {
  Direction d = plain({rate, 0.28, 0.4});
  d.jitter_s = 0.01;
  d.jitter_shape = JitterShape::kNormal;
  d.loss = 0.005;
  return d;
}

const std::vector<Preset>& table() {
  static const std::vector<Preset> presets = {
      {"clean", "nothing is done to packets; they pass through the relay all the same", {}},
      {"edge", kWebPageTest, {plain({200e3, 0.42, 1}), plain({240e3, 0.42, 1})}},
      {"3g", kWebPageTest, {plain({768e3, 0.15, 0.5}), plain({1.6e6, 0.15, 0.5})}},
      {"4g", kWebPageTest, {plain({9e6, 0.085, 0.3}), plain({9e6, 0.085, 0.3})}},
      {"wifi-bad", "our choice: contention, collisions, retries", {bad_wifi(4e6), bad_wifi(8e6)}},
      {"satellite",
       "our choice: geostationary, 239 ms of light one way; consumer rates",
       {by_satellite(3e6), by_satellite(20e6)}},
  };
  return presets;
}

}  // namespace

std::span<const Preset> presets() { return table(); }

}  // namespace callbot::network
