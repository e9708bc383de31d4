// A vCPU between INIT and SIPI (with the local APIC in the kernel). One KVM_RUN there takes the SIPI and goes on executing,
// so that a single step would end behind the first instruction: a stepping run waits for the SIPI outside of KVM_RUN.
#pragma once

#include <cstdint>
#include "kvm-uapi.h"

namespace kvm {

class SipiWait {
 public:
  // Without a local APIC in the kernel a vCPU always runs, and asking would cost as much as the step.
  SipiWait(int vcpu_fd, bool has_local_apic) : vcpu_fd_(vcpu_fd), has_local_apic_(has_local_apic) {}

  // What the state was read or set to from outside.
  void note(uint32_t mp_state);
  // A run without steps begins: it takes the SIPI itself, whenever that comes.
  void let_go() {
    possible_ = true;
    waited_ = false;
  }
  // KVM_RUN answered EAGAIN to a step: the vCPU took an INIT, and perhaps the SIPI behind it.
  void initialized() { possible_ = waited_ = true; }

  // False costs nothing: the vCPU has long been running.
  bool possible() const { return has_local_apic_ && possible_; }
  enum class Answer {
    running,  // or not yet initialized, which KVM_RUN waits for
    waiting,
    failed,   // errno says why
    started,  // the SIPI has come since it waited; CS and RIP are new
  };
  // Asking lets a SIPI that has arrived take effect (arch/x86/kvm/x86.c, kvm_arch_vcpu_ioctl_get_mpstate).
  Answer ask();

 private:
  const int vcpu_fd_;
  const bool has_local_apic_;
  bool possible_ = true;
  bool waited_ = false;
};

}  // namespace kvm
