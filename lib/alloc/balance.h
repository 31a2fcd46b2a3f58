/*
 * Pages for an arena, with an eye on what the other arenas leave unused.
 *
 * Arenas do not share pages while they are in use. But threads come and go, and
 * what one frees may lie in an arena whose threads are gone. Before fresh pages
 * are taken, dirty ones of another arena change hands: that saves both the
 * memory and the page faults.
 */
#ifndef JE_ALLOC_BALANCE_H
#define JE_ALLOC_BALANCE_H

#include "alloc/arena.h"

/* As pac_alloc() of the arena's page layer. No lock held. */
extent_t *balance_pages(arena_t *arena, size_t size, size_t align,
                        bool *zeroed);

#endif
