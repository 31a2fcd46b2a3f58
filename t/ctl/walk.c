/*
 * Walk the named values of whatever allocator the process has: every name of a
 * table is translated, read and written with right and wrong sizes and rights,
 * and by whole, partial and spoilt MIBs; then the rules of single names.
 *
 *   walk TABLE [--5.3.0]
 *
 * Prints a line for each thing that is not as the table says, and how many
 * names there were. --5.3.0: leave out what that version does not have or gets
 * wrong. Names of profiling are there if the option `prof` is on, and not if it
 * is off.
 */
#include "base/macros.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128, DEPTH_MAX = 7, GUARD = 8 };

static int (*ctl)(const char *, void *, size_t *, void *, size_t);
static int (*to_mib)(const char *, size_t *, size_t *);
static int (*by_mib)(const size_t *, size_t, void *, size_t *, void *, size_t);
static bool is_old;  /* 5.3.0 itself */
static bool is_prof; /* profiling is on */
static unsigned problems, names;

__attribute__((format(printf, 1, 2))) static void
problem(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    problems++;
}

/* r must be `want`. */
static void
expect(const char *name, const char *what, int r, int want)
{
    if (r != want) {
        problem("%s: %s: %s, not %s", name, what, r == 0 ? "0" : strerror(r),
                want == 0 ? "0" : strerror(want));
    }
}

/* ---- rows -------------------------------------------------------------- */

typedef struct row {
    char name[NAME_MAX_BYTES], type[16], rights[4], note[16];
} row_t;

static bool
notes(const row_t *row, const char *word)
{
    const char *at = strstr(row->note, word);
    size_t n = strlen(word);
    return at != NULL && (at[n] == '\0' || at[n] == ' ');
}

static size_t
size_of(const char *type)
{
    static const struct {
        const char *type;
        size_t size;
    } sizes[] = {
        {"bool", 1}, {"unsigned", 4}, {"u32", 4},  {"u64", 8},     {"i64", 8},
        {"size", 8}, {"ssize", 8},    {"text", 8}, {"pointer", 8}, {"void", 0},
    };

    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        if (strcmp(sizes[i].type, type) == 0) {
            return sizes[i].size;
        }
    }
    problem("%s: no such type", type);
    return 8;
}

/* ---- one name ---------------------------------------------------------- */

static void
walk_mib(const row_t *row)
{
    size_t mib[DEPTH_MAX + 1], depth = DEPTH_MAX, dots = 0;
    expect(row->name, "translating it", to_mib(row->name, mib, &depth), 0);
    for (const char *c = row->name; *c != '\0'; c++) {
        dots += *c == '.';
    }
    if (depth != dots + 1) {
        problem("%s: %zu components, not %zu", row->name, depth, dots + 1);
        return;
    }
    for (size_t i = 0; i < depth; i++) {
        size_t kept = mib[i];
        mib[i] = 1000000;
        expect(row->name, "a spoilt MIB",
               by_mib(mib, depth, NULL, NULL, NULL, 0), ENOENT);
        mib[i] = kept;
        if (i > 0) {
            expect(row->name, "a partial MIB",
                   by_mib(mib, i, NULL, NULL, NULL, 0), ENOENT);
        }
    }
    if (!is_old) { /* which follows a pointer of the leaf */
        mib[depth] = 0;
        expect(row->name, "a MIB that is too long",
               by_mib(mib, depth + 1, NULL, NULL, NULL, 0), ENOENT);
    }
    for (char *dot = strchr(row->name, '.'); dot != NULL;
         dot = strchr(dot + 1, '.')) {
        char part[NAME_MAX_BYTES];
        size_t some[DEPTH_MAX], n = DEPTH_MAX;
        (void)snprintf(part, sizeof(part), "%.*s", (int)(dot - row->name),
                       row->name);
        expect(part, "translating it", to_mib(part, some, &n), 0);
        expect(part, "using it", ctl(part, NULL, NULL, NULL, 0), ENOENT);
        if (memcmp(some, mib, n * sizeof(*mib)) != 0) {
            problem("%s: not the beginning of %s", part, row->name);
        }
    }
}

static bool
may_change(const char *name)
{
    return strstr(name, "uptime") != NULL || strstr(name, "mutex") != NULL ||
           strstr(name, "nmalloc") != NULL || strcmp(name, "epoch") == 0 ||
           strstr(name, "allocated") != NULL || strstr(name, "peak") != NULL;
}

