#include "network/relay.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "network/candidate.h"
#include "network/link_impl.h"
#include "network/relay_socket.h"

namespace callbot::network {
namespace {

constexpr size_t kMostSockets = 128;         // a side; a browser has about 10 candidates
constexpr int kMostAtOnce = 64;              // packets of one socket before the next one's turn
constexpr int64_t kLinger = 3'000'000'000;   // ns after its peer has ended
constexpr uint64_t kMostHeld = 64ull << 20;  // bytes of one direction: 2 s at 250 Mbit/s

tl::unexpected<Error> unproved(std::string why) { return fail(Code::kUnmeasured, std::move(why)); }

void count(Traffic& traffic, PacketKind kind, size_t bytes) {
  ++traffic.packets[static_cast<size_t>(kind)];
  traffic.bytes[static_cast<size_t>(kind)] += bytes;
}

// "host 127.0.0.1:4000 -> prflx 127.0.0.1:5000".
std::optional<std::pair<Address, Address>> ends_of(const std::string& pair) {
  const size_t arrow = pair.find(" -> ");
  if (arrow == std::string::npos) return std::nullopt;
  const auto address = [](const std::string& end) {
    return Address::parse(std::string_view(end).substr(end.find(' ') + 1));
  };
  const auto near = address(pair.substr(0, arrow));
  const auto far = address(pair.substr(arrow + 4));
  if (!near || !far) return std::nullopt;
  return std::pair{*near, *far};
}

}  // namespace

struct Relay::Impl final : Carrier {
  // A socket that stands for somebody: an outer one for an address of our peer's, an inner one for
  // an address of the other end's.
  struct Port {
    RelaySocket socket;
    Address stands_for;
    RelayThread::Key key = 0;
  };
  using Ports = std::map<Address, Port>;  // by what they stand for

  Impl(Link& l, Log g, const std::vector<std::string>& addresses, Whose whose);
  ~Impl() override;

  // With the mutex held, all of them.
  Port* port(Ports& ports, const Address& stands_for, const Address& on);
  Port* outer_for(const Address& ours) { return port(outer, ours, ours); }
  Port* inner_for(const Address& theirs) {
    return port(inner, theirs, theirs.family() == AF_INET6 ? inner_v6 : inner_v4);
  }
  bool is_own(const Address& address) const;
  void readable(Port& port, Way way);
  void pass(const RelaySocket::Arrival& arrival, const Port& came_by, Way way);
  void due(const Parcel& parcel, int64_t due_ns) override;

  const std::shared_ptr<Link::Impl> link;
  const Log log;
  const Way to_our_peer;  // on the link
  Address inner_v4 = Address::loopback(AF_INET), inner_v6 = Address::loopback(AF_INET6);
  Ports outer, inner;
  std::array<Traffic, 2> passed;  // each way
};

Relay::Impl::Impl(Link& l, Log g, const std::vector<std::string>& addresses, Whose whose)
    : link(l.impl_),
      log(std::move(g)),
      to_our_peer(whose == Whose::kOurPeers ? Way::kDown : Way::kUp) {
  bool v4 = false, v6 = false;
  for (const std::string& text : addresses) {
    const auto address = Address::parse(text, 0);
    if (!address) continue;
    bool& known = address->family() == AF_INET6 ? v6 : v4;
    if (!std::exchange(known, true))
      (address->family() == AF_INET6 ? inner_v6 : inner_v4) = *address;
  }
}

Relay::Impl::~Impl() {
  std::lock_guard lock(link->thread->mutex());
  for (Ports* ports : {&outer, &inner})
    for (auto& [address, port] : *ports) link->thread->forget(port.key, port.socket.fd());
  const auto bytes = link->thread->let_go(*this);
  for (size_t i = 0; i < bytes.size(); ++i) link->held_bytes[i] -= bytes[i];
}

Relay::Impl::Port* Relay::Impl::port(Ports& ports, const Address& stands_for, const Address& on) {
  if (const auto found = ports.find(stands_for); found != ports.end()) return &found->second;
  if (ports.size() >= kMostSockets) return nullptr;
  auto socket = RelaySocket::open(on);
  if (!socket) {
    log.warn("{}", socket.error().message);
    return nullptr;
  }
  Port& made = ports.emplace(stands_for, Port{std::move(*socket), stands_for}).first->second;
  const Way from_our_peer = to_our_peer == Way::kDown ? Way::kUp : Way::kDown;
  const Way way = &ports == &outer ? to_our_peer : from_our_peer;
  made.key = link->thread->watch(made.socket.fd(), [this, &made, way] { readable(made, way); });
  return &made;
}

bool Relay::Impl::is_own(const Address& address) const {
  for (const Ports* ports : {&outer, &inner})
    for (const auto& [stands_for, port] : *ports)
      if (port.socket.own() == address) return true;
  return false;
}

void Relay::Impl::readable(Port& port, Way way) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto arrival = port.socket.receive();
    if (!arrival) return;
    link->stats(way).overrun += arrival->overrun;
    pass(*arrival, port, way);
  }
}

