/* Function names from the symbol table of a file without debug information.
 *
 * libdwfl's own lookup walks the whole table for every address; thousands of
 * addresses in a large program need a sorted one. */
#include "model/elfsym.h"

#include "model/intern.h"

#include <stdlib.h>

static int
symbol_order(const void *a, const void *b)
{
    const struct elfsym *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static void
load(struct elfsyms *symbols, Dwfl_Module *module)
{
    int count = dwfl_module_getsymtab(module);

    symbols->is_loaded = true;
    for (int i = 1; i < count; i++) {
        GElf_Sym sym;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(module, i, &sym, &address,
                                                   NULL, NULL, NULL);
        int type = GELF_ST_TYPE(sym.st_info);

        if (name == NULL || *name == '\0' || sym.st_shndx == SHN_UNDEF ||
            (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE))
            continue;
        if (!intern_grow((void **)&symbols->symbols, &symbols->capacity,
                         symbols->count, sizeof(*symbols->symbols)))
            break;
        symbols->symbols[symbols->count++] =
            (struct elfsym){address, sym.st_size, name};
    }
    if (symbols->count > 0)
        qsort(symbols->symbols, symbols->count, sizeof(*symbols->symbols),
              symbol_order);
}

const char *
elfsym_find(struct elfsyms *symbols, Dwfl_Module *module, uint64_t address)
{
    size_t low = 0, high;

    if (!symbols->is_loaded)
        load(symbols, module);
    high = symbols->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (symbols->symbols[mid].start <= address)
            low = mid + 1;
        else
            high = mid;
    }
    /* Of those that start at or before it, the nearest that reaches it. */
    for (size_t back = 0; back < 4 && low > back; back++) {
        const struct elfsym *symbol = &symbols->symbols[low - 1 - back];

        if (symbol->size == 0 ? back == 0
                              : address < symbol->start + symbol->size)
            return symbol->name;
    }
    return NULL;
}

void
elfsym_free(struct elfsyms *symbols)
{
    free(symbols->symbols);
    *symbols = (struct elfsyms){0};
}
