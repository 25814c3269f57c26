#include "columns.h"

#include <stdlib.h>
#include <string.h>

/* What is taken where nothing is known yet, and what is left over beyond an eighth. */
enum { FIRST_ROOM = 64, FIRST_TEXT = 1024, SOME_ROWS = 8, SOME_TEXT = 64 };

static const uint8_t WIDTHS[] = {
    [CELL_INTEGER] = 8, [CELL_DECIMAL] = 16, [CELL_DATE] = 4, [CELL_MOMENT] = 8, [CELL_LOCAL] = 8,
};

static bool is_text(const column *of) { return of->kind <= CELL_OBJECT; }

static size_t bits(int64_t rows) { return (size_t)(rows + 7) / 8; }

static size_t width_of(const column *of, int64_t rows) {
    return of->kind == CELL_BOOLEAN ? bits(rows) : (size_t)rows * WIDTHS[of->kind];
}

/* The block, grown from `before` to `after` bytes with zeros; NULL when there is no memory. */
static void *grown(void *block, size_t before, size_t after) {
    char *made = realloc(block, after);
    if (made) memset(made + before, 0, after - before);
    return made;
}

/* Bits and values begin as zero, so a null needs no writing. */
static bool widen(column *of, int64_t before, int64_t after) {
    uint8_t *present = grown(of->present, bits(before), bits(after));
    if (!present) return false;
    of->present = present;
    if (is_text(of)) {
        size_t old = before ? (size_t)(before + 1) * sizeof(int32_t) : 0;
        int32_t *offsets = grown(of->offsets, old, (size_t)(after + 1) * sizeof(int32_t));
        if (offsets) of->offsets = offsets;
        return offsets;
    }
    uint8_t *values = grown(of->values, width_of(of, before), width_of(of, after));
    if (values) of->values = values;
    return values;
}

bool table_init(table *of, const stream_plan *planned) {
    int64_t count = planned->column_count;
    *of = (table){.count = count + 1, .columns = calloc((size_t)count + 1, sizeof(column))};
    if (!of->columns) return false;
    for (int64_t i = 0; i < count; i++) of->columns[i].kind = planned->columns[i].kind;
    of->columns[count].kind = CELL_MOMENT;
    return true;
}

static void drop(column *of) {
    free(of->present);
    free(of->values);
    free(of->offsets);
}

void table_empty(table *of) {
    for (int64_t i = 0; of->columns && i < of->count; i++) {
        drop(&of->columns[i]);
        of->columns[i] = (column){.kind = of->columns[i].kind, .usual = of->columns[i].usual};
    }
    of->rows = of->room = 0;
}

void table_free(table *of) {
    table_empty(of);
    free(of->columns);
}

bool table_next(table *of) {
    if (of->rows < of->room) return true;
    int64_t room = of->room ? of->room * 2 : of->usual ? of->usual : FIRST_ROOM;
    for (int64_t i = 0; i < of->count; i++)
        if (!widen(&of->columns[i], of->room, room)) return false;
    of->room = room;
    return true;
}

char *table_text(table *of, int64_t index, int64_t length) {
    column *to = &of->columns[index];
    int64_t used = to->offsets[of->rows], needed = used + length;
    if (needed > INT32_MAX) return NULL;
    if (needed > to->room || !to->values) {
        int64_t room = to->room ? to->room * 2 : to->usual ? to->usual : FIRST_TEXT;
        room = room < needed ? needed : room;
        uint8_t *grown = realloc(to->values, (size_t)room);
        if (!grown) return NULL;
        to->values = grown;
        to->room = room;
    }
    return (char *)to->values + used;
}

static void mark(table *of, column *to) {
    uint8_t bit = (uint8_t)(1 << (of->rows & 7)), *byte = &to->present[of->rows >> 3];
    to->filled += !(*byte & bit);
    *byte |= bit;
}

