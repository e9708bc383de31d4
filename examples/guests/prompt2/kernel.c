/*
 * prompt2: the same as prompt, by Multiboot 2: framebuffer and modules come as tags.
 *
 * Run it:    kvm-gdbserver --run build/prompt2.elf --module prompt/font.bin --module prompt/motd.txt
 */
#include "../prompt/prompt.h"

#define LOADER_MAGIC 0x36d76289

/* Multiboot2 Specification 2.0, 3.6: every tag begins so, at a multiple of 8. */
struct tag {
    enum { END, MODULE = 3, FRAMEBUFFER = 8 } type;
    uint32_t size; /* without the padding behind it */
};

struct module_tag {
    struct tag tag;
    const char *start, *end;
};

struct framebuffer_tag {
    struct tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits, type; /* 1: red, green, blue */
};

void kernel_main(uint32_t magic, const uint8_t *information)
{
    struct screen screen = { 0 };
    struct module modules[2] = { { 0, 0 }, { 0, 0 } };
    uint32_t count = 0;
    const struct tag *tag;

    if (magic != LOADER_MAGIC)
        debug_exit(1);
    for (tag = (const void *)(information + 8); tag->type != END; tag = (const void *)((const uint8_t *)tag + ((tag->size + 7) & ~7u))) {
        if (tag->type == MODULE && count < 2) {
            const struct module_tag *module = (const void *)tag;
            modules[count++] = (struct module){ module->start, module->end };
        } else if (tag->type == FRAMEBUFFER) {
            const struct framebuffer_tag *framebuffer = (const void *)tag;
            screen.pixels = (uint8_t *)(uintptr_t)framebuffer->address;
            screen.pitch = framebuffer->pitch;
            screen.width = framebuffer->width;
            screen.height = framebuffer->height;
            if (framebuffer->bits != 32 || framebuffer->type != 1)
                debug_exit(1);
        }
    }
    if (count < 2 || screen.pixels == 0)
        debug_exit(2);
    prompt(&screen, modules[0], modules[1]);
}
