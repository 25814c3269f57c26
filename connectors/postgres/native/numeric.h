/* An exact number as PostgreSQL sends it: groups of four decimal digits on both sides of the point. */
#ifndef DATAFLOW_NUMERIC_H
#define DATAFLOW_NUMERIC_H

#include <stdint.h>

/* 38 digits lie in ten groups, or in eleven where the point is within a group. */
enum { GROUP_DIGITS = 4, GROUP_VALUES = 10000, MOST_GROUPS = 11, NUMERIC_BYTES = 8 + 2 * MOST_GROUPS };

typedef struct {
    uint16_t groups[MOST_GROUPS];
    int first, count; /* the groups that count: without zeros at either end */
    int weight;       /* of the first of them, in groups before the point, less one */
    uint16_t sign;
} numeric;

/* The number of `value` units of ten to the power of -scale. `scale` is from 0 to 38. */
numeric numeric_of(__int128 value, int32_t scale);

static inline int32_t numeric_length(const numeric *of) { return 8 + 2 * of->count; }

#endif
