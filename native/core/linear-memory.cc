#include "linear-memory.h"

#include <algorithm>
#include <sys/ioctl.h>

#include "guest-memory.h"
#include "kvm-uapi.h"
#include "vm.h"

namespace kvm {

bool LinearMemory::translate(uint64_t linear, uint64_t* physical) const {
  kvm_translation translation{};
  translation.linear_address = linear;
  if (ioctl(vcpu_fd_, KVM_TRANSLATE, &translation) != 0 || translation.valid == 0) return false;
  *physical = translation.physical_address;
  return true;
}

bool LinearMemory::read(uint64_t address, void* bytes, size_t length) const {
  auto* to = static_cast<uint8_t*>(bytes);
  while (length > 0) {
    const size_t part = std::min<size_t>(length, GuestMemory::kPageSize - address % GuestMemory::kPageSize);
    uint64_t physical;
    if (!translate(address, &physical) || !vm_.read_physical(physical, to, part)) return false;
    address += part;
    to += part;
    length -= part;
  }
  return true;
}

bool LinearMemory::write_byte(uint64_t address, uint8_t byte) const {
  uint64_t physical;
  return translate(address, &physical) && vm_.write_physical(physical, &byte, 1);
}

}  // namespace kvm
