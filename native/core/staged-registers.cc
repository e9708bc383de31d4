#include "staged-registers.h"

#include <cerrno>
#include <sys/ioctl.h>

namespace kvm {

void StagedRegisters::stage(uint32_t sets, const kvm_regs& regs, const kvm_sregs& sregs, const kvm_vcpu_events& events) {
  if (sets & KVM_SYNC_X86_REGS) regs_ = regs;
  if (sets & KVM_SYNC_X86_SREGS) sregs_ = sregs;
  if (sets & KVM_SYNC_X86_EVENTS) events_ = events;
  sets_ |= sets & (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

void StagedRegisters::read(kvm_regs* regs, kvm_sregs* sregs, kvm_vcpu_events* events) const {
  const auto& area = run_->s.regs;
  *regs = has(KVM_SYNC_X86_REGS) ? regs_ : area.regs;
  *sregs = has(KVM_SYNC_X86_SREGS) ? sregs_ : area.sregs;
  *events = has(KVM_SYNC_X86_EVENTS) ? events_ : area.events;
}

void StagedRegisters::put() {
  auto& area = run_->s.regs;
  if (has(KVM_SYNC_X86_REGS)) area.regs = regs_;
  if (has(KVM_SYNC_X86_SREGS)) {
    area.sregs = sregs_;
    run_->cr8 = sregs_.cr8;  // without a local APIC in the kernel every KVM_RUN takes CR8 from here
  }
  if (has(KVM_SYNC_X86_EVENTS)) area.events = events_;
  run_->kvm_dirty_regs |= sets_;
}

void StagedRegisters::entered(int result) {
  // An AP that has not been started is not given its registers: the kernel leaves the bits and overwrites the values.
  sets_ &= static_cast<uint32_t>(run_->kvm_dirty_regs);
  run_->kvm_dirty_regs = 0;
  if (result == -EINVAL) clear();  // what KVM refused must not be tried for ever
}

bool StagedRegisters::set_by_ioctl(int vcpu_fd) {
  int result = 0;
  if (has(KVM_SYNC_X86_REGS)) result = ioctl(vcpu_fd, KVM_SET_REGS, &regs_);
  if (result == 0 && has(KVM_SYNC_X86_SREGS)) result = ioctl(vcpu_fd, KVM_SET_SREGS, &sregs_);
  if (result == 0 && has(KVM_SYNC_X86_EVENTS)) result = ioctl(vcpu_fd, KVM_SET_VCPU_EVENTS, &events_);
  if (result != 0) return false;
  auto& area = run_->s.regs;
  read(&area.regs, &area.sregs, &area.events);
  clear();
  return true;
}

}  // namespace kvm
