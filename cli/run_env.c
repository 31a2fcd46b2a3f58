/*
 * The environment of the program: preload object, its options, the dump's name.
 */
#include "cli/run.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRELOAD_NAME "libjeprobe-preload.so"

/* Places relative to the directory of the executable: installed, then the
 * build tree with and without libtool's wrapper. */
static const char *const run_preload_near[] = {
    "/../lib/" PRELOAD_NAME,
    "/../lib/jeprobe/" PRELOAD_NAME,
    "/../shim/.libs/" PRELOAD_NAME,
    "/../../shim/.libs/" PRELOAD_NAME,
};

/* Directory of this executable, or empty. */
static void
run_own_directory(char dir[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
    dir[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* The loader splits LD_PRELOAD at blanks and colons and expands $ in it. */
static const char *
run_accept_preload(char *path)
{
    if (strpbrk(path, " :$") != NULL)
        die_advise(EXIT_LAUNCH,
                   "install jeprobe in a directory without these characters",
                   "%s: LD_PRELOAD cannot hold a blank, colon or dollar sign",
                   path);
    return path;
}

const char *
run_find_preload(void)
{
    static char path[PATH_MAX];
    const unsigned near = sizeof(run_preload_near) / sizeof(*run_preload_near);
    char dir[PATH_MAX];
    char tried[PATH_MAX] = "";
    const char *chosen = getenv("JEPROBE_PRELOAD");
    if (chosen != NULL && chosen[0] != '\0') {
        if (realpath(chosen, path) == NULL || access(path, R_OK) != 0)
            die(EXIT_LAUNCH, "%s: JEPROBE_PRELOAD names this file: %s", chosen,
                strerror(errno));
        return run_accept_preload(path);
    }
    run_own_directory(dir);
    for (unsigned i = 0; i <= near; i++) {
        char candidate[2 * PATH_MAX];
        if (i < near)
            snprintf(candidate, sizeof(candidate), "%s%s", dir,
                     run_preload_near[i]);
        else
            snprintf(candidate, sizeof(candidate), "%s",
                     JE_LIBDIR "/" PRELOAD_NAME);
        if (realpath(candidate, path) != NULL && access(path, R_OK) == 0)
            return run_accept_preload(path);
        text_add(tried, sizeof(tried), "%s", candidate);
    }
    die_advise(EXIT_LAUNCH, "JEPROBE_PRELOAD can name the file",
               "the preload object is missing; tried %s", tried);
}

/* Append to a path under construction; dies when it is too long. */
static void
run_append(char path[PATH_MAX], const char *text, size_t len)
{
    size_t at = strlen(path);
    if (at + len >= PATH_MAX)
        die(EXIT_LAUNCH, "the name of the dump is too long");
    memcpy(path + at, text, len);
    path[at + len] = '\0';
}

/* The current directory, its percent signs doubled, and a slash. */
static void
run_append_directory(char pattern[PATH_MAX])
{
    char dir[PATH_MAX];
    if (getcwd(dir, sizeof(dir)) == NULL)
        die(EXIT_LAUNCH, "the current directory: %s", strerror(errno));
    for (const char *s = dir; *s != '\0'; s++) {
        run_append(pattern, s, 1);
        if (*s == '%')
            run_append(pattern, s, 1);
    }
    run_append(pattern, "/", 1);
}

/* Whether escape `letter` is in the pattern; dies on one that is not known. */
static bool
run_has_escape(const char *text, char letter)
{
    bool has = false;
    for (const char *s = strchr(text, '%'); s != NULL; s = strchr(s + 2, '%')) {
        if (s[1] == '\0' || strchr("pen%", s[1]) == NULL)
            die(EXIT_LAUNCH,
                "%s: a percent sign in it is followed by p, e, n "
                "or another one",
                text);
        has = has || s[1] == letter;
    }
    return has;
}

/* Where a process id goes in `name`: before .jeprobe.json or the extension. */
static size_t
run_stem_length(const char *name)
{
    static const char suffix[] = ".jeprobe.json";
    size_t len = strlen(name);
    if (len >= sizeof(suffix) &&
        strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0)
        return len - (sizeof(suffix) - 1);
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    return dot != NULL && dot > base ? (size_t)(dot - name) : len;
}

/* The directory must take a new file, and the name must not be taken by
 * something that is no ordinary file: a device would be replaced. */
static void
run_check_writable(const run_opts_t *opts, const char *pattern)
{
    static const char advice[] = "name another place with -o FILE";
    struct stat st;
    char dir[PATH_MAX];
    const char *name = opts->output != NULL ? opts->output : ".";
    snprintf(dir, sizeof(dir), "%s", pattern);
    *strrchr(dir, '/') = '\0';
    if (opts->output == NULL || strchr(opts->output, '/') == NULL)
        snprintf(dir, sizeof(dir), ".");
    else if (strchr(dir, '%') != NULL)
        return;
    if (dir[0] == '\0')
        snprintf(dir, sizeof(dir), "/");
    if (access(dir, W_OK | X_OK) != 0)
        die_advise(EXIT_LAUNCH, advice, "no dump can be written to %s: %s", dir,
                   strerror(errno));
    if (opts->output == NULL || strchr(name, '%') != NULL)
        return;
    if (stat(name, &st) == 0 && !S_ISREG(st.st_mode))
        die_advise(EXIT_LAUNCH, advice, "%s: exists and is not a regular file",
                   name);
}

void
run_dump_pattern(const run_opts_t *opts, char pattern[PATH_MAX])
{
    pattern[0] = '\0';
    if (opts->output == NULL) {
        static const char name[] = "%e.%p.jeprobe.json";
        static const char numbered[] = "%e.%p.%n.jeprobe.json";
        const char *chosen = opts->signal != 0 ? numbered : name;
        run_append_directory(pattern);
        run_append(pattern, chosen, strlen(chosen));
    } else {
        const char *name = opts->output;
        size_t stem = run_stem_length(name);
        bool has_pid = run_has_escape(name, 'p');
        bool has_number = run_has_escape(name, 'n');
        if (name[0] != '/')
            run_append_directory(pattern);
        run_append(pattern, name, stem);
        if (opts->is_following && !has_pid)
            run_append(pattern, ".%p", 3);
        if (opts->signal != 0 && !has_number)
            run_append(pattern, ".%n", 3);
        run_append(pattern, name + stem, strlen(name + stem));
    }
    run_check_writable(opts, pattern);
}

void
run_remove_old(const run_opts_t *opts)
{
    if (opts->output == NULL || opts->is_following || opts->signal != 0 ||
        strchr(opts->output, '%') != NULL)
        return;
    if (unlink(opts->output) != 0 && errno != ENOENT)
        die(EXIT_LAUNCH, "%s: the old file cannot be replaced: %s",
            opts->output, strerror(errno));
}

static void
run_setenv(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0)
        die(EXIT_LAUNCH, "out of memory");
}

/* Set `name` to `value`, joined with what it was by `separator`; ours comes
 * first, or last where the last one wins. */
static void
run_setenv_joined(const char *name, const char *value, char separator,
                  bool is_ours_first)
{
    const char *old = getenv(name);
    if (old == NULL || old[0] == '\0') {
        run_setenv(name, value);
        return;
    }
    size_t size = strlen(old) + strlen(value) + 2;
    char *joined = malloc(size);
    if (joined == NULL)
        die(EXIT_LAUNCH, "out of memory");
    snprintf(joined, size, "%s%c%s", is_ours_first ? value : old, separator,
             is_ours_first ? old : value);
    run_setenv(name, joined);
    free(joined);
}

void
run_set_environment(const run_opts_t *opts, const char *preload,
                    const char *pattern, int log_fd)
{
    char conf[256];
    char fd_text[16];
    int n = snprintf(conf, sizeof(conf), "dump_exit:true");
    if (opts->sample != NULL)
        n += snprintf(conf + n, sizeof(conf) - (size_t)n, ",sample:%llu",
                      (unsigned long long)opts->sample_bytes);
    if (opts->signal != 0)
        n += snprintf(conf + n, sizeof(conf) - (size_t)n, ",dump_signal:%d",
                      opts->signal);
    if (opts->hides_argv)
        n += snprintf(conf + n, sizeof(conf) - (size_t)n, ",argv:false");
    if (opts->is_following)
        snprintf(conf + n, sizeof(conf) - (size_t)n, ",follow:true");
    snprintf(fd_text, sizeof(fd_text), "%d", log_fd);
    run_setenv_joined("LD_PRELOAD", preload, ':', true);
    run_setenv_joined("JEPROBE_CONF", conf, ',', false);
    run_setenv("JEPROBE_DUMP_PATH", pattern);
    run_setenv("JEPROBE_STATUS_FD", fd_text);
}
