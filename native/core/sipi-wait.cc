#include "sipi-wait.h"

#include <sys/ioctl.h>

namespace kvm {

void SipiWait::note(uint32_t mp_state) {
  possible_ = waited_ = mp_state == KVM_MP_STATE_UNINITIALIZED || mp_state == KVM_MP_STATE_INIT_RECEIVED;
}

SipiWait::Answer SipiWait::ask() {
  kvm_mp_state state{};
  if (ioctl(vcpu_fd_, KVM_GET_MP_STATE, &state) != 0) return Answer::failed;
  const bool waited = waited_;
  note(state.mp_state);
  if (!waited_) return waited ? Answer::started : Answer::running;
  return state.mp_state == KVM_MP_STATE_UNINITIALIZED ? Answer::running : Answer::waiting;
}

}  // namespace kvm
