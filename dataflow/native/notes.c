/* What a cell or a record leaves to say, kept for Python. */
#include "lists.h"
#include "state.h"

bool add_note(reader *of, note made) {
    note *notes = room_for(of->notes, of->found.note_count, &of->note_room, sizeof(note));
    if (!notes) return false;
    of->notes = notes;
    notes[of->found.note_count++] = made;
    return true;
}
