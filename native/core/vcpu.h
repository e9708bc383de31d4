// One vCPU: its fd, its kvm_run mapping, its thread, its record and plan. Every method is called on the JavaScript
// thread. A run begins there, too, for as long as it is waited for (where threads_may_change), and goes on on the vCPU's
// own thread: a step takes 1 to 8 µs, handing it over and back 10 to 40 µs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include "kvm-uapi.h"
#include <memory>
#include <string>
#include <vector>

#include "exit-record.h"
#include "file-descriptor.h"
#include "run-loop.h"
#include "run-plan.h"
#include "vcpu-thread.h"
#include "vm.h"

namespace kvm {

class Vcpu {
 public:
  Vcpu(std::shared_ptr<Vm> vm, uint32_t id, FileDescriptor fd, size_t mapping_size);
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;

  uint32_t id() const { return id_; }
  bool closed() const { return !fd_.valid(); }
  // Between a run() that returned false and its collect_late_run().
  bool running() const { return thread_ != nullptr && thread_->busy(); }

  // Shared, for JavaScript's ArrayBuffers may outlive this object.
  const std::shared_ptr<ExitRecord>& record() const { return record_; }
  const std::shared_ptr<RunPlan>& plan() const { return plan_; }

  // Called on the vCPU's thread when a run ends that run() did not wait for. Set before the first run.
  void set_on_late_end(std::function<void()> listener) { on_late_end_ = std::move(listener); }
  // Called by close(), after the thread has ended.
  void set_on_close(std::function<void()> listener) { on_close_ = std::move(listener); }

  // Hands the plan over and waits at most `wait` for its end. True: the record is valid. False: it goes on.
  bool run(std::chrono::microseconds wait);
  // Waits once more for a run that run() did not see the end of. True: it has ended, the record is valid.
  bool wait(std::chrono::microseconds wait);
  // After on_late_end: fills the record and parks the vCPU. False if there was no such end.
  bool collect_late_run();

  // Makes one run end with outcome kKicked: the one under way, or else the next before its first instruction. It is
  // used up by exactly that outcome: a run that ends otherwise at the same moment (an I/O exit, a breakpoint) leaves the
  // kick for the next run. Two kicks before that are one. Threads: any that knows the vCPU is not closed meanwhile.
  void kick();

  // Finishes a pending I/O, MMIO or MSR access. True: nothing is pending any more. False: the record holds what came
  // instead (the next fragment of the access, usually).
  bool complete();

  // State ioctls; all throw ERR_STATE while running or closed. `what` names the ioctl in errors.
  template <typename T>
  T get(unsigned long request, const char* what) const {
    T value{};
    parked_fd(what).ioctl(request, what, &value);
    return value;
  }
  template <typename T>
  void set(unsigned long request, const char* what, const T& value) {
    T copy = value;
    parked_fd(what).ioctl(request, what, &copy);
  }
  kvm_regs regs() const;
  void set_regs(const kvm_regs& regs);
  kvm_sregs sregs() const;
  void set_sregs(const kvm_sregs& sregs);
  void set_sregs2(const kvm_sregs2& sregs);
  kvm_vcpu_events events() const;
  void set_events(const kvm_vcpu_events& events);
  uint32_t mp_state();
  void set_mp_state(uint32_t state);
  void set_guest_debug(const kvm_guest_debug& debug);
  void interrupt(uint32_t vector);
  void nmi();
  size_t xsave_size() const;
  std::vector<uint8_t> xsave() const;
  void set_xsave(const uint8_t* bytes, size_t length);
  std::vector<uint64_t> msrs(const std::vector<uint32_t>& indices) const;
  void set_msrs(const std::vector<uint32_t>& indices, const std::vector<uint64_t>& values);
  std::vector<kvm_cpuid_entry2> cpuid() const;
  void set_cpuid(const std::vector<kvm_cpuid_entry2>& entries);
  int tsc_khz() const;
  // What KVM adds to the (scaled) host TSC for this vCPU; setting it bypasses the guesses KVM makes about a written TSC.
  // has_tsc_offset: Linux 5.16 and newer.
  bool has_tsc_offset() const;
  uint64_t tsc_offset() const;
  void set_tsc_offset(uint64_t offset);
  // struct kvm_nested_state with what follows it; empty where the host has no nested virtualization.
  std::vector<uint8_t> nested_state() const;
  void set_nested_state(const uint8_t* bytes, size_t length);
  // Tells the guest's kvmclock that it was stopped; false where the guest has none.
  bool kvmclock_stopped();
  void translate(kvm_translation* translation) const;

  // Kicks, joins, unmaps, closes. Idempotent.
  void close();

 private:
  const FileDescriptor& parked_fd(const char* operation) const;
  // What may not happen while an access waits to be completed: completion would overwrite it, or be lost by it.
  const FileDescriptor& completed_fd(const char* operation) const;
  // ended: the plan's end is in end_. interrupted: the bound is over and the plan goes on, which the vCPU's thread must do.
  // not_begun: no timer is to be had, so nothing was done.
  enum class RunHere { ended, interrupted, not_begun };
  // Carries the plan out on the calling thread, at most `bound`.
  RunHere run_here(std::chrono::microseconds bound);
  void take_plan();
  void take_dirty();
  void write_back_exit_data();
  void fill_record();
  // Reads the given KVM_SYNC_X86_* sets from KVM again after an ioctl changed them, and fills the record.
  void refresh(uint32_t sets);

  const std::shared_ptr<Vm> vm_;
  const uint32_t id_;
  FileDescriptor fd_;
  kvm_run* run_ = nullptr;
  size_t mapping_size_;
  const std::shared_ptr<ExitRecord> record_;
  const std::shared_ptr<RunPlan> plan_;

  std::atomic<bool> kick_{false};
  std::unique_ptr<RunLoop> loop_;
  std::function<void()> on_late_end_;
  std::function<void()> on_close_;
  RunPlan taken_plan_{};
  RunLoop::End end_{kKicked};
  bool complete_result_ = false;
  std::function<void()> run_job_;
  std::function<void()> complete_job_;
  std::unique_ptr<VcpuThread> thread_;
};

}  // namespace kvm