static void
walk_read(const row_t *row, size_t size)
{
    unsigned char value[16 + GUARD], again[16];
    size_t mib[DEPTH_MAX], depth = DEPTH_MAX, len = size;
    memset(value, 0xee, sizeof(value));
    expect(row->name, "reading", ctl(row->name, value, &len, NULL, 0), 0);
    if (len != size || value[size] != 0xee) {
        problem("%s: the value has another size", row->name);
    }
    if (strcmp(row->type, "text") == 0) {
        const char *text;
        memcpy(&text, value, sizeof(text));
        if (text == NULL || strlen(text) > 200) {
            problem("%s: no text", row->name);
        }
    }
    if (strcmp(row->type, "bool") == 0 && value[0] > 1) {
        problem("%s: no truth value", row->name);
    }
    (void)to_mib(row->name, mib, &depth);
    expect(row->name, "reading by MIB",
           by_mib(mib, depth, again, &len, NULL, 0), 0);
    if (!may_change(row->name) && memcmp(value, again, size) != 0) {
        problem("%s: its MIB reads another value", row->name);
    }
    memset(value, 0xee, sizeof(value));
    len = size + 3;
    expect(row->name, "reading too much", ctl(row->name, value, &len, NULL, 0),
           EINVAL);
    if (len != size || value[size] != 0xee) {
        problem("%s: too much was copied", row->name);
    }
    if (size > 1) {
        memset(value, 0xee, sizeof(value));
        len = size - 1;
        expect(row->name, "reading too little",
               ctl(row->name, value, &len, NULL, 0), EINVAL);
        if (len != size - 1 || value[size - 1] != 0xee) {
            problem("%s: more was copied than there is room for", row->name);
        }
    }
    expect(row->name, "reading nothing", ctl(row->name, NULL, NULL, NULL, 0),
           0);
}

/* Write what is there. */
static void
walk_write(const row_t *row, size_t size)
{
    unsigned char value[16];
    size_t len = size;
    memset(value, 0, sizeof(value));
    expect(row->name, "writing another size",
           ctl(row->name, NULL, NULL, value, size + 1), EINVAL);
    if (strchr(row->rights, 'r') != NULL) {
        (void)ctl(row->name, value, &len, NULL, 0);
        expect(row->name, "writing its value",
               ctl(row->name, NULL, NULL, value, size), 0);
    } else {
        expect(row->name, "reading what is write-only",
               ctl(row->name, value, &len, NULL, 0), EPERM);
    }
}

static void
walk_action(const row_t *row)
{
    uint64_t value = 0;
    size_t len = sizeof(value);
    bool is_refused = strstr(row->name, ".reset") != NULL ||
                      strstr(row->name, ".destroy") != NULL;
    is_refused = is_refused && strncmp(row->name, "arena.", 6) == 0;
    if (!is_old || strcmp(row->name, "stats.mutexes.reset") != 0) {
        expect(row->name, "reading an action",
               ctl(row->name, &value, &len, NULL, 0), EPERM);
        expect(row->name, "writing an action",
               ctl(row->name, NULL, NULL, &value, sizeof(value)), EPERM);
    }
    expect(row->name, "doing it", ctl(row->name, NULL, NULL, NULL, 0),
           is_refused ? EFAULT : 0);
}

/* Profiling is off. */
static void
walk_prof(const row_t *row)
{
    uint64_t value = 0;
    size_t len = size_of(row->type);
    if (is_prof) {
        return; /* whatever there is of a log */
    }
    if (notes(row, "prof")) {
        expect(row->name, "reading", ctl(row->name, &value, &len, NULL, 0),
               ENOENT);
    } else {
        expect(row->name, "reading", ctl(row->name, &value, &len, NULL, 0), 0);
        if (value != 0) {
            problem("%s: true", row->name);
        }
    }
    value = 1;
    expect(row->name, "writing",
           ctl(row->name, NULL, NULL, &value, size_of(row->type)), ENOENT);
}

static void
walk_one(const row_t *row)
{
    uint64_t value = 0;
    size_t size = size_of(row->type), len = size;
    if (notes(row, "build") &&
        ctl(row->name, &value, &len, NULL, 0) == ENOENT) {
        return;
    }
    names++;
    walk_mib(row);
    if (is_prof ? notes(row, "log") : strstr(row->note, "prof") != NULL) {
        walk_prof(row);
        return;
    }
    if (strcmp(row->type, "void") == 0) {
        walk_action(row);
        return;
    }
    if (strchr(row->rights, 'r') != NULL) {
        walk_read(row, size);
    }
    if (strchr(row->rights, 'w') != NULL) {
        walk_write(row, size);
    } else {
        expect(row->name, "writing what is read-only",
               ctl(row->name, NULL, NULL, &value, sizeof(value)), EPERM);
    }
}

