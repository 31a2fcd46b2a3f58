/* Reader of what glibc's malloc_stats() prints and of printed mallinfo().
 *
 * malloc_stats has a pair of lines an arena and one for the sum, all but the
 * last modulo 2^32: from 4 GiB on they are wrong, and only a contradiction
 * shows it.  The sum can be told nevertheless while the arenas are right and
 * what is mapped directly stayed below 4 GiB at its largest.
 *
 * mallinfo is a structure; what prints it is the program.  The names of its
 * members are what the prints have in common: "Total allocated space
 * (uordblks):  8192" as in its manual page, "uordblks: 8192", "uordblks=8192".
 */
#include "base/macros.h"
#include "dump/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WRAP      ((uint64_t)1 << 32)
#define WORDS_MAX 8

/* Of mallinfo, those that are in use. */
static const char *const members[] = {"arena",    "ordblks",  "smblks",
                                      "hblks",    "hblkhd",   "fsmblks",
                                      "uordblks", "fordblks", "keepcost"};

enum part { PART_NONE, PART_ARENA, PART_TOTAL, PART_MALLINFO };

struct pair {
    uint64_t system, in_use, line;
    bool has_system, has_in_use;
};

struct glibc {
    struct document doc;
    enum part part;
    uint32_t arena;
    struct pair now;       /* of the current part */
    struct pair total;     /* of "Total", complete or not */
    uint64_t arena_system; /* sums over the arenas */
    uint64_t arena_in_use;
    uint64_t arenas;
    uint64_t mmap_max;
    bool has_mmap_max;
    bool is_wrapped; /* an arena contradicts itself */
    uint32_t seen;   /* members that were read, a bit a field */
    uint64_t heap_system, heap_in_use, mmap;
};

/* An arena's pair, or the total's, is read: keep it. */
static jep_status_t
pair_close(struct glibc *g)
{
    struct pair pair = g->now;
    jep_status_t status;

    g->now = (struct pair){0};
    if (g->part == PART_TOTAL)
        g->total = pair;
    if (g->part != PART_ARENA || !pair.has_system || !pair.has_in_use)
        return JEP_OK;
    g->arenas++;
    if (pair.in_use > pair.system) {
        g->is_wrapped = true;
        return document_warn(
            &g->doc, 0,
            "arena %u has more in use than it got from the system: these "
            "32-bit counters went past 4 GiB and started again, so it holds "
            "at least %" PRIu64 " bytes; malloc_info() has whole ones",
            g->arena, pair.system + WRAP);
    }
    g->arena_system += pair.system;
    g->arena_in_use += pair.in_use;
    status =
        document_cell(&g->doc, DUMP_HEAP, g->arena, HEAP_SYSTEM, pair.system);
    if (status != JEP_OK)
        return status;
    return document_cell(&g->doc, DUMP_HEAP, g->arena, HEAP_IN_USE,
                         pair.in_use);
}

static jep_status_t
emit(struct glibc *g, int field, uint64_t value)
{
    return document_number(&g->doc, DUMP_GLIBC, field, value);
}

/* The sum of malloc_stats: as printed, put right, or not at all. */
static jep_status_t
total_close(struct glibc *g)
{
    struct pair *total = &g->total;
    uint64_t mapped = (total->system - g->arena_system) % WRAP;
    bool is_right = !g->is_wrapped && total->in_use <= total->system &&
                    (g->arenas == 0 || (total->system >= g->arena_system &&
                                        total->in_use >= g->arena_in_use));
    jep_status_t status = JEP_OK;

    if (!total->has_system || !total->has_in_use)
        return JEP_OK;
    if (!is_right) {
        /* What is mapped directly is in both sums: it must be the same. */
        bool is_known = !g->is_wrapped && g->arenas > 0 && g->has_mmap_max &&
                        mapped <= g->mmap_max && g->mmap_max < WRAP &&
                        mapped == (total->in_use - g->arena_in_use) % WRAP;

        status = document_warn(
            &g->doc, 0,
            "the totals cannot be right: these 32-bit counters went past 4 "
            "GiB and started again; %s",
            is_known ? "they are put together from the arenas"
                     : "they are left out, malloc_info() has whole ones");
        if (status != JEP_OK || !is_known)
            return status;
        total->system = g->arena_system + mapped;
        total->in_use = g->arena_in_use + mapped;
    }
    g->doc.line = total->line;
    if (total->system == 0)
        status = document_warn(&g->doc, 0,
                               "the process has nothing from glibc's malloc: "
                               "another allocator has taken its place");
    if (status == JEP_OK)
        status = emit(g, GLIBC_SYSTEM, total->system);
    if (status == JEP_OK)
        status = emit(g, GLIBC_IN_USE, total->in_use);
    if (status == JEP_OK && g->arenas > 0 && total->system >= g->arena_system)
        status = emit(g, GLIBC_MMAP, mapped);
    return status;
}

