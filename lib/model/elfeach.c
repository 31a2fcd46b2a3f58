/* Each symbol of a table in an ELF file. */
#include "model/elfeach.h"

#include <stddef.h>
#include <stdint.h>

void
elfeach_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
               elfeach_symbol_t each, void *context)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count =
        header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;

    for (size_t i = 1; data != NULL && i < count && i <= INT32_MAX; i++) {
        GElf_Sym symbol;
        const char *name;

        if (gelf_getsym(data, (int)i, &symbol) == NULL)
            break;
        if (symbol.st_shndx == SHN_UNDEF)
            continue;
        name = elf_strptr(elf, header->sh_link, symbol.st_name);
        if (name != NULL)
            each(context, &symbol, name, header->sh_type == SHT_DYNSYM);
    }
}
