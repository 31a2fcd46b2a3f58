/* What addresses mean: function, file, line, and what was inlined.
 *
 * Each file is opened once, when the first address falls into it, and placed
 * by libdwfl on its own ("offline"); the dump's mappings say which address in
 * the file an address of the process is.  libdwfl's part is to find separate
 * debug files. */
#include "model/symbols.h"

#include "model/demangle.h"
#include "model/dwarf.h"
#include "model/elfsym.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 16
#define BUILD_ID_MAX 64 /* bytes */

struct segment {
    uint64_t offset, file_size, address;
    bool is_executable;
};

struct module {
    const char *path;     /* as in the dump */
    const char *build_id; /* hexadecimal, or NULL */
    bool is_tried;
    bool is_mismatch; /* a file is there, but another one */
    Dwfl *dwfl;
    Dwfl_Module *dwfl_module;
    Dwarf_Addr elf_bias; /* libdwfl's address - the file's */
    struct segment segments[SEGMENTS_MAX];
    size_t segment_count;
    struct dwarf_file dwarf;
    Dwarf_Addr dwarf_bias;
    struct elfsyms elfsyms;
};

struct symbols {
    const struct profile *profile;
    struct intern_text *texts;
    char *debug_dir; /* absolute, or NULL */
    const char *sysroot;
    char *debug_path; /* for libdwfl */
    struct module *modules;
    size_t module_count, module_capacity;
};

/* libdwfl wants a pointer to a variable; a set of callbacks belongs to one
 * symbols_t at a time, and there is one. */
static char *debug_path;

static const Dwfl_Callbacks callbacks = {
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_path,
};

symbols_t *
symbols_new(const struct profile *profile, const char *debug_dir,
            const char *sysroot, struct intern_text *texts)
{
    symbols_t *symbols = calloc(1, sizeof(*symbols));

    if (symbols == NULL)
        return NULL;
    /* A report must not talk to servers because of an old shell profile. */
    unsetenv("DEBUGINFOD_URLS");
    symbols->profile = profile;
    symbols->texts = texts;
    symbols->sysroot = sysroot;
    if (debug_dir != NULL)
        symbols->debug_dir = realpath(debug_dir, NULL);
    if (asprintf(&symbols->debug_path, "%s%s%s%s:.debug:/usr/lib/debug",
                 symbols->debug_dir != NULL ? symbols->debug_dir : "",
                 sysroot != NULL ? ":" : "", sysroot != NULL ? sysroot : "",
                 sysroot != NULL ? "/usr/lib/debug:" : ":") < 0) {
        symbols->debug_path = NULL;
        symbols_free(symbols);
        return NULL;
    }
    return symbols;
}

static void
module_close(struct module *module)
{
    dwarf_file_free(&module->dwarf);
    elfsym_free(&module->elfsyms);
    if (module->dwfl != NULL)
        dwfl_end(module->dwfl);
    module->dwfl = NULL;
    module->dwfl_module = NULL;
}

void
symbols_free(symbols_t *symbols)
{
    if (symbols == NULL)
        return;
    for (size_t i = 0; i < symbols->module_count; i++)
        module_close(&symbols->modules[i]);
    free(symbols->modules);
    free(symbols->debug_dir);
    free(symbols->debug_path);
    free(symbols);
}

const char *
symbols_mismatch(const symbols_t *symbols, size_t index)
{
    for (size_t i = 0; i < symbols->module_count; i++) {
        if (symbols->modules[i].is_mismatch && index-- == 0)
            return symbols->modules[i].path;
    }
    return NULL;
}

static bool
build_id_matches(Elf *elf, const char *expected)
{
    char text[2 * BUILD_ID_MAX + 1];
    const unsigned char *id;
    const void *bits;
    ssize_t size = dwelf_elf_gnu_build_id(elf, &bits);

    if (expected == NULL)
        return true;
    if (size <= 0 || size > BUILD_ID_MAX)
        return false;
    id = bits;
    for (ssize_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    return strcasecmp(text, expected) == 0;
}

static void
segments_read(struct module *module, Elf *elf)
{
    size_t count;

    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count && i < INT_MAX; i++) {
        GElf_Phdr phdr;

        if (gelf_getphdr(elf, (int)i, &phdr) == NULL ||
            phdr.p_type != PT_LOAD || module->segment_count == SEGMENTS_MAX)
            continue;
        module->segments[module->segment_count++] =
            (struct segment){phdr.p_offset, phdr.p_filesz, phdr.p_vaddr,
                             (phdr.p_flags & PF_X) != 0};
    }
}

/* Open `path` if it is the file that the dump speaks of. */
static bool
module_open_file(symbols_t *symbols, struct module *module, const char *path)
{
    struct stat st;
    GElf_Addr bias;
    Elf *elf;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    debug_path = symbols->debug_path;
    module->dwfl = dwfl_begin(&callbacks);
    if (module->dwfl == NULL)
        return false;
    dwfl_report_begin(module->dwfl);
    module->dwfl_module = dwfl_report_offline(module->dwfl, path, path, -1);
    dwfl_report_end(module->dwfl, NULL, NULL);
    elf = module->dwfl_module != NULL
              ? dwfl_module_getelf(module->dwfl_module, &bias)
              : NULL;
    if (elf == NULL || !build_id_matches(elf, module->build_id)) {
        module->is_mismatch |= elf != NULL;
        module_close(module);
        return false;
    }
    module->is_mismatch = false;
    module->elf_bias = bias;
    segments_read(module, elf);
    module->dwarf.dwarf =
        dwfl_module_getdwarf(module->dwfl_module, &module->dwarf_bias);
    return true;
}