void table_set_text(table *of, int64_t index, const char *end) {
    column *to = &of->columns[index];
    to->offsets[of->rows + 1] = (int32_t)(end - (const char *)to->values);
    mark(of, to);
}

void table_set(table *of, int64_t index, const void *value) {
    column *to = &of->columns[index];
    mark(of, to);
    if (to->kind == CELL_BOOLEAN) {
        to->values[of->rows >> 3] |= (uint8_t)(*(const bool *)value << (of->rows & 7));
    } else {
        size_t width = WIDTHS[to->kind];
        memcpy(to->values + (size_t)of->rows * width, value, width);
    }
}

void table_clear(table *of, int64_t index) {
    column *to = &of->columns[index];
    uint8_t bit = (uint8_t)(1 << (of->rows & 7)), *byte = &to->present[of->rows >> 3];
    to->filled -= (*byte & bit) != 0;
    *byte &= (uint8_t)~bit;
    if (is_text(to)) {
        to->offsets[of->rows + 1] = to->offsets[of->rows];
    } else if (to->kind == CELL_BOOLEAN) {
        to->values[of->rows >> 3] &= (uint8_t)~bit;
    } else {
        memset(to->values + (size_t)of->rows * WIDTHS[to->kind], 0, WIDTHS[to->kind]);
    }
}

/* What was given away: freed at once, when the last of it is let go. */
typedef struct {
    int64_t count;
    column *columns;
    struct ArrowArray *children;
    struct ArrowArray **pointers;
    const void **buffers;
} gift;

static void free_gift(gift *of) {
    for (int64_t i = 0; of->columns && i < of->count; i++) drop(&of->columns[i]);
    free(of->columns);
    free(of->children);
    free(of->pointers);
    free(of->buffers);
    free(of);
}

static void release(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    free_gift(array->private_data);
    array->release = NULL;
}

/* Its memory is its parent's. */
static void release_child(struct ArrowArray *array) { array->release = NULL; }

static gift *new_gift(int64_t count) {
    gift *made = calloc(1, sizeof(gift));
    if (!made) return NULL;
    made->count = count;
    made->columns = calloc((size_t)count + 1, sizeof(column));
    made->children = calloc((size_t)count + 1, sizeof(struct ArrowArray));
    made->pointers = calloc((size_t)count + 1, sizeof(struct ArrowArray *));
    made->buffers = calloc((size_t)count * 3 + 1, sizeof(void *));
    if (made->columns && made->children && made->pointers && made->buffers) return made;
    free_gift(made);
    return NULL;
}

static void give(gift *to, int64_t index, int64_t rows) {
    const column *from = &to->columns[index];
    const void **buffers = &to->buffers[1 + index * 3];
    int64_t count = 0;
    buffers[count++] = from->filled < rows ? from->present : NULL;
    if (is_text(from)) buffers[count++] = from->offsets;
    buffers[count++] = from->values;
    to->children[index] = (struct ArrowArray){
        .length = rows,
        .null_count = rows - from->filled,
        .n_buffers = count,
        .buffers = buffers,
        .release = release_child,
    };
    to->pointers[(index + 1) % to->count] = &to->children[index];
}

bool table_export(table *of, struct ArrowArray *out) {
    gift *made = new_gift(of->count);
    if (!made) return false;
    for (int64_t i = 0; i < of->count; i++) {
        made->columns[i] = of->columns[i];
        column *each = &made->columns[i];
        int64_t bytes = is_text(each) ? each->offsets[of->rows] : 0;
        of->columns[i] = (column){.kind = each->kind, .usual = bytes + bytes / 8 + SOME_TEXT};
        give(made, i, of->rows);
    }
    of->usual = of->rows + of->rows / 8 + SOME_ROWS;
    *out = (struct ArrowArray){
        .length = of->rows,
        .n_buffers = 1,
        .buffers = made->buffers,
        .n_children = of->count,
        .children = made->pointers,
        .release = release,
        .private_data = made,
    };
    of->rows = of->room = 0;
    return true;
}
