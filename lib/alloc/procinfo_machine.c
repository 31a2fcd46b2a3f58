/*
 * Facts about the machine, for the dump: see procinfo_machine.h. A fact that
 * cannot be had is left out.
 */
#include "alloc/procinfo_machine.h"

#include <string.h>

#include "alloc/procinfo_read.h"
#include "os/file.h"

enum { ENVIRON_MAX = 64 << 10 }; /* bytes of it that are looked at */

/* One dump is written at a time, so these can be shared. */
static proc_lines_t lines;
static char environment[ENVIRON_MAX];

static void
emit_number(emit_t *e, const char *key, uint64_t value)
{
    emit_member(e, key, emit_u64(value));
}

static void
emit_file(emit_t *e, const char *key, const char *path)
{
    uint64_t value;
    if (proc_number_file(path, &value)) {
        emit_number(e, key, value);
    }
}

static void
emit_maps(emit_t *e)
{
    uint64_t count = 0;
    if (!proc_lines_open(&lines, "/proc/self/maps")) {
        return;
    }
    while (proc_lines_next(&lines) != NULL) {
        count++;
    }
    proc_lines_close(&lines);
    emit_number(e, "maps", count);
}

static void
emit_meminfo(emit_t *e)
{
    static const struct {
        const char *label, *key;
    } fields[] = {{"MemTotal:", "mem_total"},
                  {"MemAvailable:", "mem_available"},
                  {"CommitLimit:", "commit_limit"},
                  {"Committed_AS:", "committed_as"}};

    if (!proc_lines_open(&lines, "/proc/meminfo")) {
        return;
    }
    for (const char *line; (line = proc_lines_next(&lines)) != NULL;) {
        for (unsigned i = 0; i < JE_ARRAY_LEN(fields); i++) {
            uint64_t bytes;
            if (proc_kib_field(line, fields[i].label, &bytes)) {
                emit_number(e, fields[i].key, bytes);
            }
        }
    }
    proc_lines_close(&lines);
}

/* Processors of a list such as "0-3,8". */
static uint64_t
list_count(const char *s)
{
    uint64_t count = 0, first, last;
    while (proc_decimal(&s, &first)) {
        last = first;
        if (*s == '-') {
            s++;
            if (!proc_decimal(&s, &last) || last < first) {
                return 0;
            }
        }
        count += last - first + 1;
        if (*s != ',') {
            break;
        }
        s++;
    }
    return count;
}

static void
emit_processors(emit_t *e)
{
    char list[256];
    uint64_t count = 0;
    if (os_file_read("/sys/devices/system/cpu/online", list, sizeof(list)) >
        0) {
        count = list_count(list);
    }
    if (count > 0) {
        emit_number(e, "host_cpus", count);
    }
}

/* What the program was started with: the variables that it has now may be
 * changing at this moment. */
static void
emit_env(emit_t *e)
{
    static const char name[] = "MALLOC_CONF=";
    ssize_t n =
        os_file_read("/proc/self/environ", environment, sizeof(environment));
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(environment + at) + 1) {
        const char *one = environment + at;
        if (strncmp(one, name, sizeof(name) - 1) != 0) {
            continue;
        }
        emit_object(e, "env");
        emit_member(e, "MALLOC_CONF", emit_string(one + sizeof(name) - 1));
        emit_object_end(e);
        return;
    }
}

void
procinfo_machine_emit(emit_t *e)
{
    emit_object(e, "machine");
    emit_file(e, "max_map_count", "/proc/sys/vm/max_map_count");
    emit_maps(e);
    emit_file(e, "overcommit_memory", "/proc/sys/vm/overcommit_memory");
    emit_meminfo(e);
    emit_file(e, "huge_page_size",
              "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    emit_file(e, "max_ptes_none",
              "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none");
    emit_processors(e);
    emit_object_end(e);
    emit_env(e);
}
