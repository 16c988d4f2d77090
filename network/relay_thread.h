// network/relay_thread.h: the one thread of the process that carries packets for every relay:
// reads sockets, and hands parcels on when they are due.
//
// Timers are timerfd's with CLOCK_MONOTONIC and no slack; how late parcels leave is measured by who
// sends them (LinkStats).
//
// Thread:  its own for everything it calls; everything else from any thread, with mutex() held.
// Owner:   its users share it: it starts with the first and ends with the last of them, which must
//          not be on this thread.
// Fails:   get(): by aborting where the system has no descriptor left for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/files.h"
#include "network/address.h"
#include "network/impairment.h"
#include "network/packet_kind.h"

namespace callbot::network {

enum class Way { kUp, kDown };  // from the bot, to the bot

struct Parcel;

// Who sends a parcel when it is due.
class Carrier {
 public:
  virtual ~Carrier() = default;
  virtual void due(const Parcel& parcel, int64_t due_ns) = 0;
};

struct Parcel {
  Carrier* carrier = nullptr;
  const Impairment* model = nullptr;  // whose packet it is, and its number there
  uint64_t id = 0;
  Way way = Way::kUp;
  PacketKind kind = PacketKind::kOther;
  int fd = -1;
  Address to;
  std::vector<uint8_t> bytes;
};

class RelayThread {
 public:
  static std::shared_ptr<RelayThread> get();
  ~RelayThread();
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;

  std::mutex& mutex() { return mutex_; }
  using Key = uint64_t;

  Key watch(int fd, std::function<void()> readable);
  void forget(Key key, int fd);
  void hold(int64_t due_ns, Parcel parcel);
  // Other times for some that are held.
  void move(const Impairment& model, const std::vector<Impairment::Moved>& moved);
  // Lets go of all that one carrier has held; says how many bytes of each way.
  std::array<uint64_t, 2> let_go(const Carrier& carrier);
  Key alarm(int64_t at_ns, std::function<void()> ring);
  void cancel(Key key);

 private:
  RelayThread();
  void run();
  void flush();
  void arm();

  std::mutex mutex_;
  Descriptor epoll_, timer_, wake_;
  Key last_key_ = 0;
  std::map<Key, std::function<void()>> readers_;
  std::multimap<int64_t, Parcel> held_;  // by when it is due; equals in their order
  std::multimap<int64_t, std::pair<Key, std::function<void()>>> alarms_;
  int64_t armed_ns_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace callbot::network
