#include "pipelines/transport.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nice/agent.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pipelines/gst_glue.h"
#include "pipelines/stun.h"

namespace callbot::pipelines {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::milliseconds kAskAfter{1000};  // of silence

// GstDtlsConnectionState, which has no public header.
constexpr int kDtlsClosed = 1;
constexpr int kDtlsConnected = 4;

// An SCTP association id, unique in the process while this lives. webrtcbin draws them at random,
// and two that are the same hang the process.
class SctpId {
 public:
  SctpId() {
    std::lock_guard lock(mutex());
    static uint32_t next = 0;
    do {
      next = next % 65535 + 1;  // the property's range
    } while (!used().insert(next).second);
    value_ = next;
  }
  ~SctpId() {
    std::lock_guard lock(mutex());
    used().erase(value_);
  }
  SctpId(const SctpId&) = delete;
  SctpId& operator=(const SctpId&) = delete;
  uint32_t value() const { return value_; }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::set<uint32_t>& used() {
    static std::set<uint32_t> used;
    return used;
  }
  uint32_t value_;
};

std::string text_of(const NiceCandidate& candidate) {
  static constexpr const char* kTypes[] = {"host", "srflx", "prflx", "relay"};
  char address[NICE_ADDRESS_STRING_LEN] = "";
  nice_address_to_string(&candidate.addr, address);
  return fmt::format("{} {}:{}", kTypes[std::min<int>(candidate.type, 3)], address,
                     nice_address_get_port(&candidate.addr));
}

bool is_receive_queue(GstElement* element) {
  const auto parent = GRef<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(element)));
  return parent && g_str_equal(G_OBJECT_TYPE_NAME(parent.get()), "TransportReceiveBin");
}

// webrtcbin has a queue between the socket and DTLS, which it needs while the handshake is not
// done; after it, it is one switch of threads a packet. From now on, as soon as it is empty,
// packets pass it by, on the thread that reads the socket.
void pass_by(GstElement* queue) {
  const auto in = GRef<GstPad>::adopt(gst_element_get_static_pad(queue, "sink"));
  const auto out = GRef<GstPad>::adopt(gst_element_get_static_pad(queue, "src"));
  const auto next = GRef<GstPad>::adopt(gst_pad_get_peer(out.get()));
  if (!next) return;
  add_probe(in.get(), GST_PAD_PROBE_TYPE_BUFFER,
            [queue, next, empty = false](GstPadProbeInfo* info) mutable {
              if (!empty) {
                guint waiting = 0;
                g_object_get(queue, "current-level-buffers", &waiting, nullptr);
                empty = waiting == 0;
              }
              if (!empty) return GST_PAD_PROBE_OK;
              auto* packet = GST_PAD_PROBE_INFO_BUFFER(info);
              info->data = nullptr;
              GST_PAD_PROBE_INFO_FLOW_RETURN(info) = gst_pad_chain(next.get(), packet);
              return GST_PAD_PROBE_HANDLED;
            });
}

// Changes whenever a packet is read from the socket, also one that the ICE agent keeps to itself.
std::string last_read(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return "";
  if (type == SOCK_STREAM) {
    tcp_info info{};
    socklen_t info_size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) != 0) return "";
    // Milliseconds ago: made a point in time, coarse enough not to move by itself.
    const int64_t at_ms = monotonic_ns() / 1'000'000 - info.tcpi_last_data_recv;
    return std::to_string((at_ms + 50) / 100);
  }
  timespec stamp{};
  if (ioctl(fd, SIOCGSTAMPNS_OLD, &stamp) != 0) return "";  // nothing read since the first question
  return fmt::format("{}.{}", stamp.tv_sec, stamp.tv_nsec);
}

}  // namespace

struct Transport::Shared {
  Loop& loop;
  std::function<void(const std::string&)> connected;
  std::function<void()> closed;
  std::function<void()> checking, found;  // ICE

