/* A polled PS/2 keyboard behind an i8042: scan code set 1, US layout, no Shift. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

#include "ports.h"

#define KEYBOARD_DATA   0x60
#define KEYBOARD_STATUS 0x64 /* bit 0: a byte is there */
#define RELEASED        0x80

/* The character of the next key that is pressed; keys that print nothing are skipped. */
static inline char read_key(void)
{
    static const char characters[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0\0\0 ";

    for (;;) {
        while (!(inb(KEYBOARD_STATUS) & 1))
            ;
        uint8_t code = inb(KEYBOARD_DATA);
        if (code < sizeof characters - 1 && characters[code] != '\0')
            return characters[code];
    }
}

#endif
