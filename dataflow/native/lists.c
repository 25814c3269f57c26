/* Lists that grow by doubling. */
#include "lists.h"

#include <stdlib.h>

void *room_for(void *list, int64_t count, int64_t *room, size_t width) {
    if (count < *room) return list;
    int64_t more = *room ? *room * 2 : 64;
    void *grown = realloc(list, (size_t)more * width);
    if (grown) *room = more;
    return grown;
}
