// Carries out a run plan with KVM_RUN, on the vCPU's thread. Everything that runs per instruction is here.
#pragma once

#include <atomic>
#include <cstdint>
#include "kvm-uapi.h"
#include <optional>

#include "exit-record.h"
#include "late-stop.h"
#include "run-plan.h"
#include "sipi-wait.h"
#include "staged-registers.h"
#include "trap-flag.h"

namespace kvm {

class RunLoop {
 public:
  struct End {
    Outcome outcome;
    int error = 0;
    ErrorOperation operation = kErrorInRun;
    // The thread's deadline (run-deadline.h) is over and nothing else has come of the run: it goes on with the same plan.
    bool interrupted = false;
  };

  // `run` is the vCPU's mapping; `kick` is set by whoever wants the run to end.
  RunLoop(int vcpu_fd, kvm_run* run, Vm& vm, std::atomic<bool>& kick);

  // On the vCPU's thread:
  End run(const RunPlan& plan);
  // Finishes a pending I/O, MMIO or MSR exit without executing anything more. nullopt: done, nothing is pending. Else
  // the next fragment of the access, or what else came of it.
  std::optional<End> complete();

  // On the JavaScript thread while the vCPU's thread is parked:
  bool completion_pending() const { return completion_pending_; }
  uint64_t steps() const { return steps_; }
  // Registers to be put into the vCPU when it next runs (KVM_SYNC_X86_* in `dirty`).
  void stage(uint32_t dirty, const kvm_regs& regs, const kvm_sregs& sregs, const kvm_vcpu_events& events);
  // The vCPU's registers as the guest would see them: the sync area, what is staged over it, and the guest's own TF.
  void read_registers(kvm_regs* regs, kvm_sregs* sregs, kvm_vcpu_events* events) const;
  // The registers were read or set by ioctl: the sync area holds what KVM_GET_REGS gave.
  void registers_refreshed();
  // KVM_GET_MP_STATE or KVM_SET_MP_STATE was issued from outside.
  void mp_state_is(uint32_t state) { sipi_.note(state); }
  void own_trap_flag_set(bool own) { trap_flag_.set_own(own); }
  bool own_trap_flag() const { return trap_flag_.own(); }
  void unstage(uint32_t sets) { staged_.unstage(sets); }
  // KVM_SET_GUEST_DEBUG was issued from outside.
  void guest_debug_set(const kvm_guest_debug& debug) { applied_debug_ = debug; }
  bool single_stepping() const { return (applied_debug_.control & KVM_GUESTDBG_SINGLESTEP) != 0; }

 private:
  enum class EnterMode { execute, step, complete_only };
  // One KVM_RUN; 0 or -errno.
  int enter(EnterMode mode);
  void put_registers(EnterMode mode);
  bool take_kick() { return kick_.exchange(false); }
  // After an EINTR: why the run has to stop, if it has.
  std::optional<End> stop_asked();
  End run_continuing();
  End run_stepping(const RunPlan& plan);
  // Waits until the vCPU has its SIPI, if it is one that waits for it.
  std::optional<End> await_sipi(const RunPlan& plan);
  // What a KVM_RUN that returned 0 within a step means. nullopt: a step is finished and nothing else happened.
  std::optional<End> classify_step();
  // The instruction is behind us: RIP has changed, or, of a REP, RCX.
  bool step_has_moved() const;
  // The step has not passed an INT1, which VMX tells of before: whoever stepped on would meet it for ever.
  bool stands_at_icebp() const;
  void finish_step();
  bool plan_ended(const RunPlan& plan) const;
  kvm_guest_debug wanted_debug(const RunPlan& plan) const;
  // Before a step: has a debug register end it where the host would not.
  std::optional<End> expect_late_stop(const RunPlan& plan, const kvm_sregs& sregs);
  std::optional<End> apply_debug(const kvm_guest_debug& wanted);
  bool exit_needs_completion() const;

  const int vcpu_fd_;
  kvm_run* const run_;
  std::atomic<bool>& kick_;
  const LinearMemory memory_;
  TrapFlag trap_flag_;
  LateStop late_stop_;
  SipiWait sipi_;
  StagedRegisters staged_;
  kvm_guest_debug applied_debug_{};

  bool completion_pending_ = false;
  // A step has begun and its I/O, MMIO or MSR access waits to be completed.
  bool step_open_ = false;
  StepStart step_start_{};
  // A step may have been finished by an exit that JavaScript had to see, or before a kick; the plan's end is still to be
  // looked at.
  bool end_unchecked_ = false;
  bool fix_pushf_ = false;
  // Where the step that is made ends by a debug register of the loop's own.
  std::optional<uint64_t> expected_end_;
  uint64_t steps_ = 0;
};

}  // namespace kvm
