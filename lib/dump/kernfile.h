/* Lines of the kernel's files that nobody pastes: where the control groups
 * are, and files of one number. */
#ifndef JE_DUMP_KERNFILE_H
#define JE_DUMP_KERNFILE_H

#include "base/macros.h"

#include "dump/token.h"

#define KERNFILE_PATH_MAX 4096

/* A line of /proc/PID/cgroup: "4:memory:/a.slice/b" or "0::/a.slice/b". */
struct kernfile_group {
    bool is_v2;
    bool has_memory; /* of v1: it is the memory controller's */
    const char *path;
};

bool kernfile_group(const char *text, struct kernfile_group *group);

/* A line of /proc/PID/mountinfo, if it is a file system of control groups. */
struct kernfile_mount {
    bool is_v2;
    bool has_memory;
    char root[KERNFILE_PATH_MAX]; /* the group that is mounted */
    char point[KERNFILE_PATH_MAX];
};

bool kernfile_mount(const char *text, size_t length,
                    struct kernfile_mount *mount);

/* "4096", "-5" or "max", with blanks around it; version 1 of the control
 * groups writes a number near 2^63 for max. */
enum kernfile_number {
    KERNFILE_BROKEN,
    KERNFILE_NUMBER,
    KERNFILE_NEGATIVE, /* *value is two's complement */
    KERNFILE_MAX
};

enum kernfile_number kernfile_number(const char *text, size_t length,
                                     uint64_t *value);

/* "oom_kill 3": false if it is no such pair. */
bool kernfile_pair(const char *text, size_t length, token_t *name,
                   uint64_t *value);

#endif
