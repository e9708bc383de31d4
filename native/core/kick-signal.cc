#include "kick-signal.h"

#include <cerrno>
#include <mutex>
#include <pthread.h>

#include "error.h"
#include "run-deadline.h"

namespace kvm {
namespace {

// The signal has to end KVM_RUN. A kicker has set immediate_exit before it sends it, so one that arrives before the ioctl
// is not lost either; a deadline sets it here.
void on_kick(int) { note_deadline(); }

int install() {
  // From the top down: libraries that take realtime signals start at SIGRTMIN.
  for (int number = SIGRTMAX; number >= SIGRTMIN; number--) {
    struct sigaction present{};
    if (sigaction(number, nullptr, &present) != 0) continue;
    if ((present.sa_flags & SA_SIGINFO) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction action{};
    action.sa_handler = on_kick;
    // KVM_RUN comes back all the same (it fails with EINTR by itself); other calls of the thread need not know.
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, nullptr) == 0) return number;
  }
  throw Error("EAGAIN", EAGAIN, "sigaction", "no realtime signal is free to kick vCPUs with: all of them have a handler");
}

}  // namespace

int kick_signal() {
  static const int number = install();
  return number;
}

AllSignalsBlocked::AllSignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

AllSignalsBlocked::~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void unblock_kick_signal() {
  sigset_t kick;
  sigemptyset(&kick);
  sigaddset(&kick, kick_signal());
  pthread_sigmask(SIG_UNBLOCK, &kick, nullptr);
}

}  // namespace kvm
