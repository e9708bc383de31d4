#include "system-wrap.h"

#include "vm-wrap.h"

namespace binding {

Napi::Function SystemWrap::define(Napi::Env env) {
  return DefineClass(
      env, "System",
      {
          InstanceAccessor("apiVersion", &SystemWrap::call<&SystemWrap::api_version>, nullptr),
          InstanceMethod("checkExtension", &SystemWrap::call<&SystemWrap::check_extension>),
          InstanceMethod("getSupportedCpuid", &SystemWrap::call<&SystemWrap::get_supported_cpuid>),
          InstanceMethod("getMsrIndexList", &SystemWrap::call<&SystemWrap::get_msr_index_list>),
          InstanceMethod("getMsrFeatureIndexList", &SystemWrap::call<&SystemWrap::get_msr_feature_index_list>),
          InstanceMethod("createVm", &SystemWrap::call<&SystemWrap::create_vm>),
          InstanceMethod("close", &SystemWrap::call<&SystemWrap::close>),
      });
}

Napi::Value SystemWrap::api_version(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_->api_version());
}

Napi::Value SystemWrap::check_extension(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_->check_extension(static_cast<int>(uint32_argument(info, 0, "capability"))));
}

Napi::Value SystemWrap::get_supported_cpuid(const Napi::CallbackInfo& info) {
  const auto entries = core_->supported_cpuid();
  return to_uint8_array(info.Env(), entries.data(), entries.size() * sizeof entries[0]);
}

Napi::Value SystemWrap::get_msr_index_list(const Napi::CallbackInfo& info) {
  return to_uint32_array(info.Env(), core_->msr_indices());
}

Napi::Value SystemWrap::get_msr_feature_index_list(const Napi::CallbackInfo& info) {
  return to_uint32_array(info.Env(), core_->msr_feature_indices());
}

Napi::Value SystemWrap::create_vm(const Napi::CallbackInfo& info) {
  return VmWrap::make(info.Env(), classes(info.Env()).vm, core_->create_vm());
}

Napi::Value SystemWrap::close(const Napi::CallbackInfo& info) {
  core_->close();
  return info.Env().Undefined();
}

}  // namespace binding
