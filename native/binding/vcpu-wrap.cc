#include "vcpu-wrap.h"

#include <cmath>

namespace binding {

Napi::Function VcpuWrap::define(Napi::Env env) {
  auto properties = state_methods();
  properties.insert(properties.end(),
                    {
                        InstanceAccessor("id", &VcpuWrap::call<&VcpuWrap::id>, nullptr),
                        InstanceAccessor("running", &VcpuWrap::call<&VcpuWrap::running>, nullptr),
                        InstanceAccessor("record", &VcpuWrap::call<&VcpuWrap::record>, nullptr),
                        InstanceAccessor("plan", &VcpuWrap::call<&VcpuWrap::plan>, nullptr),
                        InstanceMethod("setExitListener", &VcpuWrap::call<&VcpuWrap::set_exit_listener>),
                        InstanceMethod("run", &VcpuWrap::call<&VcpuWrap::run>),
                        InstanceMethod("wait", &VcpuWrap::call<&VcpuWrap::wait>),
                        InstanceMethod("kick", &VcpuWrap::call<&VcpuWrap::kick>),
                        InstanceMethod("complete", &VcpuWrap::call<&VcpuWrap::complete>),
                        InstanceMethod("close", &VcpuWrap::call<&VcpuWrap::close>),
                    });
  return DefineClass(env, "Vcpu", properties);
}

VcpuWrap::VcpuWrap(const Napi::CallbackInfo& info) : Wrap(info), env_(info.Env()) {
  record_ = Napi::Persistent(external_buffer(info.Env(), core_->record().get(), sizeof(kvm::ExitRecord), core_->record()));
  plan_ = Napi::Persistent(external_buffer(info.Env(), core_->plan().get(), sizeof(kvm::RunPlan), core_->plan()));
  const napi_status status =
      napi_create_threadsafe_function(env_, nullptr, nullptr, Napi::String::New(info.Env(), "kvm vcpu exit"), 0, 1, nullptr,
                                      nullptr, this, on_late_end, &late_end_);
  if (status != napi_ok) throw Napi::Error::New(info.Env(), "a thread-safe function for the vCPU could not be made");
  // A parked vCPU does not keep node alive; run() does while it is under way.
  napi_unref_threadsafe_function(env_, late_end_);
  // Environments run their clean-up hooks last in, first out: this one comes after the thread-safe function's, so the
  // vCPU's thread has ended before that goes.
  napi_add_env_cleanup_hook(env_, on_environment_end, this);
  core_->set_on_late_end([this] { napi_call_threadsafe_function(late_end_, nullptr, napi_tsfn_nonblocking); });
  core_->set_on_close([this] { forget(); });
}

VcpuWrap::~VcpuWrap() {
  // Collected, or the environment ends. The buffers live on for whoever holds them: they own their memory.
  core_->set_on_close(nullptr);
  core_->close();
  if (late_end_ != nullptr) {
    napi_remove_env_cleanup_hook(env_, on_environment_end, this);
    napi_release_threadsafe_function(late_end_, napi_tsfn_abort);
  }
}

void VcpuWrap::on_environment_end(void* self) {
  auto* wrap = static_cast<VcpuWrap*>(self);
  wrap->core_->set_on_close(nullptr);
  wrap->core_->close();
  wrap->late_end_ = nullptr;  // its own hook closes it
}

// The vCPU was closed, by itself or with its vm: JavaScript's views become empty.
void VcpuWrap::forget() {
  Napi::HandleScope scope(env_);
  for (auto* reference : {&record_, &plan_}) {
    Napi::ArrayBuffer buffer = reference->Value();
    if (!buffer.IsEmpty() && !buffer.IsDetached()) buffer.Detach();
  }
  if (late_end_ != nullptr) {
    napi_remove_env_cleanup_hook(env_, on_environment_end, this);
    napi_release_threadsafe_function(late_end_, napi_tsfn_abort);
    late_end_ = nullptr;
  }
  release();
}

Napi::Value VcpuWrap::id(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), core_->id()); }

Napi::Value VcpuWrap::running(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !core_->closed() && core_->running());
}

Napi::Value VcpuWrap::record(const Napi::CallbackInfo&) { return record_.Value(); }

Napi::Value VcpuWrap::plan(const Napi::CallbackInfo&) { return plan_.Value(); }

Napi::Value VcpuWrap::set_exit_listener(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) kvm::throw_argument("listener", "the exit listener must be a function");
  Value().Set(classes(info.Env()).exit_listener.Value(), info[0]);
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::run(const Napi::CallbackInfo& info) {
  const uint32_t wait = uint32_argument(info, 0, "waitMicroseconds");
  const bool ended = core_->run(std::chrono::microseconds(wait));
  if (!ended) hold();
  return Napi::Boolean::New(info.Env(), ended);
}

Napi::Value VcpuWrap::wait(const Napi::CallbackInfo& info) {
  const bool ended = core_->wait(std::chrono::microseconds(uint32_argument(info, 0, "waitMicroseconds")));
  if (ended) release();
  return Napi::Boolean::New(info.Env(), ended);
}

// Neither this object nor the event loop may go while a run is under way whose end will be delivered.
void VcpuWrap::hold() {
  if (held_) return;
  held_ = true;
  Ref();
  napi_ref_threadsafe_function(env_, late_end_);
}

void VcpuWrap::release() {
  if (!held_) return;
  held_ = false;
  if (late_end_ != nullptr) napi_unref_threadsafe_function(env_, late_end_);
  Unref();
}

void VcpuWrap::on_late_end(napi_env env, napi_value, void* self, void*) {
  // env is null while the environment ends or the function is aborted: `self` may be gone then.
  if (env != nullptr) static_cast<VcpuWrap*>(self)->deliver_late_end(env);
}

void VcpuWrap::deliver_late_end(Napi::Env env) {
  // False where wait() took the end, or the vCPU was closed.
  if (!core_->collect_late_run()) return;
  Napi::HandleScope scope(env);
  // The handle of this object lives until the listener has returned, whatever it does.
  Napi::Object self = Value();
  release();
  const Napi::Value listener = self.Get(classes(env).exit_listener.Value());
  if (!listener.IsFunction()) return;
  try {
    listener.As<Napi::Function>().Call(self, {});
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  }
}

Napi::Value VcpuWrap::kick(const Napi::CallbackInfo& info) {
  core_->kick();
  return info.Env().Undefined();
}

Napi::Value VcpuWrap::complete(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core_->complete());
}

Napi::Value VcpuWrap::close(const Napi::CallbackInfo& info) {
  core_->close();
  return info.Env().Undefined();
}

}  // namespace binding
