/* Options that a program or library was compiled with: the text that its
 * variable malloc_conf points to, which jemalloc and jealloc read.
 *
 * It is read from the file, where the pointer may be left to the dynamic
 * linker. */
#ifndef JE_MODEL_LIVECONF_H
#define JE_MODEL_LIVECONF_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

#define LIVECONF_MOST     8
#define LIVECONF_NAME_MAX 96
#define LIVECONF_TEXT_MAX 4096

struct liveconf {
    char name[LIVECONF_NAME_MAX]; /* "malloc_conf", "je_malloc_conf" */
    bool is_exported;             /* a library can see it */
    char text[LIVECONF_TEXT_MAX]; /* never empty */
};

/* Look into the file at `fd`.  Returns how many there are. */
size_t liveconf_read(int fd, struct liveconf confs[LIVECONF_MOST]);

#endif