/* A lock's figures stand for one row. */
static void
walk_lock(const row_t *row)
{
    static const char *const counters[] = {
        "num_ops",         "num_wait",      "num_spin_acq", "num_owner_switch",
        "total_wait_time", "max_wait_time", "max_num_thds"};
    char *at = strstr(row->name, "{counter}");
    for (unsigned i = 0; at != NULL && i < JE_ARRAY_LEN(counters); i++) {
        bool is_last = i + 1 == JE_ARRAY_LEN(counters);
        row_t one = {.rights = "r"};
        memcpy(one.type, is_last ? "u32" : "u64", sizeof("u64"));
        (void)snprintf(one.name, sizeof(one.name), "%.*s%s",
                       (int)(at - row->name), row->name, counters[i]);
        walk_one(&one);
    }
}

/* Put a number where an index is. */
static void
fill_indices(row_t *row)
{
    char name[NAME_MAX_BYTES];
    size_t n = 0;
    for (const char *c = row->name; *c != '\0'; c++) {
        if (*c != '<') {
            name[n++] = *c;
            continue;
        }
        name[n++] =
            c[1] == 'j' || strncmp(row->name, "arenas.", 7) == 0 ? '2' : '0';
        c += 2;
    }
    name[n] = '\0';
    memcpy(row->name, name, n + 1);
}

static void
walk_row(row_t *row)
{
    size_t mib[DEPTH_MAX], depth = DEPTH_MAX;
    if (is_old && notes(row, "late")) {
        return;
    }
    fill_indices(row);
    if (strcmp(row->type, "counter") == 0) {
        walk_lock(row);
    } else if (notes(row, "rare") && to_mib(row->name, mib, &depth) == ENOENT) {
        return;
    } else if (notes(row, "call") || notes(row, "rare")) {
        names++;
        walk_mib(row);
    } else {
        walk_one(row);
    }
}

static void
walk_table(const char *path)
{
    char line[256];
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        problem("%s: %s", path, strerror(errno));
        return;
    }
    while (fgets(line, sizeof(line), in) != NULL) {
        row_t row = {.note = ""};
        if (line[0] != '#' && sscanf(line, "%127s %15s %3s %15[a-z ]", row.name,
                                     row.type, row.rights, row.note) >= 3) {
            walk_row(&row);
        }
    }
    (void)fclose(in);
}

/* ---- the rules of single names ----------------------------------------- */

static unsigned
number(const char *name)
{
    unsigned value = 0;
    size_t len = sizeof(value);
    expect(name, "reading", ctl(name, &value, &len, NULL, 0), 0);
    return value;
}

static void
unknown_names(void)
{
    static const char *const unknown[] = {
        "",
        "nothing",
        "stat",
        "statss",
        "stats.allocated.",
        "stats..allocated",
        "arenas.bin.99.size",
        "arenas.bin.x.size",
        "arenas.bin.-1.size",
        "arenas.lextent.300.size",
        "arena.4098.purge",
        "arena.3000.purge",
        "stats.arenas.3000.pactive",
        "stats.arenas.4097.pactive",
        "stats.arenas.0.bins.99.curregs",
        "stats.arenas.0.lextents.300.nmalloc",
        "stats.arenas.0.extents.199.ndirty",
        "stats.arenas.0.hpa_shard.nonfull_slabs.64.nactive_huge",
    };
    /* 5.3.0 has one more of each than there are */
    static const char *const beyond[] = {"arenas.bin.36.size",
                                         "arenas.lextent.196.size",
                                         "stats.arenas.0.bins.36.curregs"};
    for (unsigned i = 0; !is_old && i < JE_ARRAY_LEN(beyond); i++) {
        expect(beyond[i], "using it", ctl(beyond[i], NULL, NULL, NULL, 0),
               ENOENT);
    }
    for (unsigned i = 0; i < JE_ARRAY_LEN(unknown); i++) {
        size_t mib[DEPTH_MAX], depth = DEPTH_MAX;
        expect(unknown[i], "using it", ctl(unknown[i], NULL, NULL, NULL, 0),
               ENOENT);
        expect(unknown[i], "translating it", to_mib(unknown[i], mib, &depth),
               ENOENT);
    }
}

