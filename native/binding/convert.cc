#include "convert.h"

#include <cmath>

namespace binding {

Napi::Error to_js(Napi::Env env, const kvm::Error& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  Napi::Object object = result.Value();
  object.Set("code", error.code);
  object.Set("errno", error.number);
  object.Set("operation", error.operation);
  return result;
}

uint32_t uint32_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const uint64_t value = uint64_argument(info, index, name);
  if (value > UINT32_MAX) kvm::throw_argument(name, std::string(name) + " must be less than 2^32");
  return static_cast<uint32_t>(value);
}

uint64_t uint64_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (value.IsBigInt()) {
    bool lossless = false;
    const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
    if (lossless) return number;
  } else if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= 9007199254740991.0 && std::trunc(number) == number) return static_cast<uint64_t>(number);
  }
  kvm::throw_argument(name, std::string(name) + " must be a whole number, not negative, of at most 64 bits");
}

bool boolean_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsBoolean()) kvm::throw_argument(name, std::string(name) + " must be true or false");
  return info[index].As<Napi::Boolean>().Value();
}

Bytes bytes_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    kvm::throw_argument(name, std::string(name) + " must be a Uint8Array");
  }
  const Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

std::vector<uint32_t> uint32_array_argument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    kvm::throw_argument(name, std::string(name) + " must be a Uint32Array");
  }
  const Napi::Uint32Array array = value.As<Napi::Uint32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Napi::Value to_uint8_array(Napi::Env env, const void* bytes, size_t length) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, length);
  if (length > 0) std::memcpy(array.Data(), bytes, length);
  return array;
}

Napi::Value to_uint32_array(Napi::Env env, const std::vector<uint32_t>& values) {
  Napi::Uint32Array array = Napi::Uint32Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) array[i] = values[i];
  return array;
}

Napi::ArrayBuffer external_buffer(Napi::Env env, void* bytes, size_t length, std::shared_ptr<void> keep) {
  auto* held = new std::shared_ptr<void>(std::move(keep));
  return Napi::ArrayBuffer::New(
      env, bytes, length, [](Napi::Env, void*, std::shared_ptr<void>* hint) { delete hint; }, held);
}

}  // namespace binding
