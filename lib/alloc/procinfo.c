/*
 * Facts about the process, for the dump: see procinfo.h. A fact that cannot be
 * had is left out.
 */
#include "alloc/procinfo.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/procinfo_machine.h"
#include "alloc/procinfo_read.h"
#include "base/assert.h"
#include "os/cpu.h"
#include "os/file.h"
#include "os/pages.h"

enum {
    TEXT_MAX = 8192,
    ARGV_MAX = 64 << 10, /* bytes of the command line that are kept */
    PATH_SIZE = 4096,
};

/* One dump is written at a time, so these can be shared. */
static char text[ARGV_MAX];
static char path[PATH_SIZE];

/* ---- reading memory figures -------------------------------------------- */

typedef struct field {
    const char *key;
    uint64_t *value;
} field_t;

/* Set the fields found in `lines`; returns how many. */
static unsigned
read_fields(char *lines, const field_t *fields, unsigned n)
{
    unsigned found = 0;
    for (char *line = lines; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        for (unsigned i = 0; i < n; i++) {
            found += proc_kib_field(line, fields[i].key, fields[i].value);
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return found;
}

static void
read_rollup(procinfo_memory_t *m)
{
    const field_t fields[] = {
        {"Rss:", &m->rollup.rss},
        {"Pss:", &m->rollup.pss},
        {"Anonymous:", &m->rollup.anonymous},
        {"AnonHugePages:", &m->rollup.anon_huge_pages},
        {"LazyFree:", &m->rollup.lazy_free},
        {"Swap:", &m->rollup.swap},
        {"Private_Dirty:", &m->rollup.private_dirty},
    };
    char lines[TEXT_MAX / 2];
    m->has_rollup =
        os_file_read("/proc/self/smaps_rollup", lines, sizeof(lines)) > 0 &&
        read_fields(lines, fields, JE_ARRAY_LEN(fields)) ==
            JE_ARRAY_LEN(fields);
}

static void
read_status(procinfo_memory_t *m)
{
    const field_t fields[] = {
        {"VmPeak:", &m->status.vm_peak},
        {"VmSize:", &m->status.vm_size},
        {"VmHWM:", &m->status.vm_hwm},
        {"VmRSS:", &m->status.vm_rss},
    };
    /* not in kB, which the caller undoes */
    const field_t others[] = {{"Threads:", &m->threads}};
    const field_t shared[] = {{"RssShmem:", &m->rollup.shmem}};
    char lines[TEXT_MAX / 2];
    if (os_file_read("/proc/self/status", lines, sizeof(lines)) <= 0) {
        return;
    }
    m->has_status = read_fields(lines, fields, JE_ARRAY_LEN(fields)) ==
                    JE_ARRAY_LEN(fields);
    (void)read_fields(lines, others, 1);
    (void)read_fields(lines, shared, 1);
    m->threads >>= 10;
}

void
procinfo_memory_read(procinfo_memory_t *out)
{
    *out = (procinfo_memory_t){.threads = 0};
    /* last, what the parts are held against: measuring touches pages, too */
    out->has_residency = residency_measure(&out->residency);
    read_status(out);
    read_rollup(out);
}

/* ---- emitting ---------------------------------------------------------- */

static void
emit_number(emit_t *e, const char *key, uint64_t value)
{
    emit_member(e, key, emit_u64(value));
}

static void
emit_rollup(emit_t *e, const procinfo_memory_t *m)
{
    uint64_t other = m->rollup.anonymous + m->rollup.shmem;
    emit_object(e, "smaps_rollup");
    emit_number(e, "rss", m->rollup.rss);
    emit_number(e, "pss", m->rollup.pss);
    emit_number(e, "anonymous", m->rollup.anonymous);
    emit_number(e, "file", m->rollup.rss > other ? m->rollup.rss - other : 0);
    emit_number(e, "shmem", m->rollup.shmem);
    emit_number(e, "anon_huge_pages", m->rollup.anon_huge_pages);
    emit_number(e, "lazy_free", m->rollup.lazy_free);
    emit_number(e, "swap", m->rollup.swap);
    emit_number(e, "private_dirty", m->rollup.private_dirty);
    emit_object_end(e);
}

static void
emit_memory(emit_t *e, const procinfo_memory_t *m)
{
    if (m->has_rollup) {
        emit_rollup(e, m);
    }
    if (m->has_status) {
        emit_object(e, "status");
        emit_number(e, "vm_peak", m->status.vm_peak);
        emit_number(e, "vm_size", m->status.vm_size);
        emit_number(e, "vm_hwm", m->status.vm_hwm);
        emit_number(e, "vm_rss", m->status.vm_rss);
        emit_object_end(e);
    }
    if (m->has_residency) {
        const residency_t *r = &m->residency;
        emit_object(e, "residency");
        emit_number(e, "active", r->active);
        emit_number(e, "dirty", r->dirty);
        emit_number(e, "muzzy", r->muzzy);
        emit_number(e, "retained", r->retained);
        emit_number(e, "metadata", r->metadata);
        emit_number(e, "other_anonymous", r->other_anonymous);
        emit_object_end(e);
    }
}

static void
emit_identity(emit_t *e)
{
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n > 0) {
        path[n] = '\0';
        emit_member(e, "exe", emit_string(path));
    }
    n = conf.argv ? os_file_read("/proc/self/cmdline", text, sizeof(text)) : 0;
    if (n > 0) {
        emit_array(e, "argv");
        for (ssize_t at = 0; at < n; at += (ssize_t)strlen(text + at) + 1) {
            emit_member(e, NULL, emit_string(text + at));
        }
        emit_array_end(e);
    }
}

/* The word in brackets: "always [madvise] never". */
static void
emit_chosen(emit_t *e, const char *key, const char *file)
{
    if (os_file_read(file, text, TEXT_MAX) <= 0) {
        return;
    }
    char *open = strchr(text, '[');
    char *close = open != NULL ? strchr(open, ']') : NULL;
    if (close != NULL) {
        *close = '\0';
        emit_member(e, key, emit_string(open + 1));
    }
}

static void
emit_system(emit_t *e)
{
    struct utsname name;
    emit_number(e, "page_size", OS_PAGE);
    if (uname(&name) == 0) {
        emit_member(e, "kernel", emit_string(name.release));
    }
    emit_number(e, "cpus", os_cpu_count());
    emit_object(e, "thp");
    emit_chosen(e, "enabled", "/sys/kernel/mm/transparent_hugepage/enabled");
    emit_chosen(e, "defrag", "/sys/kernel/mm/transparent_hugepage/defrag");
    emit_object_end(e);
}

static void
emit_limit(emit_t *e, const char *key, int resource)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        emit_number(e, key, limit.rlim_cur);
    }
}

