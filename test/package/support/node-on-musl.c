// What Node's own build for glibc (2.28 and later), libstdc++ and libgcc_s ask of glibc and musl does not have. With it
// preloaded, musl's loader runs that Node on musl's libc, so that the binding is loaded and used as on Alpine:
//   musl-gcc -shared -fPIC -o node-on-musl.so node-on-musl.c
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>
#include <ucontext.h>

char __libc_single_threaded = 0;
void *__libc_stack_end;
unsigned __cpu_model[4];

int __cpu_indicator_init(void) { return 0; }

const char *gnu_get_libc_version(void) { return "2.28"; }

int fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return fcntl(fd, command, argument);
}

unsigned arc4random(void) {
  unsigned value = 0;
  getrandom(&value, sizeof value, 0);
  return value;
}

size_t __strftime_l(char *text, size_t size, const char *format, const struct tm *time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}

int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object) {
  (void)object;
  return pthread_atfork(prepare, parent, child);
}

// Thread-local objects of C++ are not destroyed here; a test's process ends soon.
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) {
  (void)destroy, (void)object, (void)library;
  return 0;
}

// For crash reports only.
int backtrace(void **addresses, int count) { return (void)addresses, (void)count, 0; }
char **backtrace_symbols(void *const *addresses, int count) { return (void)addresses, (void)count, NULL; }

// For OpenSSL's asynchronous jobs, which nobody starts.
int getcontext(ucontext_t *context) { return (void)context, -1; }
int setcontext(const ucontext_t *context) { return (void)context, -1; }
void makecontext(ucontext_t *context, void (*start)(void), int count, ...) { (void)context, (void)start, (void)count; }

// glibc's <dlfcn.h>, struct dl_find_object: how libgcc finds the unwind tables.
struct object {
  unsigned long long flags;
  void *start, *end, *link_map, *eh_frame;
  unsigned long long reserved[7];
};

struct search {
  uintptr_t pc;
  struct object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  void *eh_frame = NULL;
  int inside = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME) eh_frame = (void *)start;
    if (header->p_type != PT_LOAD || search->pc - start >= header->p_memsz) continue;
    inside = 1;
    search->found->start = (void *)start;
    search->found->end = (void *)(start + header->p_memsz);
  }
  if (!inside || eh_frame == NULL) return 0;
  search->found->eh_frame = eh_frame;
  return 1;
}

int _dl_find_object(void *pc, struct object *found) {
  struct search search = {(uintptr_t)pc, found};
  found->flags = 0;
  return dl_iterate_phdr(look, &search) ? 0 : -1;
}
