/*
 * Environment variables: see environment.h.
 */
#include "alloc/environment.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The value when `entry` is "name=value", else NULL. */
static char *
entry_value(char *entry, const char *name)
{
    size_t n = strlen(name);
    bool is_it = strncmp(entry, name, n) == 0 && entry[n] == '=';
    return is_it ? entry + n + 1 : NULL;
}

static char *
find_value(const char *name)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        char *value = entry_value(*e, name);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

const char *
environment_get(const char *name)
{
    return getauxval(AT_SECURE) != 0 ? NULL : find_value(name);
}

/* Take out the variables whose names begin with `prefix`. */
static void
remove_prefixed(const char *prefix)
{
    char **to = environ;
    for (char **from = environ; from != NULL && *from != NULL; from++) {
        if (strncmp(*from, prefix, strlen(prefix)) != 0) {
            *to++ = *from;
        }
    }
    if (to != NULL) {
        *to = NULL;
    }
}

static const char *
base_name(const char *path, size_t *len)
{
    for (size_t i = *len; i > 0; i--) {
        if (path[i - 1] == '/') {
            *len -= i;
            return path + i;
        }
    }
    return path;
}

/* Does the entry [path, path + len) of LD_PRELOAD name the object `own`? */
static bool
is_own_entry(const char *path, size_t len, const char *own)
{
    size_t own_len = strlen(own);
    const char *a = base_name(path, &len);
    const char *b = base_name(own, &own_len);
    return len == own_len && memcmp(a, b, len) == 0;
}

/* Take our entry out of a list separated by colons or blanks. Returns whether
 * it was there. */
static bool
remove_own(char *list, const char *own)
{
    char *from = list, *to = list;
    bool found = false;
    while (*from != '\0') {
        size_t len = strcspn(from, ": ");
        size_t gap = strspn(from + len, ": ");
        if (len > 0 && is_own_entry(from, len, own)) {
            found = true;
        } else {
            memmove(to, from, len + gap);
            to += len + gap;
        }
        from += len + gap;
    }
    if (found) {
        while (to > list && (to[-1] == ':' || to[-1] == ' ')) {
            to--;
        }
        *to = '\0';
    }
    return found;
}

void
environment_clean(void)
{
    char *list = find_value("LD_PRELOAD");
    Dl_info info;
    if (list == NULL || dladdr((void *)&environment_clean, &info) == 0 ||
        info.dli_fname == NULL || !remove_own(list, info.dli_fname)) {
        return;
    }
    if (*list == '\0') {
        remove_prefixed("LD_PRELOAD=");
    }
    remove_prefixed("JEPROBE_");
}
