#include "run-deadline.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sys/utsname.h>
#include <unistd.h>

#include "kick-signal.h"

namespace kvm {
namespace {

struct ThreadDeadline {
  kvm_run* run = nullptr;
  // Read and written by this thread and by its signal handler.
  volatile sig_atomic_t expired = 0;
};

thread_local ThreadDeadline deadline;

// One POSIX timer per thread that ever set a deadline, made once.
class ThreadTimer {
 public:
  ThreadTimer() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kick_signal();
    event._sigev_un._tid = gettid();
    made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~ThreadTimer() {
    if (made_) timer_delete(timer_);
  }
  ThreadTimer(const ThreadTimer&) = delete;

  // Signals after `time`, and then every millisecond until it is set to 0: a runtime that runs handlers later than the
  // signal comes (ThreadSanitizer's does) may let the first one pass before KVM_RUN begins, and only the next ends it.
  bool set(std::chrono::microseconds time) {
    itimerspec value{};
    value.it_value.tv_sec = time.count() / 1'000'000;
    value.it_value.tv_nsec = time.count() % 1'000'000 * 1000;
    if (time.count() != 0) value.it_interval.tv_nsec = 1'000'000;
    return made_ && timer_settime(timer_, 0, &value, nullptr) == 0;
  }

 private:
  timer_t timer_{};
  bool made_ = false;
};

ThreadTimer& timer() {
  thread_local ThreadTimer one;
  return one;
}

bool kernel_is_at_least_6_12() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 12);
}

}  // namespace

bool threads_may_change() {
  static const bool may = kernel_is_at_least_6_12() && std::getenv("KVM_GDBSERVER_OWNER_THREAD") == nullptr;
  return may;
}

RunDeadline::RunDeadline(kvm_run* run, std::chrono::microseconds bound) {
  deadline.expired = 0;
  deadline.run = run;
  armed_ = timer().set(bound);
  if (!armed_) deadline.run = nullptr;
}

RunDeadline::~RunDeadline() {
  if (!armed_) return;
  // First the pointer: a signal that is on its way must not touch a run that is over.
  deadline.run = nullptr;
  timer().set(std::chrono::microseconds{0});
  deadline.expired = 0;
}

bool RunDeadline::expired() { return deadline.run != nullptr && deadline.expired != 0; }

void note_deadline() {
  kvm_run* run = deadline.run;
  if (run == nullptr) return;
  deadline.expired = 1;
  __atomic_store_n(&run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

}  // namespace kvm
