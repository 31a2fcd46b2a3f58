/* Which allocator is in a program or library, from its ELF file. */
#include "model/liveelf.h"

#include "model/elfeach.h"

#include <ctype.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX                                                              \
    ((size_t)512 << 20) /* bytes of a section that are searched                \
                         */

/* What marks of each allocator a file has. */
enum mark {
    MARK_JEALLOC,
    MARK_MALLCTL, /* jemalloc with a prefix or none */
    MARK_MIMALLOC,
    MARK_GPERFTOOLS,
    MARK_TCMALLOC,
    MARK_ASAN,
    MARK_RPMALLOC,
    MARK_SCUDO,
    MARK_LIBC,
    MARKS
};

static const struct {
    const char *symbol;
    enum jep_allocator kind;
    const char *name;
} marks[MARKS] = {
    [MARK_JEALLOC] = {"jea_malloc", JEP_ALLOCATOR_JEALLOC, "jealloc"},
    [MARK_MALLCTL] = {"mallctl", JEP_ALLOCATOR_JEMALLOC, "jemalloc"},
    [MARK_MIMALLOC] = {"mi_malloc", JEP_ALLOCATOR_MIMALLOC, "mimalloc"},
    [MARK_GPERFTOOLS] = {"tc_malloc", JEP_ALLOCATOR_GPERFTOOLS, "gperftools"},
    [MARK_TCMALLOC] = {"MallocExtension_Internal_GetNumericProperty",
                       JEP_ALLOCATOR_TCMALLOC, "tcmalloc"},
    [MARK_ASAN] = {"__asan_init", JEP_ALLOCATOR_UNKNOWN, "AddressSanitizer"},
    [MARK_RPMALLOC] = {"rpmalloc", JEP_ALLOCATOR_UNKNOWN, "rpmalloc"},
    [MARK_SCUDO] = {"__scudo_print_stats", JEP_ALLOCATOR_UNKNOWN, "scudo"},
    [MARK_LIBC] = {"__libc_malloc", JEP_ALLOCATOR_GLIBC, "glibc"},
};

struct look {
    struct liveelf *out;
    unsigned marks;               /* by symbols, a bit each */
    bool has_jemalloc, has_glibc; /* texts that only they have */
};

/* ---- symbols ------------------------------------------------------------ */

/* "je_mallctl" is mallctl with the prefix "je_". */
static void
look_mallctl(struct look *look, const char *name)
{
    size_t length = strlen(name);
    struct liveelf *out = look->out;

    if (length < 7 || strcmp(name + length - 7, "mallctl") != 0 ||
        length - 7 >= sizeof(out->prefix))
        return;
    if ((look->marks & 1u << MARK_MALLCTL) != 0 &&
        length - 7 >= strlen(out->prefix))
        return;
    look->marks |= 1u << MARK_MALLCTL;
    out->has_prefix = true;
    snprintf(out->prefix, sizeof(out->prefix), "%.*s", (int)length - 7, name);
}

static void
look_symbol(struct look *look, const char *name, bool is_dynamic)
{
    if (is_dynamic && strcmp(name, "malloc") == 0)
        look->out->exports_malloc = true;
    for (enum mark i = 0; i < MARKS; i++) {
        if (i != MARK_MALLCTL && strcmp(name, marks[i].symbol) == 0)
            look->marks |= 1u << i;
    }
    look_mallctl(look, name);
}

static void
look_function(void *context, const GElf_Sym *symbol, const char *name,
              bool is_dynamic)
{
    int type = GELF_ST_TYPE(symbol->st_info);

    if (type == STT_FUNC || type == STT_GNU_IFUNC)
        look_symbol(context, name,
                    is_dynamic || GELF_ST_BIND(symbol->st_info) == STB_GLOBAL);
}

static void
look_dynamic(struct look *look, Elf *elf, Elf_Scn *section,
             const GElf_Shdr *header)
{
    struct liveelf *out = look->out;
    struct elfeach_table table = elfeach_table(section, header);

    for (size_t i = 0; i < table.count; i++) {
        GElf_Dyn one;
        const char *name;

        if (gelf_getdyn(table.data, (int)i, &one) == NULL)
            break;
        if (one.d_tag != DT_NEEDED && one.d_tag != DT_SONAME)
            continue;
        name = elf_strptr(elf, header->sh_link, one.d_un.d_val);
        if (name == NULL)
            continue;
        if (one.d_tag == DT_SONAME)
            snprintf(out->soname, sizeof(out->soname), "%s", name);
        else if (out->needed_count < LIVEELF_NEEDED_MAX)
            snprintf(out->needed[out->needed_count++], LIVEELF_TEXT_MAX, "%s",
                     name);
    }
}

/* ---- texts -------------------------------------------------------------- */

static const char *
skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at))
        at++;
    return at;
}

bool
liveelf_is_version(const char *text)
{
    const char *at = text;

    for (int part = 0; part < 3; part++) {
        const char *end = skip_digits(at);

        if (end == at || *end != (part < 2 ? '.' : '-'))
            return false;
        at = end + 1;
    }
    at = skip_digits(at);
    if (at[0] != '-' || at[1] != 'g' || !isxdigit((unsigned char)at[2]))
        return false;
    return at[2 + strspn(at + 2, "0123456789abcdef")] == '\0';
}

/* The one word of capitals that ends with MALLOC_CONF. */
static bool
is_variable(const char *text, size_t length)
{
    return length >= 11 && strcmp(text + length - 11, "MALLOC_CONF") == 0 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == length;
}

