// LD_PRELOAD: takes one page of the guest's memory out of KVM's reach, as host memory that has gone; SIGUSR2 brings it back.
//
// UNREACHABLE_PAGE: the page's offset in bytes, in the first piece of guest memory that reaches so far and is mapped with this set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kPageSize = 4096 };

static void* taken;

static void bring_back(int signal_number) {
  (void)signal_number;
  if (taken != NULL) mprotect(taken, kPageSize, PROT_READ | PROT_WRITE);
}

__attribute__((constructor)) static void handle_signal(void) { signal(SIGUSR2, bring_back); }

static int is_binding(const void* caller) {
  Dl_info object;
  return dladdr(caller, &object) != 0 && strstr(object.dli_fname, "kvm.node") != NULL;
}

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  void* mapping = (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
  const char* page = getenv("UNREACHABLE_PAGE");
  // The binding's only anonymous mappings are guest memory.
  if (page == NULL || taken != NULL || mapping == MAP_FAILED || (flags & MAP_ANONYMOUS) == 0 || !is_binding(__builtin_return_address(0))) return mapping;
  const size_t start = strtoul(page, NULL, 0);
  if (start + kPageSize > length) return mapping;
  taken = (char*)mapping + start;
  mprotect(taken, kPageSize, PROT_NONE);
  return mapping;
}
void* mmap64(void*, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
