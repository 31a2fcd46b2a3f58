/* Tables in an ELF file, and each symbol of one. */
#include "model/elfeach.h"

#include <stdint.h>

struct elfeach_table
elfeach_table(Elf_Scn *section, const GElf_Shdr *header)
{
    struct elfeach_table table = {.data = elf_getdata(section, NULL)};

    if (table.data == NULL || header->sh_entsize == 0)
        return table;
    table.count = header->sh_size / header->sh_entsize;
    if (table.count > INT32_MAX)
        table.count = INT32_MAX;
    return table;
}

void
elfeach_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
               elfeach_symbol_t each, void *context)
{
    struct elfeach_table table = elfeach_table(section, header);

    for (size_t i = 1; i < table.count; i++) {
        GElf_Sym symbol;
        const char *name;

        if (gelf_getsym(table.data, (int)i, &symbol) == NULL)
            break;
        if (symbol.st_shndx == SHN_UNDEF)
            continue;
        name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL)
            each(context, &symbol, name, header->sh_type == SHT_DYNSYM);
    }
}
