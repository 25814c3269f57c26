/* Rows of Arrow columns, written as rows of PostgreSQL's binary COPY format (manual: COPY, "Binary Format"; the form of a
 * field is what its type's receive function takes).
 *
 * connectors/postgres/encoding.py mirrors these structures. Nothing here knows Python, a table or a connection.
 */
#ifndef DATAFLOW_ENCODER_H
#define DATAFLOW_ENCODER_H

#include <stdint.h>

#include "../../../dataflow/native/arrow.h"

/* How the values of a column become fields. */
enum field_form {
    FORM_TEXT,    /* utf8 or binary, as it is */
    FORM_JSONB,   /* utf8, after the version of the format */
    FORM_FIXED,   /* binary values of one width, as they are */
    FORM_BOOLEAN, /* bool: one byte */
    FORM_INTEGER, /* int64 */
    FORM_DECIMAL, /* decimal128: groups of four digits */
    FORM_DATE,    /* date32: days from 2000-01-01 */
    FORM_MOMENT,  /* timestamp[us]: microseconds from 2000-01-01 */
    FORM_TIME,    /* time64[us]: microseconds from midnight */
};

typedef struct {
    int32_t form;
    int32_t size; /* bytes of a FORM_FIXED value, digits after the point of a FORM_DECIMAL */
} field_plan;

/* The bytes that these rows take at most. */
int64_t encoder_room(const struct ArrowArray *rows, const field_plan *fields);

/* Writes the rows into a place with that room; gives how many bytes they took. */
int64_t encoder_rows(const struct ArrowArray *rows, const field_plan *fields, char *to);

#endif
