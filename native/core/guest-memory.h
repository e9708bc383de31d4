// Guest memory: one anonymous private mapping of the host, zeroed, without reserve.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvm {

class GuestMemory {
 public:
  static constexpr size_t kPageSize = 4096;
  static constexpr size_t kMaximumSize = size_t{2} << 30;

  // `size` in bytes: a multiple of 4096, at most 2 GiB. Throws Error (ERR_ARGUMENT, mmap's errno).
  explicit GuestMemory(size_t size);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool closed() const { return data_ == nullptr; }

  // Bytes that are resident in the host (mincore(2)).
  size_t resident() const;
  // Gives the pages back; they read as zero again (madvise(2), MADV_DONTNEED).
  void discard();

  // Memory slots that map this memory now.
  void add_slot() { slots_++; }
  void remove_slot() { slots_--; }
  // Throws ERR_STATE while a memory slot uses it. Idempotent.
  void check_closable() const;
  void close();

 private:
  void check_open(const char* operation) const;

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  int slots_ = 0;
};

}  // namespace kvm
