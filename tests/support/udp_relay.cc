#include "tests/support/udp_relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace callbot {
namespace {

sockaddr_in on_loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int open_socket(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = on_loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    abort();
  port = ntohs(address.sin_port);
  return fd;
}

// RFC 7983 and RFC 5761, 4: RTP, and not RTCP.
bool is_rtp(const uint8_t* packet, ssize_t size) {
  return size > 1 && packet[0] >= 128 && packet[0] < 192 && !(packet[1] >= 192 && packet[1] <= 223);
}

}  // namespace

UdpRelay::UdpRelay(uint32_t seed) : random_(seed) {
  to_a_ = open_socket(to_a_port_);
  to_b_ = open_socket(to_b_port_);
  thread_ = std::thread([this] { run(); });
}

UdpRelay::~UdpRelay() {
  ending_ = true;
  thread_.join();
  close(to_a_);
  close(to_b_);
}

void UdpRelay::cut(bool a_to_b, bool b_to_a) {
  cut_a_to_b_ = a_to_b;
  cut_b_to_a_ = b_to_a;
}

std::string UdpRelay::candidate_for_b(const std::string& of_a) {
  return rewritten(of_a, a_port_, to_a_port_);
}

std::string UdpRelay::candidate_for_a(const std::string& of_b) {
  return rewritten(of_b, b_port_, to_b_port_);
}

// "candidate:1 1 UDP 2015364095 127.0.0.1 58927 typ host"
std::string UdpRelay::rewritten(const std::string& candidate, std::atomic<uint16_t>& port,
                                uint16_t ours) {
  std::istringstream in(candidate);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.size() < 6) return candidate;
  port = static_cast<uint16_t>(std::stoi(words[5]));
  words[5] = std::to_string(ours);
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

void UdpRelay::run() {
  while (!ending_) {
    pollfd waiting[] = {{to_a_, POLLIN, 0}, {to_b_, POLLIN, 0}};
    const int ready = poll(waiting, 2, line_.empty() ? 20 : 1);
    serve_line();
    if (ready <= 0) continue;
    if (waiting[0].revents != 0) pass(to_a_, to_b_, a_port_, false);
    if (waiting[1].revents != 0) pass(to_b_, to_a_, b_port_, true);
  }
}

void UdpRelay::narrow(double rate, std::chrono::milliseconds most_wait) {
  most_wait_s_ = static_cast<double>(most_wait.count()) / 1000;
  rate_ = rate;
}

// True: it will be sent later, or is lost.
bool UdpRelay::wait_in_line(const uint8_t* packet, size_t size) {
  const double rate = rate_;
  if (rate <= 0 && line_.empty()) return false;
  if (rate > 0 && static_cast<double>(line_bytes_ + size) * 8 > rate * most_wait_s_) {
    ++lost_;
    return true;
  }
  if (line_.empty()) free_at_ = std::max(free_at_, std::chrono::steady_clock::now());
  line_.emplace_back(packet, packet + size);
  line_bytes_ += size;
  return true;
}

void UdpRelay::serve_line() {
  while (!line_.empty()) {
    const double rate = rate_;
    const auto takes = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(
            rate > 0 ? static_cast<double>(line_.front().size()) * 8 / rate : 0));
    if (free_at_ + takes > std::chrono::steady_clock::now()) return;
    free_at_ += takes;
    const sockaddr_in address = on_loopback(b_port_);
    sendto(to_a_, line_.front().data(), line_.front().size(), MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address), sizeof address);
    line_bytes_ -= line_.front().size();
    line_.pop_front();
    ++passed_;
  }
}

// Leaves from the socket that the receiver takes for the sender.
void UdpRelay::pass(int from, int to, uint16_t port, bool a_to_b) {
  uint8_t packet[2048];
  const ssize_t size = recv(from, packet, sizeof packet, MSG_DONTWAIT);
  if (size <= 0 || port == 0) return;
  const bool cut = a_to_b ? cut_a_to_b_ : cut_b_to_a_;
  const bool unlucky =
      a_to_b && is_rtp(packet, size) && std::uniform_real_distribution<>(0, 1)(random_) < loss_;
  const bool unwanted = only_stun_ && packet[0] > 3;  // RFC 7983
  if (cut || unlucky || unwanted) {
    ++lost_;
    return;
  }
  if (a_to_b && wait_in_line(packet, static_cast<size_t>(size))) return;
  ++passed_;
  const sockaddr_in address = on_loopback(port);
  sendto(to, packet, static_cast<size_t>(size), MSG_DONTWAIT,
         reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace callbot
