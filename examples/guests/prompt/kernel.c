/*
 * prompt: a Multiboot kernel with a screen and a keyboard.
 *
 * Asks its loader for a framebuffer, draws the text of one module with the font of another, and takes commands from a
 * polled PS/2 keyboard: help, bars, halt.
 * Run it:    kvm-gdbserver --run build/prompt.elf --module prompt/font.bin --module prompt/motd.txt
 */
#include "prompt.h"

#define LOADER_MAGIC 0x2badb002
#define HAS_MODULES (1 << 3)
#define HAS_FRAMEBUFFER (1 << 12)

/* Multiboot Specification 0.6.96, 3.3, as far as it is used here. */
struct information {
    uint32_t flags, memory_lower, memory_upper, boot_device, command_line, module_count;
    const struct {
        const char *start, *end, *text;
        uint32_t reserved;
    } *modules;
    uint32_t symbols[4], map_length, map_address, drives_length, drives_address, config_table;
    const char *loader_name;
    uint32_t apm_table, vbe[4];
    uint64_t framebuffer;
    uint32_t pitch, width, height;
    uint8_t bits, type; /* 1: red, green, blue */
} __attribute__((packed));

void kernel_main(uint32_t magic, const struct information *information)
{
    struct screen screen = { 0 };

    if (magic != LOADER_MAGIC || !(information->flags & HAS_FRAMEBUFFER) || information->bits != 32 || information->type != 1)
        debug_exit(1);
    if (!(information->flags & HAS_MODULES) || information->module_count < 2)
        debug_exit(2);
    screen.pixels = (uint8_t *)(uintptr_t)information->framebuffer;
    screen.pitch = information->pitch;
    screen.width = information->width;
    screen.height = information->height;
    prompt(&screen, (struct module){ information->modules[0].start, information->modules[0].end },
           (struct module){ information->modules[1].start, information->modules[1].end });
}
