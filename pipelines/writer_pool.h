// pipelines/writer_pool.h: a few threads that do the slow work of all recordings.
//
// Every member gets a turn on a beat (about 50 ms), never two turns at once. A member whose turn
// takes long (a disk that stalls) occupies one thread; the others go on with the rest, and new
// threads are started for those that wait, up to a bound.
//
// Thread:  loop; turns on the pool's threads.
// Owner:   main(), or whoever makes recorders; it outlives them.
// Fails:   never. If all threads up to the bound stall, the others' turns are late.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace callbot::pipelines {

class WriterPool {
 public:
  struct Config {
    std::chrono::milliseconds beat{50};
    // A turn is late once it should have begun this long ago; then another thread is started.
    std::chrono::milliseconds patience{50};
    int most_threads = 64;
    // A thread that was not needed for so long ends; one that works and one that watches stay.
    std::chrono::milliseconds idle{5000};
  };
  // One turn: true to get the next one on the beat, false to leave for good.
  using Turn = std::function<bool()>;

  WriterPool() : WriterPool(Config{}) {}
  explicit WriterPool(Config config);
  // Waits for turns that run; then every member that is left gets one last turn.
  ~WriterPool();

  // The first turn comes with the next beat.
  void join(Turn turn);
  int threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace callbot::pipelines
