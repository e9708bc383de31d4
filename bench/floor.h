/* What the programs have in common that measure bare KVM. */
#ifndef FLOOR_H
#define FLOOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

/* The result of an operation; the program ends where it is an error. */
static inline int check(int result, const char *operation) {
  if (result >= 0) return result;
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, operation, strerror(errno));
  exit(1);
}

static inline double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Memory of the guest's, all zeros. */
static inline unsigned char *make_memory(size_t size) {
  unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(memory == MAP_FAILED ? -1 : 0, "mmap of guest memory");
  return memory;
}

/* What a vCPU shares with its program. */
static inline struct kvm_run *map_run(int kvm, int vcpu) {
  int size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
  struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  check(run == MAP_FAILED ? -1 : 0, "mmap of kvm_run");
  return run;
}

#endif
