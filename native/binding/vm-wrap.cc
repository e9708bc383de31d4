#include "vm-wrap.h"

#include "../core/vcpu.h"
#include "memory-wrap.h"
#include "vcpu-wrap.h"

namespace binding {

Napi::Function VmWrap::define(Napi::Env env) {
  return DefineClass(env, "Vm",
                     {
                         InstanceMethod("checkExtension", &VmWrap::call<&VmWrap::check_extension>),
                         InstanceMethod("enableCap", &VmWrap::call<&VmWrap::enable_cap>),
                         InstanceMethod("setTssAddr", &VmWrap::call<&VmWrap::set_tss_addr>),
                         InstanceMethod("setIdentityMapAddr", &VmWrap::call<&VmWrap::set_identity_map_addr>),
                         InstanceMethod("createIrqchip", &VmWrap::call<&VmWrap::create_irqchip>),
                         InstanceMethod("createPit2", &VmWrap::call<&VmWrap::create_pit2>),
                         InstanceMethod("getIrqchip", &VmWrap::call<&VmWrap::get_irqchip>),
                         InstanceMethod("setIrqchip", &VmWrap::call<&VmWrap::set_irqchip>),
                         InstanceMethod("getPit2", &VmWrap::call<&VmWrap::get_pit2>),
                         InstanceMethod("setPit2", &VmWrap::call<&VmWrap::set_pit2>),
                         InstanceMethod("getClock", &VmWrap::call<&VmWrap::get_clock>),
                         InstanceMethod("setClock", &VmWrap::call<&VmWrap::set_clock>),
                         InstanceMethod("irqLine", &VmWrap::call<&VmWrap::irq_line>),
                         InstanceMethod("setGsiRouting", &VmWrap::call<&VmWrap::set_gsi_routing>),
                         InstanceMethod("signalMsi", &VmWrap::call<&VmWrap::signal_msi>),
                         InstanceMethod("setMsrFilter", &VmWrap::call<&VmWrap::set_msr_filter>),
                         InstanceMethod("createVcpu", &VmWrap::call<&VmWrap::create_vcpu>),
                         InstanceMethod("setMemorySlot", &VmWrap::call<&VmWrap::set_memory_slot>),
                         InstanceMethod("removeMemorySlot", &VmWrap::call<&VmWrap::remove_memory_slot>),
                         InstanceMethod("getDirtyLog", &VmWrap::call<&VmWrap::get_dirty_log>),
                         InstanceMethod("close", &VmWrap::call<&VmWrap::close>),
                     });
}

Napi::Value VmWrap::check_extension(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), core_->check_extension(static_cast<int>(uint32_argument(info, 0, "capability"))));
}

Napi::Value VmWrap::enable_cap(const Napi::CallbackInfo& info) {
  const uint32_t capability = uint32_argument(info, 0, "capability");
  std::vector<uint64_t> arguments;
  for (size_t i = 1; i < info.Length(); i++) arguments.push_back(uint64_argument(info, i, "argument"));
  core_->enable_cap(capability, arguments);
  return info.Env().Undefined();
}

Napi::Value VmWrap::set_tss_addr(const Napi::CallbackInfo& info) {
  const unsigned long address = uint32_argument(info, 0, "address");
  core_->open_fd("KVM_SET_TSS_ADDR").ioctl(KVM_SET_TSS_ADDR, "KVM_SET_TSS_ADDR", address);
  return info.Env().Undefined();
}

Napi::Value VmWrap::set_identity_map_addr(const Napi::CallbackInfo& info) {
  uint64_t address = uint64_argument(info, 0, "address");
  ioctl(KVM_SET_IDENTITY_MAP_ADDR, "KVM_SET_IDENTITY_MAP_ADDR", &address);
  return info.Env().Undefined();
}

Napi::Value VmWrap::create_irqchip(const Napi::CallbackInfo& info) {
  core_->create_irqchip();
  return info.Env().Undefined();
}

Napi::Value VmWrap::create_pit2(const Napi::CallbackInfo& info) {
  kvm_pit_config config{};
  config.flags = uint32_argument(info, 0, "flags");
  ioctl(KVM_CREATE_PIT2, "KVM_CREATE_PIT2", &config);
  return info.Env().Undefined();
}

Napi::Value VmWrap::get_irqchip(const Napi::CallbackInfo& info) {
  kvm_irqchip chip{};
  chip.chip_id = uint32_argument(info, 0, "chip");
  ioctl(KVM_GET_IRQCHIP, "KVM_GET_IRQCHIP", &chip);
  return struct_to_js(info.Env(), chip);
}

