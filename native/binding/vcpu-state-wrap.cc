// The state ioctls of NativeVcpu: bytes in and out, each checked against the kernel's struct.
#include "vcpu-wrap.h"

namespace binding {

std::vector<Napi::ClassPropertyDescriptor<VcpuWrap>> VcpuWrap::state_methods() {
  return {
      InstanceMethod("getRegs", &VcpuWrap::call<&VcpuWrap::get_regs>),
      InstanceMethod("setRegs", &VcpuWrap::call<&VcpuWrap::set_regs>),
      InstanceMethod("getSregs", &VcpuWrap::call<&VcpuWrap::get_sregs>),
      InstanceMethod("setSregs", &VcpuWrap::call<&VcpuWrap::set_sregs>),
      InstanceMethod("getSregs2", &VcpuWrap::call<&VcpuWrap::get_sregs2>),
      InstanceMethod("setSregs2", &VcpuWrap::call<&VcpuWrap::set_sregs2>),
      InstanceMethod("getXsave", &VcpuWrap::call<&VcpuWrap::get_xsave>),
      InstanceMethod("setXsave", &VcpuWrap::call<&VcpuWrap::set_xsave>),
      InstanceMethod("getXcrs", &VcpuWrap::call<&VcpuWrap::get_xcrs>),
      InstanceMethod("setXcrs", &VcpuWrap::call<&VcpuWrap::set_xcrs>),
      InstanceMethod("getDebugregs", &VcpuWrap::call<&VcpuWrap::get_debugregs>),
      InstanceMethod("setDebugregs", &VcpuWrap::call<&VcpuWrap::set_debugregs>),
      InstanceMethod("getMsrs", &VcpuWrap::call<&VcpuWrap::get_msrs>),
      InstanceMethod("setMsrs", &VcpuWrap::call<&VcpuWrap::set_msrs>),
      InstanceMethod("getVcpuEvents", &VcpuWrap::call<&VcpuWrap::get_vcpu_events>),
      InstanceMethod("setVcpuEvents", &VcpuWrap::call<&VcpuWrap::set_vcpu_events>),
      InstanceMethod("getMpState", &VcpuWrap::call<&VcpuWrap::get_mp_state>),
      InstanceMethod("setMpState", &VcpuWrap::call<&VcpuWrap::set_mp_state>),
      InstanceMethod("getLapic", &VcpuWrap::call<&VcpuWrap::get_lapic>),
      InstanceMethod("setLapic", &VcpuWrap::call<&VcpuWrap::set_lapic>),
      InstanceMethod("getCpuid2", &VcpuWrap::call<&VcpuWrap::get_cpuid2>),
      InstanceMethod("setCpuid2", &VcpuWrap::call<&VcpuWrap::set_cpuid2>),
      InstanceMethod("setGuestDebug", &VcpuWrap::call<&VcpuWrap::set_guest_debug>),
      InstanceMethod("translate", &VcpuWrap::call<&VcpuWrap::translate>),
      InstanceMethod("interrupt", &VcpuWrap::call<&VcpuWrap::interrupt>),
      InstanceMethod("nmi", &VcpuWrap::call<&VcpuWrap::nmi>),
      InstanceMethod("getTscKhz", &VcpuWrap::call<&VcpuWrap::get_tsc_khz>),
      InstanceMethod("hasTscOffset", &VcpuWrap::call<&VcpuWrap::has_tsc_offset>),
      InstanceMethod("getTscOffset", &VcpuWrap::call<&VcpuWrap::get_tsc_offset>),
      InstanceMethod("setTscOffset", &VcpuWrap::call<&VcpuWrap::set_tsc_offset>),
      InstanceMethod("getNestedState", &VcpuWrap::call<&VcpuWrap::get_nested_state>),
      InstanceMethod("setNestedState", &VcpuWrap::call<&VcpuWrap::set_nested_state>),
      InstanceMethod("kvmclockStopped", &VcpuWrap::call<&VcpuWrap::kvmclock_stopped>),
  };
}

Napi::Value VcpuWrap::get_regs(const Napi::CallbackInfo& info) { return struct_to_js(info.Env(), core_->regs()); }

Napi::Value VcpuWrap::set_regs(const Napi::CallbackInfo& info) {
  core_->set_regs(struct_argument<kvm_regs>(info, 0, "kvm_regs"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_sregs(const Napi::CallbackInfo& info) { return struct_to_js(info.Env(), core_->sregs()); }

Napi::Value VcpuWrap::set_sregs(const Napi::CallbackInfo& info) {
  core_->set_sregs(struct_argument<kvm_sregs>(info, 0, "kvm_sregs"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_sregs2(const Napi::CallbackInfo& info) {
  return struct_to_js(info.Env(), core_->get<kvm_sregs2>(KVM_GET_SREGS2, "KVM_GET_SREGS2"));
}

Napi::Value VcpuWrap::set_sregs2(const Napi::CallbackInfo& info) {
  core_->set_sregs2(struct_argument<kvm_sregs2>(info, 0, "kvm_sregs2"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_xsave(const Napi::CallbackInfo& info) {
  const auto bytes = core_->xsave();
  return to_uint8_array(info.Env(), bytes.data(), bytes.size());
}

Napi::Value VcpuWrap::set_xsave(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytes_argument(info, 0, "kvm_xsave");
  core_->set_xsave(bytes.data, bytes.length);
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_xcrs(const Napi::CallbackInfo& info) {
  return struct_to_js(info.Env(), core_->get<kvm_xcrs>(KVM_GET_XCRS, "KVM_GET_XCRS"));
}

Napi::Value VcpuWrap::set_xcrs(const Napi::CallbackInfo& info) {
  core_->set(KVM_SET_XCRS, "KVM_SET_XCRS", struct_argument<kvm_xcrs>(info, 0, "kvm_xcrs"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_debugregs(const Napi::CallbackInfo& info) {
  return struct_to_js(info.Env(), core_->get<kvm_debugregs>(KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS"));
}

Napi::Value VcpuWrap::set_debugregs(const Napi::CallbackInfo& info) {
  core_->set(KVM_SET_DEBUGREGS, "KVM_SET_DEBUGREGS", struct_argument<kvm_debugregs>(info, 0, "kvm_debugregs"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_msrs(const Napi::CallbackInfo& info) {
  const auto values = core_->msrs(uint32_array_argument(info, 0, "MSR indices"));
  auto array = Napi::BigUint64Array::New(info.Env(), values.size());
  for (size_t i = 0; i < values.size(); i++) array[i] = values[i];
  return array;
}

Napi::Value VcpuWrap::set_msrs(const Napi::CallbackInfo& info) {
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array) {
    kvm::throw_argument("values", "MSR values must be a BigUint64Array");
  }
  const auto values = info[1].As<Napi::BigUint64Array>();
  core_->set_msrs(uint32_array_argument(info, 0, "MSR indices"), {values.Data(), values.Data() + values.ElementLength()});
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_vcpu_events(const Napi::CallbackInfo& info) {
  return struct_to_js(info.Env(), core_->events());
}

Napi::Value VcpuWrap::set_vcpu_events(const Napi::CallbackInfo& info) {
  core_->set_events(struct_argument<kvm_vcpu_events>(info, 0, "kvm_vcpu_events"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_mp_state(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_->mp_state());
}

Napi::Value VcpuWrap::set_mp_state(const Napi::CallbackInfo& info) {
  core_->set_mp_state(uint32_argument(info, 0, "state"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_lapic(const Napi::CallbackInfo& info) {
  return struct_to_js(info.Env(), core_->get<kvm_lapic_state>(KVM_GET_LAPIC, "KVM_GET_LAPIC"));
}

Napi::Value VcpuWrap::set_lapic(const Napi::CallbackInfo& info) {
  core_->set(KVM_SET_LAPIC, "KVM_SET_LAPIC", struct_argument<kvm_lapic_state>(info, 0, "kvm_lapic_state"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_cpuid2(const Napi::CallbackInfo& info) {
  const auto entries = core_->cpuid();
  return to_uint8_array(info.Env(), entries.data(), entries.size() * sizeof(kvm_cpuid_entry2));
}

Napi::Value VcpuWrap::set_cpuid2(const Napi::CallbackInfo& info) {
  core_->set_cpuid(array_argument<kvm_cpuid_entry2>(info, 0, "kvm_cpuid_entry2[]"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::set_guest_debug(const Napi::CallbackInfo& info) {
  core_->set_guest_debug(struct_argument<kvm_guest_debug>(info, 0, "kvm_guest_debug"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::translate(const Napi::CallbackInfo& info) {
  kvm_translation translation{};
  translation.linear_address = uint64_argument(info, 0, "linear");
  core_->translate(&translation);
  auto result = Napi::Object::New(info.Env());
  result.Set("physical", Napi::BigInt::New(info.Env(), static_cast<uint64_t>(translation.physical_address)));
  result.Set("valid", Napi::Boolean::New(info.Env(), translation.valid != 0));
  return result;
}

Napi::Value VcpuWrap::interrupt(const Napi::CallbackInfo& info) {
  core_->interrupt(uint32_argument(info, 0, "vector"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::nmi(const Napi::CallbackInfo& info) {
  core_->nmi();
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_tsc_khz(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_->tsc_khz());
}

Napi::Value VcpuWrap::has_tsc_offset(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core_->has_tsc_offset());
}

Napi::Value VcpuWrap::get_tsc_offset(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), core_->tsc_offset());
}

Napi::Value VcpuWrap::set_tsc_offset(const Napi::CallbackInfo& info) {
  core_->set_tsc_offset(uint64_argument(info, 0, "offset"));
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::get_nested_state(const Napi::CallbackInfo& info) {
  const auto bytes = core_->nested_state();
  return to_uint8_array(info.Env(), bytes.data(), bytes.size());
}

Napi::Value VcpuWrap::set_nested_state(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytes_argument(info, 0, "kvm_nested_state");
  core_->set_nested_state(bytes.data, bytes.length);
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::kvmclock_stopped(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core_->kvmclock_stopped());
}

}  // namespace binding
