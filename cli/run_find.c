#include "cli/run.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether execve would take it; errno says why not. */
static bool
run_is_executable(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return false;
    }
    return eaccess(path, X_OK) == 0;
}

JE_NORETURN static void
run_die_not_executable(const char *path)
{
    if (errno == EISDIR)
        die(EXIT_NOEXEC, "%s: is a directory", path);
    if (errno == EACCES)
        die(EXIT_NOEXEC, "%s: is not executable", path);
    if (errno == ENOENT || errno == ENOTDIR)
        die(EXIT_NOTFOUND, "%s: there is no such program", path);
    die(EXIT_NOEXEC, "%s: cannot be executed: %s", path, strerror(errno));
}

/* Try `dir`/`name`; an empty directory is the current one. */
static bool
run_try_directory(const char *dir, size_t len, const char *name, char *path)
{
    int n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, dir,
                     len > 0 ? "/" : "", name);
    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return run_is_executable(path);
}

void
run_find(const char *name, char path[PATH_MAX])
{
    char denied[PATH_MAX] = "";
    const char *dirs = getenv("PATH");
    if (name[0] == '\0')
        die(EXIT_NOTFOUND, "the name of the program is empty");
    if (strchr(name, '/') != NULL) {
        if (!run_try_directory("", 0, name, path))
            run_die_not_executable(name);
        return;
    }
    if (dirs == NULL)
        dirs = "/bin:/usr/bin";
    for (const char *dir = dirs;; dir++) {
        size_t len = strcspn(dir, ":");
        if (run_try_directory(dir, len, name, path))
            return;
        if (errno == EACCES && denied[0] == '\0')
            snprintf(denied, sizeof(denied), "%s", path);
        dir += len;
        if (*dir == '\0')
            break;
    }
    if (denied[0] != '\0')
        die(EXIT_NOEXEC, "%s: is not executable", denied);
    if (run_is_executable(name))
        die_advise(EXIT_NOTFOUND,
                   "a program in the current directory is named with ./",
                   "%s: there is no such program in PATH", name);
    die(EXIT_NOTFOUND, "%s: there is no such program in PATH", name);
}
