/* What both Multiboot versions tell the kernel, and the prompt that it then shows. */
#ifndef PROMPT_H
#define PROMPT_H

#include "keyboard.h"
#include "print.h"
#include "screen.h"

#define GREEN 0x0055ff55
#define WHITE 0x00ffffff
#define NIGHT 0x00202040
#define LINE_LENGTH 32

/* Where the loader put a module. */
struct module {
    const char *start, *end;
};

static int equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* To the screen, and to the serial port for those who have no eyes for it. */
static void say(struct screen *screen, const char *text, uint32_t colour)
{
    put(screen, text, colour);
    print(text);
}

static void read_line(struct screen *screen, char *line)
{
    uint32_t length = 0;

    for (;;) {
        char c = read_key();
        if (c == '\n')
            break;
        if (length + 1 < LINE_LENGTH) {
            line[length++] = c;
            put_char(screen, c, WHITE);
        }
    }
    line[length] = '\0';
    put_char(screen, '\n', WHITE);
    print(line);
    print_char('\n');
}

/* 0 ends the prompt. */
static int run_command(struct screen *screen, const char *line)
{
    if (equal(line, "help"))
        say(screen, "help, bars, halt\n", GREEN);
    else if (equal(line, "bars"))
        for (uint32_t i = 0; i < 8; i++)
            fill(screen, screen->height - 64 + 8 * i, 8, (i & 4 ? 0xff0000 : 0) | (i & 2 ? 0xff00 : 0) | (i & 1 ? 0xff : 0));
    else if (!equal(line, "halt"))
        say(screen, "What?\n", GREEN);
    return !equal(line, "halt");
}

/* Never comes back. The first module is the font, the second a text. */
static void prompt(struct screen *screen, struct module font, struct module text)
{
    char line[LINE_LENGTH];

    screen->font = (const uint8_t *)font.start;
    fill(screen, 0, screen->height, NIGHT);
    for (const char *at = text.start; at < text.end; at++) {
        put_char(screen, *at, GREEN);
        print_char(*at);
    }
    do {
        say(screen, "> ", GREEN);
        read_line(screen, line);
    } while (run_command(screen, line));
    power_off();
}

#endif
