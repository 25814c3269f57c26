#include "encoder.h"

#include <stdbool.h>
#include <string.h>

#include "numeric.h"

enum { JSONB_VERSION = 1, NULL_LENGTH = -1, COUNT_BYTES = 2, LENGTH_BYTES = 4 };
/* From 1970-01-01 to 2000-01-01. */
static const int32_t EPOCH_DAYS = 10957;
static const int64_t EPOCH_MICROSECONDS = 10957LL * 86400 * 1000000;

/* A column's buffers, from its first row on. */
typedef struct {
    field_plan plan;
    const uint8_t *present; /* NULL when no value is null */
    const int32_t *offsets; /* of texts only */
    const uint8_t *values;
    int64_t first; /* what Arrow calls the offset: the index of the first row's value */
} source;

static bool is_text(int32_t form) { return form == FORM_TEXT || form == FORM_JSONB; }

static source source_of(const struct ArrowArray *rows, const field_plan *fields, int64_t index) {
    const struct ArrowArray *column = rows->children[index];
    bool text = is_text(fields[index].form);
    return (source){
        .plan = fields[index],
        .present = column->null_count ? column->buffers[0] : NULL,
        .offsets = text ? column->buffers[1] : NULL,
        .values = column->buffers[text ? 2 : 1],
        .first = rows->offset + column->offset,
    };
}

/* The most bytes of one value that is no text. */
static int64_t widest(field_plan of) {
    switch (of.form) {
    case FORM_FIXED: return of.size;
    case FORM_BOOLEAN: return 1;
    case FORM_DECIMAL: return NUMERIC_BYTES;
    case FORM_DATE: return 4;
    case FORM_JSONB: return 1;
    case FORM_TEXT: return 0;
    default: return 8;
    }
}

int64_t encoder_room(const struct ArrowArray *rows, const field_plan *fields) {
    int64_t each = COUNT_BYTES, texts = 0;
    for (int64_t i = 0; i < rows->n_children; i++) {
        source of = source_of(rows, fields, i);
        each += LENGTH_BYTES + widest(of.plan);
        if (of.offsets) texts += of.offsets[of.first + rows->length] - of.offsets[of.first];
    }
    return each * rows->length + texts;
}

static char *put16(char *to, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(to, &value, 2);
    return to + 2;
}

static char *put32(char *to, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(to, &value, 4);
    return to + 4;
}

static char *put64(char *to, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(to, &value, 8);
    return to + 8;
}

static char *put_bytes(char *to, const void *from, int64_t length) {
    memcpy(to, from, (size_t)length);
    return to + length;
}

static int64_t int64_at(const source *of, int64_t at) {
    int64_t value;
    memcpy(&value, of->values + at * 8, 8);
    return value;
}

static int32_t int32_at(const source *of, int64_t at) {
    int32_t value;
    memcpy(&value, of->values + at * 4, 4);
    return value;
}

static bool bit_at(const uint8_t *bits, int64_t at) { return bits[at >> 3] >> (at & 7) & 1; }

static char *put_int64(char *to, int64_t value) { return put64(put32(to, 8), (uint64_t)value); }

static char *put_decimal(char *to, const source *of, int64_t at) {
    __int128 value;
    memcpy(&value, of->values + at * 16, 16);
    numeric made = numeric_of(value, of->plan.size);
    to = put32(to, (uint32_t)numeric_length(&made));
    to = put16(to, (uint16_t)made.count);
    to = put16(to, (uint16_t)made.weight);
    to = put16(to, made.sign);
    to = put16(to, (uint16_t)of->plan.size);
    for (int i = 0; i < made.count; i++) to = put16(to, made.groups[made.first + i]);
    return to;
}

static char *put_text(char *to, const source *of, int64_t at, int64_t before) {
    int64_t length = of->offsets[at + 1] - of->offsets[at];
    to = put32(to, (uint32_t)(before + length));
    if (before) *to++ = JSONB_VERSION;
    return put_bytes(to, of->values + of->offsets[at], length);
}

/* One field, its length first. */
static char *put_field(char *to, const source *of, int64_t row) {
    int64_t at = of->first + row;
    if (of->present && !bit_at(of->present, at)) return put32(to, (uint32_t)NULL_LENGTH);
    switch (of->plan.form) {
    case FORM_TEXT: return put_text(to, of, at, 0);
    case FORM_JSONB: return put_text(to, of, at, 1);
    case FORM_FIXED: return put_bytes(put32(to, (uint32_t)of->plan.size), of->values + at * of->plan.size, of->plan.size);
    case FORM_BOOLEAN: to = put32(to, 1); *to = bit_at(of->values, at); return to + 1;
    case FORM_DECIMAL: return put_decimal(to, of, at);
    case FORM_DATE: return put32(put32(to, 4), (uint32_t)(int32_at(of, at) - EPOCH_DAYS));
    case FORM_MOMENT: return put_int64(to, int64_at(of, at) - EPOCH_MICROSECONDS);
    default: return put_int64(to, int64_at(of, at));
    }
}

int64_t encoder_rows(const struct ArrowArray *rows, const field_plan *fields, char *to) {
    char *begin = to;
    source sources[rows->n_children + 1];
    for (int64_t i = 0; i < rows->n_children; i++) sources[i] = source_of(rows, fields, i);
    for (int64_t row = 0; row < rows->length; row++) {
        to = put16(to, (uint16_t)rows->n_children);
        for (int64_t i = 0; i < rows->n_children; i++) to = put_field(to, &sources[i], row);
    }
    return to - begin;
}
