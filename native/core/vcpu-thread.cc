#include "vcpu-thread.h"

#include <pthread.h>

#include "kick-signal.h"

namespace kvm {

VcpuThread::VcpuThread(std::function<void()> on_late_end) : on_late_end_(std::move(on_late_end)) {
  kick_signal();
  AllSignalsBlocked blocked;
  thread_ = std::thread([this] { main(); });
}

bool VcpuThread::post(const std::function<void()>& job, std::chrono::microseconds wait) {
  {
    std::lock_guard lock(mutex_);
    job_ = job;
    state_ = State::posted;
  }
  // After the unlock, or the thread would wake only to wait for the mutex.
  posted_.notify_one();
  std::unique_lock lock(mutex_);
  if (ended_.wait_for(lock, wait, [this] { return state_ == State::ended; })) {
    state_ = State::parked;
    return true;
  }
  late_ = true;
  return false;
}

bool VcpuThread::wait(std::chrono::microseconds wait) {
  std::unique_lock lock(mutex_);
  late_ = false;
  if (ended_.wait_for(lock, wait, [this] { return state_ == State::ended; })) {
    state_ = State::parked;
    return true;
  }
  late_ = true;
  return false;
}

void VcpuThread::post_and_wait(const std::function<void()>& job) {
  {
    std::lock_guard lock(mutex_);
    job_ = job;
    state_ = State::posted;
  }
  posted_.notify_one();
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return state_ == State::ended; });
  state_ = State::parked;
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
  std::lock_guard lock(mutex_);
  // Not to a thread that may have returned: pthread_kill on it is undefined.
  if (state_ == State::posted || state_ == State::working) pthread_kill(thread_.native_handle(), kick_signal());
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
  unblock_kick_signal();
  pthread_setname_np(pthread_self(), "kvm-vcpu");
  std::unique_lock lock(mutex_);
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
