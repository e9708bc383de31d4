// NativeVm of src/vmm/native.ts.
#pragma once

#include "../core/vm.h"
#include "wrap.h"

namespace binding {

class VmWrap : public Wrap<VmWrap, kvm::Vm> {
 public:
  static Napi::Function define(Napi::Env env);
  using Wrap::Wrap;

 private:
  Napi::Value check_extension(const Napi::CallbackInfo& info);
  Napi::Value enable_cap(const Napi::CallbackInfo& info);
  Napi::Value set_tss_addr(const Napi::CallbackInfo& info);
  Napi::Value set_identity_map_addr(const Napi::CallbackInfo& info);
  Napi::Value create_irqchip(const Napi::CallbackInfo& info);
  Napi::Value create_pit2(const Napi::CallbackInfo& info);
  Napi::Value get_irqchip(const Napi::CallbackInfo& info);
  Napi::Value set_irqchip(const Napi::CallbackInfo& info);
  Napi::Value get_pit2(const Napi::CallbackInfo& info);
  Napi::Value set_pit2(const Napi::CallbackInfo& info);
  Napi::Value get_clock(const Napi::CallbackInfo& info);
  Napi::Value set_clock(const Napi::CallbackInfo& info);
  Napi::Value irq_line(const Napi::CallbackInfo& info);
  Napi::Value set_gsi_routing(const Napi::CallbackInfo& info);
  Napi::Value signal_msi(const Napi::CallbackInfo& info);
  Napi::Value set_msr_filter(const Napi::CallbackInfo& info);
  Napi::Value create_vcpu(const Napi::CallbackInfo& info);
  Napi::Value set_memory_slot(const Napi::CallbackInfo& info);
  Napi::Value remove_memory_slot(const Napi::CallbackInfo& info);
  Napi::Value get_dirty_log(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // An ioctl of the VM fd that takes or gives one struct.
  template <typename T>
  void ioctl(unsigned long request, const char* operation, T* value) {
    core_->open_fd(operation).ioctl(request, operation, value);
  }
};

}  // namespace binding
