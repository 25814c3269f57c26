#include "numeric.h"

#include <string.h>

enum { NEGATIVE = 0x4000 };
static const unsigned POWERS[] = {1, 10, 100, 1000};

/* Takes the last group, of `digits` digits, off a number. */
static unsigned last_group(unsigned __int128 *rest, unsigned values) {
    unsigned __int128 whole;
    unsigned group;
    if (*rest >> 64) {
        whole = *rest / values;
        group = (unsigned)(*rest - whole * values);
    } else {
        uint64_t small = (uint64_t)*rest;
        whole = small / values;
        group = (unsigned)(small % values);
    }
    *rest = whole;
    return group;
}

numeric numeric_of(__int128 value, int32_t scale) {
    numeric made;
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    int at = MOST_GROUPS, end = MOST_GROUPS, places = (scale + GROUP_DIGITS - 1) / GROUP_DIGITS;
    int partial = scale % GROUP_DIGITS;
    /* The group that the digits after the point end in may lack some. */
    if (partial) made.groups[--at] = (uint16_t)(last_group(&rest, POWERS[partial]) * POWERS[GROUP_DIGITS - partial]);
    while (rest) made.groups[--at] = (uint16_t)last_group(&rest, GROUP_VALUES);
    while (at < end && !made.groups[at]) at++;
    made.weight = at < end ? end - places - at - 1 : 0;
    while (at < end && !made.groups[end - 1]) end--;
    made.first = at;
    made.count = end - at;
    made.sign = made.count && value < 0 ? NEGATIVE : 0;
    return made;
}
