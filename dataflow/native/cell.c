/* A cell: from its token to its column, or to a note that it is for the exact reading. */
#include "cells.h"
#include "state.h"

/* From its characters to the column; false when the exact reading has to say what it becomes. */
static bool set_integer(table *rows, int32_t index, text number, bool quoted) {
    int64_t value;
    /* In a string only an integer without a point is one (AirbyteValueCoercer). */
    if (quoted && memchr(number.bytes, '.', (size_t)number.length)) return false;
    return cell_integer(number, &value) && (table_set(rows, index, &value), true);
}

static bool set_decimal(table *rows, int32_t index, text number, int *loss) {
    __int128 value;
    return cell_decimal(number, &value, loss) && (table_set(rows, index, &value), true);
}

static bool set_temporal(reader *of, table *rows, int32_t index, text inner, int *loss) {
    int32_t kind = rows->columns[index].kind;
    if (kind == CELL_DATE) {
        int32_t days;
        return cell_date(inner, &of->limits, &days, loss) && (table_set(rows, index, &days), true);
    }
    int64_t micros;
    return cell_timestamp(inner, kind == CELL_MOMENT, &of->limits, &micros, loss) &&
           (table_set(rows, index, &micros), true);
}

/* Whether a database takes it as it stands. */
static bool is_sound(const reader *of) { return !of->within.nul || of->limits.holds_nul; }

/* The same characters without U+0000, which some databases cannot hold; where they end. */
static char *without_nul(char *from, const char *end) {
    char *to = from;
    for (; from < end; from++)
        if (*from) *to++ = *from;
    return to;
}

static bool set_text(reader *of, table *rows, int32_t index, text inner, bool escaped) {
    if (inner.length > of->limits.text_bytes) return false;
    char *to = table_text(rows, index, inner.length);
    if (!to) return of->out_of_memory = true, false;
    char *end = to + inner.length;
    if (escaped) end = json_unescape(inner, to);
    else memcpy(to, inner.bytes, (size_t)inner.length);
    if (!is_sound(of)) end = without_nul(to, end);
    table_set_text(rows, index, end);
    return true;
}

static bool set_json(reader *of, table *rows, int32_t index, text token) {
    return is_sound(of) && !of->within.wide && set_text(of, rows, index, token, false);
}

static bool set_cell(reader *of, table *rows, int32_t index, text token, bool escaped, int *loss) {
    text inner = {token.bytes + 1, token.length - 2};
    char first = *token.bytes;
    switch (rows->columns[index].kind) {
    case CELL_TEXT: return first == '"' && set_text(of, rows, index, inner, escaped);
    case CELL_TOKEN: return set_text(of, rows, index, token, false);
    case CELL_ARRAY: return first == '[' && set_json(of, rows, index, token);
    case CELL_OBJECT: return first == '{' && set_json(of, rows, index, token);
    case CELL_JSON: return set_json(of, rows, index, token);
    case CELL_BOOLEAN: {
        bool value = first == 't';
        if (first != 't' && first != 'f') return false;
        table_set(rows, index, &value);
        return true;
    }
    case CELL_INTEGER:
    case CELL_DECIMAL: {
        bool quoted = first == '"';
        if (escaped || !(quoted || first == '-' || json_digit(first))) return false;
        text number = quoted ? inner : token;
        if (quoted && !cell_is_plain_number(inner)) *loss |= LOSS_FORM;
        /* As Java's BigDecimal reads it from a string. */
        if (quoted && inner.length > 1 && inner.bytes[0] == '+' && json_digit(inner.bytes[1]))
            number = (text){inner.bytes + 1, inner.length - 1};
        bool whole = rows->columns[index].kind == CELL_INTEGER;
        return whole ? set_integer(rows, index, number, quoted) : set_decimal(rows, index, number, loss);
    }
    default: return first == '"' && !escaped && set_temporal(of, rows, index, inner, loss);
    }
}

const char *read_cell(reader *of, int32_t owner, int32_t index, const char *at) {
    table *rows = &of->each[owner].rows;
    bool escaped = false;
    int loss = 0;
    const char *begin = at;
    of->within.nul = of->within.wide = false;
    if (*at == '"') {
        at = json_string(at + 1, &of->within, &escaped);
        if (!at) return NULL;
        at++;
    } else {
        at = json_value(at, &of->within, 0);
        if (!at) return NULL;
        if (*begin == 'n') return at;
    }
    bool settled = set_cell(of, rows, index, (text){begin, at - begin}, escaped, &loss);
    if (of->out_of_memory) return NULL;
    if (escaped && !is_sound(of)) loss |= LOSS_FORM;
    if (loss && settled && of->each[owner].exact[index]) {
        table_clear(rows, index);
        settled = false;
    }
    if (!settled || loss & LOSS_DIGITS) {
        note made = {
            .stream = owner,
            .column = index,
            .row = (int32_t)rows->rows,
            .kind = settled ? NOTE_SHORTENED : NOTE_UNSETTLED,
            .begin = begin - of->chunk,
            .end = at - of->chunk,
        };
        if (!add_note(of, made)) return of->out_of_memory = true, NULL;
    }
    return at;
}