  std::atomic<uint64_t> packets{0};
  std::atomic<int64_t> connected_ns{0};
  std::array<std::atomic<uint64_t>, 2> unwanted{};  // payload types, one bit each
  std::mutex mutex;                                 // of all below; held for a moment only
  std::vector<GRef<GstElement>> decoders;
  GRef<GstElement> nicesrc;
  std::vector<GRef<GstElement>> queues;
  std::string pair;
  std::unique_ptr<SctpId> sctp_id;
  bool data_allowed = false;
  bool closed_down = false;  // holds no elements any more, which hold this
  std::vector<std::pair<GRef<GstPad>, gulong>> held;

  explicit Shared(Loop& l) : loop(l) {}
  void take(const std::shared_ptr<Shared>& self, GstElement* element);
  void watch_source(const std::shared_ptr<Shared>& self, GstElement* nicesrc);
  void watch_handshake(const std::shared_ptr<Shared>& self, GstElement* encoder);
  void handshake_changed(GstElement* encoder);
  void set_up_sctp(GstElement* element, bool sends);
  bool is_unwanted(GstBuffer* packet) const;
};

// Any thread, webrtcbin's lock may be held.
void Transport::Shared::take(const std::shared_ptr<Shared>& self, GstElement* element) {
  const std::string_view name = factory_name(element);
  if (name == "nicesrc") {
    watch_source(self, element);
  } else if (name == "dtlssrtpdec") {
    std::lock_guard lock(mutex);
    if (!closed_down) decoders.push_back(GRef<GstElement>::share(element));
  } else if (name == "queue" && is_receive_queue(element)) {
    std::lock_guard lock(mutex);
    if (!closed_down) queues.push_back(GRef<GstElement>::share(element));
  } else if (name == "dtlssrtpenc") {
    watch_handshake(self, element);
  } else if (name == "sctpenc" || name == "sctpdec") {
    set_up_sctp(element, name == "sctpenc");
  }
}

void Transport::Shared::watch_source(const std::shared_ptr<Shared>& self, GstElement* source) {
  auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(source, "src"));
  add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, [self](GstPadProbeInfo* info) {
    self->packets.fetch_add(1, std::memory_order_relaxed);
    return self->is_unwanted(GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_DROP
                                                              : GST_PAD_PROBE_OK;
  });
  GObject* agent = nullptr;
  g_object_get(source, "agent", &agent, nullptr);
  const auto owned = GRef<GObject>::adopt(agent);
  if (agent != nullptr) {
    on_signal_now(agent, "new-selected-pair-full", [self](const GValue* values) {
      const auto* local = static_cast<NiceCandidate*>(g_value_get_boxed(&values[3]));
      const auto* remote = static_cast<NiceCandidate*>(g_value_get_boxed(&values[4]));
      std::lock_guard lock(self->mutex);
      self->pair = fmt::format("{} -> {}", text_of(*local), text_of(*remote));
    });
    on_signal_now(agent, "component-state-changed", [self](const GValue* values) {
      const guint state = g_value_get_uint(&values[3]);
      if (state == NICE_COMPONENT_STATE_CONNECTING) self->loop.post(self->checking);
      if (state != NICE_COMPONENT_STATE_CONNECTED && state != NICE_COMPONENT_STATE_READY) return;
      int64_t never = 0;
      self->connected_ns.compare_exchange_strong(never, monotonic_ns());
      self->loop.post(self->found);
    });
  }
  std::lock_guard lock(mutex);
  if (!closed_down) nicesrc = GRef<GstElement>::share(source);
}

