#include "memory-wrap.h"

namespace binding {

Napi::Function MemoryWrap::define(Napi::Env env) {
  return DefineClass(env, "Memory",
                     {
                         InstanceAccessor("size", &MemoryWrap::call<&MemoryWrap::size>, nullptr),
                         InstanceAccessor("hostAddress", &MemoryWrap::call<&MemoryWrap::host_address>, nullptr),
                         InstanceAccessor("buffer", &MemoryWrap::call<&MemoryWrap::buffer>, nullptr),
                         InstanceMethod("resident", &MemoryWrap::call<&MemoryWrap::resident>),
                         InstanceMethod("discard", &MemoryWrap::call<&MemoryWrap::discard>),
                         InstanceMethod("close", &MemoryWrap::call<&MemoryWrap::close>),
                     });
}

MemoryWrap::MemoryWrap(const Napi::CallbackInfo& info) : Wrap(info) {
  const Napi::ArrayBuffer buffer = external_buffer(info.Env(), core_->data(), core_->size(), core_);
  buffer_ = Napi::Persistent(buffer);
}

Napi::Value MemoryWrap::size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(core_->size()));
}

Napi::Value MemoryWrap::host_address(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(reinterpret_cast<uintptr_t>(core_->data())));
}

Napi::Value MemoryWrap::buffer(const Napi::CallbackInfo&) { return buffer_.Value(); }

Napi::Value MemoryWrap::resident(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(core_->resident()));
}

Napi::Value MemoryWrap::discard(const Napi::CallbackInfo& info) {
  core_->discard();
  return info.Env().Undefined();
}

Napi::Value MemoryWrap::close(const Napi::CallbackInfo& info) {
  core_->check_closable();
  // Detached before it is unmapped: no view of it may reach into what the host maps there next.
  if (!buffer_.Value().IsDetached()) buffer_.Value().Detach();
  core_->close();
  return info.Env().Undefined();
}

}  // namespace binding
