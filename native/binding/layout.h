// NativeBinding.layout: where each field of each struct is, in bytes.
#pragma once

#include <napi.h>

namespace binding {

Napi::Object make_layout(Napi::Env env);

}  // namespace binding