// SRTP leaves the header readable. The first byte says that it is RTP or RTCP (RFC 7983, 7), the
// second which of the two (RFC 5761, 4): RTCP's types look like the payload types 64 to 95.
bool Transport::Shared::is_unwanted(GstBuffer* packet) const {
  if ((unwanted[0].load(std::memory_order_relaxed) | unwanted[1].load(std::memory_order_relaxed)) ==
      0)
    return false;
  uint8_t head[2];
  if (gst_buffer_extract(packet, 0, head, sizeof head) != sizeof head) return false;
  const unsigned payload = head[1] & 0x7fu;
  if (head[0] < 128 || head[0] > 191 || (payload >= 64 && payload <= 95)) return false;
  return (unwanted[payload / 64].load(std::memory_order_relaxed) >> (payload % 64) & 1) != 0;
}

void Transport::Shared::watch_handshake(const std::shared_ptr<Shared>& self, GstElement* encoder) {
  on_signal_now(encoder, "notify::connection-state", [self](const GValue* values) {
    self->handshake_changed(static_cast<GstElement*>(g_value_get_object(&values[0])));
  });
}

void Transport::Shared::handshake_changed(GstElement* encoder) {
  gint state = 0;
  gchar* id = nullptr;
  g_object_get(encoder, "connection-state", &state, "connection-id", &id, nullptr);
  const Text encoder_id(id);
  if (state == kDtlsClosed) loop.post(closed);
  if (state != kDtlsConnected) return;
  std::string certificate;
  std::lock_guard lock(mutex);
  for (const auto& decoder : decoders) {
    gchar* its_id = nullptr;
    gchar* pem = nullptr;
    g_object_get(decoder.get(), "connection-id", &its_id, "peer-pem", &pem, nullptr);
    const Text owned_id(its_id), owned_pem(pem);
    if (pem != nullptr && g_strcmp0(its_id, id) == 0) certificate = pem;
  }
  loop.post([connected = connected, certificate] { connected(certificate); });
}

void Transport::Shared::set_up_sctp(GstElement* element, bool sends) {
  std::lock_guard lock(mutex);
  if (!sctp_id) sctp_id = std::make_unique<SctpId>();
  g_object_set(element, "sctp-association-id", guint{sctp_id->value()}, nullptr);
  if (!sends || data_allowed || closed_down) return;
  auto pad = GRef<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
  const gulong id = add_probe(pad.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
                              [](GstPadProbeInfo*) { return GST_PAD_PROBE_OK; });
  held.emplace_back(std::move(pad), id);
}

Transport::Transport(Loop& loop, Events& events)
    : events_(events), shared_(std::make_shared<Shared>(loop)) {
  shared_->connected =
      alive_.guard([this](const std::string& pem) { events_.dtls_connected(pem); });
  shared_->closed = alive_.guard([this] { events_.dtls_closed(); });
  shared_->checking = alive_.guard([this] { far_peer_.checks_began(); });
  shared_->found = alive_.guard([this] { far_peer_.connected(); });
}

Transport::~Transport() {
  std::lock_guard lock(shared_->mutex);
  shared_->closed_down = true;
  shared_->decoders.clear();
  shared_->nicesrc = nullptr;
  shared_->queues.clear();
  shared_->held.clear();
}

std::function<void(GstElement*)> Transport::tap() const {
  return [shared = shared_](GstElement* element) { shared->take(shared, element); };
}

void Transport::allow() {
  std::lock_guard lock(shared_->mutex);
  shared_->data_allowed = true;
  for (const auto& [pad, id] : shared_->held) gst_pad_remove_probe(pad.get(), id);
  shared_->held.clear();
  for (const auto& queue : shared_->queues) pass_by(queue.get());
  shared_->queues.clear();
}

void Transport::drop_payloads(const std::set<int>& payloads) {
  std::array<uint64_t, 2> bits{};
  for (const int payload : payloads)
    if (payload >= 0 && payload < 128)
      bits[static_cast<size_t>(payload) / 64] |= uint64_t{1} << (payload % 64);
  for (size_t i = 0; i < bits.size(); ++i) shared_->unwanted[i] = bits[i];
}