// Leaves from the socket that stands for its sender, to whom the socket it came by stands for.
void Relay::Impl::pass(const RelaySocket::Arrival& arrival, const Port& came_by, Way way) {
  const PacketKind kind = kind_of(arrival.bytes);
  WayStats& stats = link->stats(way);
  Ports& senders = way == to_our_peer ? inner : outer;
  const auto known = senders.find(arrival.from);
  const Port* sender = known != senders.end() ? &known->second : nullptr;
  if (sender == nullptr && kind == PacketKind::kStun && !is_own(arrival.from))
    sender = way == to_our_peer ? inner_for(arrival.from) : outer_for(arrival.from);
  if (sender == nullptr) {
    ++stats.strangers;
    return;
  }
  count(stats.arrived, kind, arrival.bytes.size());
  Impairment& model = link->model(way);
  const auto bytes =
      static_cast<uint32_t>(arrival.bytes.size()) + came_by.stands_for.header_bytes();
  const Fate fate = model.take(bytes, kind, arrival.at_ns);
  if (fate.drop) return;
  uint64_t& held = link->held_bytes[static_cast<size_t>(way)];
  for (int copies = fate.twice ? 2 : 1; copies > 0; --copies) {
    if (held + arrival.bytes.size() > kMostHeld) {
      ++stats.overflow;
      continue;
    }
    held += arrival.bytes.size();
    link->thread->hold(fate.out_ns, {this,
                                     &model,
                                     fate.id,
                                     way,
                                     kind,
                                     sender->socket.fd(),
                                     came_by.stands_for,
                                     {arrival.bytes.begin(), arrival.bytes.end()}});
  }
}

void Relay::Impl::due(const Parcel& parcel, int64_t due_ns) {
  link->held_bytes[static_cast<size_t>(parcel.way)] -= parcel.bytes.size();
  WayStats& stats = link->stats(parcel.way);
  if (!RelaySocket::send(parcel.fd, parcel.to, parcel.bytes)) {
    ++stats.refused;
    return;
  }
  for (Traffic* all : {&stats.passed, &passed[static_cast<size_t>(parcel.way)]})
    count(*all, parcel.kind, parcel.bytes.size());
  const double late = static_cast<double>(monotonic_ns() - due_ns) / 1e9;
  ++stats.passed_all;
  stats.late_sum_s += late;
  stats.late_max_s = std::max(stats.late_max_s, late);
}

// --- what the loop calls

Relay::Relay(Link& link, Log log, const std::vector<std::string>& addresses, Whose whose)
    : impl_(std::make_unique<Impl>(link, std::move(log), addresses, whose)) {}

Relay::~Relay() {
  const auto link = impl_->link;
  std::vector<std::unique_ptr<Carrier>> gone;  // destroyed after the lock
  const int64_t now = monotonic_ns();
  std::lock_guard lock(link->thread->mutex());
  gone = link->expired(now);
  if (!link->closed) link->leaving.emplace_back(now + kLinger, std::move(impl_));
}

std::optional<std::string> Relay::candidate_for_them(const std::string& ours) {
  if (ours.empty()) return ours;
  auto candidate = parse_candidate(ours);
  if (!candidate || candidate->type != "host") {
    impl_->log.debug("not handed on, would lead around the relay: {}", ours);
    return std::nullopt;
  }
  std::lock_guard lock(impl_->link->thread->mutex());
  if (impl_->is_own(candidate->address)) return std::nullopt;
  const Impl::Port* port = impl_->outer_for(candidate->address);
  if (port == nullptr) return std::nullopt;
  candidate->address = port->socket.own();
  return write_candidate(*candidate);
}

std::optional<std::string> Relay::candidate_for_us(const std::string& theirs) {
  if (theirs.empty()) return theirs;
  auto candidate = parse_candidate(theirs);
  if (!candidate) {
    impl_->log.debug("not relayed: {}", theirs);
    return std::nullopt;
  }
  std::lock_guard lock(impl_->link->thread->mutex());
  if (impl_->is_own(candidate->address)) return std::nullopt;
  const Impl::Port* port = impl_->inner_for(candidate->address);
  if (port == nullptr) return std::nullopt;
  candidate->address = port->socket.own();
  return write_candidate(*candidate);
}

std::string Relay::description_for_them(const std::string& ours) {
  return with_candidates_changed(ours, [this](const auto& c) { return candidate_for_them(c); });
}

std::string Relay::description_for_us(const std::string& theirs) {
  return with_candidates_changed(theirs, [this](const auto& c) { return candidate_for_us(c); });
}

Result<> Relay::verified(const std::string& selected_pair) const {
  const auto ends = ends_of(selected_pair);
  if (!ends) return unproved("no candidate pair is selected");
  const Address &near = ends->first, &far = ends->second;
  std::lock_guard lock(impl_->link->thread->mutex());
  const auto& inner = impl_->inner;
  if (std::none_of(inner.begin(), inner.end(),
                   [&](const auto& entry) { return entry.second.socket.own() == far; }))
    return unproved(fmt::format("the selected pair {} does not lead to the relay", selected_pair));
  // A reflexive near end is as the other end sees us: from behind a NAT, or a relay of its own.
  if (selected_pair.starts_with("host ") && !impl_->outer.contains(near))
    return unproved(
        fmt::format("the selected pair {} does not begin where the relay leads to", selected_pair));
  for (const Way way : {Way::kUp, Way::kDown})
    for (const PacketKind kind : {PacketKind::kStun, PacketKind::kDtls})
      if (impl_->passed[static_cast<size_t>(way)].packets_of(kind) == 0)
        return unproved(fmt::format("no {} has passed the relay {}",
                                    kPacketKindNames[static_cast<size_t>(kind)],
                                    way == Way::kUp ? "up" : "down"));
  return {};
}

}  // namespace callbot::network
