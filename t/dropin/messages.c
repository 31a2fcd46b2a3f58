/*
 * A program with its own options and its own messages, as jemalloc has them.
 */
#include <jemalloc/jemalloc.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char said[1 << 20];

static void
say(void *opaque, const char *text)
{
    (void)opaque;
    strncat(said, text, sizeof(said) - strlen(said) - 1);
    (void)write(STDOUT_FILENO, "> ", 2);
    (void)write(STDOUT_FILENO, text, strcspn(text, "\n"));
    (void)write(STDOUT_FILENO, "\n", 1);
}

/* Read before main, so both have to be there then. */
#ifdef WITH_CONF
const char *malloc_conf = "narenas:3,nonsense:1,tcache_max:4096";
#endif
#ifdef WITH_MESSAGE
void (*malloc_message)(void *, const char *) = say;
#endif

int jea_dump(const char *path);

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    unsigned n;
    size_t size = sizeof(n), most;
    if (strcmp(what, "conf") == 0) {
        mallctl("opt.narenas", &n, &size, NULL, 0);
        size = sizeof(most);
        mallctl("opt.tcache_max", &most, &size, NULL, 0);
        printf("%u %zu\n", n, most);
        return 0;
    }
    if (strcmp(what, "stats") == 0) {
        malloc_message = say;
        malloc_stats_print(NULL, NULL, "gmablxeh");
        return strstr(said, "Begin jemalloc statistics") == NULL ||
               strstr(said, "Allocated: ") == NULL ||
               strstr(said, "End jemalloc statistics") == NULL;
    }
    if (strcmp(what, "stats-exit") == 0) {
        malloc_message = say;
        return 0;
    }
    if (strcmp(what, "fatal") == 0) {
        char *p = malloc(100000);
        malloc_message = say;
        free(p + 4096);
    }
    if (strcmp(what, "dump") == 0) {
        malloc_message = say;
        return jea_dump("/nowhere/at/all") == 0;
    }
    if (strcmp(what, "reset") == 0) {
        malloc_message = say;
        malloc_message = NULL;
        malloc_stats_print(NULL, NULL, "gmablxeh");
    }
    return 0;
}
