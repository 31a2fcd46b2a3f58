/* Answers of one process to several questions, in one file.
 *
 * Whoever asks for help pastes INFO memory above MEMORY MALLOC-STATS, or smaps
 * below it.  Each alone explains little; together they are one picture. */
#include "model/join.h"

#include "dump/token.h"

#include <string.h>

enum kind {
    KIND_ALLOCATOR = 1, /* jemalloc's, tcmalloc's, … own statistics */
    KIND_PROGRAM = 2,   /* Redis, skynet */
    KIND_KERNEL = 4,    /* /proc/PID */
    KIND_PROFILE = 8,   /* nothing but stacks */
    KIND_ENGINE = 16    /* RocksDB, inside of some program */
};

static bool
any_known(const struct jep_figure *figures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (figures[i].known)
            return true;
    }
    return false;
}

/* What a document holds, as a set of kinds. */
static unsigned
kinds(const struct snapshot *s)
{
    unsigned set = 0;

    switch (s->format) {
    case DUMP_FORMAT_REDIS:
    case DUMP_FORMAT_SKYNET:
        set = KIND_PROGRAM;
        if (any_known(s->total, TOTAL_COUNT))
            set |= KIND_ALLOCATOR;
        break;
    case DUMP_FORMAT_ROCKSDB:
        set = KIND_ENGINE;
        break;
    case DUMP_FORMAT_PROC:
        set = KIND_KERNEL;
        break;
    case DUMP_FORMAT_HEAP_PROFILE:
        return KIND_PROFILE;
    case DUMP_FORMAT_JEPROBE:
        return KIND_ALLOCATOR | KIND_PROGRAM | KIND_KERNEL | KIND_PROFILE;
    default:
        set = KIND_ALLOCATOR;
    }
    /* What was joined before stays joined. */
    if (any_known(s->redis, REDIS_COUNT) || any_known(s->skynet, SKYNET_COUNT))
        set |= KIND_PROGRAM;
    if (any_known(s->rocksdb, ROCKSDB_COUNT))
        set |= KIND_ENGINE;
    /* What tcmalloc and mimalloc say of the process is not all that there is.
     */
    if (any_known(s->rollup, ROLLUP_COUNT) ||
        (any_known(s->status, STATUS_COUNT) &&
         s->format != DUMP_FORMAT_TCMALLOC &&
         s->format != DUMP_FORMAT_MIMALLOC))
        set |= KIND_KERNEL;
    return set;
}

/* Whether the kernel says that the process has `number` in a container, too. */
static bool
has_inner_number(const struct snapshot *s, uint64_t number)
{
    const char *text = snapshot_setting(s, "process.nspid");
    token_t words[8];
    size_t count = text == NULL ? 0 : token_split(text, strlen(text), words, 8);
    uint64_t inner;

    for (size_t i = 0; i < count && i < 8; i++) {
        if (token_number(words[i], &inner) && inner == number)
            return true;
    }
    return false;
}

/* Whether their numbers show that they are of two processes.  Inside of a
 * container one has another number than outside, and most often 1. */
static bool
is_other_process(const struct snapshot *a, const struct snapshot *b)
{
    struct jep_figure x = a->process[PROCESS_PID];
    struct jep_figure y = b->process[PROCESS_PID];

    return x.known && y.known && x.value != y.value && x.value != 1 &&
           y.value != 1 && !has_inner_number(a, y.value) &&
           !has_inner_number(b, x.value);
}

bool
join_fits(const struct snapshot *first, const struct snapshot *next)
{
    unsigned a = kinds(first), b = kinds(next);

    if (is_other_process(first, next))
        return false;
    /* A profile is of some other moment: it stays by itself. */
    if (((a | b) & KIND_PROFILE) != 0)
        return false;
    return (a & b) == 0;
}

static void
figures_join(struct jep_figure *to, const struct jep_figure *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!to[i].known)
            to[i] = from[i];
    }
}

/* The kernel knows better: what allocators say of the process is rounded. */
static void
figures_replace(struct jep_figure *to, const struct jep_figure *from,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i].known)
            to[i] = from[i];
    }
}

static bool
texts_join(struct snapshot *to, const struct snapshot *from)
{
    for (size_t i = 0; i < from->setting_count; i++) {
        const struct snapshot_setting *setting = &from->settings[i];

        if (!snapshot_text(to, setting->name, setting->value, setting->line))
            return false;
    }
    for (size_t i = 0; i < from->warning_count; i++) {
        const struct jep_warning *warning = &from->warnings[i];

        if (!snapshot_warn(to, warning->line, warning->column, warning->text))
            return false;
    }
    return to->version != NULL || from->version == NULL ||
           snapshot_text(to, "version", from->version, 0);
}

/* Of two accounts of owners one is enough. */
static bool
owners_join(struct snapshot *to, const struct snapshot *from)
{
    if (to->owners.count > 0)
        return true;
    for (size_t i = 0; i < from->owners.count; i++) {
        if (!snapshot_owner(to, &from->owners.list[i]))
            return false;
    }
    return true;
}

/* Which of two reports what the other one adds to. */
static bool
says_more(const struct snapshot *next, const struct snapshot *first)
{
    if (next->format == DUMP_FORMAT_ROCKSDB)
        return false;
    return (kinds(next) & KIND_ALLOCATOR) != 0 ||
           first->format == DUMP_FORMAT_PROC ||
           first->format == DUMP_FORMAT_ROCKSDB;
}

struct snapshot *
join(struct snapshot *first, struct snapshot *next)
{
    bool next_is_main = says_more(next, first);
    struct snapshot *to = next_is_main ? next : first;
    struct snapshot *from = next_is_main ? first : next;

    if (!texts_join(to, from))
        return NULL;
    figures_join(to->process, from->process, PROCESS_COUNT);
    figures_join(to->rollup, from->rollup, ROLLUP_COUNT);
    if (from->format == DUMP_FORMAT_PROC)
        figures_replace(to->status, from->status, STATUS_COUNT);
    else
        figures_join(to->status, from->status, STATUS_COUNT);
    figures_join(to->cgroup, from->cgroup, CGROUP_COUNT);
    figures_join(to->rlimit, from->rlimit, RLIMIT_COUNT);
    figures_join(to->machine, from->machine, MACHINE_COUNT);
    figures_join(to->redis, from->redis, REDIS_COUNT);
    figures_join(to->skynet, from->skynet, SKYNET_COUNT);
    figures_join(to->rocksdb, from->rocksdb, ROCKSDB_COUNT);
    if (!owners_join(to, from))
        return NULL;
    to->complete = to->complete && from->complete;
    snapshot_free(from);
    return to;
}
