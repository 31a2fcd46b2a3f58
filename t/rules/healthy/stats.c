/* Preloaded beside an allocator, this prints its statistics and what the kernel
 * says of the process, after STATS_AFTER seconds, to the file STATS_TO.
 *
 *     cc -O1 -fPIC -shared -o stats.so stats.c -ldl -lpthread */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *out;

static void *
find(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

static void
put(const char *text, void *arg)
{
    (void)arg;
    fputs(text, out);
}

static void
print_allocator(void)
{
    static char text[1 << 16];
    void (*get)(char *, int) = NULL;
    void (*print)(void (*)(const char *, void *), void *) = NULL;
    void (*merge)(void) = NULL;
    void *symbol;

    if ((symbol = find("MallocExtension_GetStats")) != NULL) {
        memcpy(&get, &symbol, sizeof(get));
        get(text, sizeof(text));
        fputs(text, out);
    } else if ((symbol = find("mi_stats_print_out")) != NULL) {
        memcpy(&print, &symbol, sizeof(print));
        symbol = find("mi_stats_merge");
        memcpy(&merge, &symbol, sizeof(merge));
        if (merge != NULL)
            merge();
        print(put, NULL);
    } else {
        malloc_info(0, out);
    }
}

static void
print_file(const char *path)
{
    char text[4096];
    size_t length;
    FILE *in = fopen(path, "r");

    if (in == NULL)
        return;
    while ((length = fread(text, 1, sizeof(text), in)) > 0)
        fwrite(text, 1, length, out);
    fclose(in);
}

static void *
wait_and_print(void *arg)
{
    sleep((unsigned)strtoul(arg, NULL, 10));
    print_allocator();
    print_file("/proc/self/status");
    print_file("/proc/self/smaps_rollup");
    print_file("/sys/kernel/mm/transparent_hugepage/enabled");
    fclose(out);
    return NULL;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("STATS_TO");
    char *after = getenv("STATS_AFTER");
    pthread_t thread;

    if (path == NULL || after == NULL || (out = fopen(path, "wx")) == NULL)
        return;
    pthread_create(&thread, NULL, wait_and_print, after);
}
