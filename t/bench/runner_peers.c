/*
 * The allocators that are compared: where their files are, and whether the
 * preloaded one is really the one a program runs on.
 *
 * A name that ld.so cannot load makes it print a line and go on with the libc's
 * malloc; so each program tells the file its malloc comes from.
 */
#include "runner.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file names of Debian's packages; other distributions use them too. */
static const struct {
    const char *name;
    const char *file;
} packaged[] = {
    {"jemalloc", "libjemalloc.so.2"},
    {"mimalloc", "libmimalloc.so.2*"},
    {"tcmalloc", "libtcmalloc_minimal.so.4"},
};

static const char *const folders[] = {"/usr/lib/*-linux-gnu*", "/usr/lib64",
                                      "/usr/lib", "/usr/local/lib"};

/* The real path of the first file of that name, or the name itself. */
static char *
find_library(const char *file)
{
    char *found = NULL;

    for (unsigned i = 0; i < JE_ARRAY_LEN(folders) && found == NULL; i++) {
        char pattern[256];
        glob_t matches;

        snprintf(pattern, sizeof(pattern), "%s/%s", folders[i], file);
        if (glob(pattern, 0, NULL, &matches) == 0)
            found = realpath(matches.gl_pathv[0], NULL);
        globfree(&matches);
    }
    return found == NULL ? copy_text(file) : found;
}

unsigned
peers_default(peer_t *peers, const char *program_folder)
{
    char ours[4096], *real;
    unsigned count = 0;

    snprintf(ours, sizeof(ours), "%s/../../shim/.libs/libjeprobe-preload.so",
             program_folder);
    real = realpath(ours, NULL);
    peers[count++] =
        (peer_t){.name = "ours", .path = real == NULL ? copy_text(ours) : real};
    peers[count++] = (peer_t){.name = "glibc", .path = copy_text("")};
    for (unsigned i = 0; i < JE_ARRAY_LEN(packaged); i++)
        peers[count++] = (peer_t){.name = packaged[i].name,
                                  .path = find_library(packaged[i].file)};
    return count;
}

int
peers_find(const peer_t *peers, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(peers[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

const char *
peer_problem(const peer_t *peer)
{
    if (peer->path[0] == '\0')
        return NULL;
    if (peer->path[0] != '/')
        return "not installed";
    if (strpbrk(peer->path, " :") != NULL)
        return "ld.so takes no path with a blank or a colon";
    return access(peer->path, R_OK) == 0 ? NULL : strerror(errno);
}

const char *
peer_file(const peer_t *peer)
{
    const char *slash = strrchr(peer->path, '/');

    if (peer->path[0] == '\0')
        return "libc.so.6";
    return slash == NULL ? peer->path : slash + 1;
}
