/* The facts of live.def about the machine and about the process. */
#include "model/live.h"

#include "dump/procfs_line.h"
#include "dump/procfs_map.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRON_MAX ((size_t)4 << 20)
#define AUXV_MAX    ((size_t)4096)
#define PATH_SIZE   4096

enum how {
    HOW_OTHER,
    HOW_PASTED,
    HOW_SETTING,
    HOW_NUMBER,
    HOW_KIB,
    HOW_CHOICE,
    HOW_WORD
};

static const struct definition {
    const char *name;
    enum jep_fact_kind kind;
    enum how how;
    enum dump_scope scope; /* of HOW_PASTED */
    int field;
    const char *from; /* a file, or the name of a setting */
} definitions[LIVE_COUNT] = {

#define PASTED(whose, id, name, kind, scope, field)                            \
    {name, JEP_FACT_##kind, HOW_PASTED, DUMP_##scope, scope##_##field, NULL},
#define SETTING(whose, id, name, setting)                                      \
    {name, JEP_FACT_TEXT, HOW_SETTING, 0, 0, setting},
#define ALONE(whose, id, name, kind, how, file)                                \
    {name, JEP_FACT_##kind, HOW_##how, 0, 0, file},
#define OTHER(whose, id, name, kind)                                           \
    {name, JEP_FACT_##kind, HOW_OTHER, 0, 0, NULL},
#include "model/live.def"
#undef PASTED
#undef SETTING
#undef ALONE
#undef OTHER
};

void
live_facts_init(struct jep_fact *facts, enum live_id first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        facts[i] = (struct jep_fact){.name = definitions[first + i].name,
                                     .kind = definitions[first + i].kind};
}

/* ---- files that the reader of pastes knows ------------------------------ */

struct paste {
    struct live *live;
    enum live_id first, last; /* whose facts it may set */
    const char *file;
    const struct text_format *format;
    void *state;
    bool is_understood;
};

static jep_status_t
on_begin(void *context, enum dump_format format, uint64_t line)
{
    struct paste *paste = context;

    (void)format;
    (void)line;
    paste->is_understood = true;
    return JEP_OK;
}

static jep_status_t
on_end(void *context, bool complete)
{
    (void)context;
    (void)complete;
    return JEP_OK;
}

static jep_status_t
on_number(void *context, const struct dump_where *where, int field,
          uint64_t value)
{
    struct paste *paste = context;

    for (enum live_id i = paste->first; i < paste->last; i++) {
        const struct definition *one = &definitions[i];

        if (one->how == HOW_PASTED && one->scope == where->scope &&
            one->field == field)
            live_set(&paste->live->facts[i], value, paste->file, where->line);
    }
    return JEP_OK;
}

static jep_status_t
on_text(void *context, const char *name, const char *value, uint64_t line)
{
    struct paste *paste = context;

    (void)line;
    for (enum live_id i = paste->first; i < paste->last; i++) {
        if (definitions[i].how == HOW_SETTING &&
            strcmp(definitions[i].from, name) == 0)
            live_set_text(&paste->live->facts[i], live_copy(paste->live, value),
                          paste->file);
    }
    return JEP_OK;
}

static jep_status_t
on_warn(void *context, uint64_t line, uint64_t column, const char *text)
{
    struct paste *paste = context;

    (void)line;
    (void)column;
    live_unread(paste->live, paste->file, text);
    return JEP_OK;
}

static void
on_paste_line(struct live *live, void *context, char *text, size_t length,
              uint64_t number)
{
    struct paste *paste = context;
    struct text_line line = {
        .text = text, .length = length, .number = number, .ended = true};
    unsigned evidence;

    live->is_failed |=
        paste->format->line(paste->state, &line, &evidence) != JEP_OK;
}

/* Give a file to the reader of pastes; each line also to `also`. */
static void
read_paste(struct live *live, const struct live_path *path, enum live_id first,
           enum live_id last, live_line_fn *line)
{
    struct paste paste = {live,         first, last, path->shown,
                          &text_procfs, NULL,  false};
    struct dump_sink sink = {.context = &paste,
                             .begin = on_begin,
                             .end = on_end,
                             .number = on_number,
                             .text = on_text,
                             .warn = on_warn};
    struct jep_error error = {0};

    paste.state = paste.format->open(&sink, &error);
    if (paste.state == NULL) {
        live->is_failed = true;
        return;
    }
    if (live_lines(live, path, line, &paste) > 0 && !paste.is_understood)
        live_unread(live, path->shown, "holds nothing that is understood");
    live->is_failed |= paste.format->close(paste.state) != JEP_OK;
}

/* ---- files of one thing ------------------------------------------------- */

struct alone {
    struct jep_fact *fact;
    const char *file;
    bool is_choice;
};

static void
on_alone_line(struct live *live, void *context, char *text, size_t length,
              uint64_t number)
{
    struct alone *alone = context;
    token_t word = token_trim((token_t){text, length});

    if (number > 1 || word.length == 0)
        return;
    if (alone->is_choice && !procfs_chosen(text, length, &word)) {
        live_unread(live, alone->file, "has no choice in brackets");
        return;
    }
    live_set_text(alone->fact, live_piece(live, word.text, word.length),
                  alone->file);
}

static void
read_alone(struct live *live, enum live_id first, enum live_id last)
{
    for (enum live_id i = first; i < last; i++) {
        const struct definition *one = &definitions[i];
        struct jep_fact *fact = &live->facts[i];
        struct live_path path;
        struct alone alone;

        if (one->how < HOW_NUMBER)
            continue;
        path = first == LIVE_PROCESS ? live_process_path(live, one->from)
                                     : live_root_path(live, one->from);
        if (one->how == HOW_NUMBER || one->how == HOW_KIB) {
            live_number(live, &path, fact, one->how == HOW_KIB ? 1024 : 1);
            continue;
        }
        alone = (struct alone){fact, path.shown, one->how == HOW_CHOICE};
        live_lines(live, &path, on_alone_line, &alone);
    }
}

/* ---- the machine -------------------------------------------------------- */

/* What runs containers leaves a file in them. */
static void
read_container(struct live *live)
{
    static const struct {
        const char *file, *name;
    } marks[] = {{".dockerenv", "docker"}, {"run/.containerenv", "podman"}};

    for (size_t i = 0; i < JE_ARRAY_LEN(marks); i++) {
        if (faccessat(live->root, marks[i].file, F_OK, 0) == 0)
            live_set_text(&live->facts[LIVE_MACHINE_CONTAINER], marks[i].name,
                          live_text(live, "/%s", marks[i].file));
    }
}

void
live_machine(struct live *live)
{
    struct live_path path = live_root_path(live, "proc/meminfo");

    read_paste(live, &path, 0, LIVE_PROCESS, on_paste_line);
    if (!live->facts[LIVE_MACHINE_MEM_TOTAL].figure.known)
        live_unread(live, path.shown, "does not say how much memory there is");
    read_alone(live, 0, LIVE_PROCESS);
    live_huge_pages(live);
    path = live_root_path(live, "proc/pressure/memory");
    live_pressure(live, &path, &live->facts[LIVE_MACHINE_PRESSURE_SOME],
                  &live->facts[LIVE_MACHINE_PRESSURE_FULL]);
    read_container(live);
}

/* ---- the process -------------------------------------------------------- */

static void
on_limit_line(struct live *live, void *context, char *text, size_t length,
              uint64_t number)
{
    static const enum live_id ids[RLIMIT_COUNT] = {
        [RLIMIT_AS] = LIVE_PROCESS_LIMIT_AS,
        [RLIMIT_DATA] = LIVE_PROCESS_LIMIT_DATA,
        [RLIMIT_STACK] = LIVE_PROCESS_LIMIT_STACK,
        [RLIMIT_NOFILE] = LIVE_PROCESS_LIMIT_NOFILE,
        [RLIMIT_MEMLOCK] = LIVE_PROCESS_LIMIT_MEMLOCK,
        [RLIMIT_NPROC] = LIVE_PROCESS_LIMIT_NPROC};

    const char *file = context;
    uint64_t value;
    bool is_unlimited;
    int field;

    if (!procfs_limit(text, length, &field, &value, &is_unlimited))
        return;
    if (is_unlimited)
        live_set_unlimited(&live->facts[ids[field]], file);
    else
        live_set(&live->facts[ids[field]], value, file, number);
}

static void
object_add(struct live *live, const struct procfs_map *map, const char *path)
{
    for (size_t i = 0; i < live->object_count; i++) {
        if (strcmp(live->objects[i].path, path) == 0)
            return;
    }
    if (!intern_grow((void **)&live->objects, &live->object_capacity,
                     live->object_count, sizeof(*live->objects))) {
        live->is_failed = true;
        return;
    }
    live->objects[live->object_count++] =
        (struct live_object){live_copy(live, path), map->start, map->end};
}

static void
on_map_line(struct live *live, void *context, char *text, size_t length,
            uint64_t number)
{
    struct procfs_map map;
    const char *path;

    if (procfs_map_read(text, &map, &path) && map.is_executable &&
        map.kind == MAP_FILE)
        object_add(live, &map, path);
    on_paste_line(live, context, text, length, number);
}

static void
read_exe(struct live *live)
{
    struct live_path path = live_process_path(live, "exe");
    char target[PATH_SIZE];
    ssize_t n = readlinkat(path.dir, path.relative, target, sizeof(target));

    if (n > 0)
        live_set_text(&live->facts[LIVE_PROCESS_EXE],
                      live_piece(live, target, (size_t)n), path.shown);
    else if (errno != ENOENT)
        live_unread(live, path.shown, strerror(errno));
}

/* Whether a variable is an allocator's, or decides which one there is. */
static bool
is_of_interest(const char *name, size_t length)
{
    static const char *const starts[] = {"MALLOC_", "TCMALLOC_", "MIMALLOC_"};
    static const char *const names[] = {"JEPROBE_CONF", "LD_PRELOAD",
                                        "GLIBC_TUNABLES"};

    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == length && strncmp(name, names[i], length) == 0)
            return true;
    }
    return length > 11 && strncmp(name + length - 11, "MALLOC_CONF", 11) == 0;
}

static void
read_environ(struct live *live)
{
    struct live_path path = live_process_path(live, "environ");
    size_t length;
    char *all = live_bytes(live, &path, ENVIRON_MAX, &length);

    for (size_t at = 0; at < length; at += strlen(all + at) + 1) {
        const char *equals = strchr(all + at, '=');
        size_t name = equals != NULL ? (size_t)(equals - (all + at)) : 0;

        if (name == 0 || !is_of_interest(all + at, name))
            continue;
        if (!intern_grow((void **)&live->variables, &live->variable_capacity,
                         live->variable_count, sizeof(*live->variables))) {
            live->is_failed = true;
            break;
        }
        live->variables[live->variable_count++] = (struct jep_variable){
            live_piece(live, all + at, name), live_copy(live, equals + 1)};
    }
    free(all);
}

/* A program with more rights than its caller ignores the environment. */
static void
read_auxv(struct live *live)
{
    struct live_path path = live_process_path(live, "auxv");
    size_t length;
    char *all = live_bytes(live, &path, AUXV_MAX, &length);

    for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= length;
         at += sizeof(Elf64_auxv_t)) {
        Elf64_auxv_t one;

        memcpy(&one, all + at, sizeof(one));
        if (one.a_type == AT_SECURE)
            live_set(&live->facts[LIVE_PROCESS_SECURE], one.a_un.a_val,
                     path.shown, 0);
    }
    free(all);
}

void
live_process(struct live *live)
{
    struct live_path path = live_process_path(live, "status");

    read_paste(live, &path, LIVE_PROCESS, LIVE_GROUP, on_paste_line);
    live->has_memory = live->facts[LIVE_PROCESS_VM_SIZE].figure.known ||
                       live->facts[LIVE_PROCESS_STATE].text == NULL;
    path = live_process_path(live, "smaps_rollup");
    read_paste(live, &path, LIVE_PROCESS, LIVE_GROUP, on_paste_line);
    path = live_process_path(live, "maps");
    read_paste(live, &path, LIVE_PROCESS, LIVE_GROUP, on_map_line);
    path = live_process_path(live, "limits");
    live_lines(live, &path, on_limit_line, (void *)(uintptr_t)path.shown);
    read_alone(live, LIVE_PROCESS, LIVE_GROUP);
    read_exe(live);
    read_environ(live);
    read_auxv(live);
}
