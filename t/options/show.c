/*
 * Print named values of the allocator: t/options/show opt.narenas …
 *
 * FAKE_LINK is what /etc/malloc.conf points to, FAKE_SECURE makes the program
 * set-uid in its own eyes. With OWN and HARDER it has options of its own, with
 * BUILT_IN so has the build.
 */
#include "base/macros.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc/ctl.h"
#include "alloc/late.h"
#include "jealloc.h"

#ifdef OWN
extern const char *malloc_conf;
const char *malloc_conf = OWN;
#endif
#ifdef HARDER
extern const char *malloc_conf_2_conf_harder;
const char *malloc_conf_2_conf_harder = HARDER;
#endif

#ifdef BUILT_IN
#    undef JE_MALLOC_CONF
#    define JE_MALLOC_CONF BUILT_IN
#    include "alloc/conf_source.c"
#endif

/* These two take the place of libc's. */
ssize_t
readlink(const char *restrict path, char *restrict buf, size_t size)
{
    const char *fake = getenv("FAKE_LINK");
    if (fake == NULL || strcmp(path, "/etc/malloc.conf") != 0) {
        return syscall(SYS_readlink, path, buf, size);
    }
    size_t len = strlen(fake) < size ? strlen(fake) : size;
    memcpy(buf, fake, len);
    return (ssize_t)len;
}

unsigned long
getauxval(unsigned long type)
{
    return type == AT_SECURE && getenv("FAKE_SECURE") != NULL;
}

int
main(int argc, char **argv)
{
    jea_free(jea_malloc(1));
    for (int i = 1; i < argc; i++) {
        emit_value_t v;
        if (!ctl_read_constant(argv[i], &v)) {
            printf("%s is absent\n", argv[i]);
            continue;
        }
        switch (v.kind) {
        case EMIT_BOOL:
            printf("%s\n", v.b ? "true" : "false");
            break;
        case EMIT_STRING:
            printf("%s\n", v.s);
            break;
        case EMIT_I64:
            printf("%" PRId64 "\n", v.i);
            break;
        default:
            printf("%" PRIu64 "\n", v.u);
            break;
        }
    }
    return 0;
}
