// NativeBinding.constants: KVM_* numbers by name.
#pragma once

#include <napi.h>

namespace binding {

Napi::Object make_constants(Napi::Env env);

}  // namespace binding
