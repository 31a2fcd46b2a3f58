/* Sizes of huge pages, which kernels from 6.8 on decide about one by one:
 * "hugepages-64kB/enabled" below the directory of transparent huge pages.
 *
 * The size that one entry of the middle page table maps, 2 MiB on x86-64, is
 * among them; with "inherit" a size does what is said of all. */
#include "model/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY   "sys/kernel/mm/transparent_hugepage"
#define SIZES_MAX   32
#define CHOICE_MAX  8
#define LIST_MAX    512
#define SIZE_PREFIX "hugepages-"

struct size {
    unsigned long long kib;
    char choice[CHOICE_MAX]; /* "always"; "" = not read */
};

struct sizes {
    struct size list[SIZES_MAX];
    size_t count;
};

static int
size_order(const void *a, const void *b)
{
    const struct size *x = a, *y = b;

    return (x->kib > y->kib) - (x->kib < y->kib);
}

/* "always [inherit] madvise never" */
static void
on_choice_line(struct live *live, void *context, char *text, size_t length,
               uint64_t number)
{
    static const char *const choices[] = {"[always]", "[inherit]", "[madvise]",
                                          "[never]"};
    struct size *size = context;

    (void)live;
    (void)length;
    for (size_t i = 0; number == 1 && i < JE_ARRAY_LEN(choices); i++) {
        if (strstr(text, choices[i]) != NULL)
            snprintf(size->choice, sizeof(size->choice), "%.*s",
                     (int)strlen(choices[i]) - 2, choices[i] + 1);
    }
}

/* "hugepages-64kB" */
static bool
is_size(const char *name, unsigned long long *kib)
{
    static const char prefix[] = SIZE_PREFIX;
    char *end;

    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 ||
        name[sizeof(prefix) - 1] < '0' || name[sizeof(prefix) - 1] > '9')
        return false;
    *kib = strtoull(name + sizeof(prefix) - 1, &end, 10);
    return strcmp(end, "kB") == 0 && *kib > 0 && *kib < UINT32_MAX;
}

static void
list_sizes(struct live *live, struct sizes *sizes)
{
    int fd = openat(live->root, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    unsigned long long kib;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (sizes->count < SIZES_MAX && (entry = readdir(dir)) != NULL) {
        if (is_size(entry->d_name, &kib))
            sizes->list[sizes->count++] = (struct size){.kib = kib};
    }
    closedir(dir);
    qsort(sizes->list, sizes->count, sizeof(*sizes->list), size_order);
}

static void list_add(char list[LIST_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
list_add(char list[LIST_MAX], const char *format, ...)
{
    size_t used = strlen(list), before = used;
    va_list args;
    int n;

    if (used > 0)
        used += (size_t)snprintf(list + used, LIST_MAX - used, ", ");
    if (used >= LIST_MAX) {
        list[before] = '\0';
        return;
    }
    va_start(args, format);
    n = vsnprintf(list + used, LIST_MAX - used, format, args);
    va_end(args);
    /* Half of one is none. */
    if (n < 0 || (size_t)n >= LIST_MAX - used)
        list[before] = '\0';
}

/* Whether pages of that size are made of all memory, unasked. */
static bool
is_unasked(const struct live *live, const struct size *size)
{
    const char *all = live->facts[LIVE_MACHINE_THP_ENABLED].text;

    return strcmp(size->choice, "always") == 0 ||
           (strcmp(size->choice, "inherit") == 0 && all != NULL &&
            strcmp(all, "always") == 0);
}

static void
sizes_say(struct live *live, const struct sizes *sizes)
{
    struct jep_fact *facts = live->facts;
    const char *file = "/" DIRECTORY "/" SIZE_PREFIX "*/enabled";
    char set[LIST_MAX] = "", unasked[LIST_MAX] = "";
    uint64_t whole = facts[LIVE_MACHINE_HUGE_PAGE_SIZE].figure.value / 1024;

    for (size_t i = 0; i < sizes->count; i++) {
        const struct size *size = &sizes->list[i];

        if (size->choice[0] == '\0')
            continue;
        if (size->kib == whole) {
            live_set_text(
                &facts[LIVE_MACHINE_THP_HUGE_ENABLED],
                live_copy(live, size->choice),
                live_text(live, "/" DIRECTORY "/" SIZE_PREFIX "%llukB/enabled",
                          size->kib));
            continue;
        }
        if (strcmp(size->choice, "never") != 0)
            list_add(set, "%llu kB %s", size->kib, size->choice);
        if (is_unasked(live, size))
            list_add(unasked, "%llu kB", size->kib);
    }
    if (sizes->count == 0)
        return;
    live_set_text(&facts[LIVE_MACHINE_THP_SIZES],
                  set[0] != '\0' ? live_copy(live, set) : "never", file);
    if (unasked[0] != '\0')
        live_set_text(&facts[LIVE_MACHINE_THP_SIZES_UNASKED],
                      live_copy(live, unasked), file);
}

void
live_huge_pages(struct live *live)
{
    struct sizes sizes = {.count = 0};

    list_sizes(live, &sizes);
    for (size_t i = 0; i < sizes.count; i++) {
        char name[96];
        struct live_path path;

        snprintf(name, sizeof(name), DIRECTORY "/" SIZE_PREFIX "%llukB/enabled",
                 sizes.list[i].kib);
        path = live_root_path(live, name);
        if (live_lines(live, &path, on_choice_line, &sizes.list[i]) > 0 &&
            sizes.list[i].choice[0] == '\0')
            live_unread(live, path.shown, "has no choice in brackets");
    }
    sizes_say(live, &sizes);
}
