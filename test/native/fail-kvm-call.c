// LD_PRELOAD: counts the system calls that the native binding makes for KVM and lets one of them fail.
//
// KVM_FAULTS names a file of 32-bit words, shared with the process under test, which arms itself by writing there:
//   0  in   which call shall fail, counted from 1; 0: none
//   1  in   its errno
//   2  both calls so far; the test sets it to 0
//   3  out  what failed (enum Kind); 0: nothing has
//   4  out  the ioctl's request, if it was one
//   5  in   the thread whose pthread_create is counted; of that call the caller is libstdc++, not the binding
//   6  in   calls of this sort alone are counted, an ioctl's request or a Kind; 0: all
//   7… out  the sort of each call that was counted, as far as there is room
// The call that fails is not carried out. KVM_RUN counts as every other ioctl does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum Kind { kNothing, kIoctl, kMmap, kOpen, kTimer, kThread, kMadvise };
enum { kFailAt, kErrno, kCount, kFailed, kRequest, kThreadId, kOnly, kCalls, kMostCalls = 8192, kWords = kCalls + kMostCalls };
enum { kKvmIoctlType = 0xae };

static volatile uint32_t* words;

__attribute__((constructor)) static void map_words(void) {
  const char* path = getenv("KVM_FAULTS");
  if (path == NULL) return;
  const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* mapping = (void*)syscall(SYS_mmap, NULL, kWords * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapping != MAP_FAILED) words = mapping;
  close(file);
}

// The errno this call shall fail with; 0: it shall be made.
static int fault(enum Kind kind, unsigned long request) {
  if (words == NULL || words[kFailAt] == 0) return 0;
  const uint32_t sort = kind == kIoctl ? (uint32_t)request : (uint32_t)kind;
  if (words[kOnly] != 0 && words[kOnly] != sort) return 0;
  const uint32_t count = __atomic_add_fetch(&words[kCount], 1, __ATOMIC_SEQ_CST);
  if (count <= kMostCalls) words[kCalls + count - 1] = sort;
  if (count != words[kFailAt]) return 0;
  words[kFailed] = kind;
  words[kRequest] = (uint32_t)request;
  return (int)words[kErrno];
}

static int is_binding(const void* caller) {
  Dl_info object;
  if (words == NULL || words[kFailAt] == 0 || dladdr(caller, &object) == 0) return 0;
  return strstr(object.dli_fname, "kvm.node") != NULL;
}

int ioctl(int file, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  const int number = (request >> 8 & 0xff) == kKvmIoctlType ? fault(kIoctl, request) : 0;
  if (number != 0) return errno = number, -1;
  return (int)syscall(SYS_ioctl, file, request, argument);
}

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  const int number = is_binding(__builtin_return_address(0)) ? fault(kMmap, 0) : 0;
  if (number != 0) return errno = number, MAP_FAILED;
  return (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}
void* mmap64(void*, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  const int number = is_binding(__builtin_return_address(0)) ? fault(kOpen, 0) : 0;
  if (number != 0) return errno = number, -1;
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open64(const char*, int, ...) __attribute__((alias("open")));

int madvise(void* address, size_t length, int advice) {
  const int number = is_binding(__builtin_return_address(0)) && advice == MADV_DONTNEED ? fault(kMadvise, 0) : 0;
  if (number != 0) return errno = number, -1;
  return (int)syscall(SYS_madvise, address, length, advice);
}

int timer_create(clockid_t clock, struct sigevent* event, timer_t* timer) {
  const int number = is_binding(__builtin_return_address(0)) ? fault(kTimer, 0) : 0;
  if (number != 0) return errno = number, -1;
  int (*next)(clockid_t, struct sigevent*, timer_t*) = (int (*)(clockid_t, struct sigevent*, timer_t*))dlsym(RTLD_NEXT, "timer_create");
  return next(clock, event, timer);
}

int timer_settime(timer_t timer, int flags, const struct itimerspec* value, struct itimerspec* before) {
  // Only the setting: that a timer which was set cannot be switched off again does not happen.
  const int sets = value->it_value.tv_sec != 0 || value->it_value.tv_nsec != 0;
  const int number = sets && is_binding(__builtin_return_address(0)) ? fault(kTimer, 0) : 0;
  if (number != 0) return errno = number, -1;
  int (*next)(timer_t, int, const struct itimerspec*, struct itimerspec*) =
      (int (*)(timer_t, int, const struct itimerspec*, struct itimerspec*))dlsym(RTLD_NEXT, "timer_settime");
  return next(timer, flags, value, before);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  const int counts = words != NULL && words[kFailAt] != 0 && words[kThreadId] == (uint32_t)gettid();
  const int number = counts ? fault(kThread, 0) : 0;
  if (number != 0) return number;
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) =
      (int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))dlsym(RTLD_NEXT, "pthread_create");
  return next(thread, attributes, start, argument);
}