/* mallinfo: the sums with what is mapped directly. */
static jep_status_t
mallinfo_close(struct glibc *g)
{
    uint32_t needed =
        1u << GLIBC_HEAP_SYSTEM | 1u << GLIBC_HEAP_IN_USE | 1u << GLIBC_MMAP;
    jep_status_t status;

    if ((g->seen & needed) != needed)
        return JEP_OK;
    status = emit(g, GLIBC_SYSTEM, g->heap_system + g->mmap);
    return status != JEP_OK ? status
                            : emit(g, GLIBC_IN_USE, g->heap_in_use + g->mmap);
}

static jep_status_t
finish(struct glibc *g)
{
    bool is_whole = g->has_mmap_max || g->part == PART_MALLINFO;
    jep_status_t status = JEP_OK;

    if (!g->doc.is_open)
        return JEP_OK;
    if (g->part == PART_MALLINFO)
        status = mallinfo_close(g);
    else
        status = pair_close(g);
    if (status == JEP_OK && g->arenas > 0)
        status = emit(g, GLIBC_HEAPS, g->arenas);
    if (status == JEP_OK)
        status = total_close(g);
    if (status == JEP_OK)
        status = document_end(&g->doc, is_whole);
    *g = (struct glibc){.doc = g->doc};
    return status;
}

/* The number in "Arena 12:"; false if the line is another one. */
static bool
arena_heading(const token_t *words, size_t count, uint64_t *number)
{
    token_t digits = words[1];

    if (count != 2 || !token_is(words[0], "Arena") || !token_ends(digits, ':'))
        return false;
    digits.length--;
    return token_number(digits, number) && *number < UINT32_MAX;
}

static jep_status_t
begin_part(struct glibc *g, enum part part, uint32_t arena)
{
    jep_status_t status = JEP_OK;

    /* Arena 0 is the first one of a dump, and the total is the last part. */
    if ((part == PART_ARENA && (arena == 0 || g->part == PART_TOTAL)) ||
        g->part == PART_MALLINFO || (part == PART_TOTAL && g->part == part))
        status = finish(g);
    if (status == JEP_OK)
        status = document_need(&g->doc, TEXT_SURE);
    if (status == JEP_OK)
        status = pair_close(g);
    g->part = part;
    g->arena = arena;
    return status;
}

static bool
is_label(const token_t *words, size_t count, const char *first,
         const char *second, const char *third)
{
    return count >= 4 && token_is(words[0], first) &&
           token_is(words[1], second) &&
           (third == NULL || token_is(words[2], third));
}

/* "system bytes     = 1350406144" and the like, words[count - 1] the number. */
static jep_status_t
read_figure(struct glibc *g, const token_t *words, size_t count, bool *is_one)
{
    uint64_t value;
    jep_status_t status;

    *is_one = count >= 4 && count <= WORDS_MAX &&
              token_is(words[count - 2], "=") &&
              token_number(words[count - 1], &value) &&
              (is_label(words, count, "system", "bytes", NULL) ||
               is_label(words, count, "in", "use", "bytes") ||
               is_label(words, count, "max", "mmap", NULL));
    if (!*is_one)
        return JEP_OK;
    status = document_need(&g->doc, TEXT_WEAK);
    /* A number at the end of a cut-off file may lack digits. */
    if (status != JEP_OK || !g->doc.line_ended)
        return status;
    if (token_is(words[0], "system")) {
        g->now.system = value;
        g->now.has_system = true;
        g->now.line = g->doc.line;
    } else if (token_is(words[0], "in")) {
        g->now.in_use = value;
        g->now.has_in_use = true;
    } else if (token_is(words[2], "regions")) {
        return emit(g, GLIBC_MMAP_MAX_COUNT, value);
    } else {
        g->mmap_max = value;
        g->has_mmap_max = true;
        return emit(g, GLIBC_MMAP_MAX, value);
    }
    return JEP_OK;
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9');
}

