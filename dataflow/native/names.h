/* Finds a name among those that are known. */
#ifndef DATAFLOW_NAMES_H
#define DATAFLOW_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "reader.h"

enum { NONE = -1 };

typedef struct {
    text *known;    /* its own copies */
    int32_t *slots; /* by a name's hash: its index, or NONE */
    int64_t count;
    uint32_t mask;
} names;

static inline bool same(text one, text other) {
    return one.length == other.length && (!one.length || memcmp(one.bytes, other.bytes, (size_t)one.length) == 0);
}

bool text_copy(text *to, text from);

/* Room for `room` names, none known yet. */
bool names_init(names *of, int64_t room);
/* Its index is how many were known. The first of several that are the same is found. */
bool names_add(names *of, text name);
int32_t names_find(const names *of, text name);
void names_free(names *of);

#endif
