/*
 * kernel32: a 32-bit C kernel, started by Multiboot 1.
 *
 * Prints its command line and the memory map that the loader hands over, computes 5! by recursion, and powers the
 * machine off.
 * Run it:    kvm-gdbserver build/kernel32.elf --memory 32M --append 'root=/dev/ram verbose'
 */
#include "print.h"

#define LOADER_MAGIC 0x2badb002
#define HAS_COMMAND_LINE (1u << 2)
#define HAS_MEMORY_MAP (1u << 6)

/* Multiboot Specification 0.6.96, 3.3: the fields this kernel reads, at their offsets. */
struct multiboot_info {
    uint32_t flags;
    uint32_t memory_lower, memory_upper; /* KiB */
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t modules_count, modules_address;
    uint32_t symbols[4];
    uint32_t memory_map_length, memory_map_address;
};

/* `size` counts the bytes that follow it. */
struct memory_map_entry {
    uint32_t size;
    uint64_t base, length;
    uint32_t type; /* 1: available */
} __attribute__((packed));

static uint32_t factorial(uint32_t n)
{
    if (n <= 1)
        return 1;
    return n * factorial(n - 1);
}

static void print_memory_map(const struct multiboot_info *info)
{
    uint32_t address = info->memory_map_address;
    uint32_t end = address + info->memory_map_length;

    while (address < end) {
        const struct memory_map_entry *entry = (const void *)address;
        print_hex(entry->base, 16);
        print(" + ");
        print_hex(entry->length, 16);
        print(entry->type == 1 ? " available\n" : " reserved\n");
        address += entry->size + sizeof entry->size;
    }
}

void kernel_main(uint32_t magic, const struct multiboot_info *info)
{
    if (magic != LOADER_MAGIC) {
        print("not started by a Multiboot loader\n");
        debug_exit(1);
    }
    if (info->flags & HAS_COMMAND_LINE) {
        print("command line: ");
        print((const char *)info->command_line);
        print("\n");
    }
    if (info->flags & HAS_MEMORY_MAP)
        print_memory_map(info);

    uint32_t result = factorial(5);
    print("5! = ");
    print_decimal(result);
    print("\n");
    power_off();
}
