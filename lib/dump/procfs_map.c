/* One line of /proc/PID/maps. */
#include "dump/procfs_map.h"

#include <stdlib.h>
#include <string.h>

#define GLIBC_HEAP ((uint64_t)64 << 20)

static bool
is_shared_name(const char *path)
{
    static const char *const starts[] = {
        "/dev/shm/", "/memfd:",         "/SYSV",
        "/dev/zero", "/dev/hugepages/", "/anon_hugepage"};

    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        if (strncmp(path, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

static enum procfs_map_kind
kind_of(const char *path)
{
    if (*path == '\0' || strncmp(path, "[anon", 5) == 0)
        return MAP_ANONYMOUS;
    if (strcmp(path, "[heap]") == 0)
        return MAP_HEAP;
    if (strncmp(path, "[stack", 6) == 0)
        return MAP_STACK;
    if (*path == '[')
        return MAP_SPECIAL;
    return is_shared_name(path) ? MAP_SHARED : MAP_FILE;
}

/* Hexadecimal digits at *at up to `stop`. */
static bool
read_hex(const char **at, char stop, uint64_t *value)
{
    size_t length = strspn(*at, "0123456789abcdef");

    if (length == 0 || length > 16 || (*at)[length] != stop)
        return false;
    *value = strtoull(*at, NULL, 16);
    *at += length + 1;
    return true;
}

bool
procfs_map_read(const char *text, struct procfs_map *map, const char **path)
{
    const char *at = text;
    uint64_t offset, device;
    size_t inode;

    *map = (struct procfs_map){0};
    /* The kernel fills up with zeros to eight digits: more of them are of
     * something that stands before. */
    if (*text == '0' && strspn(text, "0123456789abcdef") > 8)
        return false;
    if (!read_hex(&at, '-', &map->start) || !read_hex(&at, ' ', &map->end) ||
        map->end < map->start || strspn(at, "rwxsp-") != 4 || at[4] != ' ')
        return false;
    map->is_guard = strncmp(at, "---p", 4) == 0;
    map->is_private_rw = strncmp(at, "rw-p", 4) == 0;
    map->is_executable = at[2] == 'x';
    at += 5;
    if (!read_hex(&at, ' ', &offset) || !read_hex(&at, ':', &device) ||
        !read_hex(&at, ' ', &device))
        return false;
    inode = strspn(at, "0123456789");
    /* Editors make tabs of runs of blanks. */
    *path = at + inode + strspn(at + inode, " \t");
    if (inode == 0 || (at[inode] != '\0' && *path == at + inode))
        return false;
    map->kind = kind_of(*path);
    map->is_start = offset == 0 && map->kind == MAP_FILE;
    return true;
}

bool
procfs_map_is_glibc_heap(const struct procfs_map *map,
                         const struct procfs_map *behind)
{
    if (map->kind != MAP_ANONYMOUS || !map->is_private_rw ||
        map->start % GLIBC_HEAP != 0 || map->start == 0)
        return false;
    if (map->end - map->start == GLIBC_HEAP)
        return true;
    return behind != NULL && behind->is_guard &&
           behind->kind == MAP_ANONYMOUS && behind->start == map->end &&
           behind->end % GLIBC_HEAP == 0 &&
           behind->end - map->start == GLIBC_HEAP;
}
