#include "vm.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "flexible-array.h"
#include "live-objects.h"
#include "vcpu.h"

namespace kvm {

Vm::Vm(std::shared_ptr<System> system, FileDescriptor fd) : system_(std::move(system)), fd_(std::move(fd)) {
  live_objects.vms++;
}

Vm::~Vm() { close(); }

const FileDescriptor& Vm::open_fd(const char* operation) const {
  if (closed()) throw_state(operation, "vm is closed");
  return fd_;
}

int Vm::check_extension(int capability) const {
  return open_fd("checkExtension").ioctl(KVM_CHECK_EXTENSION, "KVM_CHECK_EXTENSION", static_cast<long>(capability));
}

void Vm::enable_cap(uint32_t capability, const std::vector<uint64_t>& arguments) {
  kvm_enable_cap request{};
  if (arguments.size() > std::size(request.args)) throw_argument("enableCap", "enableCap takes at most 4 arguments");
  request.cap = capability;
  std::copy(arguments.begin(), arguments.end(), request.args);
  open_fd("enableCap").ioctl(KVM_ENABLE_CAP, "KVM_ENABLE_CAP", &request);
  if (capability == KVM_CAP_SPLIT_IRQCHIP) has_local_apics_ = true;
}

void Vm::create_irqchip() {
  open_fd("KVM_CREATE_IRQCHIP").ioctl(KVM_CREATE_IRQCHIP, "KVM_CREATE_IRQCHIP", 0);
  has_local_apics_ = true;
}

void Vm::set_msr_filter(const std::vector<uint32_t>& denied) {
  kvm_msr_filter filter{};
  if (denied.size() > std::size(filter.ranges)) throw_argument("setMsrFilter", "an MSR filter has at most 16 ranges");
  filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
  uint8_t none = 0;  // a bitmap of one MSR that may not be accessed
  for (size_t i = 0; i < denied.size(); i++) {
    filter.ranges[i] = {KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE, 1, denied[i], &none};
  }
  open_fd("setMsrFilter").ioctl(KVM_X86_SET_MSR_FILTER, "KVM_X86_SET_MSR_FILTER", &filter);
}

void Vm::set_gsi_routing(const std::vector<kvm_irq_routing_entry>& entries) {
  if (entries.size() > 4096) throw_argument("setGsiRouting", "KVM has at most 4096 interrupt routes");
  FlexibleArray<kvm_irq_routing, kvm_irq_routing_entry> routing(entries.size());
  routing.header()->nr = static_cast<uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), routing.entries());
  open_fd("setGsiRouting").ioctl(KVM_SET_GSI_ROUTING, "KVM_SET_GSI_ROUTING", routing.header());
}

bool Vm::signal_msi(uint64_t address, uint32_t data) {
  kvm_msi message{};
  message.address_lo = static_cast<uint32_t>(address);
  message.address_hi = static_cast<uint32_t>(address >> 32);
  message.data = data;
  const int result = open_fd("signalMsi").try_ioctl(KVM_SIGNAL_MSI, &message);
  // -1, which looks like EPERM, is KVM's answer to a message for a processor that is not there: the guest may write one.
  if (result < 0 && result != -EPERM) throw_errno("KVM_SIGNAL_MSI", -result);
  return result > 0;
}

std::shared_ptr<Vcpu> Vm::create_vcpu(uint32_t id) {
  const FileDescriptor& fd = open_fd("createVcpu");
  constexpr int kNeeded = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
  if ((check_extension(KVM_CAP_SYNC_REGS) & kNeeded) != kNeeded) {
    throw Error("ENOTSUP", ENOTSUP, "KVM_CHECK_EXTENSION",
                "this host's KVM lacks KVM_CAP_SYNC_REGS, which a vCPU is driven by: Linux 4.17 or newer is needed");
  }
  if (check_extension(KVM_CAP_IMMEDIATE_EXIT) == 0) {
    throw Error("ENOTSUP", ENOTSUP, "KVM_CHECK_EXTENSION",
                "this host's KVM lacks KVM_CAP_IMMEDIATE_EXIT, which a vCPU is stopped by: Linux 4.13 or newer is needed");
  }
  const size_t mapping_size = system_->vcpu_mmap_size();
  FileDescriptor vcpu_fd(fd.ioctl(KVM_CREATE_VCPU, "KVM_CREATE_VCPU", static_cast<unsigned long>(id)));
  auto vcpu = std::make_shared<Vcpu>(shared_from_this(), id, std::move(vcpu_fd), mapping_size);
  vcpus_.erase(std::remove_if(vcpus_.begin(), vcpus_.end(), [](const auto& known) { return known.expired(); }),
               vcpus_.end());
  vcpus_.push_back(vcpu);
  return vcpu;
}

