// One virtual machine: the ioctls of the VM fd, and the memory slots it has.
#pragma once

#include <cstdint>
#include "kvm-uapi.h"
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "file-descriptor.h"
#include "guest-memory.h"
#include "system.h"

namespace kvm {

class Vcpu;

class Vm : public std::enable_shared_from_this<Vm> {
 public:
  Vm(std::shared_ptr<System> system, FileDescriptor fd);
  ~Vm();

  bool closed() const { return !fd_.valid(); }
  System& system() const { return *system_; }
  // Throws ERR_STATE `vm is closed`.
  const FileDescriptor& open_fd(const char* operation) const;

  int check_extension(int capability) const;
  void enable_cap(uint32_t capability, const std::vector<uint64_t>& arguments);
  void create_irqchip();
  // Of the vCPUs that are made from now on, in the kernel.
  bool has_local_apics() const { return has_local_apics_; }

  // The guest may access every MSR but these (KVM_X86_SET_MSR_FILTER); at most KVM_MSR_FILTER_MAX_RANGES of them.
  void set_msr_filter(const std::vector<uint32_t>& denied);

  // What each GSI is wired to, instead of all that was set before (KVM_SET_GSI_ROUTING).
  void set_gsi_routing(const std::vector<kvm_irq_routing_entry>& entries);
  // Delivers a message-signalled interrupt; false where the guest has blocked it (KVM_SIGNAL_MSI).
  bool signal_msi(uint64_t address, uint32_t data);

  // Needs KVM_CAP_SYNC_REGS and KVM_CAP_IMMEDIATE_EXIT; throws a sentence where the host lacks them.
  std::shared_ptr<Vcpu> create_vcpu(uint32_t id);

  // Adds a slot, or moves one / changes its flags. Address, offset and size in bytes, multiples of 4096.
  void set_memory_slot(uint32_t slot, uint32_t flags, uint64_t address, std::shared_ptr<GuestMemory> memory,
                       uint64_t offset, uint64_t size);
  void remove_memory_slot(uint32_t slot);
  // One bit per page, as long as the slot; the kernel clears its log (KVM_GET_DIRTY_LOG).
  std::vector<uint8_t> dirty_log(uint32_t slot);

  // Guest-physical access through the slots, from any thread. False (nothing done) where no slot covers all of it;
  // writing honours KVM_MEM_READONLY.
  bool read_physical(uint64_t address, void* bytes, size_t length) const;
  bool write_physical(uint64_t address, const void* bytes, size_t length);

  // Closes its vCPUs first (kick, join), then its slots. Idempotent.
  void close();

 private:
  struct Slot {
    uint32_t flags;
    uint64_t address;
    std::shared_ptr<GuestMemory> memory;
    uint64_t offset;
    uint64_t size;
  };
  uint8_t* find_host(uint64_t address, size_t length, bool for_write) const;

  std::shared_ptr<System> system_;
  FileDescriptor fd_;
  bool has_local_apics_ = false;
  std::vector<std::weak_ptr<Vcpu>> vcpus_;
  // vCPU threads read the slots (PUSHF fix) while JavaScript may change them.
  mutable std::mutex slots_mutex_;
  std::map<uint32_t, Slot> slots_;
};

}  // namespace kvm
