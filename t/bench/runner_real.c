/*
 * The real programs: t/bench/real.sh knows what each is to do. Their input is
 * made in a folder of its own, which is removed at the end.
 *
 * They print no result line. So each runs once under each allocator with a
 * small input while ld.so says where it finds malloc: a program that is linked
 * statically or brings a malloc of its own is not measured.
 */
#include "runner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_SCALE "0.01"

const char *const real_names[] = {"sqlite",  "python", "gcc", "git",
                                  "redis",   "gawk",   "jq",  "perl",
                                  "xmllint", "gs",     NULL};

static char folder[4096];

/* Called by exit() and by signals: no more than fork and exec. */
static void
remove_folder(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

static void
remove_and_die(int number)
{
    remove_folder();
    _exit(128 + number);
}

static void
make_folder(void)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGTERM};
    const char *parent = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/bench-real.XXXXXX",
             parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    if (mkdtemp(folder) == NULL)
        runner_die("%s: %s", folder, strerror(errno));
    atexit(remove_folder);
    for (unsigned i = 0; i < JE_ARRAY_LEN(ends); i++)
        signal(ends[i], remove_and_die);
}

/* Run `real.sh VERB NAME PATH SCALE`; what it printed, to be freed, or NULL. */
static char *
real_script(const start_t *start, const peer_t *peer, const char *verb,
            const char *name, const char *path, const char *scale)
{
    const char *args[] = {"sh", REAL_SCRIPT, verb, name, path, scale, NULL};
    captured_t captured;

    if (!start_captured(start, (char *const *)(uintptr_t)args, peer, &captured))
        return NULL;
    free(captured.errors);
    return captured.output;
}

/* Make the input; false if that cannot be, which is said. */
static bool
real_make(const start_t *start, const char *name, const char *path,
          const char *scale)
{
    char *missing;
    bool is_made;

    if (mkdir(path, 0700) != 0)
        runner_die("%s: %s", path, strerror(errno));
    missing = real_script(start, NULL, "make", name, path, scale);
    is_made = missing != NULL && missing[0] == '\0';
    if (!is_made)
        printf("left out: %s: %.*s\n", name,
               missing == NULL ? 0 : (int)strcspn(missing, "\n"),
               missing == NULL ? "" : missing);
    free(missing);
    return is_made;
}

/* Does malloc come from the allocator, and is the output always the same? */
static bool
real_probe(const start_t *start, const results_t *results, const char *name,
           const char *path)
{
    for (unsigned i = 0; i < results->peer_count; i++) {
        const peer_t *peer = &results->peers[i];
        char wanted[4200], *origin;
        bool is_wanted;

        if (!peer->is_present)
            continue;
        origin = real_script(start, peer, "origin", name, path, NULL);
        snprintf(wanted, sizeof(wanted), "%s\n", peer_file(peer));
        is_wanted = origin != NULL && strcmp(origin, wanted) == 0;
        if (origin == NULL)
            printf("left out: %s: it failed under %s\n", name, peer->name);
        else if (origin[0] == '\0')
            printf("left out: %s: its malloc is not to be replaced\n", name);
        else if (!is_wanted)
            printf("left out: %s: under %s it ran on the malloc of %.*s\n",
                   name, peer->name, (int)strcspn(origin, "\n"), origin);
        free(origin);
        if (!is_wanted)
            return false;
    }
    return true;
}

real_state_t
real_prepare(const start_t *start, const results_t *results, const char *name,
             const char *scale, program_t *program)
{
    char path[4200], probe[4200];

    if (folder[0] == '\0')
        make_folder();
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(probe, sizeof(probe), "%s/%s.probe", folder, name);
    if (!real_make(start, name, probe, PROBE_SCALE))
        return REAL_MISSING;
    if (!real_probe(start, results, name, probe) ||
        !real_make(start, name, path, scale))
        return REAL_WRONG;
    *program = (program_t){.name = name,
                           .group = "real",
                           .args = {copy_text("sh"), copy_text(REAL_SCRIPT),
                                    copy_text("run"), copy_text(name),
                                    copy_text(path)},
                           .has_children = true};
    return REAL_READY;
}
