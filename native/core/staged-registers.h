// Registers that JavaScript has set and that no KVM_RUN has taken yet: they lie over the sync area of struct kvm_run until the
// next entry puts them into the vCPU (KVM api.rst, KVM_CAP_SYNC_REGS).
#pragma once

#include <cstdint>
#include "kvm-uapi.h"

namespace kvm {

class StagedRegisters {
 public:
  explicit StagedRegisters(kvm_run* run) : run_(run) {}

  // `sets`: those that are given, KVM_SYNC_X86_* of REGS, SREGS and EVENTS.
  void stage(uint32_t sets, const kvm_regs& regs, const kvm_sregs& sregs, const kvm_vcpu_events& events);
  void unstage(uint32_t sets) { sets_ &= ~sets; }
  void clear() { sets_ = 0; }
  bool has(uint32_t set) const { return (sets_ & set) != 0; }
  // The sync area, and what is staged over it.
  void read(kvm_regs* regs, kvm_sregs* sregs, kvm_vcpu_events* events) const;

  // Before a KVM_RUN: into the sync area.
  void put();
  // After it; `result` is 0 or -errno.
  void entered(int result);
  // Into the vCPU at once, by ioctls of their own, and into the sync area. False: one has failed, errno says why.
  bool set_by_ioctl(int vcpu_fd);

 private:
  kvm_run* const run_;
  uint32_t sets_ = 0;
  kvm_regs regs_{};
  kvm_sregs sregs_{};
  kvm_vcpu_events events_{};
};

}  // namespace kvm
