/* Answers of one process to several questions, in one file.
 *
 * Whoever asks for help pastes INFO memory above MEMORY MALLOC-STATS, or smaps
 * below it.  Each alone explains little; together they are one picture. */
#include "model/join.h"

#include "dump/token.h"

#include <string.h>

/* What answers what.  Of the kernel's files and of Redis' commands each answers
 * something else. */
enum kind {
    KIND_ALLOCATOR = 1, /* jemalloc's, tcmalloc's, … own statistics */
    KIND_PROFILE = 2,   /* nothing but stacks */
    KIND_ENGINE = 4,    /* RocksDB, inside of some program */
    KIND_INFO = 8,      /* Redis: INFO */
    KIND_STATS = 16,    /* MEMORY STATS */
    KIND_DOCTOR = 32,   /* MEMORY DOCTOR */
    KIND_MEM = 64,      /* skynet: mem */
    KIND_CMEM = 128,    /* cmem */
    KIND_STATUS = 256,  /* /proc/PID/status */
    KIND_MAPS = 512,    /* maps, smaps */
    KIND_ROLLUP = 1024, /* smaps_rollup */
    KIND_LIMITS = 2048,
    KIND_MACHINE = 4096, /* /proc/meminfo */
    KIND_GROUP = 8192,   /* memory.stat */
    KIND_LABELS = 16384, /* owners that the allocator knows */
    KIND_REDIS = KIND_INFO | KIND_STATS | KIND_DOCTOR,
    KIND_SKYNET = KIND_MEM | KIND_CMEM,
    KIND_PROGRAM = KIND_REDIS | KIND_SKYNET,
    KIND_KERNEL = KIND_STATUS | KIND_MAPS | KIND_ROLLUP | KIND_LIMITS |
                  KIND_MACHINE | KIND_GROUP
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

/* Parts that cannot be told are all of them. */
static unsigned
kinds_redis(const struct snapshot *s)
{
    unsigned set = 0;

    if (s->redis[REDIS_USED_MEMORY_RSS].known ||
        snapshot_setting(s, "redis.redis_version") != NULL)
        set |= KIND_INFO;
    if (s->redis[REDIS_KEYS].known)
        set |= KIND_STATS;
    if (snapshot_setting(s, "redis.doctor") != NULL)
        set |= KIND_DOCTOR;
    return set != 0 ? set : KIND_REDIS;
}

/* Whether services have more than what mem says of them: a list of cmem may
 * lack the sum at its end. */
static bool
has_services_of_c(const struct snapshot *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->owners.count; i++) {
        const struct dump_owner *owner = &s->owners.list[i];

        if (__builtin_add_overflow(sum, owner->figures[OWNER_LIVE_BYTES], &sum))
            return true;
    }
    return sum > s->skynet[SKYNET_LUA].value;
}

static unsigned
kinds_skynet(const struct snapshot *s)
{
    unsigned set = 0;

    if (s->skynet[SKYNET_LUA].known)
        set |= KIND_MEM;
    if (s->skynet[SKYNET_C].known || s->skynet[SKYNET_BLOCKS].known ||
        has_services_of_c(s))
        set |= KIND_CMEM;
    return set;
}

static unsigned
kinds_kernel(const struct snapshot *s)
{
    bool has_maps = s->machine[MACHINE_MAPS].known;
    unsigned set = 0;

    if (s->status[STATUS_VM_RSS].known)
        set |= KIND_STATUS;
    if (has_maps)
        set |= KIND_MAPS;
    else if (s->rollup[ROLLUP_PSS].known)
        set |= KIND_ROLLUP;
    /* The log of a kill has some of each. */
    if (set == 0 && (any_known(s->rollup, ROLLUP_COUNT) ||
                     any_known(s->status, STATUS_COUNT)))
        return KIND_KERNEL;
    if (any_known(s->rlimit, RLIMIT_COUNT))
        set |= KIND_LIMITS;
    if (s->machine[MACHINE_MEM_TOTAL].known ||
        s->machine[MACHINE_MEM_AVAILABLE].known)
        set |= KIND_MACHINE;
    if (any_known(s->cgroup, CGROUP_COUNT))
        set |= KIND_GROUP;
    /* Settings alone, or a smaps of which nothing could be added up. */
    if (set == 0)
        set = s->complete ? KIND_MACHINE : KIND_MAPS;
    return set;
}

