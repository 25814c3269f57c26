/* Names that no column has, each noted once. Keeps only their hashes, and at most MOST_STRANGERS. */
#ifndef DATAFLOW_STRANGERS_H
#define DATAFLOW_STRANGERS_H

#include "names.h"

/* dataflow/unknown_fields.py says so to people. */
enum { MOST_STRANGERS = 100 };

typedef struct {
    uint64_t *met; /* a table of hashes; NULL until the first, 0 where there is none */
    int64_t count;
} strangers;

/* Whether a name is to be noted: not if it was before, nor if MOST_STRANGERS were, nor without memory. */
bool strangers_meet(strangers *of, text name);

#endif
