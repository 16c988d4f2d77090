// tests/support/udp_relay.h: the network between two Peers: loses, is narrow, or is cut.
//
// Each end is told that the other one is at the relay's address; see candidate_for_b() and
// candidate_for_a().
//
// Thread:  its own; the setters may be called from any.
// Owner:   the test, longer than the Peers.
// Fails:   by aborting: without sockets on 127.0.0.1 there is no test.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace callbot {

class UdpRelay {
 public:
  explicit UdpRelay(uint32_t seed = 1);
  ~UdpRelay();

  // A candidate line of one end, as the other end has to get it.
  std::string candidate_for_b(const std::string& of_a);
  std::string candidate_for_a(const std::string& of_b);

  // Share of RTP packets from a to b that is lost; STUN, DTLS and RTCP pass.
  void lose(double share) { loss_ = share; }
  // No more bit/s than this from a to b (IP and UDP headers aside), behind a queue that holds
  // `most_wait` of it; what does not fit is lost. 0: as much as there is.
  void narrow(double rate, std::chrono::milliseconds most_wait = std::chrono::milliseconds(300));
  // Nothing passes any more, from a to b, from b to a.
  void cut(bool a_to_b, bool b_to_a);
  // Nothing but STUN passes.
  void only_stun(bool only) { only_stun_ = only; }
  uint64_t lost() const { return lost_; }
  uint64_t passed() const { return passed_; }

 private:
  void run();
  void pass(int from, int to, uint16_t port, bool a_to_b);
  bool wait_in_line(const uint8_t* packet, size_t size);
  void serve_line();
  std::string rewritten(const std::string& candidate, std::atomic<uint16_t>& port, uint16_t ours);

  int to_a_ = -1, to_b_ = -1;  // sockets; b sends to to_a_, a sends to to_b_
  uint16_t to_a_port_ = 0, to_b_port_ = 0;
  std::atomic<uint16_t> a_port_{0}, b_port_{0};
  std::atomic<double> loss_{0};
  std::atomic<bool> cut_a_to_b_{false}, cut_b_to_a_{false}, only_stun_{false}, ending_{false};
  std::atomic<uint64_t> lost_{0}, passed_{0};
  std::atomic<double> rate_{0}, most_wait_s_{0.3};
  // The relay's thread: packets from a to b, oldest first, and when the line is free again.
  std::deque<std::vector<uint8_t>> line_;
  size_t line_bytes_ = 0;
  std::chrono::steady_clock::time_point free_at_{};
  std::mt19937 random_;
  std::thread thread_;
};

}  // namespace callbot
