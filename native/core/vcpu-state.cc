// The state ioctls of a vCPU that need more than one struct in or out.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "flexible-array.h"
#include "vcpu.h"

namespace kvm {
namespace {

// The kernel takes fewer than its MAX_IO_MSRS (256) at once.
constexpr size_t kMsrsPerCall = 255;
constexpr size_t kMaximumMsrs = 65536;
constexpr size_t kMaximumCpuidEntries = 256;

std::string hex(uint32_t number) {
  char text[16];
  snprintf(text, sizeof text, "0x%x", number);
  return text;
}

// `offset`: where KVM reads or writes the value.
kvm_device_attr tsc_offset_attribute(uint64_t* offset) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<uint64_t>(offset);
  return attribute;
}

}  // namespace

void Vcpu::refresh(uint32_t sets) {
  auto& area = run_->s.regs;
  if (sets & KVM_SYNC_X86_REGS) fd_.ioctl(KVM_GET_REGS, "KVM_GET_REGS", &area.regs);
  if (sets & KVM_SYNC_X86_SREGS) fd_.ioctl(KVM_GET_SREGS, "KVM_GET_SREGS", &area.sregs);
  if (sets & KVM_SYNC_X86_EVENTS) fd_.ioctl(KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", &area.events);
  loop_->registers_refreshed();
  // What JavaScript has changed in the record and not run yet stays on top.
  take_dirty();
  fill_record();
}

kvm_regs Vcpu::regs() const {
  kvm_regs regs = get<kvm_regs>(KVM_GET_REGS, "KVM_GET_REGS");
  if (loop_->single_stepping() && loop_->own_trap_flag()) regs.rflags |= kTrapFlag;
  return regs;
}

void Vcpu::set_regs(const kvm_regs& regs) {
  completed_fd("KVM_SET_REGS");
  set(KVM_SET_REGS, "KVM_SET_REGS", regs);
  take_dirty();
  loop_->unstage(KVM_SYNC_X86_REGS);
  loop_->own_trap_flag_set((regs.rflags & kTrapFlag) != 0);
  refresh(KVM_SYNC_X86_REGS);
}

kvm_sregs Vcpu::sregs() const { return get<kvm_sregs>(KVM_GET_SREGS, "KVM_GET_SREGS"); }

void Vcpu::set_sregs(const kvm_sregs& sregs) {
  completed_fd("KVM_SET_SREGS");
  set(KVM_SET_SREGS, "KVM_SET_SREGS", sregs);
  take_dirty();
  loop_->unstage(KVM_SYNC_X86_SREGS);
  refresh(KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

void Vcpu::set_sregs2(const kvm_sregs2& sregs) {
  completed_fd("KVM_SET_SREGS2");
  set(KVM_SET_SREGS2, "KVM_SET_SREGS2", sregs);
  take_dirty();
  loop_->unstage(KVM_SYNC_X86_SREGS);
  refresh(KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

kvm_vcpu_events Vcpu::events() const { return get<kvm_vcpu_events>(KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS"); }

void Vcpu::set_events(const kvm_vcpu_events& events) {
  completed_fd("KVM_SET_VCPU_EVENTS");
  set(KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", events);
  take_dirty();
  loop_->unstage(KVM_SYNC_X86_EVENTS);
  refresh(KVM_SYNC_X86_EVENTS);
}

uint32_t Vcpu::mp_state() {
  const uint32_t state = get<kvm_mp_state>(KVM_GET_MP_STATE, "KVM_GET_MP_STATE").mp_state;
  // Asking lets a SIPI that waits take effect (arch/x86/kvm/x86.c, kvm_arch_vcpu_ioctl_get_mpstate), which sets CS and RIP.
  if (!loop_->completion_pending()) refresh(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
  loop_->mp_state_is(state);
  return state;
}

void Vcpu::set_mp_state(uint32_t state) {
  set(KVM_SET_MP_STATE, "KVM_SET_MP_STATE", kvm_mp_state{state});
  loop_->mp_state_is(state);
  // A SIPI sets CS and RIP.
  refresh(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

void Vcpu::set_guest_debug(const kvm_guest_debug& debug) {
  set(KVM_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG", debug);
  loop_->guest_debug_set(debug);
  refresh(KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS);
}

void Vcpu::interrupt(uint32_t vector) {
  if (vector > 255) throw_argument("KVM_INTERRUPT", "an interrupt vector is a number from 0 to 255");
  set(KVM_INTERRUPT, "KVM_INTERRUPT", kvm_interrupt{vector});
  // KVM takes one at a time and says so after the next KVM_RUN, which not every run comes to: it may have met its plan's end.
  run_->ready_for_interrupt_injection = 0;
  reinterpret_cast<kvm_run*>(record_->run)->ready_for_interrupt_injection = 0;
  refresh(KVM_SYNC_X86_EVENTS);
}

void Vcpu::nmi() {
  parked_fd("KVM_NMI").ioctl(KVM_NMI, "KVM_NMI", 0);
  refresh(KVM_SYNC_X86_EVENTS);
}

size_t Vcpu::xsave_size() const {
  const int size = vm_->check_extension(KVM_CAP_XSAVE2);
  return std::max<size_t>(size > 0 ? static_cast<size_t>(size) : 0, sizeof(kvm_xsave));
}

std::vector<uint8_t> Vcpu::xsave() const {
  const FileDescriptor& fd = parked_fd("KVM_GET_XSAVE");
  const size_t size = xsave_size();
  std::vector<uint8_t> bytes(size);
  if (size > sizeof(kvm_xsave)) {
    fd.ioctl(KVM_GET_XSAVE2, "KVM_GET_XSAVE2", bytes.data());
  } else {
    fd.ioctl(KVM_GET_XSAVE, "KVM_GET_XSAVE", bytes.data());
  }
  return bytes;
}

void Vcpu::set_xsave(const uint8_t* bytes, size_t length) {
  const FileDescriptor& fd = parked_fd("KVM_SET_XSAVE");
  const size_t size = xsave_size();
  if (length != size) {
    throw_argument("KVM_SET_XSAVE", "the XSAVE area must be " + std::to_string(size) + " bytes long, not " + std::to_string(length));
  }
  std::vector<uint8_t> copy(bytes, bytes + length);
  fd.ioctl(KVM_SET_XSAVE, "KVM_SET_XSAVE", copy.data());
}

std::vector<uint64_t> Vcpu::msrs(const std::vector<uint32_t>& indices) const {
  const FileDescriptor& fd = parked_fd("KVM_GET_MSRS");
  if (indices.size() > kMaximumMsrs) throw_argument("KVM_GET_MSRS", "too many MSRs are asked for at once");
  std::vector<uint64_t> values;
  values.reserve(indices.size());
  for (size_t first = 0; first < indices.size(); first += kMsrsPerCall) {
    const size_t count = std::min(kMsrsPerCall, indices.size() - first);
    FlexibleArray<kvm_msrs, kvm_msr_entry> list(count);
    list.header()->nmsrs = static_cast<uint32_t>(count);
    for (size_t i = 0; i < count; i++) list.entries()[i].index = indices[first + i];
    // Returns how many were read: it stops at the first it does not know.
    const size_t done = static_cast<size_t>(fd.ioctl(KVM_GET_MSRS, "KVM_GET_MSRS", list.header()));
    if (done < count) throw_argument("KVM_GET_MSRS", "KVM cannot read MSR " + hex(indices[first + done]) + " of this vCPU");
    for (size_t i = 0; i < count; i++) values.push_back(list.entries()[i].data);
  }
  return values;
}

void Vcpu::set_msrs(const std::vector<uint32_t>& indices, const std::vector<uint64_t>& values) {
  const FileDescriptor& fd = parked_fd("KVM_SET_MSRS");
  if (indices.size() > kMaximumMsrs) throw_argument("KVM_SET_MSRS", "too many MSRs are set at once");
  if (indices.size() != values.size()) throw_argument("KVM_SET_MSRS", "there must be one value for each MSR index");
  size_t refused = indices.size();
  for (size_t first = 0; first < indices.size() && refused == indices.size(); first += kMsrsPerCall) {
    const size_t count = std::min(kMsrsPerCall, indices.size() - first);
    FlexibleArray<kvm_msrs, kvm_msr_entry> list(count);
    list.header()->nmsrs = static_cast<uint32_t>(count);
    for (size_t i = 0; i < count; i++) {
      list.entries()[i].index = indices[first + i];
      list.entries()[i].data = values[first + i];
    }
    const size_t done = static_cast<size_t>(fd.ioctl(KVM_SET_MSRS, "KVM_SET_MSRS", list.header()));
    if (done < count) refused = first + done;
  }
  // EFER, APIC_BASE, FS_BASE and GS_BASE are in the system registers too.
  refresh(KVM_SYNC_X86_SREGS);
  if (refused < indices.size()) {
    throw_argument("KVM_SET_MSRS", "KVM refuses this value for MSR " + hex(indices[refused]));
  }
}

std::vector<kvm_cpuid_entry2> Vcpu::cpuid() const {
  FlexibleArray<kvm_cpuid2, kvm_cpuid_entry2> table(kMaximumCpuidEntries);
  table.header()->nent = kMaximumCpuidEntries;
  parked_fd("KVM_GET_CPUID2").ioctl(KVM_GET_CPUID2, "KVM_GET_CPUID2", table.header());
  size_t count = std::min<size_t>(table.header()->nent, kMaximumCpuidEntries);
  // Kernel 6.1 leaves nent at what was asked for. Of the entries that it did not fill, all bytes are zero.
  const kvm_cpuid_entry2 unfilled{};
  while (count > 0 && std::memcmp(table.entries() + count - 1, &unfilled, sizeof unfilled) == 0) count--;
  return {table.entries(), table.entries() + count};
}

void Vcpu::set_cpuid(const std::vector<kvm_cpuid_entry2>& entries) {
  if (entries.size() > kMaximumCpuidEntries) throw_errno("KVM_SET_CPUID2", E2BIG);
  FlexibleArray<kvm_cpuid2, kvm_cpuid_entry2> table(entries.size());
  table.header()->nent = static_cast<uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), table.entries());
  parked_fd("KVM_SET_CPUID2").ioctl(KVM_SET_CPUID2, "KVM_SET_CPUID2", table.header());
  refresh(KVM_SYNC_X86_SREGS);
}

int Vcpu::tsc_khz() const { return parked_fd("KVM_GET_TSC_KHZ").ioctl(KVM_GET_TSC_KHZ, "KVM_GET_TSC_KHZ", 0); }

void Vcpu::translate(kvm_translation* translation) const {
  parked_fd("KVM_TRANSLATE").ioctl(KVM_TRANSLATE, "KVM_TRANSLATE", translation);
}

bool Vcpu::has_tsc_offset() const {
  kvm_device_attr attribute = tsc_offset_attribute(nullptr);
  return parked_fd("KVM_HAS_DEVICE_ATTR").try_ioctl(KVM_HAS_DEVICE_ATTR, &attribute) >= 0;
}

uint64_t Vcpu::tsc_offset() const {
  uint64_t offset = 0;
  kvm_device_attr attribute = tsc_offset_attribute(&offset);
  parked_fd("KVM_GET_DEVICE_ATTR").ioctl(KVM_GET_DEVICE_ATTR, "KVM_GET_DEVICE_ATTR", &attribute);
  return offset;
}

void Vcpu::set_tsc_offset(uint64_t offset) {
  kvm_device_attr attribute = tsc_offset_attribute(&offset);
  parked_fd("KVM_SET_DEVICE_ATTR").ioctl(KVM_SET_DEVICE_ATTR, "KVM_SET_DEVICE_ATTR", &attribute);
}

std::vector<uint8_t> Vcpu::nested_state() const {
  const FileDescriptor& fd = parked_fd("KVM_GET_NESTED_STATE");
  const int size = vm_->check_extension(KVM_CAP_NESTED_STATE);
  if (size < static_cast<int>(sizeof(kvm_nested_state))) return {};
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  auto* state = reinterpret_cast<kvm_nested_state*>(bytes.data());
  state->size = static_cast<uint32_t>(size);
  fd.ioctl(KVM_GET_NESTED_STATE, "KVM_GET_NESTED_STATE", state);
  bytes.resize(std::min<size_t>(state->size, bytes.size()));
  return bytes;
}

void Vcpu::set_nested_state(const uint8_t* bytes, size_t length) {
  const FileDescriptor& fd = completed_fd("KVM_SET_NESTED_STATE");
  kvm_nested_state header{};
  if (length < sizeof header) throw_argument("KVM_SET_NESTED_STATE", "a nested state begins with a kvm_nested_state");
  std::memcpy(static_cast<void*>(&header), bytes, sizeof header);
  if (header.size > length) throw_argument("KVM_SET_NESTED_STATE", "the nested state is longer than its bytes");
  std::vector<uint8_t> copy(bytes, bytes + length);
  fd.ioctl(KVM_SET_NESTED_STATE, "KVM_SET_NESTED_STATE", copy.data());
  refresh(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

bool Vcpu::kvmclock_stopped() {
  const int result = parked_fd("KVM_KVMCLOCK_CTRL").try_ioctl(KVM_KVMCLOCK_CTRL, nullptr);
  if (result < 0 && result != -EINVAL) throw_errno("KVM_KVMCLOCK_CTRL", -result);
  return result >= 0;
}

}  // namespace kvm
