#include "late-stop.h"

#include <algorithm>

#include "guest-memory.h"
#include "instruction-prefixes.h"
#include "vm.h"

namespace kvm {
namespace {

constexpr uint8_t kIret = 0xcf;
constexpr uint8_t kSwapgs = 0xf8;
constexpr uint8_t kSerialize = 0xe8;

bool is_register(uint8_t modrm) { return modrm >> 6 == 3; }

// SWAPGS, SERIALIZE; fences and moves of FS.base and GS.base, FXSAVE and FXRSTOR; ENDBR and the other register forms of 0F 1E.
bool stops_late(uint8_t opcode, uint8_t modrm) {
  const unsigned extension = modrm >> 3 & 7;
  switch (opcode) {
    case 0x01: return modrm == kSwapgs || modrm == kSerialize;
    case 0xae: return is_register(modrm) || extension <= 1;
    case 0x1e: return is_register(modrm);
    default: return false;
  }
}

// Of ModRM, SIB and displacement (SDM vol. 2, tables 2-1 to 2-3).
size_t operand_length(const uint8_t* modrm, bool addresses_16) {
  const unsigned mod = *modrm >> 6, rm = *modrm & 7;
  if (mod == 3) return 1;
  if (addresses_16) return mod == 1 ? 2 : mod == 2 || rm == 6 ? 3 : 1;
  const bool has_sib = rm == 4;
  const unsigned base = has_sib ? modrm[1] & 7 : rm;
  const size_t displacement = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
  return 1 + (has_sib ? 1 : 0) + displacement;
}

}  // namespace

void LateStop::end_at(uint64_t linear, kvm_guest_debug* wanted) {
  // DR3 alone: its length and kind are 0, for execution (SDM vol. 3, 18.2.4).
  constexpr unsigned kRegister = 3;
  constexpr uint64_t kOthers = ~(uint64_t{3} << (2 * kRegister) | uint64_t{0xf} << (16 + 4 * kRegister));
  wanted->control |= KVM_GUESTDBG_USE_HW_BP;
  wanted->arch.debugreg[kRegister] = linear;
  wanted->arch.debugreg[7] = (wanted->arch.debugreg[7] & kOthers) | 0x400 | uint64_t{2} << (2 * kRegister);
}

size_t LateStop::read_code(uint64_t linear, const kvm_sregs& sregs, uint8_t* bytes, size_t most) {
  const uint64_t offset = linear % GuestMemory::kPageSize;
  if (!known_ || page_ != linear - offset || cr0_ != sregs.cr0 || cr3_ != sregs.cr3) {
    known_ = memory_.translate(linear - offset, &physical_);
    page_ = linear - offset;
    cr0_ = sregs.cr0;
    cr3_ = sregs.cr3;
  }
  const size_t length = std::min<size_t>(most, GuestMemory::kPageSize - offset);
  return known_ && memory_.vm().read_physical(physical_ + offset, bytes, length) ? length : 0;
}

std::optional<uint64_t> LateStop::behind(const StepStart& start, const kvm_sregs& sregs) {
  uint8_t code[kLongestInstruction + 5] = {};
  const size_t length = read_code(start.linear_pc, sregs, code, kLongestInstruction);
  if (length == 0) return std::nullopt;
  const Prefixes prefixes = read_prefixes(code, length, start.long_mode);
  const uint8_t* opcode = code + prefixes.opcode_at;
  if (start.long_mode && prefixes.rex_w && *opcode == kIret) {
    uint64_t rip;
    if (!memory_.read(start.stack, &rip, sizeof rip)) return std::nullopt;
    return rip;
  }
  if (opcode[0] != 0x0f || !stops_late(opcode[1], opcode[2])) return std::nullopt;
  const bool addresses_16 = !start.long_mode && start.default_32 == prefixes.address_size;
  const size_t size = prefixes.opcode_at + 2 + operand_length(opcode + 2, addresses_16);
  // What lies across two pages was not read whole.
  if (size > length) return std::nullopt;
  const uint64_t end = start.linear_pc + size;
  return start.long_mode ? end : static_cast<uint32_t>(end);
}

}  // namespace kvm
