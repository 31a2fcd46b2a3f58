/*
 * What differs where configure was given a prefix, besides the names of the
 * exported functions: the names of the sources of options.
 */
#include "base/macros.h"

#include "alloc/conf.h"

const conf_names_t conf_names = {
    .variable = JE_PREFIX "malloc_conf",
    .link = "/etc/" JE_PREFIX "malloc.conf",
    .environment = JE_PREFIX_UPPER "MALLOC_CONF",
};