static void
rules_of_arenas(void)
{
    unsigned count = number("arenas.narenas"), made = 0, far = 4000;
    char name[NAME_MAX_BYTES];
    (void)snprintf(name, sizeof(name), "arena.%u.purge", count);
    expect(name, "the old name of all", ctl(name, NULL, NULL, NULL, 0), 0);
    (void)snprintf(name, sizeof(name), "arena.%u.purge", count + 1);
    expect(name, "beyond", ctl(name, NULL, NULL, NULL, 0), ENOENT);
    expect("arena.4096.decay", "all", ctl("arena.4096.decay", 0, 0, 0, 0), 0);
    expect("thread.arena", "one that is not there",
           ctl("thread.arena", NULL, NULL, &far, sizeof(far)), EFAULT);
    ssize_t ms = -2;
    size_t len = sizeof(ms);
    expect("arena.0.dirty_decay_ms", "-2",
           ctl("arena.0.dirty_decay_ms", NULL, NULL, &ms, sizeof(ms)), EFAULT);
    expect("arenas.muzzy_decay_ms", "-2",
           ctl("arenas.muzzy_decay_ms", NULL, NULL, &ms, sizeof(ms)), EFAULT);
    expect("arena.4096.dirty_decay_ms", "of all",
           ctl("arena.4096.dirty_decay_ms", &ms, &len, NULL, 0), EFAULT);
    len = 2;
    expect("arenas.create", "no room",
           ctl("arenas.create", &made, &len, NULL, 0), EINVAL);
    if (len != 0 || number("arenas.narenas") != count) {
        problem("arenas.create: made one although there is no room");
    }
    len = sizeof(made);
    expect("arenas.create", "making one",
           ctl("arenas.create", &made, &len, NULL, 0), 0);
    if (made != count || number("arenas.narenas") != count + 1) {
        problem("arenas.create: %u of %u", made, count);
    }
    size_t limit = 4095, pages = 5000, now;
    len = sizeof(now);
    expect("arena.0.retain_grow_limit", "less than a page",
           ctl("arena.0.retain_grow_limit", NULL, NULL, &limit, sizeof(limit)),
           EFAULT);
    expect("arena.0.retain_grow_limit", "rounding",
           ctl("arena.0.retain_grow_limit", NULL, NULL, &pages, sizeof(pages)),
           0);
    expect("arena.0.retain_grow_limit", "reading",
           ctl("arena.0.retain_grow_limit", &now, &len, NULL, 0), 0);
    if (now != 4096) {
        problem("arena.0.retain_grow_limit: %zu", now);
    }
}

static void
rules_of_the_end(void)
{
    unsigned made = 0;
    uint64_t one = 1, value;
    char name[NAME_MAX_BYTES];
    bool is = true;
    size_t len = sizeof(made);
    expect("arenas.create", "making one",
           ctl("arenas.create", &made, &len, NULL, 0), 0);
    (void)snprintf(name, sizeof(name), "arena.%u.destroy", made);
    expect(name, "doing it", ctl(name, NULL, NULL, NULL, 0), 0);
    expect(name, "doing it again", ctl(name, NULL, NULL, NULL, 0), EFAULT);
    (void)snprintf(name, sizeof(name), "arena.%u.purge", made);
    expect(name, "of one that has ended", ctl(name, NULL, NULL, NULL, 0), 0);
    (void)snprintf(name, sizeof(name), "arena.%u.initialized", made);
    len = sizeof(is);
    expect(name, "reading", ctl(name, &is, &len, NULL, 0), 0);
    if (is) {
        problem("%s: true after the end", name);
    }
    len = sizeof(is);
    expect("arena.4097.initialized", "reading",
           ctl("arena.4097.initialized", &is, &len, NULL, 0), 0);
    if (!is) {
        problem("arena.4097.initialized: false");
    }
    expect("epoch", "writing", ctl("epoch", NULL, NULL, &one, sizeof(one)), 0);
    (void)snprintf(name, sizeof(name), "stats.arenas.%u.pactive", made);
    len = sizeof(value);
    expect(name, "of one that has ended", ctl(name, &value, &len, NULL, 0),
           ENOENT);
    expect("stats.arenas.4097.pactive", "reading",
           ctl("stats.arenas.4097.pactive", &value, &len, NULL, 0), 0);
}

static void
rules_of_threads(void)
{
    bool off = false, on = true;
    unsigned id = 77, none = 0;
    size_t len = 2;
    expect("thread.tcache.enabled", "off",
           ctl("thread.tcache.enabled", NULL, NULL, &off, sizeof(off)), 0);
    expect("thread.tcache.flush", "without a cache",
           ctl("thread.tcache.flush", NULL, NULL, NULL, 0), EFAULT);
    expect("thread.tcache.enabled", "on",
           ctl("thread.tcache.enabled", NULL, NULL, &on, sizeof(on)), 0);
    expect("thread.tcache.flush", "with a cache",
           ctl("thread.tcache.flush", NULL, NULL, NULL, 0), 0);
    expect("tcache.create", "no room", ctl("tcache.create", &id, &len, NULL, 0),
           EINVAL);
    if (len != 0) {
        problem("tcache.create: the length is %zu", len);
    }
    len = sizeof(id);
    expect("tcache.create", "writing",
           ctl("tcache.create", &id, &len, &none, sizeof(none)), EPERM);
    expect("tcache.create", "making one",
           ctl("tcache.create", &id, &len, NULL, 0), 0);
    expect("tcache.flush", "doing it",
           ctl("tcache.flush", NULL, NULL, &id, sizeof(id)), 0);
    expect("tcache.destroy", "doing it",
           ctl("tcache.destroy", NULL, NULL, &id, sizeof(id)), 0);
}

