#include "names.h"

#include <stdlib.h>

bool text_copy(text *to, text from) {
    *to = (text){NULL, from.length};
    if (!from.bytes) return true;
    char *bytes = malloc((size_t)from.length + 1);
    if (bytes && from.length) memcpy(bytes, from.bytes, (size_t)from.length);
    to->bytes = bytes;
    return bytes != NULL;
}

static uint32_t hash(text of) {
    /* FNV-1a. */
    uint32_t value = 2166136261u;
    for (int64_t i = 0; i < of.length; i++) value = (value ^ (unsigned char)of.bytes[i]) * 16777619u;
    return value;
}

/* The place at which a name stands, or would. */
static uint32_t slot_of(const names *of, text name) {
    uint32_t slot = hash(name) & of->mask;
    while (of->slots[slot] != NONE && !same(of->known[of->slots[slot]], name)) slot = (slot + 1) & of->mask;
    return slot;
}

bool names_init(names *of, int64_t room) {
    int64_t slots = 4;
    while (slots < room * 2) slots *= 2;
    *of = (names){.mask = (uint32_t)slots - 1};
    of->known = calloc((size_t)room + 1, sizeof(text));
    of->slots = malloc((size_t)slots * sizeof(int32_t));
    for (int64_t i = 0; of->slots && i < slots; i++) of->slots[i] = NONE;
    return of->known && of->slots;
}

bool names_add(names *of, text name) {
    uint32_t slot = slot_of(of, name);
    if (!text_copy(&of->known[of->count], name)) return false;
    if (of->slots[slot] == NONE) of->slots[slot] = (int32_t)of->count;
    of->count++;
    return true;
}

int32_t names_find(const names *of, text name) { return of->slots[slot_of(of, name)]; }

void names_free(names *of) {
    for (int64_t i = 0; i < of->count; i++) free((void *)of->known[i].bytes);
    free(of->known);
    free(of->slots);
}
