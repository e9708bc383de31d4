// What stands before the opcode of an instruction (SDM vol. 2, 2.1.1 and 2.2.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvm {

// In bytes (SDM vol. 2, 2.3.11).
constexpr size_t kLongestInstruction = 15;

struct Prefixes {
  size_t opcode_at = 0;  // the last byte, if there are only prefixes
  bool operand_size = false;
  bool address_size = false;
  bool rex_w = false;
};

inline Prefixes read_prefixes(const uint8_t* bytes, size_t length, bool long_mode) {
  Prefixes seen;
  for (; seen.opcode_at + 1 < length; seen.opcode_at++) {
    const uint8_t byte = bytes[seen.opcode_at];
    if (byte == 0x66) {
      seen.operand_size = true;
    } else if (byte == 0x67) {
      seen.address_size = true;
    } else if (long_mode && (byte & 0xf0) == 0x40) {
      seen.rex_w = (byte & 8) != 0;
    } else if (byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x26 && byte != 0x64 && byte != 0x65 &&
               byte != 0xf2 && byte != 0xf3) {
      break;
    }
  }
  return seen;
}

}  // namespace kvm
