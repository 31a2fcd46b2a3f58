/*
 * The parts of bench.h that need no inlining.
 *
 * Linked into each benchmark program. It allocates nothing in the timed part
 * beyond what a program asks for; the result line is printed with one write.
 */
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define BENCH_QUICK_SCALE 0.05
#define BENCH_PAGE        4096

static const char *bench_name = "bench";
static bench_param_t *bench_params;
static double bench_scale = 1.0;

void
bench_die(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "bench_%s: ", bench_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void
bench_damaged(const void *ptr, size_t size)
{
    bench_die("object %p of %zu bytes was overwritten", ptr, size);
}

static bench_param_t *
bench_find(const char *name, size_t length)
{
    for (bench_param_t *param = bench_params; param->name; param++) {
        if (strlen(param->name) == length &&
            strncmp(param->name, name, length) == 0)
            return param;
    }
    return NULL;
}

static void
bench_usage(void)
{
    printf("usage: bench_%s [--quick] [--scale=F]", bench_name);
    for (const bench_param_t *param = bench_params; param->name; param++)
        printf(" [--%s=N]", param->name);
    putchar('\n');
    for (const bench_param_t *param = bench_params; param->name; param++)
        printf("  --%-12s %s (%llu)\n", param->name, param->help,
               (unsigned long long)param->value);
    exit(0);
}

static void
bench_set_scale(const char *text)
{
    char *end;

    bench_scale = strtod(text, &end);
    if (*end != '\0' || !(bench_scale > 0) || bench_scale > 1e6)
        bench_die("--scale=%s: a number above 0 is needed", text);
}

static void
bench_set(const char *arg)
{
    const char *name = arg + 2;
    const char *equals = strchr(arg, '=');
    bench_param_t *param;
    char *end;

    if (strncmp(arg, "--", 2) != 0 || equals == NULL)
        bench_die("%s: an argument is --name=value", arg);
    param = bench_find(name, (size_t)(equals - name));
    if (param == NULL)
        bench_die("%s: no such argument (see --help)", arg);
    errno = 0;
    param->value = strtoull(equals + 1, &end, 10);
    if (errno != 0 || end == equals + 1 || *end != '\0' ||
        param->value > UINT32_MAX)
        bench_die("%s: a number from 0 to 4294967295 is needed", arg);
}

void
bench_init(int argc, char **argv, const char *name, bench_param_t *params)
{
    bench_name = name;
    bench_params = params;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            bench_scale = BENCH_QUICK_SCALE;
        else if (strcmp(argv[i], "--help") == 0)
            bench_usage();
        else if (strncmp(argv[i], "--scale=", 8) == 0)
            bench_set_scale(argv[i] + 8);
        else
            bench_set(argv[i]);
    }
}

uint64_t
bench_get(const char *name)
{
    bench_param_t *param = bench_find(name, strlen(name));

    if (param == NULL)
        bench_die("%s is not in the table of parameters", name);
    return param->value;
}

uint64_t
bench_work(uint64_t n, uint64_t least)
{
    double scaled = (double)n * bench_scale;

    return scaled < (double)least ? least : (uint64_t)scaled;
}

/* The file malloc comes from: the reader of the result line can tell that the
 * allocator it preloaded was really the one that ran. */
static const char *
bench_malloc_origin(void)
{
    void *function = dlsym(RTLD_DEFAULT, "malloc");
    const char *slash;
    Dl_info info;

    if (function == NULL || dladdr(function, &info) == 0)
        return "unknown";
    slash = strrchr(info.dli_fname, '/');
    return slash == NULL ? info.dli_fname : slash + 1;
}

int
bench_done(uint64_t operations)
{
    printf("%s ok ops=%llu malloc=%s\n", bench_name,
           (unsigned long long)operations, bench_malloc_origin());
    if (fflush(stdout) != 0)
        bench_die("standard output: %s", strerror(errno));
    return 0;
}

void *
bench_realloc(void *old, size_t size)
{
    void *ptr = realloc(old, size);

    if (ptr == NULL)
        bench_die("realloc to %zu failed", size);
    return ptr;
}

void *
bench_array(size_t count, size_t size)
{
    void *ptr = calloc(count, size);

    if (ptr == NULL)
        bench_die("calloc(%zu, %zu) failed", count, size);
    return ptr;
}

void
bench_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    int error = pthread_create(thread, NULL, run, arg);

    if (error != 0)
        bench_die("pthread_create: %s", strerror(error));
}

void
bench_thread_detached(void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    int error;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    if (error != 0)
        bench_die("pthread_create: %s", strerror(error));
}

void
bench_threads(unsigned count, void *(*run)(void *), void *args, size_t stride)
{
    pthread_t *threads = bench_array(count, sizeof(*threads));

    for (unsigned i = 0; i < count; i++)
        bench_thread_start(&threads[i], run, (char *)args + i * stride);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

void
bench_touch_pages(void *ptr, size_t size)
{
    char *bytes = ptr;

    for (size_t at = 0; at + 8 <= size; at += BENCH_PAGE) {
        uint64_t tag = (uint64_t)at * size;
        memcpy(bytes + at, &tag, 8);
    }
}

void
bench_check_pages(const void *ptr, size_t size)
{
    const char *bytes = ptr;

    for (size_t at = 0; at + 8 <= size; at += BENCH_PAGE) {
        uint64_t tag = (uint64_t)at * size;
        if (memcmp(bytes + at, &tag, 8) != 0)
            bench_damaged(bytes + at, size - at);
    }
}
