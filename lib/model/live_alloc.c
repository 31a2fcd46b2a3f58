/* Who allocates: the allocators in what the process has mapped, how they came
 * there, and which of them serves malloc(). */
#include "model/live.h"

#include "dump/token.h"
#include "model/liveelf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define DELETED   " (deleted)"

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool
ends_deleted(const char *path, size_t *length)
{
    size_t n = strlen(path), mark = sizeof(DELETED) - 1;

    *length = n;
    if (n <= mark || strcmp(path + n - mark, DELETED) != 0)
        return false;
    *length = n - mark;
    return true;
}

/* A mapped file, as the process sees it: in its own root where that can be
 * looked into, by the mapping where the name is gone, else by name. */
static int
open_object(struct live *live, const struct live_object *object)
{
    char name[PATH_SIZE];
    size_t length;
    bool is_deleted = ends_deleted(object->path, &length);
    int fd = -1;

    if (is_deleted)
        snprintf(name, sizeof(name), "map_files/%llx-%llx",
                 (unsigned long long)object->start,
                 (unsigned long long)object->end);
    else
        snprintf(name, sizeof(name), "root%.*s", (int)length, object->path);
    fd = live_open(&(struct live_path){live->dir, name, NULL});
    if (fd >= 0 || is_deleted)
        return fd;
    /* Not absolute: below the root. */
    return live_open(&(struct live_path){live->root, object->path + 1, NULL});
}

/* Whether `word` of a list of preloaded libraries means this one. */
static bool
is_meant(struct live *live, const char *word, int fd, const char *path,
         const char *soname)
{
    char name[PATH_SIZE];
    struct stat own, other;
    const char *base;

    snprintf(name, sizeof(name), "root%s", word);
    if (word[0] == '/' && fstat(fd, &own) == 0 &&
        (fstatat(live->dir, name, &other, 0) == 0 ||
         fstatat(live->root, name + 5, &other, 0) == 0))
        return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
    base = base_name(name + 4);
    if (word[0] != '/')
        base = name + 4;
    return strcmp(base, base_name(path)) == 0 || strcmp(base, soname) == 0;
}

/* Which of the preloaded libraries it is, in their order; -1 = none. */
static int
preload_of(struct live *live, int fd, const char *path, const char *soname)
{
    int found = -1;

    for (size_t i = 0; i < live->preload_count; i++) {
        struct live_preload *one = &live->preloads[i];

        if (!is_meant(live, one->name, fd, path, soname))
            continue;
        one->is_mapped = true;
        if (found < 0)
            found = (int)i;
    }
    return found;
}

/* Which of those that the program needs; -1 = none. */
static int
needed_of(const struct liveelf *program, const char *path, const char *soname)
{
    for (unsigned i = 0; i < program->needed_count; i++) {
        if (strcmp(program->needed[i], base_name(path)) == 0 ||
            strcmp(program->needed[i], soname) == 0)
            return (int)i;
    }
    return -1;
}

/* The dynamic linker looks for malloc in the program, then in what is
 * preloaded, then in what the program needs, and in libc last. */
enum {
    RANK_PRELOAD = 1,
    RANK_LINKED = 100000,
    RANK_OTHERWISE = 200000,
    RANK_LIBC = 300000,
    RANK_NEVER = 400000
};

/* An allocator, and its place in that order. */
struct ranked {
    struct jep_allocator_seen one;
    int rank;
};

struct finds {
    struct live *live;
    struct ranked *list;
    size_t count, capacity;
    struct liveelf program, other;
};

static void
place(struct finds *finds, const struct liveelf *elf, int fd, const char *path,
      struct ranked *ranked)
{
    int preload = preload_of(finds->live, fd, path, elf->soname);
    int needed = needed_of(&finds->program, path, elf->soname);

    if (elf == &finds->program) {
        ranked->one.loaded = JEP_LOADED_PROGRAM;
        ranked->rank = 0;
    } else if (preload >= 0) {
        ranked->one.loaded = finds->live->preloads[preload].is_system
                                 ? JEP_LOADED_SYSTEM
                                 : JEP_LOADED_PRELOAD;
        ranked->rank = RANK_PRELOAD + preload;
    } else {
        ranked->one.loaded =
            needed >= 0 ? JEP_LOADED_LINKED : JEP_LOADED_OTHERWISE;
        ranked->rank = needed >= 0 ? RANK_LINKED + needed : RANK_OTHERWISE;
    }
    if (elf->kind == JEP_ALLOCATOR_GLIBC && elf != &finds->program)
        ranked->rank = RANK_LIBC;
    if (!elf->exports_malloc)
        ranked->rank = RANK_NEVER;
}

