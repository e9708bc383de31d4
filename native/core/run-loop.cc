#include "run-loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/ioctl.h>

#include "run-deadline.h"
#include "vm.h"

namespace kvm {
namespace {

constexpr uint32_t kInject = KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP;
constexpr uint64_t kDr6Hits = 0xf;            // B0-B3
constexpr uint64_t kDr6Detected = 0x2000;     // BD
constexpr uint64_t kDr6SingleStep = 0x4000;   // BS

// B0-B3 of the registers that are enabled: a disabled one may be flagged too (SDM vol. 3, 17.2.3).
uint64_t enabled_hits(uint64_t dr6, uint64_t dr7) {
  uint64_t hits = 0;
  for (int i = 0; i < 4; i++) {
    if ((dr6 >> i & 1) != 0 && (dr7 >> (2 * i) & 3) != 0) hits |= uint64_t{1} << i;
  }
  return hits & kDr6Hits;
}

}  // namespace

RunLoop::RunLoop(int vcpu_fd, kvm_run* run, Vm& vm, std::atomic<bool>& kick)
    : vcpu_fd_(vcpu_fd), run_(run), kick_(kick), memory_(vcpu_fd, vm), trap_flag_(memory_), late_stop_(memory_),
      sipi_(vcpu_fd, vm.has_local_apics()), staged_(run) {
  run_->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
}

RunLoop::End RunLoop::run(const RunPlan& plan) {
  fix_pushf_ = (plan.flags & kFixPushf) != 0;
  expected_end_.reset();
  if ((plan.flags & kFresh) != 0) {
    steps_ = 0;
    end_unchecked_ = false;
    step_open_ = false;  // an access still to be completed belongs to the plan before
  }
  const kvm_guest_debug wanted = wanted_debug(plan);
  // A continuing run completes the access and goes on in one KVM_RUN.
  if (completion_pending_ && (plan.mode == kStep || std::memcmp(&wanted, &applied_debug_, sizeof wanted) != 0)) {
    if (auto end = complete()) return *end;
  }
  if (plan.mode == kStep && end_unchecked_) {
    end_unchecked_ = false;
    if (plan_ended(plan)) return {kPlanDone};
  }
  if (auto end = apply_debug(wanted)) return *end;
  return plan.mode == kStep ? run_stepping(plan) : run_continuing();
}

int RunLoop::enter(EnterMode mode) {
  put_registers(mode);
  // The order matters: a kick sets the flag, then immediate_exit, then sends the signal. Either the flag is seen here, or
  // the kicker's store to immediate_exit comes after ours.
  __atomic_store_n(&run_->immediate_exit, mode == EnterMode::complete_only ? 1 : 0, __ATOMIC_SEQ_CST);
  if (kick_.load(std::memory_order_seq_cst) || RunDeadline::expired()) __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_SEQ_CST);
  run_->exit_reason = KVM_EXIT_UNKNOWN;
  completion_pending_ = false;
  const int result = ioctl(vcpu_fd_, KVM_RUN, 0) < 0 ? -errno : 0;
  staged_.entered(result);
  if (!single_stepping()) trap_flag_.set_own((run_->s.regs.regs.rflags & kTrapFlag) != 0);
  if (result == 0) completion_pending_ = exit_needs_completion();
  return result;
}

bool RunLoop::exit_needs_completion() const {
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
    case KVM_EXIT_MMIO:
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
    case KVM_EXIT_HYPERCALL:
      return true;
    default:
      return false;
  }
}

std::optional<RunLoop::End> RunLoop::complete() {
  if (!completion_pending_) return std::nullopt;
  const int result = enter(EnterMode::complete_only);
  if (result == 0) {
    if (completion_pending_) return End{kExit};
    if (run_->exit_reason != KVM_EXIT_DEBUG) return End{kExit};
    // DEBUG: the single step is done. A debug-register hit on the way stays an exit of its own.
    const bool was_open = step_open_;
    if (was_open) finish_step();
    const auto& debug = run_->debug.arch;
    end_unchecked_ = was_open;
    if (debug.exception != 1 || enabled_hits(debug.dr6, applied_debug_.arch.debugreg[7]) != 0) return End{kExit};
    return std::nullopt;
  }
  if (result != -EINTR && result != -EAGAIN) return End{kError, -result};
  // Done without DEBUG.
  if (step_open_ && step_has_moved()) {
    finish_step();
    end_unchecked_ = true;
  }
  step_open_ = false;
  return std::nullopt;
}

RunLoop::End RunLoop::run_continuing() {
  sipi_.let_go();
  for (;;) {
    const int result = enter(EnterMode::execute);
    if (result == 0) return {kExit};
    if (result != -EINTR && result != -EAGAIN) return {kError, -result};
    if (auto end = stop_asked()) return *end;
  }
}

