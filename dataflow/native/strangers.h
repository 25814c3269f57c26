/* Names that no column has, each told once. Keeps their hashes alone, and no more than so many. */
#ifndef DATAFLOW_STRANGERS_H
#define DATAFLOW_STRANGERS_H

#include "names.h"

/* dataflow/unknown_fields.py says so to people. */
enum { MOST_STRANGERS = 100 };

typedef struct {
    uint64_t *met; /* a table of hashes; NULL until the first, 0 where there is none */
    int64_t count;
} strangers;

/* Whether a name is to be told: not when it was before, nor when so many were, nor without memory. */
bool strangers_meet(strangers *of, text name);

#endif
