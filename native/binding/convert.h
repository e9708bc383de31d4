// Between JavaScript values and the core's: checked arguments, bytes, and errors with their parts.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <napi.h>
#include <string>
#include <vector>

#include "../core/error.h"

namespace binding {

// The core's error as a JavaScript Error with `code`, `errno`, `operation`.
Napi::Error to_js(Napi::Env env, const kvm::Error& error);

// Calls `body`; what it throws becomes a JavaScript exception.
template <typename Body>
auto guarded(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const kvm::Error& error) {
    throw to_js(env, error);
  } catch (const std::bad_alloc&) {
    throw to_js(env, kvm::Error("ENOMEM", ENOMEM, "allocate", "the host has no memory for this"));
  } catch (const std::system_error& error) {
    throw to_js(env, kvm::Error(kvm::errno_name(error.code().value()), error.code().value(), "pthread_create",
                                "a thread for the vCPU could not be made: " + error.code().message()));
  }
}

// Arguments; each throws ERR_ARGUMENT with the name that JavaScript knows it by.
uint32_t uint32_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
// A number or a bigint, 0 <= value < 2^64.
uint64_t uint64_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
bool boolean_argument(const Napi::CallbackInfo& info, size_t index, const char* name);
struct Bytes {
  const uint8_t* data;
  size_t length;
};
Bytes bytes_argument(const Napi::CallbackInfo& info, size_t index, const char* name);

// A kernel struct from a Uint8Array of exactly its size.
template <typename T>
T struct_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Bytes bytes = bytes_argument(info, index, name);
  if (bytes.length != sizeof(T)) {
    kvm::throw_argument(name, std::string(name) + " must be " + std::to_string(sizeof(T)) + " bytes long, not " +
                                  std::to_string(bytes.length));
  }
  T value;
  std::memcpy(&value, bytes.data, sizeof value);
  return value;
}

// A whole number of kernel structs from a Uint8Array.
template <typename T>
std::vector<T> array_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Bytes bytes = bytes_argument(info, index, name);
  if (bytes.length % sizeof(T) != 0) {
    kvm::throw_argument(name, std::string(name) + " must be a multiple of " + std::to_string(sizeof(T)) +
                                  " bytes long, not " + std::to_string(bytes.length));
  }
  std::vector<T> values(bytes.length / sizeof(T));
  if (!values.empty()) std::memcpy(static_cast<void*>(values.data()), bytes.data, bytes.length);
  return values;
}

std::vector<uint32_t> uint32_array_argument(const Napi::CallbackInfo& info, size_t index, const char* name);

Napi::Value to_uint8_array(Napi::Env env, const void* bytes, size_t length);
Napi::Value to_uint32_array(Napi::Env env, const std::vector<uint32_t>& values);
template <typename T>
Napi::Value struct_to_js(Napi::Env env, const T& value) {
  return to_uint8_array(env, &value, sizeof value);
}

// An ArrayBuffer over memory of the core. `keep` is destroyed when JavaScript lets go of the buffer, on whatever path
// that happens (garbage collection, detach, end of the environment).
Napi::ArrayBuffer external_buffer(Napi::Env env, void* bytes, size_t length, std::shared_ptr<void> keep);

}  // namespace binding