void Transport::set_remote_credentials(const std::string& ufrag, const std::string& password) {
  remote_ufrag_ = ufrag;
  remote_password_ = password;
}

int64_t Transport::connected_ns() const { return shared_->connected_ns; }

std::string Transport::selected_pair() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->pair;
}

void Transport::watch(std::chrono::milliseconds deadline) {
  deadline_ = deadline;
  heard_ns_ = looked_ns_ = monotonic_ns();
  timer_.every(kLookEvery, [this] { look(); });
}

void Transport::look() {
  const int64_t now = monotonic_ns();
  // A process that was stopped has heard nothing and must not conclude anything from it.
  const bool late = now - looked_ns_ > 4 * std::chrono::nanoseconds(kLookEvery).count();
  looked_ns_ = now;
  if (heard() || late) {
    heard_ns_ = now;
    return;
  }
  const std::chrono::nanoseconds silent(now - heard_ns_);
  // Heard at some time before the look that noticed it, and the next look may come too late.
  if (silent >= deadline_ - 2 * kLookEvery) {
    timer_.stop();
    events_.vanished();  // may destroy this
  } else if (silent >= kAskAfter - kLookEvery) {
    ask();
  }
}

std::optional<IceStream> Transport::ice() const {
  GRef<GstElement> source;
  {
    std::lock_guard lock(shared_->mutex);
    source = shared_->nicesrc;
  }
  if (!source) return std::nullopt;
  GObject* agent = nullptr;
  guint stream = 0;
  g_object_get(source.get(), "agent", &agent, "stream", &stream, nullptr);
  if (agent == nullptr) return std::nullopt;
  return IceStream{GRef<GObject>::adopt(agent), stream};
}

bool Transport::heard() {
  const uint64_t packets = shared_->packets.load(std::memory_order_relaxed);
  if (packets != packets_seen_) {
    packets_seen_ = packets;
    socket_times_.clear();
    return true;
  }
  const auto transport = ice();
  if (!transport) return false;
  std::string times;
  if (GPtrArray* sockets = nice_agent_get_sockets(NICE_AGENT(transport->agent.get()),
                                                  transport->stream, NICE_COMPONENT_TYPE_RTP)) {
    for (guint i = 0; i < sockets->len; ++i)
      times += last_read(g_socket_get_fd(G_SOCKET(g_ptr_array_index(sockets, i)))) + " ";
    g_ptr_array_unref(sockets);
  }
  const bool first = socket_times_.empty();
  const bool changed = times != socket_times_;
  socket_times_ = times;
  return changed && !first;
}

void Transport::ask() {
  const auto transport = ice();
  if (!transport || remote_ufrag_.empty()) return;
  NiceAgent* agent = NICE_AGENT(transport->agent.get());
  const guint stream = transport->stream;
  gchar *ufrag = nullptr, *password = nullptr;
  if (!nice_agent_get_local_credentials(agent, stream, &ufrag, &password)) return;
  const Text local_ufrag(ufrag), local_password(password);
  gboolean controlling = FALSE;
  g_object_get(agent, "controlling-mode", &controlling, nullptr);

  StunCheck check;
  check.remote_ufrag = remote_ufrag_;
  check.local_ufrag = local_ufrag.get();
  check.remote_password = remote_password_;
  check.controlling = controlling != FALSE;
  // RFC 8445, 5.1.2: a peer-reflexive candidate's, as in any check of a host candidate.
  check.priority = (110u << 24) | (65535u << 8) | 255u;
  for (int i = 0; i < 3; ++i) {
    const guint32 random = g_random_int();
    check.transaction.append(reinterpret_cast<const char*>(&random), sizeof random);
    check.tie_breaker = check.tie_breaker << 32 | random;
  }
  const std::string request = binding_request(check);
  nice_agent_send(agent, stream, NICE_COMPONENT_TYPE_RTP, static_cast<guint>(request.size()),
                  request.data());
}

}  // namespace callbot::pipelines
