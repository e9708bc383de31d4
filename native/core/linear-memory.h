// Guest memory by linear address, on the vCPU's thread and by KVM's own walk. KVM_TRANSLATE sets Accessed bits, so this is for
// pages that the guest uses at this very moment: its code and its stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvm {

class Vm;

class LinearMemory {
 public:
  LinearMemory(int vcpu_fd, Vm& vm) : vcpu_fd_(vcpu_fd), vm_(vm) {}

  // False where a page is not mapped, or no RAM.
  bool read(uint64_t address, void* bytes, size_t length) const;
  bool write_byte(uint64_t address, uint8_t byte) const;
  bool translate(uint64_t linear, uint64_t* physical) const;
  Vm& vm() const { return vm_; }

 private:
  const int vcpu_fd_;
  Vm& vm_;
};

}  // namespace kvm
