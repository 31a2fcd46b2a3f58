/*
 * bench_read: read one dump, as the command line does or as others would.
 *
 *   bench_read ours FILE      from bytes to the model
 *   bench_read jansson FILE   from bytes to jansson's values
 *   bench_read memory FILE    as ours; prints the bytes of the model and the
 *                             most there were while it was built
 *
 * `readers` starts it and measures from outside. For the memory the linker
 * sends the library's allocations through the functions below; what zlib and
 * yajl keep for themselves (two buffers) is not in it.
 */
#include "base/macros.h"

#include "jeprobe.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__real_mmap(void *at, size_t size, int access, int flags, int fd,
                  off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int fd,
                  off_t offset);
int __wrap_munmap(void *at, size_t size);

static size_t live, peak;

/* Usable sizes: what is taken off is what was added. */
static void *
count(void *object)
{
    live += malloc_usable_size(object);
    if (peak < live)
        peak = live;
    return object;
}

void *
__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return count(__real_calloc(n, size));
}

/* Old and new may exist side by side while the bytes are moved. */
void *
__wrap_realloc(void *old, size_t size)
{
    size_t before = malloc_usable_size(old);
    void *object = __real_realloc(old, size);

    if (object == NULL)
        return NULL;
    (void)count(object);
    live -= before;
    return object;
}

void
__wrap_free(void *old)
{
    live -= malloc_usable_size(old);
    __real_free(old);
}

void *
__wrap_mmap(void *at, size_t size, int access, int flags, int fd, off_t offset)
{
    live += size;
    if (peak < live)
        peak = live;
    return __real_mmap(at, size, access, flags, fd, offset);
}

int
__wrap_munmap(void *at, size_t size)
{
    live -= size;
    return __real_munmap(at, size);
}

static int
read_ours(const char *path, bool with_memory)
{
    struct jep_error error;
    jep_dumps_t *dumps;
    jep_status_t status = jep_read(path, &dumps, &error);

    if (status != JEP_OK) {
        fprintf(stderr, "bench_read: %s: %s\n", path, error.text);
        return 1;
    }
    if (with_memory)
        printf("read ok model=%zu peak=%zu\n", live, peak);
    else
        printf("read ok dumps=%zu\n", jep_dumps_count(dumps));
    return 0;
}

static int
read_jansson(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);

    if (root == NULL) {
        fprintf(stderr, "bench_read: %s:%d: %s\n", path, error.line,
                error.text);
        return 1;
    }
    printf("read ok members=%zu\n", json_object_size(root));
    return 0;
}

int
main(int argc, char **argv)
{
    int status;

    if (argc != 3) {
        fprintf(stderr, "usage: bench_read ours|jansson|memory FILE\n");
        return 2;
    }
    if (strcmp(argv[1], "jansson") == 0)
        status = read_jansson(argv[2]);
    else
        status = read_ours(argv[2], strcmp(argv[1], "memory") == 0);
    /* What was read is left to the system, as others do; not to exit, where
     * leak checkers would look for it. */
    (void)fflush(NULL);
    _exit(status);
}