static void
emit_limits(emit_t *e)
{
    uint64_t value;
    emit_object(e, "rlimits");
    emit_limit(e, "as", RLIMIT_AS);
    emit_limit(e, "data", RLIMIT_DATA);
    emit_limit(e, "stack", RLIMIT_STACK);
    emit_limit(e, "nofile", RLIMIT_NOFILE);
    emit_object_end(e);
    if (proc_number_file("/proc/self/oom_score", &value)) {
        emit_number(e, "oom_score", value);
    }
    if (os_file_read("/proc/self/oom_score_adj", text, TEXT_MAX) > 0) {
        const char *s = text + (text[0] == '-');
        if (proc_decimal(&s, &value)) {
            int64_t adj = text[0] == '-' ? -(int64_t)value : (int64_t)value;
            emit_member(e, "oom_score_adj", emit_i64(adj));
        }
    }
}

/* ---- cgroup ------------------------------------------------------------ */

typedef struct cgroup {
    const char *path; /* into `text` */
    unsigned version; /* 0: none found */
} cgroup_t;

/* The memory controller's line of /proc/self/cgroup (v1), or else "0::". */
static cgroup_t
cgroup_find(void)
{
    cgroup_t found = {.version = 0};
    if (os_file_read("/proc/self/cgroup", text, TEXT_MAX) <= 0) {
        return found;
    }
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        char *names = strchr(line, ':');
        char *where = names != NULL ? strchr(names + 1, ':') : NULL;
        if (where != NULL) {
            *where++ = '\0';
            if (strcmp(names + 1, "memory") == 0) {
                return (cgroup_t){where, 1};
            }
            if (strcmp(line, "0:") == 0 || strcmp(line, "0") == 0) {
                found = (cgroup_t){where, 2};
            }
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return found;
}

/* Where the files of a group are: as told, or, inside a namespace that hides
 * the upper part, at the top. */
static bool
cgroup_number(const cgroup_t *c, const char *file, uint64_t *value)
{
    const char *top =
        c->version == 1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    (void)je_format(path, sizeof(path), "%s%s/%s", top, c->path, file);
    if (proc_number_file(path, value)) {
        return true;
    }
    if (access(path, F_OK) == 0) {
        return false; /* there, and without a number: no limit */
    }
    (void)je_format(path, sizeof(path), "%s/%s", top, file);
    return proc_number_file(path, value);
}

static void
emit_cgroup(emit_t *e)
{
    const uint64_t none = UINT64_C(1) << 62; /* v1 writes a huge number */
    cgroup_t c = cgroup_find();
    uint64_t value;
    if (c.version == 0) {
        return;
    }
    emit_object(e, "cgroup");
    emit_number(e, "version", c.version);
    emit_member(e, "path", emit_string(c.path));
    if (cgroup_number(&c,
                      c.version == 1 ? "memory.limit_in_bytes" : "memory.max",
                      &value) &&
        value < none) {
        emit_number(e, "limit", value);
    }
    if (cgroup_number(
            &c, c.version == 1 ? "memory.usage_in_bytes" : "memory.current",
            &value)) {
        emit_number(e, "usage", value);
    }
    emit_object_end(e);
}

void
procinfo_emit(emit_t *e, const procinfo_memory_t *memory)
{
    emit_object(e, "process");
    emit_number(e, "pid", (uint64_t)getpid());
    emit_number(e, "ppid", (uint64_t)getppid());
    emit_identity(e);
    if (memory->threads != 0) {
        emit_number(e, "threads", memory->threads);
    }
    emit_system(e);
    emit_memory(e, memory);
    emit_cgroup(e);
    emit_limits(e);
    procinfo_machine_emit(e);
    emit_object_end(e);
}
