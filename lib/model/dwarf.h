/* Functions, inlined functions and lines from DWARF. */
#ifndef JE_MODEL_DWARF_H
#define JE_MODEL_DWARF_H

#include "base/macros.h"

#include <elfutils/libdw.h>

/* Code that a unit or a function covers. */
struct dwarf_range {
    Dwarf_Addr low, high;
    Dwarf_Off die;
};

struct dwarf_ranges {
    struct dwarf_range *ranges; /* sorted by low */
    size_t count, capacity;
};

/* One compilation unit whose functions were indexed. */
struct dwarf_unit {
    Dwarf_Off die;
    struct dwarf_ranges functions;
};

/* One file's debug information.  Zero-initialised but for `dwarf`. */
struct dwarf_file {
    Dwarf *dwarf;
    struct dwarf_ranges units;
    bool has_units;
    struct dwarf_unit *indexed;
    size_t indexed_count, indexed_capacity;
};

/* One function at an address, innermost first. */
struct dwarf_frame {
    const char *linkage_name; /* mangled, or NULL */
    const char *name;         /* as written, or NULL */
    const char *file;
    int line; /* 0 = unknown */
};

/* Fill `frames` for the address as in the file.  0 = nothing is known. */
size_t dwarf_lookup(struct dwarf_file *file, Dwarf_Addr address,
                    struct dwarf_frame *frames, size_t max);
void dwarf_file_free(struct dwarf_file *file);

#endif
