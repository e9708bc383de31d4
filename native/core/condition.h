// A condition variable whose bounded waits count by CLOCK_MONOTONIC. std::condition_variable does so only where the C library
// has pthread_cond_clockwait (glibc 2.30); elsewhere a clock that is set back would lengthen the wait.
#pragma once

#include <cerrno>
#include <chrono>
#include <ctime>
#include <mutex>
#include <pthread.h>

namespace kvm {

class Condition {
 public:
  Condition() {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition_, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  ~Condition() { pthread_cond_destroy(&condition_); }
  Condition(const Condition&) = delete;

  void notify_one() { pthread_cond_signal(&condition_); }

  // Waits until `holds()`, which is asked with `lock` held.
  template <typename Predicate>
  void wait(std::unique_lock<std::mutex>& lock, Predicate holds) {
    while (!holds()) pthread_cond_wait(&condition_, lock.mutex()->native_handle());
  }

  // The same for at most `bound`; what `holds()` says at the end.
  template <typename Predicate>
  bool wait_for(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds bound, Predicate holds) {
    timespec end{};
    clock_gettime(CLOCK_MONOTONIC, &end);
    const auto nanoseconds = std::chrono::nanoseconds(end.tv_nsec) + bound;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(nanoseconds);
    end.tv_sec += seconds.count();
    end.tv_nsec = (nanoseconds - seconds).count();
    while (!holds()) {
      if (pthread_cond_timedwait(&condition_, lock.mutex()->native_handle(), &end) == ETIMEDOUT) return holds();
    }
    return true;
  }

 private:
  pthread_cond_t condition_;
};

}  // namespace kvm
