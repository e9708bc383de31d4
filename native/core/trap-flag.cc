#include "trap-flag.h"

#include <cstring>
#include <initializer_list>

#include "instruction-prefixes.h"

namespace kvm {
namespace {

constexpr uint64_t kEferLma = 0x400;
constexpr uint64_t kCr0Pe = 1;
constexpr uint64_t kInterruptFlag = 0x200;
constexpr uint8_t kTrapFlagInSecondByte = 0x01;

bool in_64bit_code(const kvm_sregs& sregs) { return (sregs.efer & kEferLma) != 0 && sregs.cs.l != 0; }

uint64_t stack_mask(const kvm_sregs& sregs) {
  if (in_64bit_code(sregs)) return ~uint64_t{0};
  return sregs.ss.db != 0 ? 0xffffffffu : 0xffffu;
}

// What the prefixes of an instruction of at most 15 bytes leave: its opcode and its operand size.
struct Decoded {
  uint8_t opcode;
  unsigned operand_size;
};

Decoded decode(const uint8_t* bytes, size_t length, const StepStart& start, unsigned size_without_prefix) {
  const Prefixes prefixes = read_prefixes(bytes, length, start.long_mode);
  unsigned size = size_without_prefix;
  if (prefixes.rex_w) {
    size = 8;
  } else if (prefixes.operand_size) {
    size = size == 2 ? 4 : 2;
  }
  return {bytes[prefixes.opcode_at], size};
}

}  // namespace

uint64_t linear_pc(const kvm_regs& regs, const kvm_sregs& sregs) {
  return in_64bit_code(sregs) ? regs.rip : static_cast<uint32_t>(sregs.cs.base + regs.rip);
}

StepStart step_start(const kvm_regs& regs, const kvm_sregs& sregs) {
  StepStart start{};
  start.linear_pc = linear_pc(regs, sregs);
  start.rip = regs.rip;
  start.rcx = regs.rcx;
  start.stack_offset = regs.rsp & stack_mask(sregs);
  start.long_mode = in_64bit_code(sregs);
  start.stack = start.long_mode ? regs.rsp : static_cast<uint32_t>(sregs.ss.base + start.stack_offset);
  start.default_32 = sregs.cs.db != 0;
  start.cs = sregs.cs.selector;
  start.rflags = regs.rflags;
  return start;
}

void TrapFlag::after_step(const StepStart& start, const kvm_regs& regs, const kvm_sregs& sregs, bool fix_pushf) {
  const int64_t rip_moved = static_cast<int64_t>(regs.rip - start.rip);
  const uint64_t mask = stack_mask(sregs);
  int64_t stack_moved = static_cast<int64_t>(((regs.rsp & mask) - start.stack_offset) & mask);
  // A 16- or 32-bit stack pointer that moved down.
  if (mask != ~uint64_t{0} && stack_moved > static_cast<int64_t>(mask / 2)) stack_moved -= static_cast<int64_t>(mask) + 1;

  // An interrupt gate clears IF. So does CLI, which is 1 byte long and pushes nothing.
  if ((start.rflags & kInterruptFlag) != 0 && (regs.rflags & kInterruptFlag) == 0 && !own_ && (rip_moved != 1 || stack_moved != 0)) {
    clear_in_interrupt_frame(start, regs, sregs);
  }

  const int64_t distance = stack_moved < 0 ? -stack_moved : stack_moved;
  const bool one_operand = distance == 2 || distance == 4 || distance == 8;
  const bool in_line = rip_moved >= 1 && rip_moved <= 4;
  const bool could_be_pushf = in_line && one_operand && stack_moved < 0 && fix_pushf && !own_;
  const bool could_be_popf = in_line && one_operand && stack_moved > 0;
  // An IRET may return to right behind itself; it is at most 2 bytes long, a `sub sp, n` at least 3.
  const bool could_be_transfer = (rip_moved <= 2 || rip_moved > 15) && distance != 0 && !one_operand;
  if (!could_be_pushf && !could_be_popf && !could_be_transfer) return;

  uint8_t bytes[4] = {};
  size_t length = in_line ? static_cast<size_t>(rip_moved) : sizeof bytes;
  // The bytes beyond a short instruction at the end of a page need not be there.
  if (!memory_.read(start.linear_pc, bytes, length) && !memory_.read(start.linear_pc, bytes, length = 1)) return;
  const unsigned default_size = start.default_32 ? 4 : 2;

  uint8_t flags[2] = {};
  if (could_be_pushf) {
    if (decode(bytes, length, start, default_size).opcode != 0x9c) return;
    const uint64_t image = start.long_mode ? regs.rsp : static_cast<uint32_t>(start.stack + stack_moved);
    if (memory_.read(image + 1, flags, 1) && (flags[0] & kTrapFlagInSecondByte) != 0) {
      memory_.write_byte(image + 1, flags[0] & ~kTrapFlagInSecondByte);
    }
  } else if (could_be_popf) {
    if (decode(bytes, length, start, default_size).opcode != 0x9d) return;
    if (memory_.read(start.stack, flags, 2)) own_ = (flags[1] & kTrapFlagInSecondByte) != 0;
  } else {
    // IRET: IP, CS, FLAGS, each as wide as the operand (SDM vol. 2, IRET); 4 bytes is its default in 64-bit code.
    const Decoded decoded = decode(bytes, length, start, start.long_mode ? 4 : default_size);
    if (decoded.opcode == 0xcf) {
      if (memory_.read(start.stack + 2 * decoded.operand_size, flags, 2)) own_ = (flags[1] & kTrapFlagInSecondByte) != 0;
    } else if (decoded.opcode == 0xcc || decoded.opcode == 0xcd || decoded.opcode == 0xce || decoded.opcode == 0xf1) {
      own_ = false;  // delivery through the IVT or IDT clears TF (SDM vol. 3, 6.12.1.3)
    }
  }
}

// IP, CS and FLAGS, each `width` bytes, of an interrupt that came before the instruction, or behind a HLT that it ended.
bool TrapFlag::clear_in_frame_at(const StepStart& start, uint64_t linear, unsigned width) {
  uint8_t frame[24];
  if (!memory_.read(linear, frame, 3 * width)) return false;
  const auto value = [&](unsigned index, unsigned size) {
    uint64_t result = 0;
    std::memcpy(&result, frame + index * width, size);
    return result;
  };
  const uint64_t mask = width == 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * width) - 1;
  const bool is_return = ((value(0, width) - start.rip) & mask) <= kLongestInstruction;
  if (!is_return || value(1, 2) != start.cs) return false;
  const uint64_t second_byte = 2 * width + 1;
  if ((frame[second_byte] & kTrapFlagInSecondByte) != 0) {
    memory_.write_byte(linear + second_byte, frame[second_byte] & ~kTrapFlagInSecondByte);
  }
  return true;
}

// The frame lies below the stack as it was, or, where the gate switched stacks, on the new one, on which the handler's
// first instruction may have pushed a register (SDM vol. 3, 6.12.1, 6.14.2; vol. 3, 20.1.4 for real mode).
void TrapFlag::clear_in_interrupt_frame(const StepStart& start, const kvm_regs& regs, const kvm_sregs& sregs) {
  const bool long_mode = (sregs.efer & kEferLma) != 0;
  const bool real_mode = (sregs.cr0 & kCr0Pe) == 0;
  const uint64_t mask = stack_mask(sregs);
  const uint64_t base = in_64bit_code(sregs) ? 0 : sregs.ss.base;
  for (const unsigned width : {long_mode ? 8u : real_mode ? 2u : 4u, 2u}) {
    const uint64_t below = long_mode ? (start.stack & ~uint64_t{15}) - 5 * width
                                     : start.stack - start.stack_offset + ((start.stack_offset - 3 * width) & mask);
    const uint64_t top = base + (regs.rsp & mask);
    for (const uint64_t at : {below, top, top + width}) {
      if (clear_in_frame_at(start, at, width)) return;
    }
    if (width == 2 || long_mode) return;
  }
}

}  // namespace kvm