/* Try the places where the file may be. */
static void
module_open(symbols_t *symbols, struct module *module)
{
    const char *root = symbols->sysroot != NULL ? symbols->sysroot : "";
    char path[PATH_MAX];

    module->is_tried = true;
    if (module->path[0] != '/')
        return;
    if (snprintf(path, sizeof(path), "%s%s", root, module->path) <
            (int)sizeof(path) &&
        module_open_file(symbols, module, path))
        return;
    if (symbols->debug_dir == NULL || module->build_id == NULL ||
        strlen(module->build_id) < 3 || strchr(module->build_id, '/') != NULL)
        return;
    /* Without the file itself its debug file has everything needed. */
    if (snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug",
                 symbols->debug_dir, module->build_id,
                 module->build_id + 2) < (int)sizeof(path))
        (void)module_open_file(symbols, module, path);
}

/* The module of a mapping; NULL when out of memory. */
static struct module *
module_get(symbols_t *symbols, const struct profile_mapping *mapping)
{
    struct module *module;

    for (size_t i = 0; i < symbols->module_count; i++) {
        module = &symbols->modules[i];
        /* Both are interned, so equal means the same pointer. */
        if (module->path == mapping->path &&
            module->build_id == mapping->build_id)
            return module;
    }
    if (!intern_grow((void **)&symbols->modules, &symbols->module_capacity,
                     symbols->module_count, sizeof(*symbols->modules)))
        return NULL;
    module = &symbols->modules[symbols->module_count++];
    *module =
        (struct module){.path = mapping->path, .build_id = mapping->build_id};
    return module;
}

static const struct profile_mapping *
mapping_find(const symbols_t *symbols, uint64_t address)
{
    const struct profile *profile = symbols->profile;

    for (size_t i = 0; i < profile->mapping_count; i++) {
        if (profile->mappings[i].start <= address &&
            address < profile->mappings[i].end)
            return &profile->mappings[i];
    }
    return NULL;
}

/* The address in the file's own terms of what the mapping shows at
 * `address`. */
static bool
file_address(const struct module *module, const struct profile_mapping *mapping,
             uint64_t address, uint64_t *result)
{
    uint64_t offset = address - mapping->start + mapping->offset;
    const struct segment *code = NULL;

    for (size_t i = 0; i < module->segment_count; i++) {
        const struct segment *s = &module->segments[i];

        if (s->is_executable && offset >= s->offset &&
            offset - s->offset < s->file_size) {
            *result = offset - s->offset + s->address;
            return true;
        }
        if (s->is_executable && code == NULL)
            code = s;
    }
    /* A debug file keeps addresses but not offsets: the mapping starts at the
     * page of the code segment, or at the file's start. */
    if (code == NULL)
        return false;
    if (mapping->offset == 0)
        *result = offset + module->segments[0].address;
    else
        *result = address - mapping->start + (code->address & ~(uint64_t)4095);
    return true;
}

/* Functions by DWARF.  Returns how many, 0 if nothing is known. */
static size_t
resolve_dwarf(symbols_t *symbols, struct module *module, uint64_t address,
              const struct jep_frame *blank,
              struct jep_frame frames[SYMBOL_INLINE_MAX])
{
    struct dwarf_frame found[SYMBOL_INLINE_MAX];
    size_t count;

    if (module->dwarf.dwarf == NULL)
        return 0;
    count = dwarf_lookup(&module->dwarf, address - module->dwarf_bias, found,
                         SYMBOL_INLINE_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *name = found[i].linkage_name;

        if (name == NULL || (strncmp(name, "_Z", 2) != 0 && found[i].name))
            name = found[i].name;
        frames[i] = *blank;
        frames[i].inlined = i + 1 < count;
        frames[i].line = found[i].line > 0 ? (uint32_t)found[i].line : 0;
        if (name != NULL)
            frames[i].function = demangle(name, symbols->texts);
        if (found[i].file != NULL)
            frames[i].file = intern_text(symbols->texts, found[i].file);
        if ((name != NULL && frames[i].function == NULL) ||
            (found[i].file != NULL && frames[i].file == NULL))
            return 0;
    }
    return count;
}

size_t
symbols_resolve(symbols_t *symbols, uint64_t address,
                struct jep_frame frames[SYMBOL_INLINE_MAX])
{
    /* A return address may be the first of the next line, or function. */
    uint64_t pc = address > 0 ? address - 1 : 0, where;
    const struct profile_mapping *mapping = mapping_find(symbols, pc);
    struct jep_frame blank = {.address = address, .offset = address};
    struct module *module;
    const char *name;
    size_t count;

    frames[0] = blank;
    if (mapping == NULL)
        return 1;
    blank.module = mapping->path;
    blank.offset = pc - mapping->start + mapping->offset;
    frames[0] = blank;
    module = module_get(symbols, mapping);
    if (module == NULL)
        return 0;
    if (!module->is_tried)
        module_open(symbols, module);
    if (module->dwfl_module == NULL ||
        !file_address(module, mapping, pc, &where))
        return 1;
    count = resolve_dwarf(symbols, module, where + module->elf_bias, &blank,
                          frames);
    if (count > 0 && frames[count - 1].function != NULL)
        return count;
    frames[0] = blank;
    name = elfsym_find(&module->elfsyms, module->dwfl_module,
                       where + module->elf_bias);
    if (name == NULL)
        return 1;
    frames[0].function = demangle(name, symbols->texts);
    return frames[0].function != NULL ? 1 : 0;
}
