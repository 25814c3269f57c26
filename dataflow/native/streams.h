/* One stream of a plan: its names, its fields, and its rows. Reads nothing. */
#ifndef DATAFLOW_STREAMS_H
#define DATAFLOW_STREAMS_H

#include "columns.h"
#include "strangers.h"

typedef struct {
    text name_space;
    bool shared; /* its name is another stream's too */
    names fields;
    bool *plain;    /* whether a field's name stands in JSON as it is */
    bool *exact;    /* whether a column holds its cells as they were sent, or not at all */
    int32_t *after; /* which column came after which, when one did; the first after none */
    int32_t *seen;  /* the last line that had this column */
    int64_t span;   /* the last of its spans, or NONE */
    bool touched;   /* by the last chunk */
    strangers unknown; /* of its fields */
    table rows;
} stream;

bool stream_init(stream *of, const stream_plan *planned);
void stream_free(stream *of);

/* The column that comes next if this record is like the one before, or NONE. */
static inline int32_t stream_guess(const stream *of, int32_t last) { return of->after[last + 1]; }
/* The column of a field, or NONE; it is the guess from now on. */
int32_t stream_field(stream *of, int32_t last, text name);
/* Forgets which columns were seen, and rows that nobody took. */
void stream_begin(stream *of);

#endif
