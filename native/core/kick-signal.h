// The realtime signal that makes KVM_RUN return.
#pragma once

#include <csignal>

namespace kvm {

// Its number. Installs the handler at the first call: the first realtime signal that nobody in the process handles.
// Throws Error when none is free.
int kick_signal();

// Blocks every signal in the calling thread for its lifetime, so that a thread created meanwhile inherits the block:
// none of node's signals is ever handled on a vCPU's thread.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked();
  ~AllSignalsBlocked();

 private:
  sigset_t before_;
};

// For a vCPU's thread: lets the kick signal through.
void unblock_kick_signal();

}  // namespace kvm
