#include "strangers.h"

#include <stdlib.h>

/* A power of two, so much above the most that a search ends soon. */
enum { SLOTS = 256 };

static uint64_t hash(text of) {
    /* FNV-1a; never 0, which is an empty slot. */
    uint64_t value = 14695981039346656037u;
    for (int64_t i = 0; i < of.length; i++) value = (value ^ (unsigned char)of.bytes[i]) * 1099511628211u;
    return value ? value : 1;
}

bool strangers_meet(strangers *of, text name) {
    if (of->count == MOST_STRANGERS) return false;
    if (!of->met && !(of->met = calloc(SLOTS, sizeof(uint64_t)))) return false;
    uint64_t value = hash(name);
    uint64_t slot = value % SLOTS;
    while (of->met[slot] && of->met[slot] != value) slot = (slot + 1) % SLOTS;
    if (of->met[slot]) return false;
    of->met[slot] = value;
    of->count++;
    return true;
}
