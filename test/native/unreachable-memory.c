// LD_PRELOAD: takes one page of the guest's memory out of the process's reach, as host memory that went away under a machine.
//
// UNREACHABLE_PAGE: the page's offset in bytes, in each piece of guest memory that reaches so far.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kPageSize = 4096 };

static int is_binding(const void* caller) {
  Dl_info object;
  return dladdr(caller, &object) != 0 && strstr(object.dli_fname, "kvm.node") != NULL;
}

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  void* mapping = (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
  const char* page = getenv("UNREACHABLE_PAGE");
  // The binding's only anonymous mappings are guest memory.
  if (page == NULL || mapping == MAP_FAILED || (flags & MAP_ANONYMOUS) == 0 || !is_binding(__builtin_return_address(0))) return mapping;
  const size_t start = strtoul(page, NULL, 0);
  if (start + kPageSize <= length) mprotect((char*)mapping + start, kPageSize, PROT_NONE);
  return mapping;
}
void* mmap64(void*, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
