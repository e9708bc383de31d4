#include "guest-memory.h"

#include <cerrno>
#include <string>
#include <sys/mman.h>
#include <vector>

#include "error.h"
#include "live-objects.h"

namespace kvm {

GuestMemory::GuestMemory(size_t size) {
  if (size == 0 || size % kPageSize != 0 || size > kMaximumSize) {
    throw_argument("allocateMemory", "guest memory of " + std::to_string(size) +
                                         " bytes cannot be made: the size must be a multiple of 4096 and at most 2 GiB");
  }
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) throw_errno("mmap", errno);
  // A child of fork() (child_process.spawn) must not turn every guest page into copy-on-write under a running guest.
  madvise(address, size, MADV_DONTFORK);
  data_ = static_cast<uint8_t*>(address);
  size_ = size;
  live_objects.memories++;
}

GuestMemory::~GuestMemory() { close(); }

void GuestMemory::check_open(const char* operation) const {
  if (closed()) throw_state(operation, "memory is closed");
}

size_t GuestMemory::resident() const {
  check_open("resident");
  std::vector<unsigned char> pages(size_ / kPageSize);
  if (mincore(data_, size_, pages.data()) != 0) throw_errno("mincore", errno);
  size_t count = 0;
  for (unsigned char page : pages) count += page & 1;
  return count * kPageSize;
}

void GuestMemory::discard() {
  check_open("discard");
  if (madvise(data_, size_, MADV_DONTNEED) != 0) throw_errno("madvise", errno);
}

void GuestMemory::check_closable() const {
  if (!closed() && slots_ > 0) {
    throw_state("close", "memory is in use by " + std::to_string(slots_) + " memory slot" + (slots_ == 1 ? "" : "s") +
                             ": remove the slots or close the vm first");
  }
}

void GuestMemory::close() {
  if (closed()) return;
  munmap(data_, size_);
  data_ = nullptr;
  live_objects.memories--;
}

}  // namespace kvm
