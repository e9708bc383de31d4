/*
 * Runs a program on a host that refuses KVM. Compiled in two ways (Makefile):
 *   as a program:  refusal-shim PROGRAM ARGS…   with a seccomp filter that answers EPERM to open(O_RDWR | O_CLOEXEC), the
 *                  flags with which /dev/kvm is opened (REFUSE=driver: ENODEV, as the kernel does without KVM), or, with
 *                  REFUSE=ioctl, to KVM_CREATE_VM
 *   as a library:  LD_PRELOAD, REFUSE=busy|memory fails KVM_CREATE_VM, REFUSE=run KVM_RUN; REFUSE=version is a KVM of
 *                  another API; REFUSE=fork makes KVM_CREATE_VCPU in a child process, so that the kernel itself answers
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SHIM_LIBRARY

static int in_child(int (*real)(int, unsigned long, ...), int fd, unsigned long request, void *argument) {
  const pid_t child = fork();
  if (child == 0) _exit(real(fd, request, argument) >= 0 ? 0 : errno);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  errno = WEXITSTATUS(status);
  return errno == 0 ? 0 : -1;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  const char *refuse = getenv("REFUSE");
  if (refuse == NULL) return real(fd, request, argument);
  if (request == KVM_GET_API_VERSION && strcmp(refuse, "version") == 0) return 11;
  const int error = request == KVM_CREATE_VM && strcmp(refuse, "busy") == 0 ? EBUSY
    : request == KVM_CREATE_VM && strcmp(refuse, "memory") == 0 ? ENOMEM
    : request == KVM_RUN && strcmp(refuse, "run") == 0 ? EINVAL : 0;
  if (error != 0) {
    errno = error;
    return -1;
  }
  if (request == KVM_CREATE_VCPU && strcmp(refuse, "fork") == 0) return in_child(real, fd, request, argument);
  return real(fd, request, argument);
}

#else

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

int main(int count, char **words) {
  const char *refuse = getenv("REFUSE");
  const int is_ioctl = refuse != NULL && strcmp(refuse, "ioctl") == 0;
  const int call = is_ioctl ? SYS_ioctl : SYS_openat;
  const unsigned value = is_ioctl ? KVM_CREATE_VM : (O_RDWR | O_CLOEXEC);
  const int error = refuse == NULL || is_ioctl ? EPERM : ENODEV;
  struct sock_filter filter[] = {
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
    /* openat(folder, path, flags), ioctl(fd, request) */
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (is_ioctl ? 1 : 2)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
  if (count < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("refusal-shim");
    return 99;
  }
  execvp(words[1], words + 1);
  perror(words[1]);
  return 99;
}

#endif
