/*
 * multiboot2: a 32-bit C kernel, started by Multiboot 2.
 *
 * Walks the tags that the loader hands over, prints command line, modules and memory map, finds the name of one of its own
 * functions in the symbol table that came with them, and powers the machine off.
 * Run it:    kvm-gdbserver build/multiboot2.elf --append 'verbose' --module 'multiboot2/motd.txt message of the day'
 */
#include "print.h"

#define LOADER_MAGIC 0x36d76289
#define SECTION_SYMBOLS 2 /* SHT_SYMTAB */
#define SYMBOL_FUNCTION 2 /* STT_FUNC */

/* Multiboot2 Specification 2.0, 3.6: every tag begins so, at a multiple of 8. */
struct tag {
    enum tag_type { END, COMMAND_LINE, LOADER_NAME, MODULE, MEMORY, MEMORY_MAP = 6, FRAMEBUFFER = 8, ELF_SECTIONS = 9 } type;
    uint32_t size; /* without the padding behind it */
};

struct text_tag {
    struct tag tag;
    char text[];
};

struct module_tag {
    struct tag tag;
    uint32_t start, end;
    char text[];
};

struct memory_map_tag {
    struct tag tag;
    uint32_t entry_size, entry_version;
    struct {
        uint64_t base, length;
        uint32_t type, reserved; /* 1: available */
    } entries[];
};

struct framebuffer_tag {
    struct tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits, type; /* 2: text, in characters */
};

struct section {
    uint32_t name, type, flags, address, offset, size, link, info, alignment, entry_size;
};

struct symbol {
    uint32_t name, value, size;
    uint8_t info, other;
    uint16_t section;
};

struct sections_tag {
    struct tag tag;
    uint32_t count, entry_size, name_index;
    struct section sections[];
};

/* The function at or below an address, from the symbols that the loader left in memory. */
static const char *function_at(const struct sections_tag *elf, uint32_t address)
{
    for (uint32_t i = 0; i < elf->count; i++) {
        const struct section *section = &elf->sections[i];
        if (section->type != SECTION_SYMBOLS)
            continue;
        const struct symbol *symbols = (const void *)section->address;
        const char *names = (const void *)elf->sections[section->link].address;
        for (uint32_t j = 0; j < section->size / sizeof *symbols; j++) {
            const struct symbol *symbol = &symbols[j];
            if ((symbol->info & 15) == SYMBOL_FUNCTION && address - symbol->value < symbol->size)
                return names + symbol->name;
        }
    }
    return "?";
}

static void print_module(const struct module_tag *module)
{
    print("module \"");
    print(module->text);
    print("\": ");
    for (const char *at = (const char *)module->start; at < (const char *)module->end; at++)
        print_char(*at);
}

static void print_memory_map(const struct memory_map_tag *map)
{
    uint32_t count = (map->tag.size - sizeof *map) / map->entry_size;

    for (uint32_t i = 0; i < count; i++) {
        print_hex(map->entries[i].base, 16);
        print(" + ");
        print_hex(map->entries[i].length, 16);
        print(map->entries[i].type == 1 ? " available\n" : " reserved\n");
    }
}

static void handle_tag(const struct tag *tag)
{
    const struct framebuffer_tag *framebuffer = (const void *)tag;

    switch (tag->type) {
    case COMMAND_LINE:
        print("command line: ");
        print(((const struct text_tag *)tag)->text);
        print("\n");
        break;
    case MODULE:
        print_module((const void *)tag);
        break;
    case MEMORY_MAP:
        print_memory_map((const void *)tag);
        break;
    case FRAMEBUFFER:
        print(framebuffer->type == 2 ? "text mode, columns: " : "graphics, width: ");
        print_decimal(framebuffer->width);
        print("\n");
        break;
    case ELF_SECTIONS:
        print("the function that walks memory maps is ");
        print(function_at((const void *)tag, (uint32_t)print_memory_map + 4));
        print("\n");
        break;
    default:
        break;
    }
}

void kernel_main(uint32_t magic, const struct tag *information)
{
    if (magic != LOADER_MAGIC) {
        print("not started by a Multiboot 2 loader\n");
        debug_exit(1);
    }
    /* The information begins with its size in bytes and a reserved word, as long as a tag's head. */
    const struct tag *tag = information + 1;
    while (tag->type != END) {
        handle_tag(tag);
        tag = (const void *)((uint32_t)tag + ((tag->size + 7) & ~7u));
    }
    power_off();
}
