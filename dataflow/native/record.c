/* A record: whose it is, and its cells. Its members may stand in any order. */
#include "cells.h"
#include "state.h"

static bool is(text one, const char *other) { return same(one, (text){other, (int64_t)strlen(other)}); }

/* A member's name, from its quote, and past its colon. */
static const char *read_name(reader *of, const char *at, text *name) {
    bool escaped;
    if (*at++ != '"') return NULL;
    const char *end = json_string(at, &of->within, &escaped);
    if (!end) return NULL;
    *name = (text){at, end - at};
    if (escaped) {
        if (name->length > LONGEST_NAME) return NULL;
        *name = (text){of->scratch, json_unescape(*name, of->scratch) - of->scratch};
    }
    at = json_space(end + 1);
    return *at == ':' ? json_space(at + 1) : NULL;
}

/* The same, of a name that is expected; NULL when it is another one. */
static const char *expect_name(const reader *of, const char *at, text name) {
    const char *end = at + 1 + name.length;
    if (end >= of->within.limit || memcmp(at + 1, name.bytes, (size_t)name.length) != 0 || *end != '"') return NULL;
    at = json_space(end + 1);
    return *at == ':' ? json_space(at + 1) : NULL;
}

/* Past a comma, or to the closing bracket. */
static const char *next_member(const char *at) {
    at = json_space(at);
    if (*at == ',') {
        at = json_space(at + 1);
        return *at == '"' ? at : NULL;
    }
    return *at == '}' ? at : NULL;
}

/* A string without escapes, from its quote; or null, which has no bytes. */
static const char *read_plain(reader *of, const char *at, text *found) {
    *found = (text){NULL, 0};
    if (*at == 'n') return json_value(at, &of->within, 0);
    bool escaped;
    if (*at++ != '"') return NULL;
    const char *end = json_string(at, &of->within, &escaped);
    if (!end || escaped) return NULL;
    *found = (text){at, end - at};
    return end + 1;
}

/* Notes the name of a field that has no column, once. A line that turns out to be odd takes it back: then the exact road
 * notes it. */
static void note_unknown(reader *of, int32_t owner, text name, const char *quote) {
    stream *to = &of->each[owner];
    bool escaped;
    if (!strangers_meet(&to->unknown, name)) return;
    const char *end = json_string(quote + 1, &of->within, &escaped) + 1;
    note made = {
        .stream = owner,
        .column = NONE,
        .row = (int32_t)to->rows.rows,
        .kind = NOTE_UNKNOWN,
        .begin = quote - of->chunk,
        .end = end - of->chunk,
    };
    if (!add_note(of, made)) of->out_of_memory = true;
}

static const char *read_data(reader *of, int32_t owner, const char *at) {
    stream *to = &of->each[owner];
    to->touched = true;
    if (!table_next(&to->rows)) return of->out_of_memory = true, NULL;
    /* Texts end where they begin, unless there is one. */
    for (int64_t i = 0; i < to->rows.count; i++) {
        column *each = &to->rows.columns[i];
        if (each->offsets) each->offsets[to->rows.rows + 1] = each->offsets[to->rows.rows];
    }
    if (*at++ != '{') return NULL;
    at = json_space(at);
    int32_t last = NONE;
    while (*at == '"') {
        int32_t index = stream_guess(to, last);
        const char *value = index != NONE && to->plain[index] ? expect_name(of, at, to->fields.known[index]) : NULL;
        if (!value) {
            text name;
            value = read_name(of, at, &name);
            if (!value) return NULL;
            index = stream_field(to, last, name);
            if (index == NONE) note_unknown(of, owner, name, at);
        }
        at = value;
        if (index == NONE) {
            at = json_value(at, &of->within, 0);
        } else if (to->seen[index] == of->line) {
            return NULL;
        } else {
            to->seen[index] = of->line;
            at = read_cell(of, owner, index, at);
            last = index;
        }
        if (!at || !(at = next_member(at))) return NULL;
    }
    return *at == '}' ? at + 1 : NULL;
}

