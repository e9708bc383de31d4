/*
 * smp: a 32-bit C kernel that finds its processors in the ACPI tables, starts them, and lets all of them count.
 *
 * RSDP → RSDT → MADT say which processors and interrupt controllers there are (ACPI 6.5, 5.2.5, 5.2.7, 5.2.12); INIT and
 * SIPI start the others (SDM vol. 3A, 9.4.4.1); each adds 1 to one counter ROUNDS times with LOCK.
 * Run it:    kvm-gdbserver build/smp.elf --cpus 4 --irqchip kernel
 */
#include "print.h"

#define LOADER_MAGIC 0x2badb002
#define TRAMPOLINE 0x8000
#define ROUNDS 1000

#define ICR_LOW  0x300
#define ICR_HIGH 0x310
#define ICR_INIT 0x00004500 /* level assert, INIT */
#define ICR_SIPI 0x00004600

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
} __attribute__((packed));

struct table {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
    struct table header;
    uint32_t local_apic, flags;
} __attribute__((packed));

struct madt_entry {
    uint8_t type, length;
    union {
        struct { uint8_t uid, apic_id; uint32_t flags; } __attribute__((packed)) processor;
        struct { uint8_t id, reserved; uint32_t address, first_gsi; } __attribute__((packed)) io_apic;
    };
} __attribute__((packed));

extern const char ap_start[], ap_end[];

static volatile uint32_t *local_apic;
volatile uint32_t online, counter;

static int same(const char *a, const char *b, uint32_t length)
{
    while (length && *a == *b)
        a++, b++, length--;
    return length == 0;
}

static int adds_up(const void *start, uint32_t length)
{
    const uint8_t *bytes = start;
    uint8_t sum = 0;

    while (length--)
        sum += *bytes++;
    return sum == 0;
}

static const struct rsdp *find_rsdp(void)
{
    for (uint32_t address = 0xe0000; address < 0x100000; address += 16) {
        const struct rsdp *rsdp = (const void *)address;
        if (same(rsdp->signature, "RSD PTR ", 8) && adds_up(rsdp, sizeof *rsdp))
            return rsdp;
    }
    return 0;
}

static const struct madt *find_madt(const struct rsdp *rsdp)
{
    const struct table *rsdt = (const void *)rsdp->rsdt;
    const uint32_t *entries = (const void *)(rsdt + 1);
    uint32_t count = (rsdt->length - sizeof *rsdt) / sizeof *entries;

    for (uint32_t i = 0; i < count; i++) {
        const struct table *table = (const void *)entries[i];
        if (same(table->signature, "APIC", 4) && adds_up(table, table->length))
            return (const void *)table;
    }
    return 0;
}

static void start_processor(uint8_t apic_id)
{
    uint32_t before = online;

    local_apic[ICR_HIGH / 4] = (uint32_t)apic_id << 24;
    local_apic[ICR_LOW / 4] = ICR_INIT;
    local_apic[ICR_HIGH / 4] = (uint32_t)apic_id << 24;
    local_apic[ICR_LOW / 4] = ICR_SIPI | TRAMPOLINE >> 12;
    while (online == before)
        __asm__ volatile("pause");
}

static void count(void)
{
    for (int i = 0; i < ROUNDS; i++)
        __asm__ volatile("lock incl %0" : "+m"(counter));
}

void ap_main(uint32_t number)
{
    (void)number;
    __asm__ volatile("lock incl %0" : "+m"(online));
    count();
}

void kernel_main(uint32_t magic)
{
    const struct rsdp *rsdp = find_rsdp();
    const struct madt *madt = rsdp ? find_madt(rsdp) : 0;
    uint32_t processors = 0;

    if (magic != LOADER_MAGIC || !madt) {
        print(madt ? "not started by a Multiboot loader\n" : "no MADT\n");
        debug_exit(1);
    }
    print("RSDP at ");
    print_hex((uint32_t)rsdp, 8);
    print(", local APICs at ");
    print_hex(madt->local_apic, 8);
    print("\n");
    local_apic = (volatile uint32_t *)madt->local_apic;
    for (const char *at = ap_start; at < ap_end; at++)
        ((volatile char *)TRAMPOLINE)[at - ap_start] = *at;

    const uint8_t *end = (const uint8_t *)madt + madt->header.length;
    for (const uint8_t *at = (const uint8_t *)(madt + 1); at < end; at += at[1]) {
        const struct madt_entry *entry = (const void *)at;
        if (entry->type == 0 && entry->processor.flags & 1) {
            processors++;
            if (entry->processor.apic_id != 0)
                start_processor(entry->processor.apic_id);
        } else if (entry->type == 1) {
            print("IOAPIC at ");
            print_hex(entry->io_apic.address, 8);
            print("\n");
        }
    }
    count();
    while (counter < processors * ROUNDS)
        __asm__ volatile("pause");
    print_decimal(processors);
    print(" processors counted to ");
    print_decimal(counter);
    print("\n");
    power_off();
}
