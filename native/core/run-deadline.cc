#include "run-deadline.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kick-signal.h"

// musl has the field's documented name as a macro; glibc only since 2.37.
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace kvm {
namespace {

// Of one thread; read and written by it and by its signal handler.
struct ThreadDeadline {
  kvm_run* volatile run = nullptr;
  volatile sig_atomic_t expired = 0;
  // When the timer will signal, in nanoseconds of CLOCK_MONOTONIC; 0: it is off.
  volatile int64_t signals_at = 0;
};

thread_local ThreadDeadline deadline;

int64_t now_in_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// One POSIX timer per thread that ever set a deadline, made once.
class ThreadTimer {
 public:
  ThreadTimer() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kick_signal();
    event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
    made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~ThreadTimer() {
    if (made_) timer_delete(timer_);
  }
  ThreadTimer(const ThreadTimer&) = delete;

  // Signals at `time` (nanoseconds of CLOCK_MONOTONIC), and then every millisecond until it is turned off: a runtime that
  // runs handlers later than the signal comes (ThreadSanitizer's does) may let the first one pass before KVM_RUN begins,
  // and only the next ends it. 0 turns it off. Async-signal-safe, as timer_settime is.
  bool set(int64_t time) {
    itimerspec value{};
    value.it_value.tv_sec = time / 1'000'000'000;
    value.it_value.tv_nsec = time % 1'000'000'000;
    if (time != 0) value.it_interval.tv_nsec = 1'000'000;
    return made_ && timer_settime(timer_, TIMER_ABSTIME, &value, nullptr) == 0;
  }

 private:
  timer_t timer_{};
  bool made_ = false;
};

// A key and not a thread_local object, whose destructor would need __cxa_thread_atexit_impl, which musl does not have.
class TimerKey {
 public:
  TimerKey() { pthread_key_create(&key_, [](void* timer) { delete static_cast<ThreadTimer*>(timer); }); }
  TimerKey(const TimerKey&) = delete;

  // The calling thread's; null before the first deadline, and when the thread is about to end. Async-signal-safe.
  ThreadTimer* present() const { return static_cast<ThreadTimer*>(pthread_getspecific(key_)); }
  // Made if need be.
  ThreadTimer& timer() {
    if (present() == nullptr) pthread_setspecific(key_, new ThreadTimer);
    return *present();
  }

 private:
  pthread_key_t key_{};
};

TimerKey& key() {
  static TimerKey key;
  return key;
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
  // First the pointer: from here on the handler does not turn the timer off.
  deadline.run = run;
  // Setting a timer costs more than a short run does. One that an earlier run left on serves this one too, if it signals
  // neither much sooner than asked nor later.
  const int64_t nanoseconds = std::chrono::nanoseconds(bound).count();
  const int64_t now = now_in_nanoseconds();
  const int64_t left = deadline.signals_at - now;
  armed_ = left >= nanoseconds / 2 && left <= nanoseconds;
  if (armed_) return;
  armed_ = key().timer().set(now + nanoseconds);
  deadline.signals_at = armed_ ? now + nanoseconds : 0;
  if (!armed_) deadline.run = nullptr;
}

RunDeadline::~RunDeadline() {
  deadline.run = nullptr;
  deadline.expired = 0;
}

bool RunDeadline::expired() { return deadline.run != nullptr && deadline.expired != 0; }

void note_deadline() {
  kvm_run* run = deadline.run;
  if (run == nullptr) {
    // The run that it was set for is long over. A signal may come when the thread ends and has no timer any more.
    if (deadline.signals_at != 0) {
      if (ThreadTimer* timer = key().present()) timer->set(0);
    }
    deadline.signals_at = 0;
    return;
  }
  deadline.expired = 1;
  __atomic_store_n(&run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

}  // namespace kvm
