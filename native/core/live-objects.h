// How many objects hold a file descriptor, a mapping or a thread right now; leak tests read it.
#pragma once

#include <atomic>

namespace kvm {

struct LiveObjects {
  std::atomic<int> systems{0};
  std::atomic<int> vms{0};
  std::atomic<int> vcpus{0};
  std::atomic<int> memories{0};
};

inline LiveObjects live_objects;

}  // namespace kvm