/* Whose record it is, by both names. */
static int32_t owner_of(const reader *of, const record *found) {
    text name = of->streams.known[found->stream];
    for (int32_t index = found->stream; index < of->streams.count; index++) {
        const stream *each = &of->each[index];
        bool spaced = each->name_space.bytes != NULL;
        if (!same(of->streams.known[index], name)) continue;
        if (spaced == (found->name_space.bytes != NULL) && same(each->name_space, found->name_space)) return index;
        if (!each->shared) break;
    }
    return NONE;
}

/* Null, or without a change: as most sources write it that write it at all. */
static bool says_nothing(text meta) {
    static const char *const forms[] = {"null", "{}", "{\"changes\":[]}", "{\"changes\": []}", "{\"changes\":null}"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (is(meta, forms[i])) return true;
    return false;
}

/* A member that is only passed on, once: null, or of this form. */
static const char *read_passed_on(reader *of, const char *at, char first, text *to) {
    const char *end = json_value(at, &of->within, 0);
    if (to->bytes || !end || (*at != first && *at != 'n')) return NULL;
    *to = (text){at, *at == 'n' ? 0 : end - at};
    return end;
}

static const char *read_member(reader *of, record *found, text name, const char *at) {
    text value;
    if (is(name, "stream")) {
        if (found->named || !(at = read_plain(of, at, &value)) || !value.bytes) return NULL;
        found->named = true;
        found->stream = names_find(&of->streams, value);
        return found->stream == NONE ? NULL : at;
    }
    if (is(name, "data")) {
        if (found->data) return NULL;
        found->data = at;
        if (found->stream == NONE || of->each[found->stream].shared) return json_value(at, &of->within, 0);
        found->taken = true;
        return read_data(of, found->stream, at);
    }
    if (is(name, "emitted_at")) {
        const char *end = json_number(at, &of->within);
        if (found->timed || !end || !cell_integer((text){at, end - at}, &found->emitted)) return NULL;
        found->timed = true;
        bool within = found->emitted >= of->limits.earliest_emitted && found->emitted <= of->limits.last_emitted;
        return within ? end : NULL;
    }
    if (is(name, "namespace")) {
        if (found->spaced) return NULL;
        found->spaced = true;
        return read_plain(of, at, &found->name_space);
    }
    if (is(name, "meta")) {
        at = read_passed_on(of, at, '{', &found->meta);
        if (at && says_nothing(found->meta)) found->meta.length = 0;
        return at;
    }
    if (is(name, "partition_id")) return read_passed_on(of, at, '"', &found->partition);
    return json_value(at, &of->within, 0);
}

static const char *read_record(reader *of, record *found, const char *at) {
    if (*at++ != '{') return NULL;
    at = json_space(at);
    while (*at == '"') {
        text name;
        at = read_name(of, at, &name);
        if (!at || !(at = read_member(of, found, name, at)) || !(at = next_member(at))) return NULL;
    }
    if (*at != '}' || !found->named || !found->timed || !found->data) return NULL;
    int32_t owner = owner_of(of, found);
    if (owner == NONE || (found->taken && owner != found->stream)) return NULL;
    found->stream = owner;
    if (!found->taken) {
        found->taken = true;
        if (!read_data(of, owner, found->data)) return NULL;
    }
    return at + 1;
}

const char *read_message(reader *of, record *found, const char *at) {
    bool is_record = false;
    if (*at++ != '{') return NULL;
    at = json_space(at);
    while (*at == '"') {
        text name, type;
        at = read_name(of, at, &name);
        if (!at) return NULL;
        if (is(name, "type")) {
            if (is_record || !(at = read_plain(of, at, &type)) || !is(type, "RECORD")) return NULL;
            is_record = true;
        } else if (is(name, "record")) {
            if (found->named || !(at = read_record(of, found, at))) return NULL;
        } else if (!(at = json_value(at, &of->within, 0))) {
            return NULL;
        }
        if (!(at = next_member(at))) return NULL;
    }
    return *at == '}' && is_record && found->taken ? json_space(at + 1) : NULL;
}

const char *read_bare(reader *of, record *found, const char *at) {
    *found = (record){.stream = 0, .taken = true, .emitted = of->limits.bare_emitted};
    at = read_data(of, found->stream, at);
    return at ? json_space(at) : NULL;
}
