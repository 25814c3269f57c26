/* Lines of a chunk, and what is found in them. */
#include "state.h"

#include <stdlib.h>

bool add_note(reader *of, note made) {
    reading *found = &of->found;
    if (found->note_count == of->note_room) {
        int64_t room = of->note_room ? of->note_room * 2 : 64;
        note *grown = realloc(of->notes, (size_t)room * sizeof(note));
        if (!grown) return false;
        of->notes = grown;
        of->note_room = room;
    }
    of->notes[found->note_count++] = made;
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

static bool tell(reader *of, const record *found) {
    const text told[] = {found->meta, found->partition};
    for (int32_t i = 0; i < 2; i++) {
        if (!told[i].length) continue;
        note made = {
            .stream = found->stream,
            .column = NONE,
            .row = (int32_t)of->each[found->stream].rows.rows,
            .kind = i ? NOTE_PARTITION : NOTE_META,
            .begin = told[i].bytes - of->chunk,
            .end = told[i].bytes + told[i].length - of->chunk,
        };
        if (!add_note(of, made)) return of->out_of_memory = true, false;
    }
    return true;
}

static int32_t read_line(reader *of, const char *at, const char *end) {
    at = json_space(at);
    if (at == end) return LINE_BLANK;
    record found = {.stream = NONE};
    int64_t notes = of->found.note_count;
    at = read_message(of, &found, at);
    if (at == end && tell(of, &found)) {
        of->emitted[of->line] = found.emitted;
        of->each[found.stream].rows.rows++;
        return found.stream;
    }
    take_back(of, &found, notes);
    return LINE_ODD;
}

static bool room_for_line(reader *of) {
    if (of->line < of->line_room) return true;
    int64_t room = of->line_room ? of->line_room * 2 : 1024;
    int64_t *ends = realloc(of->ends, (size_t)room * sizeof(int64_t));
    if (ends) of->ends = ends;
    int64_t *emitted = realloc(of->emitted, (size_t)room * sizeof(int64_t));
    if (emitted) of->emitted = emitted;
    int32_t *owners = realloc(of->owners, (size_t)room * sizeof(int32_t));
    if (owners) of->owners = owners;
    if (!ends || !emitted || !owners) return false;
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
        of->emitted[of->line] = 0;
        int32_t owner = read_line(of, at, stop);
        of->ends[of->line] = stop - chunk;
        of->owners[of->line] = owner;
        of->line++;
        at = stop + 1;
    }
}

static void begin(reader *of, const char *chunk, int64_t length) {
    of->chunk = chunk;
    of->within = (scan){.limit = chunk + length};
    of->line = 0;
    of->out_of_memory = false;
    of->found.note_count = 0;
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
    found->emitted = of->emitted;
    found->notes = of->notes;
    found->row_counts = of->row_counts;
    for (int64_t i = 0; i < of->limits.stream_count; i++) of->row_counts[i] = of->each[i].rows.rows;
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
    made->row_counts = calloc((size_t)count + 1, sizeof(int64_t));
    bool ready = made->each && made->row_counts && names_init(&made->streams, count);
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
    free(of->row_counts);
    free(of->ends);
    free(of->emitted);
    free(of->owners);
    free(of->notes);
    free(of);
}
