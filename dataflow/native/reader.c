/* Lines of a chunk, and what is found in them. */
#include "lists.h"
#include "state.h"

#include <stdlib.h>

/* Counts a record to its stream's span. */
static bool add_record(reader *of, int32_t owner, int64_t bytes) {
    stream *to = &of->each[owner];
    if (to->span == NONE || of->spans[to->span].after != of->odd) {
        span *spans = room_for(of->spans, of->found.span_count, &of->span_room, sizeof(span));
        if (!spans) return false;
        of->spans = spans;
        to->span = of->found.span_count++;
        spans[to->span] = (span){.stream = owner, .after = of->odd};
    }
    of->spans[to->span].records++;
    of->spans[to->span].bytes += bytes;
    return true;
}

/* As if the line had not been. */
static void take_back(reader *of, const record *found, int64_t notes) {
    of->found.note_count = notes;
    if (!found->taken) return;
    stream *from = &of->each[found->stream];
    for (int64_t i = 0; i < from->rows.count; i++)
        if (from->seen[i] == of->line) table_clear(&from->rows, i);
}

static bool pass_on(reader *of, const record *found) {
    const text passed_on[] = {found->meta, found->partition};
    for (int32_t i = 0; i < 2; i++) {
        if (!passed_on[i].length) continue;
        note made = {
            .stream = found->stream,
            .column = NONE,
            .row = (int32_t)of->each[found->stream].rows.rows,
            .kind = i ? NOTE_PARTITION : NOTE_CHANGED,
            .begin = passed_on[i].bytes - of->chunk,
            .end = passed_on[i].bytes + passed_on[i].length - of->chunk,
        };
        if (!add_note(of, made)) return false;
    }
    return true;
}

static int32_t read_line(reader *of, const char *begin, const char *end) {
    const char *at = json_space(begin);
    if (at == end) return LINE_BLANK;
    record found = {.stream = NONE};
    int64_t notes = of->found.note_count;
    const char *last = of->limits.bare ? read_bare(of, &found, at) : read_message(of, &found, at);
    if (last != end) {
        take_back(of, &found, notes);
        of->odd++;
        return LINE_ODD;
    }
    table *rows = &of->each[found.stream].rows;
    int64_t micros = found.emitted * 1000;
    table_set(rows, rows->count - 1, &micros);
    if (!pass_on(of, &found) || !add_record(of, found.stream, end - begin)) of->out_of_memory = true;
    rows->rows++;
    return found.stream;
}

static bool room_for_line(reader *of) {
    if (of->line < of->line_room) return true;
    int64_t room = of->line_room;
    int64_t *ends = room_for(of->ends, of->line, &room, sizeof(int64_t));
    if (ends) of->ends = ends;
    room = of->line_room;
    int32_t *owners = room_for(of->owners, of->line, &room, sizeof(int32_t));
    if (owners) of->owners = owners;
    if (!ends || !owners) return false;
    of->line_room = room;
    return true;
}

static void read_lines(reader *of, const char *chunk, int64_t length) {
    const char *at = chunk, *end = chunk + length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        if (!room_for_line(of)) of->out_of_memory = true;
        if (of->out_of_memory) return;
        of->ends[of->line] = stop - chunk;
        of->owners[of->line] = read_line(of, at, stop);
        of->line++;
        at = stop + 1;
    }
}

static void begin(reader *of, const char *chunk, int64_t length) {
    of->chunk = chunk;
    of->within = (scan){.limit = chunk + length};
    of->line = 0;
    of->odd = 0;
    of->out_of_memory = false;
    of->found = (reading){0};
    for (int64_t i = 0; i < of->limits.stream_count; i++) stream_begin(&of->each[i]);
}

const reading *reader_read(reader *of, const char *chunk, int64_t length) {
    begin(of, chunk, length);
    read_lines(of, chunk, length);
    if (of->out_of_memory) return NULL;
    reading *found = &of->found;
    found->line_count = of->line;
    found->ends = of->ends;
    found->streams = of->owners;
    found->spans = of->spans;
    found->notes = of->notes;
    return found;
}

int32_t reader_export(reader *of, int32_t index, struct ArrowArray *out) {
    return table_export(&of->each[index].rows, out) ? 0 : -1;
}

reader *reader_new(const plan *given) {
    reader *made = calloc(1, sizeof(reader));
    if (!made) return NULL;
    int64_t count = given->stream_count;
    made->limits = *given;
    made->limits.streams = NULL;
    made->each = calloc((size_t)count + 1, sizeof(stream));
    bool ready = made->each && names_init(&made->streams, count);
    for (int64_t i = 0; ready && i < count; i++) {
        text name = given->streams[i].name;
        int32_t before = names_find(&made->streams, name);
        ready = stream_init(&made->each[i], &given->streams[i]) && names_add(&made->streams, name);
        if (before != NONE) made->each[before].shared = made->each[i].shared = true;
    }
    if (ready) return made;
    reader_free(made);
    return NULL;
}

void reader_free(reader *of) {
    for (int64_t i = 0; of->each && i < of->limits.stream_count; i++) stream_free(&of->each[i]);
    free(of->each);
    names_free(&of->streams);
    free(of->ends);
    free(of->owners);
    free(of->notes);
    free(of->spans);
    free(of);
}
