// For the prebuilt binary only: what ties an object that a newer glibc's headers and linker made to that glibc.
//
// glibc 2.34 moved libpthread and librt into libc and gave their functions a new version there; the old versions stay for
// old programs. Each function below goes to its old version, so that the binary loads on glibc 2.28, which is Node 20's
// own floor, and on every later one. musl's loader does not look at versions.
// test/package/portability.test.ts holds the binary to that.
#if !defined(__x86_64__) || !defined(__linux__)
#error "a prebuilt binary is made for linux-x64"
#endif

#define OLD(name, version)                        \
  __asm__(                                        \
      ".symver old_" #name ", " #name "@" version "\n" \
      ".pushsection .text\n"                      \
      ".globl " #name "\n"                        \
      ".hidden " #name "\n"                       \
      ".type " #name ", @function\n"              \
      #name ":\n"                                 \
      "  jmp *old_" #name "@GOTPCREL(%rip)\n"     \
      ".size " #name ", . - " #name "\n"          \
      ".popsection\n")

OLD(pthread_create, "GLIBC_2.2.5");
OLD(pthread_join, "GLIBC_2.2.5");
OLD(pthread_detach, "GLIBC_2.2.5");
OLD(pthread_once, "GLIBC_2.2.5");
OLD(pthread_key_create, "GLIBC_2.2.5");
OLD(pthread_getspecific, "GLIBC_2.2.5");
OLD(pthread_setspecific, "GLIBC_2.2.5");
OLD(pthread_kill, "GLIBC_2.2.5");
OLD(pthread_sigmask, "GLIBC_2.2.5");
OLD(pthread_setname_np, "GLIBC_2.12");
OLD(pthread_condattr_setclock, "GLIBC_2.3.3");
OLD(timer_create, "GLIBC_2.3.3");
OLD(timer_settime, "GLIBC_2.3.3");
OLD(timer_delete, "GLIBC_2.3.3");

// Came with glibc 2.32, and libstdc++ looks at it to count references without a lock. False: there may be other threads.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
