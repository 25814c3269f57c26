/* Columns of one stream that grow by rows, in Arrow's layout. Reads nothing. */
#ifndef DATAFLOW_COLUMNS_H
#define DATAFLOW_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

typedef struct {
    int32_t kind;
    uint8_t *present; /* a bit per row */
    uint8_t *values;  /* of equal width, or a text's bytes */
    int32_t *offsets; /* of texts only */
    int64_t filled;   /* rows that are present */
    int64_t room;     /* of a text's bytes */
    int64_t usual;    /* bytes that it needed last time, and some more */
} column;

typedef struct {
    int64_t count; /* of columns: those planned, and last when a row was emitted */
    column *columns;
    int64_t rows, room;
    int64_t usual; /* rows that there were last time, and some more */
} table;

bool table_init(table *of, const stream_plan *planned);
/* Room for one more row, whose cells are all null so far. */
bool table_next(table *of);
/* Lets all rows go. */
void table_empty(table *of);
void table_free(table *of);

/* Room for `length` more bytes of text; where to write them, or NULL when there is no memory. Texts of 2 GiB are too much. */
char *table_text(table *of, int64_t index, int64_t length);
/* The cell of the next row: the text up to here, or a value of the column's width. */
void table_set_text(table *of, int64_t index, const char *end);
void table_set(table *of, int64_t index, const void *value);
/* Makes it null, whether or not it was set. */
void table_clear(table *of, int64_t index);

/* Gives all rows away, the last column first; the table is empty then. */
bool table_export(table *of, struct ArrowArray *out);

#endif