/* What profiling calls: absent, read and set. */
static void
rules_of_hooks(void)
{
    static const char *const names_of[] = {"experimental.hooks.prof_backtrace",
                                           "experimental.hooks.prof_dump"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(names_of); i++) {
        const char *name = names_of[i];
        void *before = &is_old, *none = NULL;
        size_t len = sizeof(before);
        bool has_own = i == 0;
        expect(name, "nothing", ctl(name, NULL, NULL, NULL, 0), EINVAL);
        expect(name, "reading", ctl(name, &before, &len, NULL, 0), 0);
        if ((before != NULL) != (is_prof && has_own)) {
            problem("%s: %p", name, before);
        }
        len = 4;
        expect(name, "reading too little", ctl(name, &none, &len, NULL, 0),
               EINVAL);
        none = NULL;
        expect(name, "writing another size",
               ctl(name, NULL, NULL, &none, sizeof(none) - 1),
               is_prof ? EINVAL : ENOENT);
        expect(name, "writing what was read",
               ctl(name, NULL, NULL, &before, sizeof(before)),
               is_prof ? 0 : ENOENT);
        expect(name, "writing NULL", ctl(name, NULL, NULL, &none, sizeof(none)),
               !is_prof  ? ENOENT
               : has_own ? EINVAL
                         : 0);
    }
}

static uint64_t
figure(const char *name)
{
    uint64_t value = 0;
    size_t len = sizeof(value);
    expect(name, "reading", ctl(name, &value, &len, NULL, 0), 0);
    return value;
}

static void
rules_of_the_snapshot(void)
{
    uint64_t one = 1, next = 0;
    (void)ctl("epoch", NULL, NULL, &one, sizeof(one));
    uint64_t at = figure("epoch");
    size_t len = sizeof(next), active = figure("stats.active");
    void *volatile p = malloc(16 << 20);
    if (figure("stats.active") != active) {
        problem("stats.active: changed without an epoch");
    }
    expect("epoch", "writing and reading",
           ctl("epoch", &next, &len, &one, sizeof(one)), 0);
    if (next != at + 1) {
        problem("epoch: %llu after %llu", (unsigned long long)next,
                (unsigned long long)at);
    }
    if (figure("stats.active") < active + (16 << 20)) {
        problem("stats.active: did not move with the epoch");
    }
    free(p);
    void *addr = &one;
    unsigned ind;
    len = sizeof(ind);
    if (!is_old) { /* it follows whatever it finds, and crashes */
        expect("arenas.lookup", "a foreign address",
               ctl("arenas.lookup", &ind, &len, &addr, sizeof(addr)), EINVAL);
        expect("arenas.lookup", "no address",
               ctl("arenas.lookup", &ind, &len, NULL, 0), EINVAL);
    }
    expect("arenas.lookup", "half an address",
           ctl("arenas.lookup", &ind, &len, &addr, 4), EINVAL);
}

int
main(int argc, char **argv)
{
    void **entry[] = {(void **)&ctl, (void **)&to_mib, (void **)&by_mib};
    static const char *const symbol[] = {"mallctl", "mallctlnametomib",
                                         "mallctlbymib"};
    is_old = argc > 2 && strcmp(argv[2], "--5.3.0") == 0;
    for (unsigned i = 0; i < 3; i++) {
        *entry[i] = dlsym(RTLD_DEFAULT, symbol[i]);
        if (*entry[i] == NULL || argc < 2) {
            (void)fprintf(stderr, "usage: walk TABLE, with an allocator\n");
            return 2;
        }
    }
    size_t len = sizeof(is_prof);
    expect("opt.prof", "reading", ctl("opt.prof", &is_prof, &len, NULL, 0), 0);
    unknown_names();
    walk_table(argv[1]);
    rules_of_hooks();
    rules_of_threads();
    rules_of_arenas();
    rules_of_the_snapshot();
    rules_of_the_end();
    printf("%u names\n", names);
    return problems > 0;
}
