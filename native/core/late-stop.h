// Instructions behind which a software KVM does not end a step: it carries them out apart from its emulator and takes the next
// one along (docs/hosts.md). Where they end, a debug register ends the step.
#pragma once

#include <cstdint>
#include <optional>

#include "linear-memory.h"
#include "trap-flag.h"

namespace kvm {

class LateStop {
 public:
  explicit LateStop(const LinearMemory& memory) : memory_(memory) {}

  // In DR6: the step has come to that end.
  static constexpr uint64_t kHit = 8;
  // The last debug register stops execution there; what else it was wanted for the loop sees by the pc.
  static void end_at(uint64_t linear, kvm_guest_debug* wanted);

  // Linear address of what is executed behind the instruction that is about to be stepped, if it is one of these.
  std::optional<uint64_t> behind(const StepStart& start, const kvm_sregs& sregs);
  // System registers were set from outside.
  void forget() { known_ = false; }

 private:
  // As many bytes as the page has.
  size_t read_code(uint64_t linear, const kvm_sregs& sregs, uint8_t* bytes, size_t most);

  const LinearMemory& memory_;
  // The page of code that was translated last. Where the guest has mapped it anew since, what is read is not what is executed:
  // then a step ends late, or a debug register stands where nothing comes by.
  bool known_ = false;
  uint64_t page_ = 0;
  uint64_t physical_ = 0;
  uint64_t cr0_ = 0;
  uint64_t cr3_ = 0;
};

}  // namespace kvm
