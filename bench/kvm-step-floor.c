/*
 * The floor of every stepping number: bare KVM_RUN single steps, with nothing around them.
 *
 * Usage: kvm-step-floor IMAGE ENTRY END COUNT
 *   IMAGE  boot sector, loaded at 0000:7c00 (real mode, the same bytes the servers run)
 *   ENTRY  pc of the first step; END pc at which stepping ends (hexadecimal)
 *   COUNT  initial CX (decimal)
 * Prints "STEPS SECONDS". A step is armed by setting TF in the synced registers before each KVM_RUN, the one-ioctl
 * form that KVM_CAP_SYNC_REGS allows (Documentation/virt/kvm/api.rst, "KVM_CAP_SYNC_REGS" and "KVM_SET_GUEST_DEBUG").
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LOAD_ADDRESS = 0x7c00, MEMORY_SIZE = 1 << 20, SECTOR_SIZE = 512, TRAP_FLAG = 0x100 };

static int check(int result, const char *operation) {
  if (result >= 0) return result;
  fprintf(stderr, "kvm-step-floor: %s: %s\n", operation, strerror(errno));
  exit(1);
}

static unsigned char *load_image(const char *path) {
  unsigned char *memory =
      mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(memory == MAP_FAILED ? -1 : 0, "mmap of guest memory");
  int file = check(open(path, O_RDONLY | O_CLOEXEC), path);
  check((int)read(file, memory + LOAD_ADDRESS, SECTOR_SIZE), path);
  close(file);
  return memory;
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: kvm-step-floor IMAGE ENTRY END COUNT\n");
    return 2;
  }
  unsigned char *memory = load_image(argv[1]);
  unsigned long long entry = strtoull(argv[2], NULL, 16);
  unsigned long long end = strtoull(argv[3], NULL, 16);
  unsigned long long count = strtoull(argv[4], NULL, 10);

  int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "open /dev/kvm");
  int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL), "KVM_SET_TSS_ADDR");
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY_SIZE,
                                               .userspace_addr = (unsigned long long)memory};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  int run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  check(run == MAP_FAILED ? -1 : 0, "mmap of kvm_run");

  struct kvm_sregs sregs;
  check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  struct kvm_regs regs = {.rip = entry, .rcx = count, .rsp = LOAD_ADDRESS, .rflags = 2};
  check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
  struct kvm_guest_debug debug = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP};
  check(ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug), "KVM_SET_GUEST_DEBUG");

  /* What a debugger needs after each step comes with the exit: both register sets, as the servers take them. */
  run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
  run->s.regs.regs = regs;

  unsigned long long steps = 0;
  double start = seconds_now();
  do {
    run->s.regs.regs.rflags |= TRAP_FLAG;
    run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
    if (ioctl(vcpu, KVM_RUN, 0) < 0) {
      if (errno == EINTR) continue;
      check(-1, "KVM_RUN");
    }
    if (run->exit_reason != KVM_EXIT_DEBUG) {
      fprintf(stderr, "kvm-step-floor: exit reason %u instead of KVM_EXIT_DEBUG after %llu steps\n", run->exit_reason,
              steps);
      return 1;
    }
    steps++;
  } while (run->s.regs.regs.rip != end);
  printf("%llu %.9f\n", steps, seconds_now() - start);
  return 0;
}