static void
copy(char text[LIVEELF_TEXT_MAX], const char *from, size_t length)
{
    if (text[0] == '\0' && length < LIVEELF_TEXT_MAX)
        snprintf(text, LIVEELF_TEXT_MAX, "%.*s", (int)length, from);
}

static void
look_text(struct look *look, const char *text, size_t length)
{
    static const char glibc[] = "GNU C Library ",
                      release[] = "release version ";
    struct liveelf *out = look->out;
    const char *at;

    if (strncmp(text, "<jemalloc>: ", 12) == 0)
        look->has_jemalloc = true;
    if (length < LIVEELF_TEXT_MAX && liveelf_is_version(text))
        copy(out->version, text, length);
    if (length < LIVEELF_TEXT_MAX && is_variable(text, length))
        copy(out->variable, text, length);
    if (strncmp(text, "gperftools ", 11) == 0 &&
        isdigit((unsigned char)text[11]))
        copy(out->version, text + 11, length - 11);
    if (strcmp(text, "malloc(): corrupted top size") == 0)
        look->has_glibc = true;
    if (strncmp(text, glibc, sizeof(glibc) - 1) == 0) {
        at = strstr(text, release);
        if (at != NULL) {
            at += sizeof(release) - 1;
            length = strspn(at, "0123456789.");
            copy(out->version, at,
                 length > 0 && at[length - 1] == '.' ? length - 1 : length);
        }
    }
}

static void
look_texts(struct look *look, Elf_Scn *section)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    const char *at, *end;

    if (data == NULL || data->d_buf == NULL)
        return;
    at = data->d_buf;
    end = at + JE_MIN(data->d_size, TEXTS_MAX);
    while (at < end) {
        const char *stop = memchr(at, '\0', (size_t)(end - at));

        if (stop == NULL)
            break;
        if (stop - at >= 11)
            look_text(look, at, (size_t)(stop - at));
        at = stop + 1;
    }
}

/* ---- the file ----------------------------------------------------------- */

typedef void section_fn(struct look *look, Elf *elf, Elf_Scn *section,
                        const GElf_Shdr *header);

static void
each_section(struct look *look, Elf *elf, section_fn *call)
{
    GElf_Shdr header;

    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        if (gelf_getshdr(section, &header) != NULL)
            call(look, elf, section, &header);
    }
}

static void
on_section(struct look *look, Elf *elf, Elf_Scn *section,
           const GElf_Shdr *header)
{
    if (header->sh_type == SHT_DYNSYM || header->sh_type == SHT_SYMTAB)
        elfeach_symbol(elf, section, header, look_function, look);
    else if (header->sh_type == SHT_DYNAMIC)
        look_dynamic(look, elf, section, header);
}

static void
on_texts(struct look *look, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
    (void)elf;
    if (header->sh_type == SHT_PROGBITS &&
        (header->sh_flags & SHF_ALLOC) != 0 &&
        (header->sh_flags & (SHF_EXECINSTR | SHF_WRITE)) == 0)
        look_texts(look, section);
}

/* The first mark counts: libraries define names of others as well. */
static void
name_it(const struct look *look)
{
    struct liveelf *out = look->out;

    for (enum mark i = 0; i < MARKS; i++) {
        if ((look->marks & 1u << i) == 0)
            continue;
        out->kind = marks[i].kind;
        out->name = marks[i].name;
        if (i == MARK_LIBC && !look->has_glibc) {
            out->kind = JEP_ALLOCATOR_UNKNOWN;
            out->name = "the C library";
        }
        return;
    }
    /* The loader has one for itself. */
    if (out->exports_malloc && strncmp(out->soname, "ld-", 3) != 0)
        out->name = "an unknown allocator";
}

static void
conclude(struct look *look, bool is_program)
{
    struct liveelf *out = look->out;

    /* A stripped program with an allocator linked into it. */
    if (is_program && look->marks == 0 && look->has_jemalloc)
        look->marks |= 1u << MARK_MALLCTL;
    if (is_program && look->marks == 0 && look->has_glibc)
        look->marks |= 1u << MARK_LIBC;
    name_it(look);
    if (is_program && out->needed_count == 0 && out->name != NULL &&
        (!out->has_prefix || out->prefix[0] == '\0'))
        out->exports_malloc = true; /* static: there is no other */
    if (out->kind != JEP_ALLOCATOR_JEMALLOC)
        out->has_prefix = false;
    /* Those of others are in it by chance. */
    if (out->kind == JEP_ALLOCATOR_JEMALLOC
            ? !liveelf_is_version(out->version)
            : out->kind != JEP_ALLOCATOR_GPERFTOOLS &&
                  out->kind != JEP_ALLOCATOR_GLIBC)
        out->version[0] = '\0';
}

bool
liveelf_read(int fd, bool is_program, struct liveelf *out)
{
    struct look look = {.out = out};
    Elf *elf;

    *out = (struct liveelf){.kind = JEP_ALLOCATOR_UNKNOWN};
    if (elf_version(EV_CURRENT) == EV_NONE)
        return false;
    /* Not mapped: the file may be cut while it is looked at. */
    elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL)
        return false;
    if (elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        return false;
    }
    each_section(&look, elf, on_section);
    if (look.marks != 0 || is_program)
        each_section(&look, elf, on_texts);
    conclude(&look, is_program);
    elf_end(elf);
    return true;
}
