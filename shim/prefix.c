/*
 * What differs where configure was given a prefix, besides the names of the
 * exported functions: the names of the sources of options.
 */
#include "base/macros.h"

#include "alloc/conf_source.h"

extern const char *malloc_conf __attribute__((weak));

const conf_names_t conf_names = {
    .variable = JE_PREFIX "malloc_conf",
    .link = "/etc/" JE_PREFIX "malloc.conf",
    .environment = JE_PREFIX_UPPER "MALLOC_CONF",
    .variable_at = &malloc_conf,
};
