/*
 * The inputs in corpus/ once more, without a fuzzer: part of the tests.
 *
 *   replay                every target with its corpus, as TAP
 *   replay TARGET FILE... these files, to look at what a fuzzer has found
 */
#include "t/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a block of just that size, so that a sanitizer sees what is read behind
 * it. */
static void
replay(const struct fuzz_target *target, const char *path)
{
    FILE *file = fopen(path, "re");
    char *data = NULL;
    size_t size;
    long end;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 ||
        (end = ftell(file)) < 0)
        fuzz_fail("%s: cannot be read", path);
    rewind(file);
    size = (size_t)end;
    data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size)
        fuzz_fail("%s: cannot be read", path);
    fclose(file);
    target->one(data, size);
    free(data);
}

/* Returns how many there are. */
static unsigned
replay_corpus(const struct fuzz_target *target, const char *top)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    struct dirent *entry;
    unsigned files = 0;
    DIR *dir;

    snprintf(folder, sizeof(folder), "%s/t/fuzz/corpus/%s", top, target->name);
    dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        /* What ends the program leaves this line behind. */
        printf("# %s/%s\n", target->name, entry->d_name);
        fflush(stdout);
        replay(target, path);
        files++;
    }
    if (dir != NULL)
        closedir(dir);
    return files;
}

int
main(int argc, char **argv)
{
    const char *top = getenv("top_srcdir");
    const struct fuzz_target *target = argc > 1 ? fuzz_find(argv[1]) : NULL;
    int failed = 0;

    if (argc > 1 && target == NULL)
        fuzz_fail("there is no target %s", argv[1]);
    for (int i = 2; i < argc; i++)
        replay(target, argv[i]);
    if (argc > 1)
        return EXIT_SUCCESS;
    printf("1..%u\n", fuzz_target_count);
    for (unsigned i = 0; i < fuzz_target_count; i++) {
        unsigned files =
            replay_corpus(&fuzz_targets[i], top != NULL ? top : ".");

        printf("%s %u - %s: %u inputs\n", files > 0 ? "ok" : "not ok", i + 1,
               fuzz_targets[i].name, files);
        failed |= files == 0;
    }
    return failed;
}
