#include "system.h"

#include <algorithm>
#include <fcntl.h>

#include "flexible-array.h"
#include "live-objects.h"
#include "vm.h"

namespace kvm {

std::shared_ptr<System> System::open(const std::string& path) {
  const int number = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (number < 0) throw_errno("open", errno);
  std::shared_ptr<System> system(new System(FileDescriptor(number)));
  const int version = system->api_version();
  if (version != KVM_API_VERSION) {
    throw Error("ENOTSUP", ENOTSUP, "KVM_GET_API_VERSION",
                "KVM speaks API version " + std::to_string(version) + ", but 12 is the only one known here");
  }
  return system;
}

System::System(FileDescriptor fd) : fd_(std::move(fd)) { live_objects.systems++; }

System::~System() { close(); }

const FileDescriptor& System::open_fd(const char* operation) const {
  if (closed()) throw_state(operation, "system is closed");
  return fd_;
}

int System::api_version() const {
  return open_fd("apiVersion").ioctl(KVM_GET_API_VERSION, "KVM_GET_API_VERSION", 0);
}

int System::check_extension(int capability) const {
  return open_fd("checkExtension").ioctl(KVM_CHECK_EXTENSION, "KVM_CHECK_EXTENSION", static_cast<long>(capability));
}

size_t System::vcpu_mmap_size() const {
  return static_cast<size_t>(open_fd("createVcpu").ioctl(KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", 0));
}

std::vector<kvm_cpuid_entry2> System::supported_cpuid() const {
  const FileDescriptor& fd = open_fd("getSupportedCpuid");
  // The kernel says E2BIG until the table is large enough; 80 entries is its own limit on most hosts (KVM_MAX_CPUID_ENTRIES 256).
  for (size_t count = 128;; count *= 2) {
    FlexibleArray<kvm_cpuid2, kvm_cpuid_entry2> table(count);
    table.header()->nent = static_cast<uint32_t>(count);
    const int result = fd.try_ioctl(KVM_GET_SUPPORTED_CPUID, table.header());
    if (result == -E2BIG && count < 65536) continue;
    if (result < 0) throw_errno("KVM_GET_SUPPORTED_CPUID", -result);
    const size_t filled = std::min<size_t>(table.header()->nent, count);
    return {table.entries(), table.entries() + filled};
  }
}

std::vector<uint32_t> System::index_list(unsigned long request, const char* operation) const {
  const FileDescriptor& fd = open_fd(operation);
  kvm_msr_list probe{};
  // With nmsrs 0 the kernel answers E2BIG and writes how many there are.
  const int first = fd.try_ioctl(request, &probe);
  if (first < 0 && first != -E2BIG) throw_errno(operation, -first);
  const size_t count = std::min<size_t>(probe.nmsrs, 65536);
  FlexibleArray<kvm_msr_list, uint32_t> list(count);
  list.header()->nmsrs = static_cast<uint32_t>(count);
  fd.ioctl(request, operation, list.header());
  return {list.entries(), list.entries() + std::min<size_t>(list.header()->nmsrs, count)};
}

std::vector<uint32_t> System::msr_indices() const { return index_list(KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST"); }

std::vector<uint32_t> System::msr_feature_indices() const {
  return index_list(KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST");
}

std::shared_ptr<Vm> System::create_vm() {
  FileDescriptor fd(open_fd("createVm").ioctl(KVM_CREATE_VM, "KVM_CREATE_VM", 0));
  auto vm = std::make_shared<Vm>(shared_from_this(), std::move(fd));
  vms_.erase(std::remove_if(vms_.begin(), vms_.end(), [](const auto& known) { return known.expired(); }), vms_.end());
  vms_.push_back(vm);
  return vm;
}

void System::close() {
  if (closed()) return;
  for (auto& known : vms_) {
    if (auto vm = known.lock()) vm->close();
  }
  vms_.clear();
  fd_.close();
  live_objects.systems--;
}

}  // namespace kvm
