/* Who reads the options that programs and libraries were compiled with. */
#include "model/live.h"

#include "model/liveconf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
conf_add(struct live *live, const struct liveconf *conf, const char *path)
{
    if (!intern_grow((void **)&live->confs, &live->conf_capacity,
                     live->conf_count, sizeof(*live->confs))) {
        live->is_failed = true;
        return;
    }
    live->confs[live->conf_count++] = (struct live_conf){
        .source = live_text(live, "%s of %s", conf->name, path),
        .name = live_copy(live, conf->name),
        .path = path,
        .text = live_copy(live, conf->text),
        .is_exported = conf->is_exported};
}

void
live_conf_look(struct live *live, int fd, const char *path)
{
    struct liveconf *confs = calloc(LIVECONF_MOST, sizeof(*confs));
    size_t count = confs != NULL ? liveconf_read(fd, confs) : 0;

    live->is_failed |= confs == NULL;
    for (size_t i = 0; i < count; i++)
        conf_add(live, &confs[i], path);
    free(confs);
}

/* Whether the name of a variable is `prefix` and what jemalloc calls it.  The
 * prefix of the environment's variable is that of the functions in capitals. */
static bool
is_prefixed(const char *name, const struct jep_allocator_seen *one)
{
    const char *prefix = one->prefix, *rest = strstr(name, "malloc_conf");
    size_t length = rest != NULL ? (size_t)(rest - name) : 0;

    if (rest == NULL || one->variable == NULL)
        return false;
    if (prefix != NULL)
        return strlen(prefix) == length && strncmp(prefix, name, length) == 0;
    for (size_t i = 0; i < length; i++) {
        if (toupper((unsigned char)name[i]) != one->variable[i])
            return false;
    }
    return strncmp(one->variable + length, "MALLOC_CONF", 11) == 0;
}

/* The allocator's own, or one that the dynamic linker shows it. */
static bool
is_seen(const struct live_conf *conf, const struct jep_allocator_seen *one)
{
    return is_prefixed(conf->name, one) &&
           (conf->is_exported || strcmp(conf->path, one->path) == 0);
}

/* The dynamic linker takes the first of that name. */
static bool
is_first(const struct live *live, const struct live_conf *conf)
{
    for (const struct live_conf *one = live->confs; one < conf; one++) {
        if (one->reader == conf->reader && strcmp(one->name, conf->name) == 0)
            return false;
    }
    return true;
}

void
live_conf_close(struct live *live)
{
    if (live->allocators == NULL)
        return;
    for (size_t i = 0; i < live->conf_count; i++) {
        struct live_conf *conf = &live->confs[i];

        for (size_t a = 0; a < live->allocator_count; a++) {
            const struct jep_allocator_seen *one = &live->allocators[a];

            conf->is_hidden |= is_prefixed(conf->name, one);
            if (conf->reader == NULL && is_seen(conf, one))
                conf->reader = one;
        }
        conf->is_hidden &= conf->reader == NULL;
        if (conf->reader != NULL && !is_first(live, conf))
            conf->reader = NULL;
    }
}
