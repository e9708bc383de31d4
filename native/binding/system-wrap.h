// NativeSystem of src/vmm/native.ts.
#pragma once

#include "../core/system.h"
#include "wrap.h"

namespace binding {

class SystemWrap : public Wrap<SystemWrap, kvm::System> {
 public:
  static Napi::Function define(Napi::Env env);
  using Wrap::Wrap;

 private:
  Napi::Value api_version(const Napi::CallbackInfo& info);
  Napi::Value check_extension(const Napi::CallbackInfo& info);
  Napi::Value get_supported_cpuid(const Napi::CallbackInfo& info);
  Napi::Value get_msr_index_list(const Napi::CallbackInfo& info);
  Napi::Value get_msr_feature_index_list(const Napi::CallbackInfo& info);
  Napi::Value create_vm(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
};

}  // namespace binding
