/* One line of /proc/PID/maps: a mapping, and what kind of memory it is. */
#ifndef JE_DUMP_PROCFS_MAP_H
#define JE_DUMP_PROCFS_MAP_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum procfs_map_kind {
    MAP_ANONYMOUS,
    MAP_HEAP,
    MAP_STACK,
    MAP_FILE,
    MAP_SHARED,
    MAP_SPECIAL
};

struct procfs_map {
    uint64_t start, end, rss, anonymous;
    enum procfs_map_kind kind;
    bool is_private_rw, is_guard, is_executable;
    bool is_start;  /* of a file */
    unsigned lines; /* below its heading */
};

/* Read "7f5a8c000000-7f5a8c021000 rw-p 00000000 00:00 0    [heap]"; *path is
 * what it ends with, empty if nothing.  False: it is another line. */
bool procfs_map_read(const char *text, struct procfs_map *map,
                     const char **path);

/* Whether it is a heap of one of glibc's arenas.  They are made of 64 MiB of
 * address space: what is in use of it in front, and the rest inaccessible in
 * the mapping behind, which may be NULL. */
bool procfs_map_is_glibc_heap(const struct procfs_map *map,
                              const struct procfs_map *behind);

#endif
