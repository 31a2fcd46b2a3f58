/*
 * What bin.c and bin_gaps.c share; nobody else includes this.
 */
#ifndef JE_ALLOC_BIN_INTERNAL_H
#define JE_ALLOC_BIN_INTERNAL_H

#include "alloc/bin.h"

/* Take a slab out of the list it is in, if it is in one. */
void bin_unlist(bin_t *bin, extent_t *slab);
/* Put one with free regions into the place it belongs to by their number. */
void bin_place(bin_t *bin, const bin_info_t *info, extent_t *slab,
               list_t *surplus);

#endif