void Vm::set_memory_slot(uint32_t slot, uint32_t flags, uint64_t address, std::shared_ptr<GuestMemory> memory,
                         uint64_t offset, uint64_t size) {
  const FileDescriptor& fd = open_fd("setMemorySlot");
  if (memory->closed()) throw_state("setMemorySlot", "memory is closed");
  constexpr uint64_t kMask = GuestMemory::kPageSize - 1;
  if (size == 0 || ((address | offset | size) & kMask) != 0) {
    throw_argument("setMemorySlot", "a memory slot's address, offset and size must be multiples of 4096, and the size not 0");
  }
  if (offset > memory->size() || size > memory->size() - offset) {
    throw_argument("setMemorySlot", "the memory slot ends beyond its memory of " + std::to_string(memory->size()) + " bytes");
  }
  if (address + size < address) throw_argument("setMemorySlot", "the memory slot ends beyond the address space");

  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.flags = flags;
  region.guest_phys_addr = address;
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<uint64_t>(memory->data()) + offset;

  std::lock_guard lock(slots_mutex_);
  fd.ioctl(KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &region);
  memory->add_slot();
  if (auto known = slots_.find(slot); known != slots_.end()) known->second.memory->remove_slot();
  slots_.insert_or_assign(slot, Slot{flags, address, std::move(memory), offset, size});
}

void Vm::remove_memory_slot(uint32_t slot) {
  const FileDescriptor& fd = open_fd("removeMemorySlot");
  std::lock_guard lock(slots_mutex_);
  auto known = slots_.find(slot);
  if (known == slots_.end()) throw_argument("removeMemorySlot", "memory slot " + std::to_string(slot) + " is not there");
  kvm_userspace_memory_region region{};
  region.slot = slot;
  fd.ioctl(KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION", &region);
  known->second.memory->remove_slot();
  slots_.erase(known);
}

std::vector<uint8_t> Vm::dirty_log(uint32_t slot) {
  const FileDescriptor& fd = open_fd("getDirtyLog");
  std::lock_guard lock(slots_mutex_);
  auto known = slots_.find(slot);
  if (known == slots_.end()) throw_argument("getDirtyLog", "memory slot " + std::to_string(slot) + " is not there");
  // The kernel writes whole 64-bit words.
  const size_t pages = known->second.size / GuestMemory::kPageSize;
  std::vector<uint8_t> bits((pages + 63) / 64 * 8);
  kvm_dirty_log log{};
  log.slot = slot;
  log.dirty_bitmap = bits.data();
  fd.ioctl(KVM_GET_DIRTY_LOG, "KVM_GET_DIRTY_LOG", &log);
  bits.resize((pages + 7) / 8);
  return bits;
}

uint8_t* Vm::find_host(uint64_t address, size_t length, bool for_write) const {
  for (const auto& [number, slot] : slots_) {
    if (address < slot.address || address - slot.address >= slot.size) continue;
    const uint64_t inside = address - slot.address;
    if (slot.size - inside < length) return nullptr;
    if (for_write && (slot.flags & KVM_MEM_READONLY) != 0) return nullptr;
    return slot.memory->data() + slot.offset + inside;
  }
  return nullptr;
}

bool Vm::read_physical(uint64_t address, void* bytes, size_t length) const {
  std::lock_guard lock(slots_mutex_);
  const uint8_t* host = find_host(address, length, false);
  if (host != nullptr) std::memcpy(bytes, host, length);
  return host != nullptr;
}

bool Vm::write_physical(uint64_t address, const void* bytes, size_t length) {
  std::lock_guard lock(slots_mutex_);
  uint8_t* host = find_host(address, length, true);
  if (host != nullptr) std::memcpy(host, bytes, length);
  return host != nullptr;
}

void Vm::close() {
  if (closed()) return;
  for (auto& known : vcpus_) {
    if (auto vcpu = known.lock()) vcpu->close();
  }
  vcpus_.clear();
  fd_.close();
  std::lock_guard lock(slots_mutex_);
  for (auto& [number, slot] : slots_) slot.memory->remove_slot();
  slots_.clear();
  live_objects.vms--;
}

}  // namespace kvm
