/*
 * The floor of the numbers about steps and exits: bare KVM_RUN, with nothing around it.
 *
 * Usage: kvm-floor step IMAGE ENTRY END COUNT | kvm-floor port IMAGE ENTRY COUNT
 *   IMAGE  boot sector, loaded at 0000:7c00 (real mode, the same bytes the servers run)
 *   ENTRY  pc of the first instruction; END pc at which stepping ends (hexadecimal)
 *   COUNT  step: initial CX; port: how many times the guest's reads of a port are answered (decimal)
 * Prints "STEPS SECONDS" or "EXITS SECONDS". A step is armed by setting TF in the synced registers before each KVM_RUN, the
 * one-ioctl form that KVM_CAP_SYNC_REGS allows (Documentation/virt/kvm/api.rst, "KVM_CAP_SYNC_REGS" and
 * "KVM_SET_GUEST_DEBUG"). A port is answered in the kvm_run page ("The kvm_run structure", KVM_EXIT_IO).
 */
#include "floor.h"

#include <fcntl.h>
#include <unistd.h>

enum { LOAD_ADDRESS = 0x7c00, MEMORY_SIZE = 1 << 20, SECTOR_SIZE = 512, TRAP_FLAG = 0x100 };

static unsigned char *load_image(const char *path) {
  unsigned char *memory = make_memory(MEMORY_SIZE);
  int file = check(open(path, O_RDONLY | O_CLOEXEC), path);
  check((int)read(file, memory + LOAD_ADDRESS, SECTOR_SIZE), path);
  close(file);
  return memory;
}

/* A vCPU in real mode at `entry`, in a machine of its own. */
static struct kvm_run *make_vcpu(unsigned char *memory, const struct kvm_regs *regs, int *vcpu) {
  int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "open /dev/kvm");
  int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL), "KVM_SET_TSS_ADDR");
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY_SIZE,
                                               .userspace_addr = (unsigned long long)memory};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  *vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
  struct kvm_run *run = map_run(kvm, *vcpu);

  struct kvm_sregs sregs;
  check(ioctl(*vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  check(ioctl(*vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
  check(ioctl(*vcpu, KVM_SET_REGS, regs), "KVM_SET_REGS");
  return run;
}

/* Runs on to the next exit. */
static void enter(int vcpu, struct kvm_run *run, unsigned wanted, unsigned long long done) {
  while (ioctl(vcpu, KVM_RUN, 0) < 0)
    if (errno != EINTR) check(-1, "KVM_RUN");
  if (run->exit_reason == wanted) return;
  fprintf(stderr, "kvm-floor: exit reason %u instead of %u after %llu\n", run->exit_reason, wanted, done);
  exit(1);
}

static void step(unsigned char *memory, unsigned long long entry, unsigned long long end, unsigned long long count) {
  struct kvm_regs regs = {.rip = entry, .rcx = count, .rsp = LOAD_ADDRESS, .rflags = 2};
  int vcpu;
  struct kvm_run *run = make_vcpu(memory, &regs, &vcpu);
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
    enter(vcpu, run, KVM_EXIT_DEBUG, steps);
    steps++;
  } while (run->s.regs.regs.rip != end);
  printf("%llu %.9f\n", steps, seconds_now() - start);
}

static void port(unsigned char *memory, unsigned long long entry, unsigned long long count) {
  struct kvm_regs regs = {.rip = entry, .rsp = LOAD_ADDRESS, .rflags = 2};
  int vcpu;
  struct kvm_run *run = make_vcpu(memory, &regs, &vcpu);
  unsigned long long exits = 0;
  double start = seconds_now();
  for (; exits < count; exits++) {
    enter(vcpu, run, KVM_EXIT_IO, exits);
    if (run->io.direction != KVM_EXIT_IO_IN || run->io.size * run->io.count != 1) {
      fprintf(stderr, "kvm-floor: something else than a read of one byte after %llu\n", exits);
      exit(1);
    }
    ((unsigned char *)run)[run->io.data_offset] = (unsigned char)exits;
  }
  printf("%llu %.9f\n", exits, seconds_now() - start);
}

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "step") == 0)
    step(load_image(argv[2]), strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 16), strtoull(argv[5], NULL, 10));
  else if (argc == 5 && strcmp(argv[1], "port") == 0)
    port(load_image(argv[2]), strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 10));
  else {
    fprintf(stderr, "usage: kvm-floor step IMAGE ENTRY END COUNT | kvm-floor port IMAGE ENTRY COUNT\n");
    return 2;
  }
  return 0;
}