/* jemalloc takes options from PREFIX + MALLOC_CONF in capitals. */
static const char *
variable_of(struct live *live, const struct liveelf *elf)
{
    char text[LIVEELF_TEXT_MAX + 16];

    if (elf->kind == JEP_ALLOCATOR_JEALLOC)
        return "MALLOC_CONF";
    if (elf->kind != JEP_ALLOCATOR_JEMALLOC)
        return NULL;
    if (elf->variable[0] != '\0')
        return live_copy(live, elf->variable);
    if (!elf->has_prefix)
        return NULL;
    snprintf(text, sizeof(text), "%sMALLOC_CONF", elf->prefix);
    for (char *c = text; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return live_copy(live, text);
}

static void
allocator_add(struct finds *finds, const struct liveelf *elf, int fd,
              const char *path)
{
    struct live *live = finds->live;
    struct ranked ranked = {
        .one = {.kind = elf->kind,
                .name = elf->name,
                .version = elf->version[0] != '\0'
                               ? live_copy(live, elf->version)
                               : NULL,
                .path = path,
                .prefix = elf->has_prefix ? live_copy(live, elf->prefix) : NULL,
                .variable = variable_of(live, elf)}};

    place(finds, elf, fd, path, &ranked);
    if (elf->name == NULL)
        return;
    if (!intern_grow((void **)&finds->list, &finds->capacity, finds->count,
                     sizeof(*finds->list))) {
        live->is_failed = true;
        return;
    }
    finds->list[finds->count++] = ranked;
}

static int
order(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* The first of them serves malloc. */
static void
choose(struct finds *finds)
{
    struct live *live = finds->live;

    if (finds->count == 0)
        return;
    qsort(finds->list, finds->count, sizeof(*finds->list), order);
    live->allocators = calloc(finds->count, sizeof(*live->allocators));
    if (live->allocators == NULL) {
        live->is_failed = true;
        return;
    }
    for (size_t i = 0; i < finds->count; i++)
        live->allocators[i] = finds->list[i].one;
    live->allocators[0].serves_malloc = finds->list[0].rank < RANK_NEVER;
    live->allocator_count = finds->count;
}

static bool
is_program(const struct live *live, const struct live_object *object)
{
    const char *exe = live->facts[LIVE_PROCESS_EXE].text;

    return exe != NULL && strcmp(exe, object->path) == 0;
}

static void
look_at(struct finds *finds, const struct live_object *object, bool is_main)
{
    struct live *live = finds->live;
    struct liveelf *elf = is_main ? &finds->program : &finds->other;
    int fd = open_object(live, object);

    if (fd < 0) {
        /* What cannot be told for one library cannot be told at all. */
        live_unread(live, object->path, strerror(errno));
        live->is_blind = true;
        return;
    }
    if (liveelf_read(fd, is_main, elf))
        allocator_add(finds, elf, fd, object->path);
    live_conf_look(live, fd, object->path);
    close(fd);
}

/* Names with blanks or colons between them. */
static void
preloads_add(struct live *live, const char *list, size_t length, bool is_system)
{
    const char *end = list + length;

    for (const char *at = list; at < end;) {
        size_t n = strcspn(at, ": \t\n");

        n = JE_MIN(n, (size_t)(end - at));
        if (n > 0) {
            if (!intern_grow((void **)&live->preloads, &live->preload_capacity,
                             live->preload_count, sizeof(*live->preloads))) {
                live->is_failed = true;
                return;
            }
            live->preloads[live->preload_count++] = (struct live_preload){
                live_piece(live, at, n), is_system, false};
        }
        at += n + 1;
    }
}

static void
on_preload_line(struct live *live, void *context, char *text, size_t length,
                uint64_t number)
{
    (void)context;
    (void)number;
    (void)length;
    preloads_add(live, text, strcspn(text, "#"), true);
}

/* jemalloc takes options from the target of a link, too. */
static void
read_conf_link(struct live *live)
{
    char name[PATH_SIZE], target[PATH_SIZE];
    ssize_t n = -1;

    for (size_t i = 0; i < live->allocator_count && n <= 0; i++) {
        const struct jep_allocator_seen *one = &live->allocators[i];

        if (one->variable == NULL ||
            (one->prefix == NULL && one->kind != JEP_ALLOCATOR_JEALLOC))
            continue;
        snprintf(name, sizeof(name), "root/etc/%smalloc.conf",
                 one->prefix != NULL ? one->prefix : "");
        n = readlinkat(live->dir, name, target, sizeof(target));
        if (n <= 0)
            n = readlinkat(live->root, name + 5, target, sizeof(target));
        if (n <= 0)
            continue;
        live->conf_link = live_piece(live, target, (size_t)n);
        live->conf_link_path = live_copy(live, name + 4);
        live->conf_link_reader = i;
    }
}

void
live_allocators(struct live *live)
{
    struct live_path list = live_process_path(live, "root/etc/ld.so.preload");
    const char *preload = live_variable(live, "LD_PRELOAD");
    struct finds *finds = calloc(1, sizeof(*finds));

    if (finds == NULL) {
        live->is_failed = true;
        return;
    }
    finds->live = live;
    if (preload != NULL)
        preloads_add(live, preload, strlen(preload), false);
    if (faccessat(live->dir, "root", F_OK, 0) != 0)
        list = live_root_path(live, "etc/ld.so.preload");
    live_lines(live, &list, on_preload_line, NULL);
    /* The program first: it says what is needed. */
    for (int others = 0; others < 2 && !live->is_failed; others++) {
        for (size_t i = 0; i < live->object_count; i++) {
            bool is_main = is_program(live, &live->objects[i]);

            if (is_main == !others)
                look_at(finds, &live->objects[i], is_main);
        }
    }
    live->is_blind |= live->object_count == 0;
    choose(finds);
    free(finds->list);
    free(finds);
    read_conf_link(live);
    live_conf_close(live);
}
