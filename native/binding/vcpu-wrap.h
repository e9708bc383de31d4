// NativeVcpu of src/vmm/native.ts.
#pragma once

#include "../core/vcpu.h"
#include "wrap.h"

namespace binding {

class VcpuWrap : public Wrap<VcpuWrap, kvm::Vcpu> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit VcpuWrap(const Napi::CallbackInfo& info);
  ~VcpuWrap() override;

 private:
  // vcpu-wrap.cc: running
  Napi::Value id(const Napi::CallbackInfo& info);
  Napi::Value running(const Napi::CallbackInfo& info);
  Napi::Value record(const Napi::CallbackInfo& info);
  Napi::Value plan(const Napi::CallbackInfo& info);
  Napi::Value set_exit_listener(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value wait(const Napi::CallbackInfo& info);
  Napi::Value kick(const Napi::CallbackInfo& info);
  Napi::Value complete(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // vcpu-state-wrap.cc: state
  static std::vector<Napi::ClassPropertyDescriptor<VcpuWrap>> state_methods();
  Napi::Value get_regs(const Napi::CallbackInfo& info);
  Napi::Value set_regs(const Napi::CallbackInfo& info);
  Napi::Value get_sregs(const Napi::CallbackInfo& info);
  Napi::Value set_sregs(const Napi::CallbackInfo& info);
  Napi::Value get_sregs2(const Napi::CallbackInfo& info);
  Napi::Value set_sregs2(const Napi::CallbackInfo& info);
  Napi::Value get_xsave(const Napi::CallbackInfo& info);
  Napi::Value set_xsave(const Napi::CallbackInfo& info);
  Napi::Value get_xcrs(const Napi::CallbackInfo& info);
  Napi::Value set_xcrs(const Napi::CallbackInfo& info);
  Napi::Value get_debugregs(const Napi::CallbackInfo& info);
  Napi::Value set_debugregs(const Napi::CallbackInfo& info);
  Napi::Value get_msrs(const Napi::CallbackInfo& info);
  Napi::Value set_msrs(const Napi::CallbackInfo& info);
  Napi::Value get_vcpu_events(const Napi::CallbackInfo& info);
  Napi::Value set_vcpu_events(const Napi::CallbackInfo& info);
  Napi::Value get_mp_state(const Napi::CallbackInfo& info);
  Napi::Value set_mp_state(const Napi::CallbackInfo& info);
  Napi::Value get_lapic(const Napi::CallbackInfo& info);
  Napi::Value set_lapic(const Napi::CallbackInfo& info);
  Napi::Value get_cpuid2(const Napi::CallbackInfo& info);
  Napi::Value set_cpuid2(const Napi::CallbackInfo& info);
  Napi::Value set_guest_debug(const Napi::CallbackInfo& info);
  Napi::Value translate(const Napi::CallbackInfo& info);
  Napi::Value interrupt(const Napi::CallbackInfo& info);
  Napi::Value nmi(const Napi::CallbackInfo& info);
  Napi::Value get_tsc_khz(const Napi::CallbackInfo& info);
  Napi::Value has_tsc_offset(const Napi::CallbackInfo& info);
  Napi::Value get_tsc_offset(const Napi::CallbackInfo& info);
  Napi::Value set_tsc_offset(const Napi::CallbackInfo& info);
  Napi::Value get_nested_state(const Napi::CallbackInfo& info);
  Napi::Value set_nested_state(const Napi::CallbackInfo& info);
  Napi::Value kvmclock_stopped(const Napi::CallbackInfo& info);

  static void on_environment_end(void* self);
  static void on_late_end(napi_env env, napi_value callback, void* self, void* data);
  void forget();
  void deliver_late_end(Napi::Env env);
  void hold();
  void release();

  napi_env env_;
  napi_threadsafe_function late_end_ = nullptr;
  // A run is under way that ends through late_end_: the loop and this object are kept alive.
  bool held_ = false;
  Napi::Reference<Napi::ArrayBuffer> record_;
  Napi::Reference<Napi::ArrayBuffer> plan_;
};

}  // namespace binding
