/* Dumps that stand in a unit test. */
#ifndef JE_T_UNIT_DUMPS_H
#define JE_T_UNIT_DUMPS_H

#include "base/macros.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jeprobe.h"
#include "t/util.h"

/* What is read of a file with that text. */
static inline jep_dumps_t *
dumps_of_text(const char *text)
{
    const char *directory = getenv("TMPDIR");
    size_t length = strlen(text);
    struct jep_error error;
    jep_dumps_t *dumps;
    jep_status_t status;
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/je-check.XXXXXX",
             directory != NULL ? directory : "/tmp");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
    status = jep_read(path, &dumps, &error);
    unlink(path);
    ck_assert_msg(status == JEP_OK, "%s", error.text);
    return dumps;
}

#endif
