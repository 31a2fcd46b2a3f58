/*
 * The machine's side of a dump: its memory, what it has promised, its limits
 * on mappings and its huge pages.
 */
#ifndef JE_ALLOC_PROCINFO_MACHINE_H
#define JE_ALLOC_PROCINFO_MACHINE_H

#include "base/emit.h"

/* The members "machine" and "env" of "process". */
void procinfo_machine_emit(emit_t *e);

#endif
