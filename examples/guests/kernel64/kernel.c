/*
 * kernel64: a 64-bit C kernel with DWARF, started at its ELF entry point, in long mode.
 *
 * Has what a debugger shows best: recursion over a tree of structs, SSE registers, an interrupt descriptor table with
 * handlers. `ud2` is its own system call: the handler counts it and steps over it. With `set var use_int3 = 1` in gdb
 * it also executes an int3 of its own (software KVM hosts without VMX or SVM cannot deliver that one by themselves).
 * Run it:    kvm-gdbserver build/kernel64.elf
 */
#include "print.h"

struct node {
    const char *name;
    int value;
    struct node *left, *right;
};

struct vector {
    float x, y, z, w;
};

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

extern void breakpoint_entry(void), invalid_opcode_entry(void);
void on_breakpoint(struct interrupt_frame *frame);
void on_invalid_opcode(struct interrupt_frame *frame);
void kernel_main(void);

volatile int use_int3 = 0;
volatile int breakpoints_seen, invalid_opcodes_seen;

static struct node leaf_a = { "a", 1, 0, 0 };
static struct node leaf_b = { "b", 2, 0, 0 };
static struct node branch = { "branch", 10, &leaf_a, &leaf_b };
static struct node leaf_c = { "c", 4, 0, 0 };
static struct node root = { "root", 100, &branch, &leaf_c };

static struct vector source = { 1.5f, -2.0f, 0.25f, 8.0f };
static struct vector target;

static struct gate interrupt_table[32] __attribute__((aligned(16)));

static int tree_sum(const struct node *node)
{
    if (!node)
        return 0;
    int below = tree_sum(node->left) + tree_sum(node->right);
    return node->value + below;
}

/* Moves 16 bytes through xmm1. Moves only: arithmetic on SSE registers is not everywhere to be had. */
static void copy_vector(struct vector *to, const struct vector *from)
{
    __asm__ volatile("movups %1, %%xmm1\n\tmovups %%xmm1, %0" : "=m"(*to) : "m"(*from) : "xmm1");
}

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

    set_gate(3, breakpoint_entry);
    set_gate(6, invalid_opcode_entry);
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

/* #BP is a trap: the pushed RIP is already past the int3. */
void on_breakpoint(struct interrupt_frame *frame)
{
    (void)frame;
    breakpoints_seen++;
}

/* #UD is a fault: the pushed RIP is the ud2, two bytes long. */
void on_invalid_opcode(struct interrupt_frame *frame)
{
    invalid_opcodes_seen++;
    frame->rip += 2;
}

void kernel_main(void)
{
    load_interrupt_table();

    int sum = tree_sum(&root);
    print("sum = ");
    print_decimal((uint32_t)sum);
    print("\n");

    copy_vector(&target, &source);

    __asm__ volatile("ud2");
    if (use_int3)
        __asm__ volatile("int3");
    print("ud2 ");
    print_decimal((uint32_t)invalid_opcodes_seen);
    print(", int3 ");
    print_decimal((uint32_t)breakpoints_seen);
    print("\n");
    power_off();
}
