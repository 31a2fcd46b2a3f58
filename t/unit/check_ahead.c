/* Bytes that are read before anybody asks for them. */
#include "base/macros.h"

#include "dump/ahead.h"

#include "t/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)5 << 20) /* more than is read ahead */

static char path[] = "check_ahead.tmp.XXXXXX";
static int fd;
static gzFile file;

/* Byte i of the file. */
static char
byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 16);
}

static void
setup(void)
{
    char *data = malloc(SIZE);

    for (size_t i = 0; i < SIZE; i++)
        data[i] = byte_at(i);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, data, SIZE), (int)SIZE);
    ck_assert_int_eq((int)lseek(fd, 0, SEEK_SET), 0);
    free(data);
    file = gzdopen(fd, "rb");
    ck_assert_ptr_nonnull(file);
}

static void
teardown(void)
{
    (void)gzclose(file);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
}

static void
expect_bytes(const char *bytes, size_t at, int n)
{
    for (int i = 0; i < n; i++)
        ck_assert(bytes[i] == byte_at(at + (size_t)i));
}

/* Two pieces at a time, with the room before each written to. */
START_TEST(test_all_bytes_in_their_order)
{
    ahead_t *ahead = ahead_start(file, 10007);
    char *before = NULL, *bytes;
    size_t at = 0, length = 0;
    int n;

    ck_assert_ptr_nonnull(ahead);
    while ((n = ahead_next(ahead, &bytes)) > 0) {
        memset(bytes - AHEAD_ROOM, 'x', AHEAD_ROOM);
        bytes[n] = 'x';
        if (before != NULL) {
            expect_bytes(before, at - length, (int)length);
            ahead_give_back(ahead);
        }
        expect_bytes(bytes, at, n);
        before = bytes;
        length = (size_t)n;
        at += length;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(at, SIZE);
    /* The end stays one, and the last bytes are there. */
    ck_assert_int_eq(ahead_next(ahead, &bytes), 0);
    expect_bytes(before, at - length, (int)length);
    ahead_stop(ahead);
}

END_TEST

START_TEST(test_failure_comes_behind_what_was_read)
{
    ahead_t *ahead = ahead_start(file, 4096);
    char *bytes;
    size_t at = 0;
    int n;

    ck_assert_ptr_nonnull(ahead);
    n = ahead_next(ahead, &bytes);
    ck_assert_int_gt(n, 0);
    close(fd);
    for (; n > 0; n = ahead_next(ahead, &bytes)) {
        expect_bytes(bytes, at, n);
        at += (size_t)n;
        ahead_give_back(ahead);
    }
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(n, -1);
    ck_assert_uint_lt(at, SIZE);
    errno = 0;
    ck_assert_int_eq(ahead_next(ahead, &bytes), -1);
    ck_assert_int_eq(errno, EBADF);
    ahead_stop(ahead);
}

END_TEST

START_TEST(test_may_be_stopped_at_any_time)
{
    for (unsigned pieces = 0; pieces < 12; pieces++) {
        ahead_t *ahead;
        char *bytes;

        ck_assert_int_eq(gzrewind(file), 0);
        ahead = ahead_start(file, 65536);
        ck_assert_ptr_nonnull(ahead);
        for (unsigned i = 0; i < pieces; i++) {
            ck_assert_int_gt(ahead_next(ahead, &bytes), 0);
            ahead_give_back(ahead);
        }
        ahead_stop(ahead);
    }
}

END_TEST

/* A process that may have no thread more: 0 if the file is read by itself. */
static int
read_alone(void)
{
    struct rlimit none = {0, 0};
    char bytes[100];

    /* Root may have as many as it likes. */
    if (geteuid() == 0 && setuid(65534) != 0)
        return 0;
    if (setrlimit(RLIMIT_NPROC, &none) != 0)
        return 1;
    if (ahead_start(file, 65536) != NULL)
        return 2;
    if (gzread(file, bytes, sizeof(bytes)) != (int)sizeof(bytes))
        return 3;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (bytes[i] != byte_at(i))
            return 4;
    }
    return 0;
}

START_TEST(test_no_thread_is_no_failure)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(read_alone());
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *tcase = tcase_create("ahead");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_all_bytes_in_their_order);
    tcase_add_test(tcase, test_failure_comes_behind_what_was_read);
    tcase_add_test(tcase, test_may_be_stopped_at_any_time);
    tcase_add_test(tcase, test_no_thread_is_no_failure);
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
