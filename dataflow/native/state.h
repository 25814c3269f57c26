/* What the reader has at hand: its streams, what it found in the chunk, and where in it it is. */
#ifndef DATAFLOW_STATE_H
#define DATAFLOW_STATE_H

#include "json.h"
#include "streams.h"

/* A longer name with escapes is left to the exact reading. */
enum { LONGEST_NAME = 1024 };

struct reader {
    plan limits;
    names streams; /* of them, in their order */
    stream *each;
    int64_t line_room, note_room, span_room;
    int64_t *ends;
    int32_t *owners;
    note *notes;
    span *spans;
    reading found;
    bool out_of_memory;
    /* The chunk and the line that are read. */
    const char *chunk;
    scan within;
    int32_t line;
    int64_t odd; /* lines so far */
    char scratch[LONGEST_NAME];
};

/* What a RECORD says beside its data. */
typedef struct {
    int32_t stream; /* or NONE as long as its name was not read */
    text name_space;
    bool named, spaced, timed, taken; /* taken: its data is in the stream's next row */
    int64_t emitted;
    const char *data;
    text meta, partition; /* tokens; of no length when there is nothing to pass on */
} record;

/* A cell's value, from where it begins to where it ends; NULL when the line is odd. (cell.c) */
const char *read_cell(reader *of, int32_t owner, int32_t index, const char *at);
/* A message that is a record, likewise, or the data of one alone. (record.c) */
const char *read_message(reader *of, record *found, const char *at);
const char *read_bare(reader *of, record *found, const char *at);
/* False when there is no memory. (notes.c) */
bool add_note(reader *of, note made);

#endif
