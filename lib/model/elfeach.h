/* Tables in an ELF file, and each symbol of one. */
#ifndef JE_MODEL_ELFEACH_H
#define JE_MODEL_ELFEACH_H

#include "base/macros.h"

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>

/* A section that is a table: gelf_get…() of `data` from 0 below `count`. */
struct elfeach_table {
    Elf_Data *data;
    size_t count; /* at most INT32_MAX; 0 = it cannot be read */
};

struct elfeach_table elfeach_table(Elf_Scn *section, const GElf_Shdr *header);

/* A symbol that the file itself defines.  is_dynamic: the loader sees it. */
typedef void (*elfeach_symbol_t)(void *context, const GElf_Sym *symbol,
                                 const char *name, bool is_dynamic);

/* Of a section SHT_SYMTAB or SHT_DYNSYM; a damaged one ends early. */
void elfeach_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                    elfeach_symbol_t each, void *context);

#endif