Napi::Value VmWrap::set_irqchip(const Napi::CallbackInfo& info) {
  auto chip = struct_argument<kvm_irqchip>(info, 0, "kvm_irqchip");
  ioctl(KVM_SET_IRQCHIP, "KVM_SET_IRQCHIP", &chip);
  return info.Env().Undefined();
}

Napi::Value VmWrap::get_pit2(const Napi::CallbackInfo& info) {
  kvm_pit_state2 state{};
  ioctl(KVM_GET_PIT2, "KVM_GET_PIT2", &state);
  return struct_to_js(info.Env(), state);
}

Napi::Value VmWrap::set_pit2(const Napi::CallbackInfo& info) {
  auto state = struct_argument<kvm_pit_state2>(info, 0, "kvm_pit_state2");
  ioctl(KVM_SET_PIT2, "KVM_SET_PIT2", &state);
  return info.Env().Undefined();
}

Napi::Value VmWrap::get_clock(const Napi::CallbackInfo& info) {
  kvm_clock_data clock{};
  ioctl(KVM_GET_CLOCK, "KVM_GET_CLOCK", &clock);
  return struct_to_js(info.Env(), clock);
}

Napi::Value VmWrap::set_clock(const Napi::CallbackInfo& info) {
  auto clock = struct_argument<kvm_clock_data>(info, 0, "kvm_clock_data");
  ioctl(KVM_SET_CLOCK, "KVM_SET_CLOCK", &clock);
  return info.Env().Undefined();
}

Napi::Value VmWrap::irq_line(const Napi::CallbackInfo& info) {
  kvm_irq_level level{};
  level.irq = uint32_argument(info, 0, "irq");
  level.level = boolean_argument(info, 1, "level") ? 1 : 0;
  ioctl(KVM_IRQ_LINE, "KVM_IRQ_LINE", &level);
  return info.Env().Undefined();
}

Napi::Value VmWrap::set_gsi_routing(const Napi::CallbackInfo& info) {
  core_->set_gsi_routing(array_argument<kvm_irq_routing_entry>(info, 0, "kvm_irq_routing_entry[]"));
  return info.Env().Undefined();
}

Napi::Value VmWrap::signal_msi(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core_->signal_msi(uint64_argument(info, 0, "address"), uint32_argument(info, 1, "data")));
}

Napi::Value VmWrap::set_msr_filter(const Napi::CallbackInfo& info) {
  core_->set_msr_filter(uint32_array_argument(info, 0, "MSR indices"));
  return info.Env().Undefined();
}

Napi::Value VmWrap::create_vcpu(const Napi::CallbackInfo& info) {
  auto vcpu = core_->create_vcpu(uint32_argument(info, 0, "id"));
  return VcpuWrap::make(info.Env(), classes(info.Env()).vcpu, std::move(vcpu));
}

Napi::Value VmWrap::set_memory_slot(const Napi::CallbackInfo& info) {
  const uint32_t slot = uint32_argument(info, 0, "slot");
  const uint32_t flags = uint32_argument(info, 1, "flags");
  const uint64_t address = uint64_argument(info, 2, "address");
  const Napi::Value memory = info[3];
  if (!memory.IsObject() || !memory.As<Napi::Object>().InstanceOf(classes(info.Env()).memory.Value())) {
    kvm::throw_argument("memory", "memory must be what allocateMemory returned");
  }
  const uint64_t offset = uint64_argument(info, 4, "offset");
  const uint64_t size = uint64_argument(info, 5, "size");
  core_->set_memory_slot(slot, flags, address, MemoryWrap::Unwrap(memory.As<Napi::Object>())->core(), offset, size);
  return info.Env().Undefined();
}

Napi::Value VmWrap::remove_memory_slot(const Napi::CallbackInfo& info) {
  core_->remove_memory_slot(uint32_argument(info, 0, "slot"));
  return info.Env().Undefined();
}

Napi::Value VmWrap::get_dirty_log(const Napi::CallbackInfo& info) {
  const auto bits = core_->dirty_log(uint32_argument(info, 0, "slot"));
  return to_uint8_array(info.Env(), bits.data(), bits.size());
}

Napi::Value VmWrap::close(const Napi::CallbackInfo& info) {
  core_->close();
  return info.Env().Undefined();
}

}  // namespace binding
