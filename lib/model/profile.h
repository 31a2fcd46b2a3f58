/* Sampled call stacks of one dump.
 *
 * Stacks are lists of interned return addresses; what they mean is the
 * business of symbols.h.  Figures are raw samples: analyse/unbias.h turns them
 * into estimates. */
#ifndef JE_MODEL_PROFILE_H
#define JE_MODEL_PROFILE_H

#include "base/macros.h"

#include "dump/sink.h"
#include "model/intern.h"

struct profile_stack {
    size_t first; /* in `frames`, leaf first */
    uint32_t count;
    bool has_age;  /* it has live samples: what follows is of them */
    bool is_mixed; /* they have different labels, or some have none */
    uint64_t oldest_ns;
    const char *label; /* of all of them; NULL = none */
};

struct profile_mapping {
    uint64_t start, end, offset;
    const char *path;
    const char *build_id; /* NULL = unknown */
};

/* The dump's own name of an address. */
struct profile_symbol {
    uint64_t address;
    const char *function, *file;
    uint32_t line;
};

struct profile {
    struct jep_figure figures[PROFILE_COUNT];
    struct jep_figure dropped[DROPPED_COUNT];
    struct profile_mapping *mappings;
    size_t mapping_count, mapping_capacity;
    struct intern_addresses addresses;
    frame_id_t *frames; /* of all stacks */
    size_t frame_count, frame_capacity;
    struct profile_stack *stacks;
    size_t stack_count, stack_capacity;
    struct dump_site *sites;
    size_t site_count, site_capacity;
    struct dump_sample *samples;
    size_t sample_count, sample_capacity;
    struct profile_symbol *symbols; /* by address, once it is finished */
    size_t symbol_count, symbol_capacity;
};

/* Each returns false when out of memory. */
bool profile_add_mapping(struct profile *profile,
                         const struct profile_mapping *mapping)
    __attribute__((warn_unused_result));
bool profile_add_stack(struct profile *profile, const uint64_t *addresses,
                       size_t count) __attribute__((warn_unused_result));
bool profile_add_site(struct profile *profile, const struct dump_site *site)
    __attribute__((warn_unused_result));
bool profile_add_sample(struct profile *profile,
                        const struct dump_sample *sample)
    __attribute__((warn_unused_result));
bool profile_add_symbol(struct profile *profile,
                        const struct profile_symbol *symbol)
    __attribute__((warn_unused_result));

/* NULL = the dump does not name it. */
const struct profile_symbol *profile_symbol(const struct profile *profile,
                                            uint64_t address);

/* Everything was read: drop what refers to no stack, order the sites by stack
 * and size, find ages.  Returns how many entries were dropped. */
size_t profile_finish(struct profile *profile);

void profile_free(struct profile *profile);

#endif
