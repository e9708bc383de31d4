// /dev/kvm itself: the ioctls of the system fd (api.rst, "system ioctls").
#pragma once

#include <cstdint>
#include "kvm-uapi.h"
#include <memory>
#include <string>
#include <vector>

#include "file-descriptor.h"

namespace kvm {

class Vm;

class System : public std::enable_shared_from_this<System> {
 public:
  // Opens the device and checks KVM_GET_API_VERSION == 12. Throws Error.
  static std::shared_ptr<System> open(const std::string& path);
  ~System();

  bool closed() const { return !fd_.valid(); }
  int api_version() const;
  // 0 where the host lacks it (KVM_CHECK_EXTENSION).
  int check_extension(int capability) const;
  std::vector<kvm_cpuid_entry2> supported_cpuid() const;
  std::vector<uint32_t> msr_indices() const;
  std::vector<uint32_t> msr_feature_indices() const;
  // Bytes of one vCPU's `struct kvm_run` mapping.
  size_t vcpu_mmap_size() const;
  std::shared_ptr<Vm> create_vm();
  // Closes its VMs first. Idempotent.
  void close();

 private:
  explicit System(FileDescriptor fd);
  const FileDescriptor& open_fd(const char* operation) const;
  std::vector<uint32_t> index_list(unsigned long request, const char* operation) const;

  FileDescriptor fd_;
  std::vector<std::weak_ptr<Vm>> vms_;
};

}  // namespace kvm
