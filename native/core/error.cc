#include "error.h"

#include <cerrno>
#include <cstring>

#include "errno-names.h"

namespace kvm {
namespace {

struct Sentence {
  const char* operation;
  int number;
  const char* text;
};

// Only what the kernel's source or documentation says about this pair; everything else gets strerror.
constexpr Sentence kSentences[] = {
    {"open", ENOENT,
     "/dev/kvm is not there: load the kvm module (modprobe kvm_intel or kvm_amd), or start the container with --device /dev/kvm"},
    {"open", EACCES,
     "/dev/kvm may not be opened by this user: its mode or a security module forbids it"},
    {"open", EPERM,
     "/dev/kvm may not be opened from here, whatever its mode says: a device cgroup or a seccomp filter forbids it; "
     "start the container with --device /dev/kvm"},
    {"open", ENODEV,
     "/dev/kvm is there but no driver stands behind it: load kvm_intel or kvm_amd, and see dmesg when that is refused"},
    {"open", EMFILE, "this process has too many files open to open /dev/kvm: close machines that are not used, or raise ulimit -n"},
    {"open", ENXIO, "the file given as the KVM device has no driver behind it: it is not /dev/kvm"},
    {"KVM_GET_API_VERSION", ENOTTY, "the file opened as /dev/kvm is not KVM's: check the path"},
    {"KVM_CREATE_VM", EBUSY,
     "KVM cannot switch virtualization on because another hypervisor (VirtualBox, VMware) holds it: stop that one first"},
    {"KVM_CREATE_VM", ENOMEM, "the kernel has no memory for another virtual machine: check the cgroup's memory limit"},
    {"KVM_CREATE_VM", EMFILE, "this process has too many files open for another virtual machine: close machines or raise ulimit -n"},
    {"KVM_CREATE_VM", ENODEV, "KVM is loaded but virtualization is off on this processor: switch it on in the firmware's setup"},
    {"KVM_CREATE_VCPU", EEXIST, "the virtual machine has a vCPU with this id already"},
    {"KVM_CREATE_VCPU", EINVAL, "KVM does not take this vCPU id: it is above what KVM_CAP_MAX_VCPU_ID allows"},
    {"KVM_CREATE_VCPU", EMFILE, "this process has too many files open for another vCPU: close machines or raise ulimit -n"},
    {"KVM_CREATE_IRQCHIP", EEXIST, "the virtual machine has an interrupt controller already"},
    {"KVM_CREATE_IRQCHIP", EINVAL, "the interrupt controller must be created before the first vCPU"},
    {"KVM_CREATE_PIT2", EEXIST, "the virtual machine has a PIT already"},
    {"KVM_CREATE_PIT2", ENOENT, "the PIT needs the interrupt controller: create the irqchip first"},
    {"KVM_SET_USER_MEMORY_REGION", EEXIST, "the memory slot overlaps another one: remove that slot or choose another address"},
    {"KVM_SET_USER_MEMORY_REGION", EINVAL,
     "KVM refuses this memory slot: a live slot cannot change its size, memory or READONLY flag; remove it first"},
    {"KVM_GET_DIRTY_LOG", ENOENT, "the memory slot keeps no dirty log: it is not there or lacks KVM_MEM_LOG_DIRTY_PAGES"},
    {"KVM_SET_SREGS", EINVAL, "KVM refuses these system registers: the control registers, EFER and segments contradict each other"},
    {"KVM_SET_SREGS2", EINVAL, "KVM refuses these system registers: the control registers, EFER and segments contradict each other"},
    {"KVM_SET_MP_STATE", EINVAL, "KVM refuses this MP state: other states than RUNNABLE need the interrupt controller in the kernel"},
    {"KVM_SET_XSAVE", EINVAL, "KVM refuses this XSAVE area: its header or MXCSR has bits this vCPU does not have"},
    {"KVM_SET_XCRS", EINVAL, "KVM refuses this XCR0: it has bits this vCPU does not have, or lacks x87"},
    {"KVM_SET_CPUID2", EINVAL, "KVM refuses this CPUID table: the vCPU has run already, or the table contradicts itself"},
    {"KVM_SET_CPUID2", E2BIG, "KVM refuses this CPUID table: it has too many entries"},
    {"KVM_SET_GUEST_DEBUG", EBUSY, "KVM cannot inject a debug exception now: the vCPU has another exception pending"},
    {"KVM_SET_GUEST_DEBUG", EINVAL, "KVM refuses these guest debug flags: this host does not have them all"},
    {"KVM_INTERRUPT", EEXIST, "the vCPU has an interrupt waiting already"},
    {"KVM_INTERRUPT", ENXIO, "KVM_INTERRUPT cannot be used with an interrupt controller in the kernel: raise an IRQ line"},
    {"KVM_GET_LAPIC", EINVAL, "the vCPU has no local APIC in the kernel: create the irqchip before the vCPU"},
    {"KVM_SET_LAPIC", EINVAL, "the vCPU has no local APIC in the kernel: create the irqchip before the vCPU"},
    {"KVM_RUN", EFAULT, "KVM could not reach the guest's memory: a memory slot has no host memory behind it"},
    {"KVM_RUN", EINVAL, "KVM refuses to run the vCPU: the registers that were set contradict each other"},
    {"KVM_RUN", EIO, "the virtual machine is dead: KVM met an error it cannot recover from (see dmesg)"},
    {"mmap", ENOMEM, "the host has not enough address space or memory for the guest's memory: choose a smaller size"},
};

}  // namespace

std::string errno_name(int number) {
  const char* name = errno_name_or_null(number);
  return name != nullptr ? name : "E" + std::to_string(number);
}

std::string describe_errno(const std::string& operation, int number) {
  for (const Sentence& sentence : kSentences) {
    if (number == sentence.number && operation == sentence.operation) return sentence.text;
  }
  // The same for every ioctl: the file descriptor was inherited over fork(), or KVM has marked the VM as broken.
  if (number == EIO && operation.rfind("KVM_", 0) == 0) {
    return operation + " failed: the virtual machine is dead, or belongs to another process (after fork)";
  }
  if (number == ENOTTY && operation.rfind("KVM_", 0) == 0) {
    return operation + " is unknown to this host's kernel: a newer kernel is needed";
  }
  // Texts of known numbers are constants of the C library, whichever thread asks.
  return operation + " failed: " + std::strerror(number) + " (" + errno_name(number) + ")";
}

void throw_errno(const std::string& operation, int number) {
  throw Error(errno_name(number), number, operation, describe_errno(operation, number));
}

void throw_state(const std::string& operation, const std::string& message) {
  throw Error("ERR_STATE", 0, operation, message);
}

void throw_argument(const std::string& operation, const std::string& message) {
  throw Error("ERR_ARGUMENT", 0, operation, message);
}

}  // namespace kvm
