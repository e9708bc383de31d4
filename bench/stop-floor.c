/*
 * The floor of the numbers about stops: what it takes to have N vCPU threads leave KVM_RUN and say so, with nothing around it.
 *
 * Usage: stop-floor CPUS ROUNDS SLEEP_MICROSECONDS
 * Each vCPU sleeps in HLT, in a thread of its own, in the kernel (KVM_CREATE_IRQCHIP; MP state HALTED). A round: the main thread
 * sends each the signal that ends KVM_RUN, and waits until each has come back with EINTR and read the registers that came with
 * the exit. Then they enter again, and the main thread gives them SLEEP_MICROSECONDS to fall asleep.
 * Prints the median of the rounds in seconds. KVM api.rst: "KVM_RUN", "KVM_SET_MP_STATE", immediate_exit.
 */
#include "floor.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

enum { MEMORY_SIZE = 1 << 20, MOST_CPUS = 64, WARM_UP = 10 };

static int vcpus[MOST_CPUS];
static struct kvm_run *runs[MOST_CPUS];
static sem_t enter[MOST_CPUS];
/* Counts down; who makes it 0 wakes the main thread. */
static int still_out;
static sem_t all_left;
static unsigned long long seen;

static void on_signal(int number) { (void)number; }

static void *run_vcpu(void *argument) {
  int index = (int)(long)argument;
  for (;;) {
    sem_wait(&enter[index]);
    if (ioctl(vcpus[index], KVM_RUN, 0) == 0) {
      fprintf(stderr, "stop-floor: exit reason %u\n", runs[index]->exit_reason);
      exit(1);
    }
    if (errno != EINTR) check(-1, "KVM_RUN");
    runs[index]->immediate_exit = 0;
    __atomic_fetch_add(&seen, runs[index]->s.regs.regs.rip + 1, __ATOMIC_RELAXED);
    if (__atomic_sub_fetch(&still_out, 1, __ATOMIC_ACQ_REL) == 0) sem_post(&all_left);
  }
  return NULL;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return a < b ? -1 : a > b;
}

int main(int argc, char **argv) {
  int cpus = argc == 4 ? atoi(argv[1]) : 0, rounds = argc == 4 ? atoi(argv[2]) : 0;
  if (cpus < 1 || cpus > MOST_CPUS || rounds < 1) {
    fprintf(stderr, "usage: stop-floor CPUS ROUNDS SLEEP_MICROSECONDS\n");
    return 2;
  }
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "open /dev/kvm");
  int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
  check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL), "KVM_SET_TSS_ADDR");
  check(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
  unsigned char *memory = make_memory(MEMORY_SIZE);
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY_SIZE, .userspace_addr = (unsigned long long)memory};
  check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
  pthread_t threads[MOST_CPUS];
  sem_init(&all_left, 0, 0);
  for (int i = 0; i < cpus; i++) {
    vcpus[i] = check(ioctl(vm, KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU");
    runs[i] = map_run(kvm, vcpus[i]);
    runs[i]->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    struct kvm_mp_state halted = {KVM_MP_STATE_HALTED};
    check(ioctl(vcpus[i], KVM_SET_MP_STATE, &halted), "KVM_SET_MP_STATE");
    sem_init(&enter[i], 0, 0);
    check(-pthread_create(&threads[i], NULL, run_vcpu, (void *)(long)i), "pthread_create");
  }
  double *times = calloc((size_t)rounds, sizeof *times);
  struct timespec rest = {0, atol(argv[3]) * 1000};
  for (int round = -WARM_UP; round < rounds; round++) {
    __atomic_store_n(&still_out, cpus, __ATOMIC_RELEASE);
    for (int i = 0; i < cpus; i++) sem_post(&enter[i]);
    nanosleep(&rest, NULL);
    double start = seconds_now();
    for (int i = 0; i < cpus; i++) {
      runs[i]->immediate_exit = 1;
      pthread_kill(threads[i], SIGUSR1);
    }
    sem_wait(&all_left);
    if (round >= 0) times[round] = seconds_now() - start;
  }
  qsort(times, (size_t)rounds, sizeof *times, compare);
  printf("%.9f\n", times[rounds / 2]);
  return 0;
}