std::optional<RunLoop::End> RunLoop::stop_asked() {
  if (take_kick()) return End{kKicked};
  if (RunDeadline::expired()) {
    End end{kKicked};
    end.interrupted = true;
    return end;
  }
  return std::nullopt;
}

RunLoop::End RunLoop::run_stepping(const RunPlan& plan) {
  for (;;) {
    if (sipi_.possible()) {
      if (auto end = await_sipi(plan)) return *end;
    }
    kvm_regs regs;
    kvm_sregs sregs;
    kvm_vcpu_events events;
    read_registers(&regs, &sregs, &events);
    step_start_ = step_start(regs, sregs);
    if ((plan.flags & kEndLateSteps) != 0) {
      if (auto end = expect_late_stop(plan, sregs)) return *end;
    }
    step_open_ = true;
    const int result = enter(EnterMode::step);
    if (result == 0) {
      if (auto end = classify_step()) return *end;
      if (plan_ended(plan)) return {kPlanDone};
      continue;
    }
    if (result != -EINTR && result != -EAGAIN) {
      step_open_ = false;
      return {kError, -result};
    }
    // EINTR and DEBUG exclude each other: an unchanged RIP means that nothing was executed. An INIT sets it, too.
    if (result == -EINTR && run_->s.regs.regs.rip != step_start_.rip) finish_step();
    if (result == -EAGAIN) sipi_.initialized();
    step_open_ = false;
    if (auto end = stop_asked()) {
      end_unchecked_ = true;
      return *end;
    }
    if (plan_ended(plan)) return {kPlanDone};
  }
}

