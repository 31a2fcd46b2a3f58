/*
 * Where options come from.
 *
 * Later ones win: the text that the build has (--with-malloc-conf), the
 * program's variable malloc_conf, the target of the symbolic link
 * /etc/malloc.conf, the environment's MALLOC_CONF, the program's variable
 * malloc_conf_2_conf_harder, and the environment's JEPROBE_CONF. The
 * environment is ignored in set-uid programs.
 */
#ifndef JE_ALLOC_CONF_SOURCE_H
#define JE_ALLOC_CONF_SOURCE_H

#include "base/macros.h"

/* The names that a build whose functions have a prefix changes. This is a weak
 * definition: another one takes its place. */
typedef struct conf_names {
    const char *variable; /* name of the program's variable */
    const char *link;     /* path of the symbolic link */
    const char *environment;
    const char *const *variable_at; /* NULL: the program has none */
    const char *const *harder_at;
} conf_names_t;

extern const conf_names_t conf_names;

/* The text that the build has. */
extern const char conf_built_in[];

/* Every source in order, in two passes: the first finds out whether what is
 * accepted is to be printed. Before libc is ready. */
void conf_boot(void);

#endif
