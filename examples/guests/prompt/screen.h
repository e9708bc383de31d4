/* Text on a linear framebuffer of 32 bits a pixel, with a font of 256 glyphs of 8 by 16 pixels. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdint.h>

#define GLYPH_WIDTH 8
#define GLYPH_HEIGHT 16

struct screen {
    uint8_t *pixels;
    uint32_t pitch, width, height; /* bytes; pixels */
    const uint8_t *font;
    uint32_t column, row;
};

static inline void fill(const struct screen *screen, uint32_t y, uint32_t rows, uint32_t colour)
{
    for (uint32_t i = 0; i < rows; i++) {
        void *at = screen->pixels + (y + i) * screen->pitch;
        uint32_t count = screen->width;
        __asm__ volatile("rep stosl" : "+D"(at), "+c"(count) : "a"(colour) : "memory");
    }
}

static inline void draw_glyph(const struct screen *screen, uint8_t code, uint32_t colour)
{
    for (uint32_t line = 0; line < GLYPH_HEIGHT; line++) {
        uint32_t *at = (uint32_t *)(screen->pixels + (screen->row * GLYPH_HEIGHT + line) * screen->pitch) + screen->column * GLYPH_WIDTH;
        uint8_t bits = screen->font[code * GLYPH_HEIGHT + line];
        for (; bits != 0; bits <<= 1, at++)
            if (bits & 0x80)
                *at = colour;
    }
}

static inline void put_char(struct screen *screen, char c, uint32_t colour)
{
    if (c != '\n') {
        draw_glyph(screen, (uint8_t)c, colour);
        screen->column++;
    }
    if (c == '\n' || screen->column == screen->width / GLYPH_WIDTH) {
        screen->column = 0;
        screen->row = (screen->row + 1) % (screen->height / GLYPH_HEIGHT);
    }
}

static inline void put(struct screen *screen, const char *text, uint32_t colour)
{
    while (*text)
        put_char(screen, *text++, colour);
}

#endif