/* What a document holds, as a set of kinds. */
static unsigned
kinds(const struct snapshot *s)
{
    unsigned set;

    if (s->joined != 0)
        return s->joined;
    switch (s->format) {
    case DUMP_FORMAT_REDIS:
    case DUMP_FORMAT_SKYNET:
        set = s->format == DUMP_FORMAT_REDIS ? kinds_redis(s) : kinds_skynet(s);
        if (any_known(s->total, TOTAL_COUNT))
            set |= KIND_ALLOCATOR;
        return set;
    case DUMP_FORMAT_ROCKSDB:
        return KIND_ENGINE;
    case DUMP_FORMAT_PROC:
        return kinds_kernel(s);
    case DUMP_FORMAT_HEAP_PROFILE:
        return KIND_PROFILE;
    case DUMP_FORMAT_JEPROBE:
        return KIND_ALLOCATOR | KIND_PROGRAM | KIND_KERNEL | KIND_PROFILE;
    default:
        return KIND_ALLOCATOR | (s->owners.count > 0 ? KIND_LABELS : 0);
    }
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

static bool
is_other_program(unsigned a, unsigned b)
{
    return ((a & KIND_REDIS) != 0 && (b & KIND_SKYNET) != 0) ||
           ((a & KIND_SKYNET) != 0 && (b & KIND_REDIS) != 0);
}

bool
join_fits(const struct snapshot *first, const struct snapshot *next)
{
    unsigned a = kinds(first), b = kinds(next);

    if (is_other_process(first, next) || is_other_program(a, b))
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

/* Of two accounts of owners one is enough, but for skynet's of Lua and of C. */
static bool
owners_join(struct snapshot *to, const struct snapshot *from)
{
    bool is_more =
        from->format == DUMP_FORMAT_SKYNET && (kinds(to) & KIND_LABELS) == 0;

    if (to->owners.count > 0 && !is_more)
        return true;
    for (size_t i = 0; i < from->owners.count; i++) {
        if (!snapshot_owner(to, &from->owners.list[i]))
            return false;
    }
    owners_merge(&to->owners);
    return true;
}

/* Whose sums over the mappings are believed: the kernel's before ours, and what
 * status has of them only where there are no others. */
static int
rollup_rank(const struct snapshot *s)
{
    if (!s->rollup[ROLLUP_RSS].known)
        return 0;
    return s->machine[MACHINE_MAPS].known ? 1 : 2;
}

/* Which of two reports what the other one adds to. */
static bool
says_more(const struct snapshot *next, const struct snapshot *first)
{
    if (next->format == DUMP_FORMAT_ROCKSDB)
        return false;
    if ((kinds(next) & KIND_ALLOCATOR) != 0)
        return true;
    return first->format == DUMP_FORMAT_ROCKSDB ||
           (first->format == DUMP_FORMAT_PROC &&
            next->format != DUMP_FORMAT_PROC);
}

struct snapshot *
join(struct snapshot *first, struct snapshot *next)
{
    bool next_is_main = says_more(next, first);
    struct snapshot *to = next_is_main ? next : first;
    struct snapshot *from = next_is_main ? first : next;
    unsigned both = kinds(to) | kinds(from);

    if (!texts_join(to, from))
        return NULL;
    to->joined = both;
    figures_join(to->process, from->process, PROCESS_COUNT);
    if (rollup_rank(from) > rollup_rank(to))
        figures_replace(to->rollup, from->rollup, ROLLUP_COUNT);
    else
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