std::optional<RunLoop::End> RunLoop::await_sipi(const RunPlan& plan) {
  for (;;) {
    switch (sipi_.ask()) {
      case SipiWait::Answer::running:
        return std::nullopt;
      case SipiWait::Answer::failed:
        return End{kError, errno};
      case SipiWait::Answer::started: {
        auto& area = run_->s.regs;
        if (ioctl(vcpu_fd_, KVM_GET_REGS, &area.regs) != 0 || ioctl(vcpu_fd_, KVM_GET_SREGS, &area.sregs) != 0 ||
            ioctl(vcpu_fd_, KVM_GET_VCPU_EVENTS, &area.events) != 0) {
          return End{kError, errno};
        }
        staged_.clear();  // what was set while it waited, the SIPI has replaced
        // The start counts as a step: it ends where the vCPU now stands, before the first instruction.
        steps_++;
        if (plan_ended(plan)) return End{kPlanDone};
        return std::nullopt;
      }
      case SipiWait::Answer::waiting:
        break;
    }
    // A kick's signal ends it at once.
    const timespec pause{0, 100'000};
    nanosleep(&pause, nullptr);
    if (auto end = stop_asked()) return end;
  }
}

std::optional<RunLoop::End> RunLoop::classify_step() {
  if (completion_pending_) return End{kExit};  // the step stays open
  switch (run_->exit_reason) {
    case KVM_EXIT_DEBUG: {
      const auto& debug = run_->debug.arch;
      uint64_t hits = enabled_hits(debug.dr6, applied_debug_.arch.debugreg[7]);
      const bool came_to_end = expected_end_ && (hits & LateStop::kHit) != 0 && debug.pc == *expected_end_;
      if (expected_end_) hits &= ~LateStop::kHit;
      const bool hit = debug.exception != 1 || (debug.dr6 & kDr6Detected) != 0 || hits != 0;
      if (!hit && stands_at_icebp()) {
        step_open_ = false;
        return End{kExit};
      }
      if (debug.exception == 1 && (!hit || came_to_end || (debug.dr6 & kDr6SingleStep) != 0)) {
        finish_step();
        end_unchecked_ = hit;
      }
      step_open_ = false;
      if (hit) return End{kExit};
      return std::nullopt;
    }
    case KVM_EXIT_HLT:
      // HLT is a finished step; whether the guest sleeps now is for JavaScript to decide.
      finish_step();
      end_unchecked_ = true;
      return End{kExit};
    default:
      step_open_ = false;
      return End{kExit};
  }
}

bool RunLoop::step_has_moved() const {
  const kvm_regs& regs = run_->s.regs.regs;
  return regs.rip != step_start_.rip || regs.rcx != step_start_.rcx;
}

bool RunLoop::stands_at_icebp() const {
  constexpr uint8_t kIcebp = 0xf1;
  uint8_t opcode;
  return !step_has_moved() && memory_.read(step_start_.linear_pc, &opcode, 1) && opcode == kIcebp;
}

std::optional<RunLoop::End> RunLoop::expect_late_stop(const RunPlan& plan, const kvm_sregs& sregs) {
  expected_end_ = late_stop_.behind(step_start_, sregs);
  // KVM has translated by those that it still has.
  if (staged_.has(KVM_SYNC_X86_SREGS)) late_stop_.forget();
  kvm_guest_debug wanted = wanted_debug(plan);
  wanted.control &= ~kInject;
  if (expected_end_) LateStop::end_at(*expected_end_, &wanted);
  return apply_debug(wanted);
}

void RunLoop::finish_step() {
  steps_++;
  step_open_ = false;
  trap_flag_.after_step(step_start_, run_->s.regs.regs, run_->s.regs.sregs, fix_pushf_);
}

bool RunLoop::plan_ended(const RunPlan& plan) const {
  if (steps_ == 0) return false;
  if (plan.max_steps != 0 && steps_ >= plan.max_steps) return true;
  const uint64_t pc = linear_pc(run_->s.regs.regs, run_->s.regs.sregs);
  if (plan.range_end != 0 && (pc < plan.range_start || pc >= plan.range_end)) return true;
  return std::binary_search(plan.until, plan.until + plan.until_count, pc);
}

kvm_guest_debug RunLoop::wanted_debug(const RunPlan& plan) const {
  kvm_guest_debug wanted{};
  wanted.control = plan.debug_control;
  if (plan.mode == kStep) {
    wanted.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
  } else {
    wanted.control &= ~KVM_GUESTDBG_SINGLESTEP;
  }
  // An injection is made once, not again by every run of the same plan.
  if ((plan.flags & kFresh) == 0) wanted.control &= ~kInject;
  if ((wanted.control & KVM_GUESTDBG_USE_HW_BP) != 0) {
    std::memcpy(wanted.arch.debugreg, plan.debugreg, sizeof wanted.arch.debugreg);
  }
  return wanted;
}

std::optional<RunLoop::End> RunLoop::apply_debug(const kvm_guest_debug& wanted) {
  if (std::memcmp(&wanted, &applied_debug_, sizeof wanted) == 0) return std::nullopt;
  if ((wanted.control & kInject) != 0) {
    if (!staged_.set_by_ioctl(vcpu_fd_)) return End{kError, errno};
    auto& area = run_->s.regs;
    read_registers(&area.regs, &area.sregs, &area.events);
  }
  const bool was_stepping = single_stepping();
  if (ioctl(vcpu_fd_, KVM_SET_GUEST_DEBUG, &wanted) != 0) return End{kError, errno, kErrorInSetGuestDebug};
  applied_debug_ = wanted;
  applied_debug_.control &= ~kInject;
  if ((wanted.control & kInject) != 0 && ioctl(vcpu_fd_, KVM_GET_VCPU_EVENTS, &run_->s.regs.events) != 0) {
    return End{kError, errno};
  }
  if (!single_stepping()) {
    // KVM took its TF away and with it the guest's own.
    if (was_stepping && trap_flag_.own() && !staged_.has(KVM_SYNC_X86_REGS)) {
      run_->s.regs.regs.rflags |= kTrapFlag;
      run_->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    }
  }
  return std::nullopt;
}

void RunLoop::stage(uint32_t dirty, const kvm_regs& regs, const kvm_sregs& sregs, const kvm_vcpu_events& events) {
  staged_.stage(dirty, regs, sregs, events);
  if ((dirty & KVM_SYNC_X86_SREGS) != 0) late_stop_.forget();
  if (dirty & KVM_SYNC_X86_REGS) trap_flag_.set_own((regs.rflags & kTrapFlag) != 0);
}

void RunLoop::put_registers(EnterMode mode) {
  staged_.put();
  if (mode != EnterMode::step) return;
  auto& area = run_->s.regs;
  // KVM re-adds TF by itself only while RIP is the one KVM_SET_GUEST_DEBUG saw, so it is set before every step. Setting
  // registers drops an exception that waits to be delivered (an injected one, say): that is set again behind them.
  if (!staged_.has(KVM_SYNC_X86_REGS) && (area.events.exception.pending | area.events.exception.injected) != 0) {
    run_->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
  }
  area.regs.rflags |= kTrapFlag;
  run_->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

void RunLoop::read_registers(kvm_regs* regs, kvm_sregs* sregs, kvm_vcpu_events* events) const {
  staged_.read(regs, sregs, events);
  if (single_stepping() || staged_.has(KVM_SYNC_X86_REGS)) {
    regs->rflags = (regs->rflags & ~kTrapFlag) | (trap_flag_.own() ? kTrapFlag : 0);
  }
}

void RunLoop::registers_refreshed() {
  run_->cr8 = run_->s.regs.sregs.cr8;
  late_stop_.forget();
  if (!single_stepping()) trap_flag_.set_own((run_->s.regs.regs.rflags & kTrapFlag) != 0);
}

}  // namespace kvm
