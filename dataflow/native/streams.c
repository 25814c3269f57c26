#include "streams.h"

#include <stdlib.h>

static bool is_plain(text name) {
    for (int64_t i = 0; i < name.length; i++)
        if ((unsigned char)name.bytes[i] < 0x20 || name.bytes[i] == '"' || name.bytes[i] == '\\') return false;
    return true;
}

static int32_t *nones(int64_t count) {
    int32_t *made = malloc((size_t)count * sizeof(int32_t));
    for (int64_t i = 0; made && i < count; i++) made[i] = NONE;
    return made;
}

bool stream_init(stream *of, const stream_plan *planned) {
    int64_t count = planned->column_count;
    of->plain = calloc((size_t)count + 1, sizeof(bool));
    of->exact = calloc((size_t)count + 1, sizeof(bool));
    of->after = nones(count + 1);
    of->seen = nones(count + 1);
    if (!of->plain || !of->exact || !of->after || !of->seen) return false;
    if (!table_init(&of->rows, planned) || !names_init(&of->fields, count)) return false;
    for (int64_t i = 0; i < count; i++) {
        of->plain[i] = is_plain(planned->columns[i].field);
        of->exact[i] = planned->columns[i].exact;
        if (!names_add(&of->fields, planned->columns[i].field)) return false;
    }
    of->span = NONE;
    return text_copy(&of->name_space, planned->name_space);
}

void stream_free(stream *of) {
    free((void *)of->name_space.bytes);
    names_free(&of->fields);
    free(of->plain);
    free(of->exact);
    free(of->after);
    free(of->seen);
    free(of->unknown.met);
    table_free(&of->rows);
}

int32_t stream_field(stream *of, int32_t last, text name) {
    int32_t index = names_find(&of->fields, name);
    if (index != NONE) of->after[last + 1] = index;
    return index;
}

void stream_begin(stream *of) {
    if (!of->touched) return;
    of->touched = false;
    for (int64_t i = 0; i < of->rows.count; i++) of->seen[i] = NONE;
    of->span = NONE;
    table_empty(&of->rows);
}
