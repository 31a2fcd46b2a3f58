/*
 * Labels as statistics and dumps show them.
 */
#ifndef JE_ALLOC_LABEL_PRINT_H
#define JE_ALLOC_LABEL_PRINT_H

#include "base/emit.h"

/* JSON: the array "labels"; text: a table, nothing without labels. */
void label_print(emit_t *e);

#endif
