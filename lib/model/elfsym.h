/* Function names from the symbol table of a file without debug information. */
#ifndef JE_MODEL_ELFSYM_H
#define JE_MODEL_ELFSYM_H

#include "base/macros.h"

#include <elfutils/libdwfl.h>

struct elfsym {
    uint64_t start, size;
    const char *name; /* belongs to the file */
};

/* Sorted by start.  Zero-initialised. */
struct elfsyms {
    struct elfsym *symbols;
    size_t count, capacity;
    bool is_loaded;
};

/* The function at `address` (as libdwfl places the module), or NULL.  Loads
 * the table at the first call; without memory there are no names. */
const char *elfsym_find(struct elfsyms *symbols, Dwfl_Module *module,
                        uint64_t address);
void elfsym_free(struct elfsyms *symbols);

#endif
