// A pseudo-terminal for the guest's serial line.
#pragma once

#include <string>

namespace kvm {

struct Pty {
  // The master's descriptor: non-blocking, close-on-exec, the caller's to close.
  int master;
  // The side that a terminal program opens; raw, so that bytes pass as they are.
  std::string path;
};

// Throws Error naming the call that failed.
Pty open_pty();

}  // namespace kvm