/* The value behind the word `name`: "name): 1", "name=1", "name : 1". */
static bool
member_value(const char *text, const char *name, uint64_t *value,
             bool *is_negative)
{
    size_t length = strlen(name);
    const char *at = strstr(text, name), *digits;

    while (at != NULL &&
           ((at > text && is_word(at[-1])) || is_word(at[length])))
        at = strstr(at + 1, name);
    if (at == NULL)
        return false;
    at += length;
    digits = at + strspn(at, "):= \t\"");
    if (at + strcspn(at, ":=") >= digits)
        return false;
    *is_negative = *digits == '-';
    digits += *is_negative;
    return token_number((token_t){digits, strspn(digits, "0123456789")}, value);
}

/* Others speak of arenas, too. */
static unsigned
member_evidence(int field)
{
    return field == GLIBC_HEAP_SYSTEM ? TEXT_WEAK : TEXT_SURE;
}

static jep_status_t
read_member(struct glibc *g, int field, uint64_t value, bool is_negative)
{
    jep_status_t status = JEP_OK;

    if (g->part != PART_MALLINFO || (g->seen & 1u << field) != 0)
        status = finish(g);
    if (status == JEP_OK)
        status = document_need(&g->doc, member_evidence(field));
    if (status != JEP_OK)
        return status;
    g->part = PART_MALLINFO;
    if (is_negative)
        return document_warn(&g->doc, 0,
                             "a size below zero: mallinfo() counts in int and "
                             "went past 2 GiB; mallinfo2() has whole sizes");
    if (!g->doc.line_ended)
        return JEP_OK;
    g->seen |= 1u << field;
    if (field == GLIBC_HEAP_SYSTEM)
        g->heap_system = value;
    else if (field == GLIBC_HEAP_IN_USE)
        g->heap_in_use = value;
    else if (field == GLIBC_MMAP)
        g->mmap = value;
    return emit(g, field, value);
}

static jep_status_t
read_members(struct glibc *g, const char *text)
{
    jep_status_t status = JEP_OK;

    for (size_t i = 0; i < JE_ARRAY_LEN(members) && status == JEP_OK; i++) {
        bool is_negative;
        uint64_t value;

        if (member_value(text, members[i], &value, &is_negative))
            status = read_member(
                g, field_by_text(DUMP_GLIBC, members[i], strlen(members[i])),
                value, is_negative);
    }
    return status;
}

static bool
is_total_heading(const char *text)
{
    return strncmp(text, "Total (incl. mmap):", 19) == 0;
}

static jep_status_t
read_line(struct glibc *g, const char *text, size_t length)
{
    token_t words[WORDS_MAX];
    size_t count = token_split(text, length, words, WORDS_MAX);
    jep_status_t status;
    bool is_figure;
    uint64_t number;

    if (count == 0)
        return JEP_OK;
    if (arena_heading(words, count, &number))
        return begin_part(g, PART_ARENA, (uint32_t)number);
    if (is_total_heading(words[0].text))
        return begin_part(g, PART_TOTAL, 0);
    status = read_figure(g, words, count, &is_figure);
    return status != JEP_OK || is_figure ? status : read_members(g, text);
}

static unsigned
glibc_probe(const struct text_line *line)
{
    token_t words[WORDS_MAX];
    size_t count = token_split(line->text, line->length, words, WORDS_MAX);
    unsigned says = TEXT_NOTHING;
    uint64_t value;

    if (count == 0)
        return TEXT_NOTHING;
    if (arena_heading(words, count, &value) || is_total_heading(words[0].text))
        return TEXT_SURE;
    for (size_t i = 0; i < JE_ARRAY_LEN(members); i++) {
        bool is_negative;

        if (member_value(line->text, members[i], &value, &is_negative))
            says |= member_evidence(
                field_by_text(DUMP_GLIBC, members[i], strlen(members[i])));
    }
    return says;
}

static void *
glibc_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct glibc *g = calloc(1, sizeof(*g));

    (void)error;
    if (g != NULL)
        g->doc = (struct document){.sink = sink, .format = DUMP_FORMAT_GLIBC};
    return g;
}

static jep_status_t
glibc_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct glibc *g = state;
    jep_status_t status;

    document_line(&g->doc, line);
    status = read_line(g, line->text, line->length);
    *evidence = g->doc.evidence;
    return status;
}

static jep_status_t
glibc_close(void *state)
{
    struct glibc *g = state;
    jep_status_t status = finish(g);

    free(g);
    return status;
}

const struct text_format text_glibc = {
    .name = "glibc",
    .probe = glibc_probe,
    .open = glibc_open,
    .line = glibc_line,
    .close = glibc_close,
};
