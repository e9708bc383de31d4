/*
 * faults: every way to fail, by choice.
 *
 * The guest asks `choose` what to do next; in gdb, stop there and `set var which = 1` (divide error), 2 (invalid
 * opcode), 3 (page fault) or 4 (triple fault, which ends the machine, or stops it in gdb). A handler reports each
 * fault and the guest goes on. With 0, or without a debugger, it powers off.
 * Run it:    kvm-gdbserver build/faults.elf
 */
#include "print.h"

enum fault { NONE, DIVIDE_ERROR, INVALID_OPCODE, PAGE_FAULT, TRIPLE_FAULT };

/* SDM vol. 3, 6.14.1: a 64-bit interrupt gate. */
struct gate {
    uint16_t offset_low, selector;
    uint8_t stack_table, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

/* SDM vol. 3, 6.14.2: what the processor pushed. */
struct interrupt_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

extern void divide_error_entry(void), invalid_opcode_entry(void), page_fault_entry(void);
extern void provoke_divide_error(void), provoke_invalid_opcode(void), provoke_triple_fault(void);
extern void provoke_page_fault(uint64_t address);
void on_fault(uint64_t vector, uint64_t error_code, struct interrupt_frame *frame);
void kernel_main(void);

/* The last page of the lower half: canonical, and far above what the loader's identity map reaches. */
#define UNMAPPED 0x00007ffffffff000

volatile enum fault which = NONE;
volatile unsigned faults_seen;
volatile uint64_t resume_at;

static struct gate interrupt_table[32] __attribute__((aligned(16)));

static void set_gate(int vector, void (*entry)(void))
{
    uint64_t address = (uint64_t)entry;
    interrupt_table[vector] = (struct gate){
        .offset_low = (uint16_t)address,
        .offset_middle = (uint16_t)(address >> 16),
        .offset_high = (uint32_t)(address >> 32),
        .selector = 0x08,
        .type = 0x8e,
    };
}

static void load_interrupt_table(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { sizeof interrupt_table - 1, (uint64_t)interrupt_table };

    set_gate(0, divide_error_entry);
    set_gate(6, invalid_opcode_entry);
    set_gate(14, page_fault_entry);
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static uint64_t read_cr2(void)
{
    uint64_t address;
    __asm__ volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

/* Reports the fault and goes on behind the instruction that caused it. */
void on_fault(uint64_t vector, uint64_t error_code, struct interrupt_frame *frame)
{
    faults_seen++;
    print("fault ");
    print_decimal((uint32_t)vector);
    if (vector == 14) {
        print(", error code ");
        print_hex(error_code, 4);
        print(", address ");
        print_hex(read_cr2(), 16);
    }
    print("\n");
    frame->rip = resume_at;
}

/* A place to stop and choose. The choice holds for one round. */
static enum fault choose(void)
{
    enum fault choice = which;
    which = NONE;
    return choice;
}

void kernel_main(void)
{
    load_interrupt_table();

    for (;;) {
        switch (choose()) {
        case DIVIDE_ERROR:
            provoke_divide_error();
            break;
        case INVALID_OPCODE:
            provoke_invalid_opcode();
            break;
        case PAGE_FAULT:
            provoke_page_fault(UNMAPPED);
            break;
        case TRIPLE_FAULT:
            provoke_triple_fault();
            break;
        default:
            print_decimal(faults_seen);
            print(" faults seen\n");
            power_off();
        }
    }
}
