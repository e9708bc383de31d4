// NativeMemory of src/vmm/native.ts.
#pragma once

#include "../core/guest-memory.h"
#include "wrap.h"

namespace binding {

class MemoryWrap : public Wrap<MemoryWrap, kvm::GuestMemory> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MemoryWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value host_address(const Napi::CallbackInfo& info);
  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value resident(const Napi::CallbackInfo& info);
  Napi::Value discard(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  Napi::Reference<Napi::ArrayBuffer> buffer_;
};

}  // namespace binding
