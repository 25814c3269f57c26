/* What the text of one cell says, where it says it in a plain form. Everything else is left to the exact reading. */
#ifndef DATAFLOW_CELLS_H
#define DATAFLOW_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

/* What a value does not hold of the text that it was read from. */
enum cell_loss {
    LOSS_DIGITS = 1, /* digits that were not all zero: beyond the scale (rounded half away from zero) or beyond microseconds */
    LOSS_FORM = 2,   /* what the column's kind has no place for: a time of day, a zone, zeros before a number */
};

/* The characters of a number, or of a date or a moment, as a value; false leaves it to the exact reading. `loss` gets the
 * flags of what the value does not hold, and keeps those it has. */
bool cell_integer(text number, int64_t *value);
bool cell_decimal(text number, __int128 *value, int *loss);
bool cell_date(text of, const plan *limits, int32_t *days, int *loss);
bool cell_timestamp(text of, bool zoned, const plan *limits, int64_t *micros, int *loss);
/* Whether a text writes a number as JSON would, without an exponent. */
bool cell_is_plain_number(text of);

#endif
