/* What Python and C say to each other: a plan of streams goes in, a reading of a chunk comes out.
 *
 * dataflow/input/compiled.py mirrors these structures. Nothing here knows Python, a batch or a database.
 */
#ifndef DATAFLOW_READER_H
#define DATAFLOW_READER_H

#include <stddef.h>
#include <stdint.h>

#include "arrow.h"

/* Bytes that somebody else owns. */
typedef struct {
    const char *bytes;
    int64_t length;
} text;

/* How a column's cells are read, and what Arrow holds them in. */
enum cell_kind {
    CELL_TEXT,    /* a JSON string: utf8 */
    CELL_TOKEN,   /* any JSON value as it stands: utf8 */
    CELL_JSON,    /* the same, for a database that reads it */
    CELL_ARRAY,   /* and only an array */
    CELL_OBJECT,  /* or only an object */
    CELL_BOOLEAN, /* bool */
    CELL_INTEGER, /* int64 */
    CELL_DECIMAL, /* decimal128(38, 9) */
    CELL_DATE,    /* date32 */
    CELL_MOMENT,  /* timestamp[us, UTC]; without a zone it means UTC */
    CELL_LOCAL,   /* timestamp[us]; a zone is dropped */
};

typedef struct {
    text field;
    int32_t kind;
    int32_t exact; /* whether a cell that is not held as it was sent is for the exact reading to judge */
} column_plan;

typedef struct {
    text name;
    text name_space; /* bytes is NULL for a stream without one */
    int64_t column_count;
    const column_plan *columns;
} stream_plan;

typedef struct {
    int64_t stream_count;
    const stream_plan *streams;
    int64_t first_day, last_day;           /* that dates and timestamps may name, from 1970-01-01 */
    int64_t earliest_emitted, last_emitted; /* milliseconds from 1970-01-01 */
    int64_t text_bytes;                     /* that a text may have at most */
    int32_t holds_nul;                      /* whether it may hold U+0000 */
    int32_t bare;                           /* whether each line is the data of a record of the first stream */
    int64_t bare_emitted;                   /* and when all of them were emitted, in milliseconds from 1970-01-01 */
} plan;

/* In place of a line's stream. */
enum { LINE_ODD = -1, LINE_BLANK = -2 };

enum note_kind {
    NOTE_UNSETTLED, /* the cell is null; what it becomes is for the reader of its token to say */
    NOTE_SHORTENED, /* digits beyond what the column holds are gone, and were not all zero */
    NOTE_CHANGED,   /* the record's, of no column: what the source changed */
    NOTE_PARTITION, /* the record's, of no column: the partition it belongs to */
    NOTE_UNKNOWN,   /* of no column: the name of a field that is met for the first time and has none */
};

typedef struct {
    int32_t stream, column, row, kind;
    int64_t begin, end; /* of the token, in the chunk */
} note;

/* Records of one stream between two odd lines, or before the first, or after the last. */
typedef struct {
    int32_t stream, records;
    int64_t bytes; /* of their lines, without the newlines */
    int64_t after; /* how many odd lines */
} span;

/* What a chunk holds. Valid until the next one is read; what was exported stays. */
typedef struct {
    int64_t line_count;
    const int64_t *ends;    /* where each line ends, its newline not counted */
    const int32_t *streams; /* whose record each line is, or LINE_ODD, or LINE_BLANK */
    int64_t span_count;
    const span *spans; /* in the order in which they begin */
    int64_t note_count;
    const note *notes;
} reading;

typedef struct reader reader;

/* NULL when there is no memory. The plan is copied. */
reader *reader_new(const plan *given);
void reader_free(reader *of);

/* Reads whole lines; the byte at chunk[length] must be readable, and zero. NULL when there is no memory. */
const reading *reader_read(reader *of, const char *chunk, int64_t length);

/* A stream's rows of the last chunk, once: when each was emitted, as a timestamp, and its columns. Returns 0, or -1 when
 * there is no memory. */
int32_t reader_export(reader *of, int32_t stream, struct ArrowArray *out);

#endif
