/* Lists that grow by doubling. */
#ifndef DATAFLOW_LISTS_H
#define DATAFLOW_LISTS_H

#include <stddef.h>
#include <stdint.h>

/* Room for one more of a list's items; the list, which may have moved, or NULL when there is no memory. */
void *room_for(void *list, int64_t count, int64_t *room, size_t width);

#endif
