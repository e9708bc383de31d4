#include "vcpu-thread.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kick-signal.h"
#include "run-deadline.h"
#include "time-slice.h"

namespace kvm {
namespace {

// For a job that ends by itself. Not the duration's maximum, which overflows when it is added to a time.
constexpr std::chrono::hours kLongEnough{1};

}  // namespace

VcpuThread::VcpuThread(std::function<void()> on_late_end) : on_late_end_(std::move(on_late_end)) {
  kick_signal();
  // Whoever makes vCPUs is who serves their exits and kicks them.
  take_short_slices();
  AllSignalsBlocked blocked;
  thread_ = std::thread([this] { main(); });
}

bool VcpuThread::post(const std::function<void()>& job, std::chrono::microseconds wait) {
  const bool waits = wait.count() > 0;
  {
    std::lock_guard lock(mutex_);
    job_ = job;
    state_ = State::posted;
    // Before the thread can end: whoever does not wait is told through on_late_end, however short the job is.
    late_ = !waits;
    if (cpu_ && waits) cpu_->begin_wait();
  }
  // After the unlock, or the thread would wake only to wait for the mutex.
  posted_.notify_one();
  if (!waits) return false;
  std::unique_lock lock(mutex_);
  return await_end(lock, wait);
}

bool VcpuThread::wait(std::chrono::microseconds wait) {
  std::unique_lock lock(mutex_);
  late_ = false;
  return await_end(lock, wait);
}

bool VcpuThread::await_end(std::unique_lock<std::mutex>& lock, std::chrono::microseconds wait) {
  const bool ended = ended_.wait_for(lock, wait, [this] { return state_ == State::ended; });
  if (ended) state_ = State::parked;
  late_ = !ended;
  if (cpu_) cpu_->end_wait(ended);
  return ended;
}

void VcpuThread::post_and_wait(const std::function<void()>& job) {
  if (post(job, kLongEnough)) return;
  while (!wait(kLongEnough)) {
  }
}

bool VcpuThread::busy() const {
  std::lock_guard lock(mutex_);
  return state_ != State::parked;
}

bool VcpuThread::take_late_end() {
  std::lock_guard lock(mutex_);
  if (state_ != State::ended || !late_) return false;
  late_ = false;
  state_ = State::parked;
  return true;
}

void VcpuThread::signal() {
  {
    std::lock_guard lock(mutex_);
    // Not to a thread that may have returned: pthread_kill on it is undefined.
    if (stopping_ || (state_ != State::posted && state_ != State::working)) return;
  }
  // Without the mutex, which the thread wants as soon as it wakes; it returns only after stop(), which our caller's thread calls.
  pthread_kill(thread_.native_handle(), kick_signal());
}

void VcpuThread::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_one();
  thread_.join();
}

void VcpuThread::main() {
  // Thread-local storage of a loaded library is allocated at its first use, which must not be in the signal's handler.
  RunDeadline::expired();
  unblock_kick_signal();
  pthread_setname_np(pthread_self(), "kvm-vcpu");
  std::unique_lock lock(mutex_);
  cpu_.emplace(static_cast<pid_t>(syscall(SYS_gettid)));
  for (;;) {
    posted_.wait(lock, [this] { return state_ == State::posted || stopping_; });
    if (stopping_) return;
    state_ = State::working;
    lock.unlock();
    job_();
    lock.lock();
    state_ = State::ended;
    const bool late = late_;
    lock.unlock();
    if (late) {
      if (on_late_end_) on_late_end_();
    } else {
      ended_.notify_one();
    }
    lock.lock();
  }
}

}  // namespace kvm
