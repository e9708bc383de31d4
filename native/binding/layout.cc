// Offsets and sizes as this compiler lays the kernel's structs out; nothing is typed in.
#include "layout.h"

#include <cstddef>
#include "../core/kvm-uapi.h"
#include <vector>

#include "../core/exit-record.h"
#include "../core/run-plan.h"

namespace binding {
namespace {

struct Field {
  const char* name;
  size_t offset;
  size_t size;
};

#define FIELD(type, field) {#field, offsetof(type, field), sizeof(type::field)}
// A field of a struct within a struct.
#define INNER_FIELD(type, field) {#field, offsetof(type, field), sizeof(static_cast<type*>(nullptr)->field)}

void add(Napi::Object layout, const char* name, size_t size, const std::vector<Field>& fields) {
  const Napi::Env env = layout.Env();
  auto described = Napi::Object::New(env);
  for (const Field& field : fields) {
    auto place = Napi::Object::New(env);
    place.Set("offset", static_cast<double>(field.offset));
    place.Set("size", static_cast<double>(field.size));
    described.Set(field.name, place);
  }
  auto type = Napi::Object::New(env);
  type.Set("size", static_cast<double>(size));
  type.Set("fields", described);
  layout.Set(name, type);
}

void add_kvm_regs(Napi::Object layout) {
  add(layout, "kvm_regs", sizeof(kvm_regs),
      {
          FIELD(kvm_regs, rax),
          FIELD(kvm_regs, rbx),
          FIELD(kvm_regs, rcx),
          FIELD(kvm_regs, rdx),
          FIELD(kvm_regs, rsi),
          FIELD(kvm_regs, rdi),
          FIELD(kvm_regs, rsp),
          FIELD(kvm_regs, rbp),
          FIELD(kvm_regs, r8),
          FIELD(kvm_regs, r9),
          FIELD(kvm_regs, r10),
          FIELD(kvm_regs, r11),
          FIELD(kvm_regs, r12),
          FIELD(kvm_regs, r13),
          FIELD(kvm_regs, r14),
          FIELD(kvm_regs, r15),
          FIELD(kvm_regs, rip),
          FIELD(kvm_regs, rflags),
      });
}

void add_kvm_segment(Napi::Object layout) {
  add(layout, "kvm_segment", sizeof(kvm_segment),
      {
          FIELD(kvm_segment, base),
          FIELD(kvm_segment, limit),
          FIELD(kvm_segment, selector),
          FIELD(kvm_segment, type),
          FIELD(kvm_segment, present),
          FIELD(kvm_segment, dpl),
          FIELD(kvm_segment, db),
          FIELD(kvm_segment, s),
          FIELD(kvm_segment, l),
          FIELD(kvm_segment, g),
          FIELD(kvm_segment, avl),
          FIELD(kvm_segment, unusable),
      });
}

void add_kvm_dtable(Napi::Object layout) {
  add(layout, "kvm_dtable", sizeof(kvm_dtable),
      {
          FIELD(kvm_dtable, base),
          FIELD(kvm_dtable, limit),
      });
}

void add_kvm_sregs(Napi::Object layout) {
  add(layout, "kvm_sregs", sizeof(kvm_sregs),
      {
          FIELD(kvm_sregs, cs),
          FIELD(kvm_sregs, ds),
          FIELD(kvm_sregs, es),
          FIELD(kvm_sregs, fs),
          FIELD(kvm_sregs, gs),
          FIELD(kvm_sregs, ss),
          FIELD(kvm_sregs, tr),
          FIELD(kvm_sregs, ldt),
          FIELD(kvm_sregs, gdt),
          FIELD(kvm_sregs, idt),
          FIELD(kvm_sregs, cr0),
          FIELD(kvm_sregs, cr2),
          FIELD(kvm_sregs, cr3),
          FIELD(kvm_sregs, cr4),
          FIELD(kvm_sregs, cr8),
          FIELD(kvm_sregs, efer),
          FIELD(kvm_sregs, apic_base),
          FIELD(kvm_sregs, interrupt_bitmap),
      });
}

void add_kvm_sregs2(Napi::Object layout) {
  add(layout, "kvm_sregs2", sizeof(kvm_sregs2),
      {
          FIELD(kvm_sregs2, cs),
          FIELD(kvm_sregs2, ds),
          FIELD(kvm_sregs2, es),
          FIELD(kvm_sregs2, fs),
          FIELD(kvm_sregs2, gs),
          FIELD(kvm_sregs2, ss),
          FIELD(kvm_sregs2, tr),
          FIELD(kvm_sregs2, ldt),
          FIELD(kvm_sregs2, gdt),
          FIELD(kvm_sregs2, idt),
          FIELD(kvm_sregs2, cr0),
          FIELD(kvm_sregs2, cr2),
          FIELD(kvm_sregs2, cr3),
          FIELD(kvm_sregs2, cr4),
          FIELD(kvm_sregs2, cr8),
          FIELD(kvm_sregs2, efer),
          FIELD(kvm_sregs2, apic_base),
          FIELD(kvm_sregs2, flags),
          FIELD(kvm_sregs2, pdptrs),
      });
}

void add_kvm_debugregs(Napi::Object layout) {
  add(layout, "kvm_debugregs", sizeof(kvm_debugregs),
      {
          FIELD(kvm_debugregs, db),
          FIELD(kvm_debugregs, dr6),
          FIELD(kvm_debugregs, dr7),
          FIELD(kvm_debugregs, flags),
      });
}

void add_kvm_guest_debug(Napi::Object layout) {
  add(layout, "kvm_guest_debug", sizeof(kvm_guest_debug),
      {
          FIELD(kvm_guest_debug, control),
          FIELD(kvm_guest_debug, arch),
      });
}

void add_kvm_vcpu_events(Napi::Object layout) {
  add(layout, "kvm_vcpu_events", sizeof(kvm_vcpu_events),
      {
          INNER_FIELD(kvm_vcpu_events, exception.injected),
          INNER_FIELD(kvm_vcpu_events, exception.nr),
          INNER_FIELD(kvm_vcpu_events, exception.has_error_code),
          INNER_FIELD(kvm_vcpu_events, exception.pending),
          INNER_FIELD(kvm_vcpu_events, exception.error_code),
          INNER_FIELD(kvm_vcpu_events, interrupt.injected),
          INNER_FIELD(kvm_vcpu_events, interrupt.nr),
          INNER_FIELD(kvm_vcpu_events, interrupt.soft),
          INNER_FIELD(kvm_vcpu_events, interrupt.shadow),
          INNER_FIELD(kvm_vcpu_events, nmi.injected),
          INNER_FIELD(kvm_vcpu_events, nmi.pending),
          INNER_FIELD(kvm_vcpu_events, nmi.masked),
          FIELD(kvm_vcpu_events, sipi_vector),
          FIELD(kvm_vcpu_events, flags),
          INNER_FIELD(kvm_vcpu_events, smi.smm),
          INNER_FIELD(kvm_vcpu_events, smi.pending),
          INNER_FIELD(kvm_vcpu_events, smi.smm_inside_nmi),
          INNER_FIELD(kvm_vcpu_events, smi.latched_init),
          INNER_FIELD(kvm_vcpu_events, triple_fault.pending),
          FIELD(kvm_vcpu_events, exception_has_payload),
          FIELD(kvm_vcpu_events, exception_payload),
      });
}

void add_kvm_cpuid_entry2(Napi::Object layout) {
  add(layout, "kvm_cpuid_entry2", sizeof(kvm_cpuid_entry2),
      {
          FIELD(kvm_cpuid_entry2, function),
          FIELD(kvm_cpuid_entry2, index),
          FIELD(kvm_cpuid_entry2, flags),
          FIELD(kvm_cpuid_entry2, eax),
          FIELD(kvm_cpuid_entry2, ebx),
          FIELD(kvm_cpuid_entry2, ecx),
          FIELD(kvm_cpuid_entry2, edx),
      });
}

void add_kvm_msr_entry(Napi::Object layout) {
  add(layout, "kvm_msr_entry", sizeof(kvm_msr_entry),
      {
          FIELD(kvm_msr_entry, index),
          FIELD(kvm_msr_entry, data),
      });
}

void add_kvm_xcrs(Napi::Object layout) {
  add(layout, "kvm_xcrs", sizeof(kvm_xcrs),
      {
          FIELD(kvm_xcrs, nr_xcrs),
          FIELD(kvm_xcrs, flags),
          FIELD(kvm_xcrs, xcrs),
      });
}

void add_kvm_xcr(Napi::Object layout) {
  add(layout, "kvm_xcr", sizeof(kvm_xcr),
      {
          FIELD(kvm_xcr, xcr),
          FIELD(kvm_xcr, value),
      });
}

void add_kvm_xsave(Napi::Object layout) {
  add(layout, "kvm_xsave", sizeof(kvm_xsave),
      {
          FIELD(kvm_xsave, region),
      });
}

void add_kvm_lapic_state(Napi::Object layout) {
  add(layout, "kvm_lapic_state", sizeof(kvm_lapic_state),
      {
          FIELD(kvm_lapic_state, regs),
      });
}

void add_kvm_irqchip(Napi::Object layout) {
  add(layout, "kvm_irqchip", sizeof(kvm_irqchip),
      {
          FIELD(kvm_irqchip, chip_id),
          FIELD(kvm_irqchip, chip),
      });
}

void add_kvm_pit_state2(Napi::Object layout) {
  add(layout, "kvm_pit_state2", sizeof(kvm_pit_state2),
      {
          FIELD(kvm_pit_state2, channels),
          FIELD(kvm_pit_state2, flags),
      });
}

void add_kvm_pic_state(Napi::Object layout) {
  add(layout, "kvm_pic_state", sizeof(kvm_pic_state),
      {
          FIELD(kvm_pic_state, last_irr),
          FIELD(kvm_pic_state, irr),
          FIELD(kvm_pic_state, imr),
          FIELD(kvm_pic_state, isr),
          FIELD(kvm_pic_state, priority_add),
          FIELD(kvm_pic_state, irq_base),
          FIELD(kvm_pic_state, read_reg_select),
          FIELD(kvm_pic_state, poll),
          FIELD(kvm_pic_state, special_mask),
          FIELD(kvm_pic_state, init_state),
          FIELD(kvm_pic_state, auto_eoi),
          FIELD(kvm_pic_state, rotate_on_auto_eoi),
          FIELD(kvm_pic_state, special_fully_nested_mode),
          FIELD(kvm_pic_state, init4),
          FIELD(kvm_pic_state, elcr),
          FIELD(kvm_pic_state, elcr_mask),
      });
}

void add_kvm_ioapic_state(Napi::Object layout) {
  add(layout, "kvm_ioapic_state", sizeof(kvm_ioapic_state),
      {
          FIELD(kvm_ioapic_state, base_address),
          FIELD(kvm_ioapic_state, ioregsel),
          FIELD(kvm_ioapic_state, id),
          FIELD(kvm_ioapic_state, irr),
          FIELD(kvm_ioapic_state, redirtbl),
      });
}

void add_kvm_pit_channel_state(Napi::Object layout) {
  add(layout, "kvm_pit_channel_state", sizeof(kvm_pit_channel_state),
      {
          FIELD(kvm_pit_channel_state, count),
          FIELD(kvm_pit_channel_state, rw_mode),
          FIELD(kvm_pit_channel_state, mode),
          FIELD(kvm_pit_channel_state, bcd),
          FIELD(kvm_pit_channel_state, gate),
          FIELD(kvm_pit_channel_state, count_load_time),
      });
}

void add_kvm_irq_routing_entry(Napi::Object layout) {
  add(layout, "kvm_irq_routing_entry", sizeof(kvm_irq_routing_entry),
      {
          FIELD(kvm_irq_routing_entry, gsi),
          FIELD(kvm_irq_routing_entry, type),
          INNER_FIELD(kvm_irq_routing_entry, u.irqchip.irqchip),
          INNER_FIELD(kvm_irq_routing_entry, u.irqchip.pin),
          INNER_FIELD(kvm_irq_routing_entry, u.msi.address_lo),
          INNER_FIELD(kvm_irq_routing_entry, u.msi.address_hi),
          INNER_FIELD(kvm_irq_routing_entry, u.msi.data),
      });
}

void add_kvm_clock_data(Napi::Object layout) {
  add(layout, "kvm_clock_data", sizeof(kvm_clock_data),
      {
          FIELD(kvm_clock_data, clock),
          FIELD(kvm_clock_data, flags),
          FIELD(kvm_clock_data, realtime),
          FIELD(kvm_clock_data, host_tsc),
      });
}

void add_kvm_run(Napi::Object layout) {
  add(layout, "kvm_run", sizeof(kvm_run),
      {
          FIELD(kvm_run, request_interrupt_window),
          FIELD(kvm_run, immediate_exit),
          FIELD(kvm_run, exit_reason),
          FIELD(kvm_run, ready_for_interrupt_injection),
          FIELD(kvm_run, if_flag),
          FIELD(kvm_run, flags),
          FIELD(kvm_run, cr8),
          FIELD(kvm_run, apic_base),
          INNER_FIELD(kvm_run, hw.hardware_exit_reason),
          INNER_FIELD(kvm_run, fail_entry.hardware_entry_failure_reason),
          INNER_FIELD(kvm_run, fail_entry.cpu),
          INNER_FIELD(kvm_run, ex.exception),
          INNER_FIELD(kvm_run, ex.error_code),
          INNER_FIELD(kvm_run, io.direction),
          INNER_FIELD(kvm_run, io.size),
          INNER_FIELD(kvm_run, io.port),
          INNER_FIELD(kvm_run, io.count),
          INNER_FIELD(kvm_run, io.data_offset),
          INNER_FIELD(kvm_run, debug.arch.exception),
          INNER_FIELD(kvm_run, debug.arch.pc),
          INNER_FIELD(kvm_run, debug.arch.dr6),
          INNER_FIELD(kvm_run, debug.arch.dr7),
          INNER_FIELD(kvm_run, mmio.phys_addr),
          INNER_FIELD(kvm_run, mmio.data),
          INNER_FIELD(kvm_run, mmio.len),
          INNER_FIELD(kvm_run, mmio.is_write),
          INNER_FIELD(kvm_run, hypercall.nr),
          INNER_FIELD(kvm_run, hypercall.args),
          INNER_FIELD(kvm_run, hypercall.ret),
          INNER_FIELD(kvm_run, tpr_access.rip),
          INNER_FIELD(kvm_run, tpr_access.is_write),
          INNER_FIELD(kvm_run, internal.suberror),
          INNER_FIELD(kvm_run, internal.ndata),
          INNER_FIELD(kvm_run, internal.data),
          INNER_FIELD(kvm_run, emulation_failure.flags),
          INNER_FIELD(kvm_run, emulation_failure.insn_size),
          INNER_FIELD(kvm_run, emulation_failure.insn_bytes),
          INNER_FIELD(kvm_run, system_event.type),
          INNER_FIELD(kvm_run, system_event.ndata),
          INNER_FIELD(kvm_run, system_event.data),
          INNER_FIELD(kvm_run, eoi.vector),
          INNER_FIELD(kvm_run, msr.error),
          INNER_FIELD(kvm_run, msr.reason),
          INNER_FIELD(kvm_run, msr.index),
          INNER_FIELD(kvm_run, msr.data),
          INNER_FIELD(kvm_run, notify.flags),
#ifdef KVM_EXIT_MEMORY_FAULT
          INNER_FIELD(kvm_run, memory_fault.flags),
          INNER_FIELD(kvm_run, memory_fault.gpa),
          INNER_FIELD(kvm_run, memory_fault.size),
#endif
      });
}

void add_run_plan(Napi::Object layout) {
  add(layout, "run_plan", sizeof(kvm::RunPlan),
      {
          FIELD(kvm::RunPlan, mode),
          FIELD(kvm::RunPlan, flags),
          FIELD(kvm::RunPlan, debug_control),
          FIELD(kvm::RunPlan, until_count),
          FIELD(kvm::RunPlan, debugreg),
          FIELD(kvm::RunPlan, range_start),
          FIELD(kvm::RunPlan, range_end),
          FIELD(kvm::RunPlan, max_steps),
          FIELD(kvm::RunPlan, until),
      });
}

void add_exit_record(Napi::Object layout) {
  add(layout, "exit_record", sizeof(kvm::ExitRecord),
      {
          FIELD(kvm::ExitRecord, outcome),
          FIELD(kvm::ExitRecord, error),
          FIELD(kvm::ExitRecord, steps),
          FIELD(kvm::ExitRecord, dirty),
          FIELD(kvm::ExitRecord, completion_pending),
          FIELD(kvm::ExitRecord, linear_pc),
          FIELD(kvm::ExitRecord, run),
          FIELD(kvm::ExitRecord, regs),
          FIELD(kvm::ExitRecord, sregs),
          FIELD(kvm::ExitRecord, events),
          FIELD(kvm::ExitRecord, data_length),
          FIELD(kvm::ExitRecord, error_operation),
          FIELD(kvm::ExitRecord, data),
      });
}

#undef FIELD
#undef INNER_FIELD

}  // namespace

Napi::Object make_layout(Napi::Env env) {
  auto layout = Napi::Object::New(env);
  add_kvm_regs(layout);
  add_kvm_segment(layout);
  add_kvm_dtable(layout);
  add_kvm_sregs(layout);
  add_kvm_sregs2(layout);
  add_kvm_debugregs(layout);
  add_kvm_guest_debug(layout);
  add_kvm_vcpu_events(layout);
  add_kvm_cpuid_entry2(layout);
  add_kvm_msr_entry(layout);
  add_kvm_xcrs(layout);
  add_kvm_xcr(layout);
  add_kvm_xsave(layout);
  add_kvm_lapic_state(layout);
  add_kvm_irqchip(layout);
  add_kvm_pit_state2(layout);
  add_kvm_pic_state(layout);
  add_kvm_ioapic_state(layout);
  add_kvm_pit_channel_state(layout);
  add_kvm_irq_routing_entry(layout);
  add_kvm_clock_data(layout);
  add_kvm_run(layout);
  add_run_plan(layout);
  add_exit_record(layout);
  return layout;
}

}  // namespace binding
