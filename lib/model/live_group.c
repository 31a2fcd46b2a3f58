/* Control groups: that of the process and all around it.
 *
 * A limit of any of them holds, so each is read up to the top of what is
 * mounted.  /proc/PID/cgroup names the group, mountinfo says where such names
 * begin in the file system: in a container the upper part is hidden. */
#include "model/live.h"

#include "dump/kernfile.h"

#include <stdio.h>
#include <string.h>

#define LEVELS_MAX 64

struct place {
    struct kernfile_group group;
    char path[KERNFILE_PATH_MAX];
    struct kernfile_mount mount;
    bool has_group, has_mount;
};

/* The memory controller's of version 1 where there is one, else version 2. */
static void
on_group_line(struct live *live, void *context, char *text, size_t length,
              uint64_t number)
{
    struct place *place = context;
    struct kernfile_group group;

    (void)live;
    (void)length;
    (void)number;
    if (!kernfile_group(text, &group) || (!group.is_v2 && !group.has_memory) ||
        (place->has_group && !place->group.is_v2) ||
        strlen(group.path) >= sizeof(place->path))
        return;
    place->group = group;
    place->has_group = true;
    snprintf(place->path, sizeof(place->path), "%s", group.path);
}

static void
on_mount_line(struct live *live, void *context, char *text, size_t length,
              uint64_t number)
{
    struct place *place = context;
    struct kernfile_mount mount;

    (void)live;
    (void)number;
    if (place->has_mount || !kernfile_mount(text, length, &mount) ||
        mount.is_v2 != place->group.is_v2 ||
        (!mount.is_v2 && !mount.has_memory))
        return;
    place->mount = mount;
    place->has_mount = true;
}

/* Make *place say where the group is; false: it is not known. */
static bool
find(struct live *live, struct place *place)
{
    struct live_path path = live_process_path(live, "cgroup");

    live_lines(live, &path, on_group_line, place);
    if (!place->has_group)
        return false;
    path = live_root_path(live, "proc/self/mountinfo");
    live_lines(live, &path, on_mount_line, place);
    if (!place->has_mount) {
        path = live_process_path(live, "mountinfo");
        live_lines(live, &path, on_mount_line, place);
    }
    if (!place->has_mount) {
        place->mount = (struct kernfile_mount){.is_v2 = place->group.is_v2};
        snprintf(place->mount.root, sizeof(place->mount.root), "/");
        snprintf(place->mount.point, sizeof(place->mount.point), "%s",
                 place->group.is_v2 ? "/sys/fs/cgroup"
                                    : "/sys/fs/cgroup/memory");
    }
    return true;
}

/* What of the group's name is below the mount; NULL = it is outside. */
static const char *
below(const char *path, const char *root)
{
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0') ||
        strncmp(path, "/..", 3) == 0)
        return NULL;
    return strcmp(path + n, "/") == 0 ? "" : path + n;
}

/* ---- the files of one group --------------------------------------------- */

struct pair {
    const char *name;
    enum live_id id;
};

struct pairs {
    struct live_group *group;
    const struct pair *pairs;
    size_t count;
    const char *file;
};

static void
on_pair_line(struct live *live, void *context, char *text, size_t length,
             uint64_t number)
{
    struct pairs *at = context;
    token_t name;
    uint64_t value;

    (void)live;
    if (!kernfile_pair(text, length, &name, &value))
        return;
    for (size_t i = 0; i < at->count; i++) {
        if (token_is(name, at->pairs[i].name))
            live_set(&at->group->facts[at->pairs[i].id - LIVE_GROUP], value,
                     at->file, number);
    }
}

static struct live_path
file_of(struct live *live, const struct live_group *group, const char *file)
{
    const char *shown = live_text(live, "%s/%s", group->out.directory, file);

    return (struct live_path){live->root, shown != NULL ? shown + 1 : "",
                              shown};
}

static void
read_pairs(struct live *live, struct live_group *group, const char *file,
           const struct pair *pairs, size_t count)
{
    struct live_path path = file_of(live, group, file);
    struct pairs at = {group, pairs, count, path.shown};

    live_lines(live, &path, on_pair_line, &at);
}

static void
read_number(struct live *live, struct live_group *group, const char *file,
            enum live_id id)
{
    struct live_path path = file_of(live, group, file);

    live_number(live, &path, &group->facts[id - LIVE_GROUP], 1);
}

static void
read_v2(struct live *live, struct live_group *group)
{
    static const struct pair events[] = {{"max", LIVE_GROUP_LIMIT_HITS},
                                         {"oom_kill", LIVE_GROUP_OOM_KILLS}};
    static const struct pair stat[] = {
        {"anon", LIVE_GROUP_ANON},
        {"file", LIVE_GROUP_FILE},
        {"shmem", LIVE_GROUP_SHMEM},
        {"inactive_file", LIVE_GROUP_INACTIVE_FILE}};
    struct live_path path;

    read_number(live, group, "memory.max", LIVE_GROUP_LIMIT);
    read_number(live, group, "memory.high", LIVE_GROUP_HIGH);
    read_number(live, group, "memory.current", LIVE_GROUP_USAGE);
    read_number(live, group, "memory.swap.max", LIVE_GROUP_SWAP_LIMIT);
    read_number(live, group, "memory.swap.current", LIVE_GROUP_SWAP_USAGE);
    read_pairs(live, group, "memory.events", events, JE_ARRAY_LEN(events));
    read_pairs(live, group, "memory.stat", stat, JE_ARRAY_LEN(stat));
    path = file_of(live, group, "memory.pressure");
    live_pressure(live, &path,
                  &group->facts[LIVE_GROUP_PRESSURE_SOME - LIVE_GROUP],
                  &group->facts[LIVE_GROUP_PRESSURE_FULL - LIVE_GROUP]);
}

