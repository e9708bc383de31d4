// The one thread that calls KVM_RUN for a vCPU (api.rst: vCPU ioctls belong to the thread that created it; before
// Linux 6.12 every change of thread costs an RCU grace period). It sleeps until a job is posted to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "condition.h"
#include "shared-cpu.h"

namespace kvm {

class VcpuThread {
 public:
  // `on_late_end` is called on this thread when a job ends that `post` no longer waits for.
  explicit VcpuThread(std::function<void()> on_late_end);
  // stop() must have been called.
  ~VcpuThread() = default;

  // Hands `job` over and waits at most `wait` for its end. True: it has ended, the thread is parked again. False, and
  // always so with no wait: it goes on; `on_late_end` will be called once, then take_late_end() must be.
  // The caller has checked !busy().
  bool post(const std::function<void()>& job, std::chrono::microseconds wait);
  // Waits once more for a job that post() did not see the end of; as post().
  bool wait(std::chrono::microseconds wait);
  // Waits as long as it takes.
  void post_and_wait(const std::function<void()>& job);

  // A job was posted and its end has not been taken.
  bool busy() const;
  // True once per late end: the thread is parked again.
  bool take_late_end();
  // Sends the kick signal if a job is under way.
  void signal();
  // Lets the job end (the caller has kicked it) and joins. Idempotent.
  void stop();

 private:
  enum class State { parked, posted, working, ended };
  void main();
  // With `lock` held, after the job was posted.
  bool await_end(std::unique_lock<std::mutex>& lock, std::chrono::microseconds wait);

  std::function<void()> on_late_end_;
  mutable std::mutex mutex_;
  Condition posted_;
  Condition ended_;
  State state_ = State::parked;
  bool late_ = false;
  bool stopping_ = false;
  std::function<void()> job_;
  // Empty until the thread has told its id.
  std::optional<SharedCpu> cpu_;
  std::thread thread_;
};

}  // namespace kvm
