// The guest's own TF while KVM single-steps it. KVM uses the same bit, hides it from every register it reports and
// clears it when stepping is turned off; so what the guest itself set is followed here, from what each step did.
#pragma once

#include <cstddef>
#include <cstdint>
#include "kvm-uapi.h"

#include "linear-memory.h"

namespace kvm {

constexpr uint64_t kTrapFlag = 0x100;

// CS.base + RIP as KVM computes it (kvm_get_linear_rip): RIP alone in 64-bit code, 32 bits otherwise.
uint64_t linear_pc(const kvm_regs& regs, const kvm_sregs& sregs);

// Where the instruction began, kept to see afterwards what it did.
struct StepStart {
  uint64_t linear_pc;
  uint64_t rip;
  uint64_t rcx;
  uint64_t stack;         // linear address of the top of the stack
  uint64_t stack_offset;  // SP, ESP or RSP, as wide as the stack is
  bool long_mode;
  bool default_32;  // CS.D
  uint16_t cs;
  uint64_t rflags;
};

StepStart step_start(const kvm_regs& regs, const kvm_sregs& sregs);

class TrapFlag {
 public:
  explicit TrapFlag(const LinearMemory& memory) : memory_(memory) {}

  // The guest's own TF.
  bool own() const { return own_; }
  void set_own(bool own) { own_ = own; }

  // After a finished step: follows POPF, IRET and INT n; takes KVM's TF out of the frame of an interrupt that was delivered
  // in it, which the handler's IRET would make the guest's own; with `fix_pushf` clears the TF that a stepped PUSHF (VMX, SVM)
  // pushed. Instructions are told apart by how far RIP and RSP moved first, and read only when they could be one of
  // these, so that a usual step costs nothing.
  void after_step(const StepStart& start, const kvm_regs& regs, const kvm_sregs& sregs, bool fix_pushf);

 private:
  void clear_in_interrupt_frame(const StepStart& start, const kvm_regs& regs, const kvm_sregs& sregs);
  bool clear_in_frame_at(const StepStart& start, uint64_t linear, unsigned width);

  const LinearMemory& memory_;
  bool own_ = false;
};

}  // namespace kvm