/* memsw limits memory and swap together. */
static void
split_memsw(struct live_group *group)
{
    struct jep_fact *both = &group->facts[LIVE_GROUP_SWAP_LIMIT - LIVE_GROUP];
    const struct jep_fact *part = &group->facts[LIVE_GROUP_LIMIT - LIVE_GROUP];

    if (!both->figure.known)
        return;
    if (!part->figure.known || part->figure.value > both->figure.value) {
        both->figure.known = false;
        both->file = NULL;
        return;
    }
    both->figure.value -= part->figure.value;
    both->figure.derived = true;
}

static void
read_v1(struct live *live, struct live_group *group)
{
    static const struct pair oom[] = {{"oom_kill", LIVE_GROUP_OOM_KILLS}};
    static const struct pair stat[] = {
        {"total_rss", LIVE_GROUP_ANON},
        {"total_cache", LIVE_GROUP_FILE},
        {"total_shmem", LIVE_GROUP_SHMEM},
        {"total_swap", LIVE_GROUP_SWAP_USAGE},
        {"total_inactive_file", LIVE_GROUP_INACTIVE_FILE}};

    read_number(live, group, "memory.limit_in_bytes", LIVE_GROUP_LIMIT);
    read_number(live, group, "memory.usage_in_bytes", LIVE_GROUP_USAGE);
    read_number(live, group, "memory.memsw.limit_in_bytes",
                LIVE_GROUP_SWAP_LIMIT);
    split_memsw(group);
    read_number(live, group, "memory.failcnt", LIVE_GROUP_LIMIT_HITS);
    read_pairs(live, group, "memory.oom_control", oom, JE_ARRAY_LEN(oom));
    read_pairs(live, group, "memory.stat", stat, JE_ARRAY_LEN(stat));
}

/* ---- all of them -------------------------------------------------------- */

static void
add(struct live *live, const struct place *place, const char *rest,
    size_t length)
{
    const char *point = place->mount.point;
    struct live_group *group;

    if (!intern_grow((void **)&live->groups, &live->group_capacity,
                     live->group_count, sizeof(*live->groups))) {
        live->is_failed = true;
        return;
    }
    group = &live->groups[live->group_count++];
    *group = (struct live_group){0};
    live_facts_init(group->facts, LIVE_GROUP, LIVE_GROUP_COUNT);
    group->out.path = live_text(
        live, "%s%.*s%s",
        strcmp(place->mount.root, "/") == 0 ? "" : place->mount.root,
        (int)length, rest,
        length == 0 && strcmp(place->mount.root, "/") == 0 ? "/" : "");
    group->out.directory = live_text(live, "%s%.*s", point, (int)length, rest);
    if (place->group.is_v2)
        read_v2(live, group);
    else
        read_v1(live, group);
}

/* The one whose limit is the lowest; of equal ones the innermost. */
static void
mark_tightest(struct live *live)
{
    struct live_group *best = NULL;

    for (size_t i = 0; i < live->group_count; i++) {
        struct live_group *one = &live->groups[i];
        struct jep_figure limit =
            one->facts[LIVE_GROUP_LIMIT - LIVE_GROUP].figure;

        one->out.facts = one->facts;
        one->out.fact_count = LIVE_GROUP_COUNT;
        if (limit.known &&
            (best == NULL ||
             limit.value <
                 best->facts[LIVE_GROUP_LIMIT - LIVE_GROUP].figure.value))
            best = one;
    }
    if (best != NULL)
        best->out.is_tightest = true;
}

/* What names of groups tell of who runs the container. */
static void
name_container(struct live *live, const char *path, const char *file)
{
    static const char *const words[][2] = {{"kubepods", "kubernetes"},
                                           {"/docker/", "docker"},
                                           {"/docker-", "docker"},
                                           {"libpod-", "podman"},
                                           {"/lxc/", "lxc"},
                                           {"lxc.payload", "lxc"},
                                           {"containerd-", "containerd"}};
    struct jep_fact *fact = &live->facts[LIVE_MACHINE_CONTAINER];

    for (size_t i = 0; i < JE_ARRAY_LEN(words); i++) {
        if (fact->text == NULL && strstr(path, words[i][0]) != NULL)
            live_set_text(fact, words[i][1], file);
    }
}

void
live_groups(struct live *live)
{
    struct place place = {.has_group = false};
    const char *rest;

    if (!find(live, &place))
        return;
    name_container(live, place.path,
                   live_text(live, "%s/cgroup", live->dir_path));
    rest = below(place.path, place.mount.root);
    if (rest == NULL) {
        live_unread(live, place.path,
                    "this control group is outside of what is mounted here");
        return;
    }
    live->group_version = place.group.is_v2 ? 2 : 1;
    for (size_t n = strlen(rest);; n--) {
        if (n == 0 || rest[n] == '/' || rest[n] == '\0')
            add(live, &place, rest, n);
        if (n == 0 || live->is_failed || live->group_count == LEVELS_MAX)
            break;
    }
    mark_tightest(live);
}
