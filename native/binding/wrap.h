// What the four handle classes have in common: made by the binding alone, a shared pointer to the core's object, and
// methods whose C++ exceptions become JavaScript ones.
#pragma once

#include <memory>
#include <napi.h>

#include "convert.h"

namespace binding {

// The constructors, one set per environment (main thread, each worker).
struct Classes {
  Napi::FunctionReference system;
  Napi::FunctionReference vm;
  Napi::FunctionReference vcpu;
  Napi::FunctionReference memory;
  // The key of a vCPU's exit listener on the vCPU's own object: a reference from C++ would be a root, and the listener,
  // which knows the vCPU, would keep it from being collected.
  Napi::Reference<Napi::Symbol> exit_listener;
};

inline Classes& classes(Napi::Env env) { return *env.GetInstanceData<Classes>(); }

template <typename Wrapper, typename Core>
class Wrap : public Napi::ObjectWrap<Wrapper> {
 public:
  // A new JavaScript object around `core`.
  static Napi::Object make(Napi::Env env, Napi::FunctionReference& constructor, std::shared_ptr<Core> core) {
    return constructor.New({Napi::External<std::shared_ptr<Core>>::New(env, &core)});
  }

  explicit Wrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Wrapper>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), "this object is made by the binding, not by new");
    }
    core_ = *info[0].As<Napi::External<std::shared_ptr<Core>>>().Data();
  }

  const std::shared_ptr<Core>& core() const { return core_; }

 protected:
  // For the class's property list: a method or a getter with its exceptions translated.
  template <Napi::Value (Wrapper::*kMethod)(const Napi::CallbackInfo&)>
  Napi::Value call(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return (static_cast<Wrapper*>(this)->*kMethod)(info); });
  }

  std::shared_ptr<Core> core_;
};

}  // namespace binding
