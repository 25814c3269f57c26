/* What the text of one cell says, where it says it in a plain form. Everything else is left to the exact reading. */
#ifndef DATAFLOW_CELLS_H
#define DATAFLOW_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

/* The characters of a number, or of a date or a moment, as a value; false leaves it to the exact reading. `cut` is set when
 * digits that were not all zero had to go: beyond the scale (rounded half away from zero) or beyond microseconds. */
bool cell_integer(text number, int64_t *value);
bool cell_decimal(text number, __int128 *value, bool *cut);
bool cell_date(text of, const plan *limits, int32_t *days);
bool cell_timestamp(text of, bool zoned, const plan *limits, int64_t *micros, bool *cut);

#endif
