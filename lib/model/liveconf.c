/* Options that a program or library was compiled with. */
#include "model/liveconf.h"

#include "model/elfeach.h"

#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

/* A variable, and where it is. */
struct variable {
    char name[LIVECONF_NAME_MAX];
    uint64_t address;
    bool is_exported;
};

struct variables {
    struct variable list[LIVECONF_MOST];
    size_t count;
};

/* "je_malloc_conf", "malloc_conf_2_conf_harder" */
static bool
is_conf(const char *name)
{
    static const char *const ends[] = {"malloc_conf",
                                       "malloc_conf_2_conf_harder"};
    size_t length = strlen(name);

    for (size_t i = 0; i < JE_ARRAY_LEN(ends); i++) {
        size_t end = strlen(ends[i]);

        if (length >= end && length < LIVECONF_NAME_MAX &&
            strcmp(name + length - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static void
variable_add(struct variables *variables, const char *name, uint64_t address,
             bool is_exported)
{
    struct variable *one = variables->list;

    while (one < variables->list + variables->count &&
           strcmp(one->name, name) != 0)
        one++;
    if (one == variables->list + LIVECONF_MOST)
        return;
    if (one == variables->list + variables->count) {
        variables->count++;
        snprintf(one->name, sizeof(one->name), "%s", name);
        one->address = address;
    }
    one->is_exported |= is_exported;
}

/* Local names are nobody's but the file's own. */
static void
look_symbol(void *context, const GElf_Sym *symbol, const char *name,
            bool is_dynamic)
{
    struct variables *variables = context;

    if (GELF_ST_TYPE(symbol->st_info) == STT_OBJECT &&
        GELF_ST_BIND(symbol->st_info) != STB_LOCAL && is_conf(name))
        variable_add(variables, name, symbol->st_value, is_dynamic);
}

/* The bytes at `address` up to the end of their section; NULL = the file has
 * none. */
static const char *
bytes_at(Elf *elf, uint64_t address, size_t *length)
{
    GElf_Shdr header;

    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        Elf_Data *data;

        if (gelf_getshdr(section, &header) == NULL ||
            (header.sh_flags & SHF_ALLOC) == 0 ||
            header.sh_type == SHT_NOBITS || address < header.sh_addr ||
            address - header.sh_addr >= header.sh_size)
            continue;
        data = elf_rawdata(section, NULL);
        if (data == NULL || data->d_buf == NULL ||
            data->d_size <= address - header.sh_addr)
            return NULL;
        *length = data->d_size - (size_t)(address - header.sh_addr);
        return (const char *)data->d_buf + (address - header.sh_addr);
    }
    return NULL;
}

/* The value of a symbol of this file, by which a pointer is set. */
static uint64_t
symbol_value(Elf *elf, const GElf_Shdr *relocations, uint64_t index)
{
    Elf_Scn *section = elf_getscn(elf, relocations->sh_link);
    Elf_Data *data = section != NULL ? elf_getdata(section, NULL) : NULL;
    GElf_Sym symbol;

    if (data == NULL || index > INT32_MAX ||
        gelf_getsym(data, (int)index, &symbol) == NULL ||
        symbol.st_shndx == SHN_UNDEF)
        return 0;
    return symbol.st_value;
}

/* What the dynamic linker makes of the pointer at `address`; false = it does
 * nothing to it. */
static bool
look_relocations(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                 uint64_t address, uint64_t *target)
{
    struct elfeach_table table = elfeach_table(section, header);

    for (size_t i = 0; i < table.count; i++) {
        GElf_Rela one;

        if (gelf_getrela(table.data, (int)i, &one) == NULL)
            break;
        if (one.r_offset != address)
            continue;
        *target = (uint64_t)one.r_addend;
        switch (GELF_R_TYPE(one.r_info)) {
        case R_X86_64_RELATIVE:
        case R_AARCH64_RELATIVE:
            return true;
        case R_X86_64_64:
        case R_AARCH64_ABS64:
            *target += symbol_value(elf, header, GELF_R_SYM(one.r_info));
            return true;
        default:
            /* A copy of another file's, which has it. */
            *target = 0;
            return true;
        }
    }
    return false;
}

static uint64_t
pointer_at(Elf *elf, uint64_t address)
{
    GElf_Shdr header;
    uint64_t target = 0;
    const char *bytes;
    size_t length;

    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        if (gelf_getshdr(section, &header) != NULL &&
            header.sh_type == SHT_RELA && (header.sh_flags & SHF_ALLOC) != 0 &&
            look_relocations(elf, section, &header, address, &target))
            return target;
    }
    bytes = bytes_at(elf, address, &length);
    if (bytes == NULL || length < sizeof(target))
        return 0;
    memcpy(&target, bytes, sizeof(target));
    return target;
}

/* Whether it points to a text that is not empty. */
static bool
text_of(Elf *elf, const struct variable *variable, struct liveconf *out)
{
    uint64_t target = pointer_at(elf, variable->address);
    size_t length;
    const char *text = target != 0 ? bytes_at(elf, target, &length) : NULL;
    const char *end;

    if (text == NULL)
        return false;
    end = memchr(text, '\0', JE_MIN(length, sizeof(out->text)));
    if (end == NULL || end == text)
        return false;
    memcpy(out->text, text, (size_t)(end - text) + 1);
    snprintf(out->name, sizeof(out->name), "%s", variable->name);
    out->is_exported = variable->is_exported;
    return true;
}

static size_t
read_all(Elf *elf, struct liveconf confs[LIVECONF_MOST])
{
    struct variables variables = {.count = 0};
    GElf_Shdr header;
    size_t count = 0;

    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        if (gelf_getshdr(section, &header) != NULL &&
            (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
            elfeach_symbol(elf, section, &header, look_symbol, &variables);
    }
    for (size_t i = 0; i < variables.count; i++)
        count += text_of(elf, &variables.list[i], &confs[count]);
    return count;
}

size_t
liveconf_read(int fd, struct liveconf confs[LIVECONF_MOST])
{
    Elf *elf;
    size_t count = 0;

    if (elf_version(EV_CURRENT) == EV_NONE)
        return 0;
    /* Not mapped: the file may be cut while it is looked at. */
    elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL)
        return 0;
    if (elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64)
        count = read_all(elf, confs);
    elf_end(elf);
    return count;
}
