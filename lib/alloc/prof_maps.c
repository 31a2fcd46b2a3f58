/*
 * Mapped objects and build ids: see prof_maps.h.
 */
#include "alloc/prof_maps.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "alloc/procinfo_read.h"
#include "alloc/prof_bt.h"
#include "base/assert.h"
#include "base/bits.h"

enum {
    HEADERS_MAX = 32,  /* program headers looked at */
    NOTES_MAX = 4096,  /* bytes of notes looked at */
    BUILD_ID_MAX = 64, /* bytes */
    MAPPED_PATH_MAX = 4096,
};

typedef struct mapping {
    uint64_t start, end, offset;
    bool is_executable;
    const char *path; /* in the line it was read from */
} mapping_t;

/* "start-end rwxp offset dev inode   path" */
static bool
mapping_parse(const char *s, mapping_t *m)
{
    if (!proc_hex(&s, &m->start) || *s++ != '-' || !proc_hex(&s, &m->end) ||
        *s++ != ' ' || strlen(s) < 5) {
        return false;
    }
    m->is_executable = s[2] == 'x';
    s += 5;
    if (!proc_hex(&s, &m->offset)) {
        return false;
    }
    for (int words = 0; words < 2; words++) {
        s += strspn(s, " ");
        s += strcspn(s, " ");
    }
    m->path = s + strspn(s, " ");
    return true;
}

/* ---- build ids --------------------------------------------------------- */

static char notes[NOTES_MAX];

/* The GNU build id among the first n bytes of `notes`, as hexadecimal. */
static bool
notes_build_id(size_t n, char hex[2 * BUILD_ID_MAX + 1])
{
    size_t at = 0;
    ElfW(Nhdr) note;
    while (n - at >= sizeof(note)) {
        memcpy(&note, notes + at, sizeof(note));
        size_t name = at + sizeof(note);
        size_t desc = name + bits_align_up(note.n_namesz, 4);
        size_t next = desc + bits_align_up(note.n_descsz, 4);
        if (next < at || next > n) {
            return false;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 &&
            note.n_descsz <= BUILD_ID_MAX) {
            for (size_t i = 0; i < note.n_descsz; i++) {
                (void)je_format(hex + 2 * i, 3, "%02x",
                                (unsigned)(unsigned char)notes[desc + i]);
            }
            return note.n_descsz > 0;
        }
        at = next;
    }
    return false;
}

/* Of the object whose file's start is mapped at `base`. */
static bool
object_build_id(uintptr_t base, char hex[2 * BUILD_ID_MAX + 1])
{
    ElfW(Ehdr) header;
    static ElfW(Phdr) headers[HEADERS_MAX];
    if (!prof_bt_read(base, &header, sizeof(header)) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_phentsize != sizeof(headers[0])) {
        return false;
    }
    size_t n = header.e_phnum < HEADERS_MAX ? header.e_phnum : HEADERS_MAX;
    if (!prof_bt_read(base + header.e_phoff, headers, n * sizeof(headers[0]))) {
        return false;
    }
    uintptr_t bias = base; /* minus the address that the start was linked at */
    for (size_t i = 0; i < n; i++) {
        if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0) {
            bias = base - headers[i].p_vaddr;
        }
    }
    for (size_t i = 0; i < n; i++) {
        size_t size = headers[i].p_filesz;
        if (headers[i].p_type == PT_NOTE && size <= sizeof(notes) &&
            prof_bt_read(bias + headers[i].p_vaddr, notes, size) &&
            notes_build_id(size, hex)) {
            return true;
        }
    }
    return false;
}

/* ---- emitting ---------------------------------------------------------- */

static void
emit_address(emit_t *e, const char *key, uint64_t value)
{
    char text[24];
    (void)je_format(text, sizeof(text), "0x%llx", (unsigned long long)value);
    emit_member(e, key, emit_string(text));
}

static void
emit_mapping(emit_t *e, const mapping_t *m, uintptr_t base)
{
    char hex[2 * BUILD_ID_MAX + 1];
    emit_object(e, NULL);
    emit_address(e, "start", m->start);
    emit_address(e, "end", m->end);
    emit_address(e, "offset", m->offset);
    emit_member(e, "path", emit_string(m->path));
    if (base != 0 && object_build_id(base, hex)) {
        emit_member(e, "build_id", emit_string(hex));
    }
    emit_object_end(e);
}

bool
prof_maps_emit(emit_t *e)
{
    static proc_lines_t lines;
    static char object[MAPPED_PATH_MAX]; /* path of the object at `base` */
    uintptr_t base = 0;
    mapping_t m;
    emit_array(e, "mappings");
    bool ok = proc_lines_open(&lines, "/proc/self/maps");
    for (char *line; ok && (line = proc_lines_next(&lines)) != NULL;) {
        if (!mapping_parse(line, &m) || m.path[0] == '\0' ||
            strlen(m.path) >= sizeof(object)) {
            continue;
        }
        if (m.offset == 0) {
            base = m.start;
            memcpy(object, m.path, strlen(m.path) + 1);
        }
        if (m.is_executable) {
            emit_mapping(e, &m, strcmp(object, m.path) == 0 ? base : 0);
        }
    }
    if (ok) {
        proc_lines_close(&lines);
    }
    emit_array_end(e);
    return ok;
}
