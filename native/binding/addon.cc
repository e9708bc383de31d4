// The module: NativeBinding of src/vmm/native.ts.
#include "../core/live-objects.h"
#include "../core/pty.h"
#include "../core/time-slice.h"
#include "constants.h"
#include "layout.h"
#include "memory-wrap.h"
#include "system-wrap.h"
#include "vcpu-wrap.h"
#include "vm-wrap.h"

namespace binding {
namespace {

Napi::Value open_system(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    std::string path = "/dev/kvm";
    if (info.Length() > 0 && !info[0].IsUndefined()) {
      if (!info[0].IsString()) kvm::throw_argument("openSystem", "path must be a string");
      path = info[0].As<Napi::String>();
    }
    return SystemWrap::make(info.Env(), classes(info.Env()).system, kvm::System::open(path));
  });
}

Napi::Value allocate_memory(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    auto memory = std::make_shared<kvm::GuestMemory>(uint64_argument(info, 0, "size"));
    return MemoryWrap::make(info.Env(), classes(info.Env()).memory, std::move(memory));
  });
}

Napi::Value open_pty(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const kvm::Pty pty = kvm::open_pty();
    auto result = Napi::Object::New(info.Env());
    result.Set("master", pty.master);
    result.Set("path", pty.path);
    return result;
  });
}

Napi::Value live_objects(const Napi::CallbackInfo& info) {
  auto counts = Napi::Object::New(info.Env());
  counts.Set("systems", kvm::live_objects.systems.load());
  counts.Set("vms", kvm::live_objects.vms.load());
  counts.Set("vcpus", kvm::live_objects.vcpus.load());
  counts.Set("memories", kvm::live_objects.memories.load());
  return counts;
}

Napi::Value describe_error(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsString()) kvm::throw_argument("describeError", "operation must be a string");
    const std::string operation = info[0].As<Napi::String>();
    return Napi::String::New(info.Env(),
                             kvm::describe_errno(operation, static_cast<int>(uint32_argument(info, 1, "errno"))));
  });
}

void yield_cpu(const Napi::CallbackInfo&) { kvm::yield_cpu(); }

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* classes = new Classes;
  env.SetInstanceData(classes);
  classes->system = Napi::Persistent(SystemWrap::define(env));
  classes->vm = Napi::Persistent(VmWrap::define(env));
  classes->vcpu = Napi::Persistent(VcpuWrap::define(env));
  classes->exit_listener = Napi::Persistent(Napi::Symbol::New(env, "exit listener"));
  classes->memory = Napi::Persistent(MemoryWrap::define(env));

  exports.Set("constants", make_constants(env));
  exports.Set("layout", make_layout(env));
  exports.Set("openSystem", Napi::Function::New(env, open_system, "openSystem"));
  exports.Set("allocateMemory", Napi::Function::New(env, allocate_memory, "allocateMemory"));
  exports.Set("liveObjects", Napi::Function::New(env, live_objects, "liveObjects"));
  exports.Set("yieldCpu", Napi::Function::New(env, yield_cpu, "yieldCpu"));
  exports.Set("openPty", Napi::Function::New(env, open_pty, "openPty"));
  exports.Set("describeError", Napi::Function::New(env, describe_error, "describeError"));
  return exports;
}

}  // namespace

NODE_API_MODULE(kvm, initialize)

}  // namespace binding
