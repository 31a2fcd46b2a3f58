/*
 * Writes a dump of itself, schema 1, with call stacks whose names the test
 * knows: dump_prog BUILD-ID >dump. No allocator is needed for it.
 */
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP __attribute__((noinline))

static const char *stack_separator = "";

/* Print the callers as one stack of the dump; the first frame is this one. */
KEEP static void
record(void)
{
    void *frames[32];
    int count = backtrace(frames, 32);

    printf("%s\n[", stack_separator);
    for (int i = 1; i < count && i < 6; i++)
        printf("%s\"%p\"", i > 1 ? "," : "", frames[i]);
    printf("]");
    stack_separator = ",";
}

KEEP int
plain_site(int x)
{
    record(); /* PLAIN */
    return x + 1;
}

static inline __attribute__((always_inline)) int
inner(int x)
{
    record(); /* INNER */
    return x * 3;
}

KEEP int
outer_site(int x)
{
    return inner(x) + 2; /* OUTER */
}

/* Counts as a wrapper: the site is its caller. */
KEEP void *
xmalloc(size_t size)
{
    record();
    return (void *)size;
}

KEEP int
wrapped_site(int x)
{
    return xmalloc((size_t)x) != NULL; /* WRAPPED */
}

static void
print_mappings(const char *build_id)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096], exe[4096], separator = ' ';

    if (maps == NULL || realpath("/proc/self/exe", exe) == NULL)
        exit(1);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long long start, end, offset;
        char mode[8], path[4096] = "";

        if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %4095s", &start, &end,
                   mode, &offset, path) < 4 ||
            strchr(mode, 'x') == NULL || path[0] == '\0')
            continue;
        printf("%c\n{\"start\":\"0x%llx\",\"end\":\"0x%llx\","
               "\"offset\":\"0x%llx\",\"path\":\"%s\",\"build_id\":",
               separator, start, end, offset, path);
        if (strcmp(path, exe) == 0 && strcmp(build_id, "none") != 0)
            printf("\"%s\"}", build_id);
        else
            printf("null}");
        separator = ',';
    }
    fclose(maps);
}

int
main(int argc, char **argv)
{
    int x = argc;

    printf(
        "{\"jeprobe\":{\"schema\":1,\"version\":\"0.1.0\",\"reason\":\"exit\","
        "\"complete\":true},\n\"profile\":{\"sample_interval\":524288,"
        "\"unwinder\":\"none\",\"stacks\":[");
    x += plain_site(x);
    x += outer_site(x);
    x += wrapped_site(x);
    printf("],\n\"sites\":["
           "{\"stack\":0,\"size\":4096,\"rate\":524288,\"live_samples\":100,"
           "\"live_requested\":400000,\"total_samples\":200,"
           "\"total_requested\":800000},\n"
           "{\"stack\":1,\"size\":4096,\"rate\":524288,\"live_samples\":50,"
           "\"live_requested\":204800,\"total_samples\":50,"
           "\"total_requested\":204800},\n"
           "{\"stack\":2,\"size\":64,\"rate\":524288,\"live_samples\":5,"
           "\"live_requested\":320,\"total_samples\":10,"
           "\"total_requested\":640}],\n\"mappings\":[");
    print_mappings(argc > 1 ? argv[1] : "none");
    printf("]}}\n");
    return x == 0;
}
