/* JSON as it stands in a line: where a value ends, and whether it is one. Makes nothing of it.
 *
 * Every function takes where something begins and gives where it ends, or NULL for what is no strict JSON or no
 * UTF-8. None looks at the length: a line is followed by a newline or a zero byte, neither of which can stand in JSON.
 */
#ifndef DATAFLOW_JSON_H
#define DATAFLOW_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

/* Values that lie within more arrays and objects are not followed; one of them may be empty (READ_LEVELS). */
enum { DEEPEST = 99 };

typedef struct {
    const char *limit; /* up to where eight bytes may be loaded at once */
    bool nul;          /* whether a string escapes U+0000 */
    bool wide;         /* whether a number may be beyond what a jsonb column takes */
} scan;

static inline const char *json_space(const char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r') at++;
    return at;
}

static inline bool json_digit(char c) { return (unsigned)(c - '0') < 10; }

/* From after the opening quote to the closing one. */
const char *json_string(const char *at, scan *of, bool *escaped);
const char *json_number(const char *at, scan *of);
const char *json_value(const char *at, scan *of, int depth);

/* The characters of a string that has escapes, into a place with room for all its bytes; gives where they end. */
char *json_unescape(text escaped, char *to);

#endif
