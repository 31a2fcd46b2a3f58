/* Figures of jemalloc's text that have a label on their own line. */
#include "dump/jetext.h"

#include "dump/amount.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 128

int
jetext_label(enum dump_scope scope, token_t label)
{
    char name[NAME_MAX_LENGTH];
    size_t n = 0;

    while (token_ends(label, ':') || token_ends(label, ' '))
        label.length--;
    if (label.length >= sizeof(name))
        return FIELD_NONE;
    for (; n < label.length; n++)
        name[n] = (char)(label.text[n] == '\t'
                             ? ' '
                             : tolower((unsigned char)label.text[n]));
    return field_by_text(scope, name, n);
}

static bool
starts(token_t line, const char *with)
{
    size_t length = strlen(with);

    return line.length >= length && memcmp(line.text, with, length) == 0;
}

static jep_status_t
emit_amount(struct jetext *t, enum dump_scope scope, int field, uint64_t value,
            bool is_rounded)
{
    jep_status_t status = jetext_emit(t, scope, field, value);

    return status != JEP_OK || !is_rounded ? status : jetext_rounded(t);
}

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Skip what stands between a label and its figure. */
static size_t
separators(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && (strchr(" \t:=\"'|", text[n]) != NULL ||
                          (unsigned char)text[n] >= 0x80))
        n++;
    return n;
}

/* The amount at the digit that `text` is; how long it is, 0 = none.  What is
 * not in bytes is rounded. */
static size_t
amount_at(const char *text, uint64_t *value, bool *is_rounded)
{
    const char *at = text;
    struct amount amount;
    size_t length = jetext_pointed(text, value);

    *is_rounded = false;
    at += length + strspn(text + length, " \t");
    if (length > 0 && !isalnum((unsigned char)*at))
        return length;
    at = text;
    if (!amount_read(&at, &amount))
        return 0;
    *value = amount.value;
    *is_rounded = amount.has_unit && amount.value >= 1000;
    return (size_t)(at - text);
}

/* A word and the amount behind it. */
struct pair {
    token_t label;
    const char *text; /* of the amount */
    uint64_t value;
    bool is_rounded;
    bool is_amount; /* otherwise it is a number too long to be one */
};

/* The next pair of `line` from *at on; false = no more. */
static bool
pair_next(token_t line, size_t *at, struct pair *pair)
{
    while (*at < line.length) {
        size_t start = *at, n;

        if (!isalpha((unsigned char)line.text[start])) {
            ++*at;
            continue;
        }
        while (*at < line.length && is_word(line.text[*at]))
            ++*at;
        pair->label = (token_t){line.text + start, *at - start};
        n = separators(line.text + *at, line.length - *at);
        if (n == 0 || *at + n >= line.length ||
            !isdigit((unsigned char)line.text[*at + n]))
            continue;
        *at += n;
        pair->text = line.text + *at;
        n = amount_at(pair->text, &pair->value, &pair->is_rounded);
        pair->is_amount = n > 0;
        *at += n > 0 ? n : 1;
        return true;
    }
    return false;
}

static size_t
digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* "Allocated: 1, active: 2, metadata: 3 (n_thp 4), resident: 5". */
static jep_status_t
read_pairs(struct jetext *t, token_t line)
{
    jep_status_t status = JEP_OK;
    struct pair pair;
    size_t at = 0;

    while (status == JEP_OK && pair_next(line, &at, &pair)) {
        int field = jetext_label(DUMP_TOTAL, pair.label);

        if (field != FIELD_NONE)
            status =
                emit_amount(t, DUMP_TOTAL, field, pair.value, pair.is_rounded);
    }
    return status;
}

/* A line that starts with one of the totals and has three of them is a line of
 * totals, in whatever words; two will do in jemalloc's own. */
static bool
is_totals(token_t line)
{
    int wanted = starts(line, "Allocated: ") ? 2 : 3;
    struct pair pair;
    unsigned found = 0;
    size_t at = 0;

    /* The six start so; most lines do not. */
    if (strchr("AaMmRr", line.text[0]) == NULL)
        return false;
    while (pair_next(line, &at, &pair)) {
        int field = jetext_label(DUMP_TOTAL, pair.label);

        if (found == 0 && pair.label.text != line.text)
            return false;
        if (field == TOTAL_ALLOCATED || field == TOTAL_ACTIVE ||
            field == TOTAL_METADATA || field == TOTAL_RESIDENT ||
            field == TOTAL_MAPPED || field == TOTAL_RETAINED)
            found |= 1u << field;
        else if (found == 0)
            return false;
    }
    return __builtin_popcount(found) >= wanted;
}

static jep_status_t
read_totals(struct jetext *t, token_t line)
{
    bool is_new = t->is_open && t->has_totals && !t->is_joined;
    jep_status_t status = is_new ? jetext_begin(t) : jetext_need(t, TEXT_SURE);

    t->has_totals = true;
    jetext_hold(t, HELD_TOTALS);
    return status != JEP_OK ? status : read_pairs(t, line);
}

/* "opt.name: value (other.name: value)" */
static jep_status_t
read_setting(struct jetext *t, token_t line)
{
    const char *colon = memchr(line.text, ':', line.length);
    const char *bracket = memchr(line.text, '(', line.length);
    const char *end = line.text + line.length;
    char name[NAME_MAX_LENGTH];
    jep_status_t status;

    if (colon == NULL || (size_t)(colon - line.text) >= sizeof(name))
        return JEP_OK;
    snprintf(name, sizeof(name), "%.*s", (int)(colon - line.text), line.text);
    if (bracket == NULL || bracket < colon || end[-1] != ')' ||
        colon[1] == '"' || (colon + 2 < end && colon[2] == '"'))
        return jetext_text(t, name,
                           (token_t){colon + 1, (size_t)(end - colon - 1)});
    status = jetext_text(t, name,
                         (token_t){colon + 1, (size_t)(bracket - colon - 1)});
    if (status != JEP_OK)
        return status;
    return read_setting(t, (token_t){bracket + 1, (size_t)(end - bracket - 2)});
}

/* "opt.narenas: 8", "opt.dss: \"secondary\"", "opt.dirty_decay_ms: 10000
 * (arenas.dirty_decay_ms: 10000)".  Only options make a document, and only if
 * nothing else is in the line. */
static bool
is_setting(const struct jetext *t, token_t line)
{
    token_t value;
    size_t n = 0;

    if (!starts(line, "opt.") &&
        !(t->is_open && (starts(line, "config.") || starts(line, "prof."))))
        return false;
    while (n < line.length && is_word(line.text[n]))
        n++;
    if (n + 2 > line.length || line.text[n] != ':' || line.text[n + 1] != ' ')
        return false;
    value = token_trim((token_t){line.text + n + 2, line.length - n - 2});
    return t->is_open || line.text[line.length - 1] == '"' ||
           line.text[line.length - 1] == ')' ||
           memchr(value.text, ' ', value.length) == NULL;
}

/* "Version: 5.3.0-0-g54ea…", with or without quotes. */
static jep_status_t
read_version(struct jetext *t, token_t line)
{
    token_t version = token_trim((token_t){line.text + 8, line.length - 8});
    jep_status_t status = JEP_OK;
    size_t n = 0;

    while (n < version.length &&
           (isalnum((unsigned char)version.text[n]) || version.text[n] == '.' ||
            version.text[n] == '-' || version.text[n] == '_'))
        n++;
    if (n == 0 || n < version.length || !isdigit((unsigned char)*version.text))
        return JEP_OK;
    if (t->is_open && t->has_version)
        status = jetext_begin(t);
    else if (memmem(version.text, version.length, "-g", 2) != NULL)
        status = jetext_need(t, TEXT_SURE);
    if (status != JEP_OK || !t->is_open)
        return status;
    t->has_version = true;
    return jetext_text(t, "version", version);
}

/* Facts that only old versions print, under the names of settings. */
static jep_status_t
read_old_setting(struct jetext *t, token_t line, bool *is_read)
{
    static const struct {
        const char *line, *name;
    } olds[] = {
        {"CPUs:", "cpus"},
        {"Chunk size:", "arenas.chunk"},
        {"Min active:dirty page ratio per arena:", "arenas.dirty_ratio"},
        {"Unused dirty page decay time:", "arenas.decay_time"},
        {"Current active ceiling:", "stats.active_ceiling"},
    };

    *is_read = t->is_open;
    if (!t->is_open)
        return JEP_OK;
    if (starts(line, "Assertions "))
        return jetext_text(t, "config.debug",
                           starts(line, "Assertions enabled")
                               ? (token_t){"true", 4}
                               : (token_t){"false", 5});
    for (size_t i = 0; i < JE_ARRAY_LEN(olds); i++) {
        size_t n = strlen(olds[i].line);

        if (starts(line, olds[i].line))
            return jetext_text(t, olds[i].name,
                               (token_t){line.text + n, line.length - n});
    }
    *is_read = false;
    return JEP_OK;
}

/* Before the decay table: "purging: dirty: 55, sweeps: 9, madvises: 2, purged:
 * 1" and earlier "dirty pages: 1133:100 active:dirty, 1 sweep, 3 madvises, 265
 * purged". */
static jep_status_t
read_purging(struct jetext *t, const token_t *tokens, size_t count)
{
    static const struct {
        const char *word;
        int field;
    } words[] = {{"sweep", ARENA_DIRTY_NPURGE},
                 {"madvise", ARENA_DIRTY_NMADVISE},
                 {"purged", ARENA_DIRTY_PURGED}};

    bool is_old = token_is(tokens[0], "dirty");
    token_t pages = tokens[2];
    const char *colon = memchr(pages.text, ':', pages.length);
    jep_status_t status = jetext_need(t, TEXT_WEAK);

    if (colon != NULL) {
        pages.length -= (size_t)(colon + 1 - pages.text);
        pages.text = colon + 1;
    }
    if (status == JEP_OK)
        status = jetext_cell(t, DUMP_ARENA, ARENA_PDIRTY, pages);
    for (size_t i = 3; i < count && status == JEP_OK; i++) {
        for (size_t k = 0; k < JE_ARRAY_LEN(words); k++) {
            if (!starts(tokens[i], words[k].word) ||
                (!is_old && i + 1 == count))
                continue;
            status = jetext_cell(t, DUMP_ARENA, words[k].field,
                                 tokens[is_old ? i - 1 : i + 1]);
            break;
        }
    }
    return status;
}

static bool
is_purging(const token_t *tokens, size_t count)
{
    return count > 2 &&
           ((token_is(tokens[0], "purging:") &&
             token_is(tokens[1], "dirty:")) ||
            (token_is(tokens[0], "dirty") && token_is(tokens[1], "pages:") &&
             memchr(tokens[2].text, ':', tokens[2].length) != NULL));
}

/* "Pageslabs: 7 (4 huge, 3 nonhuge)", "      nactive: 4 huge, 3 nonhuge": of
 * all slabs of the huge page allocator, or of the full or the empty ones. */
static const struct {
    const char *label;
    int all; /* of the shard */
    int huge, nonhuge;
} slabs[] = {
    {"npageslabs:", FIELD_NONE, HPA_SLAB_NPAGESLABS_HUGE, HPA_SLAB_NPAGESLABS},
    {"Pageslabs:", HPA_NPAGESLABS, HPA_SLAB_NPAGESLABS_HUGE,
     HPA_SLAB_NPAGESLABS},
    {"nactive:", FIELD_NONE, HPA_SLAB_NACTIVE_HUGE, HPA_SLAB_NACTIVE},
    {"Active pages:", HPA_NACTIVE, HPA_SLAB_NACTIVE_HUGE, HPA_SLAB_NACTIVE},
    {"ndirty:", FIELD_NONE, HPA_SLAB_NDIRTY_HUGE, HPA_SLAB_NDIRTY},
    {"Dirty pages:", HPA_NDIRTY, HPA_SLAB_NDIRTY_HUGE, HPA_SLAB_NDIRTY},
    {"nretained:", FIELD_NONE, FIELD_NONE, HPA_SLAB_NRETAINED},
    {"Retained pages:", FIELD_NONE, FIELD_NONE, HPA_SLAB_NRETAINED},
};

jep_status_t
jetext_slabs_emit(struct jetext *t, const struct jetext_slabs *found)
{
    const struct dump_row row = {.cells = found->cells, .count = found->count};
    jep_status_t status = JEP_OK;

    t->evidence += TEXT_WEAK;
    if (found->has_all)
        status = jetext_emit(t, DUMP_HPA, found->all.field, found->all.value);
    t->grid.row = t->hpa_row;
    return status != JEP_OK ? status : jetext_emit_row(t, DUMP_HPA_SLAB, &row);
}

/* The figures of a line that has the label slabs[kind]. */
static void
slabs_parse(size_t kind, const token_t *tokens, size_t count,
            struct jetext_slabs *found)
{
    uint64_t number;

    found->has_all = false;
    found->count = 0;
    for (size_t i = 1; i < count && found->count < 2; i++) {
        token_t digits = tokens[i - 1];
        int field = starts(tokens[i], "nonhuge") ? slabs[kind].nonhuge
                    : starts(tokens[i], "huge")  ? slabs[kind].huge
                                                 : FIELD_NONE;

        if (slabs[kind].all != FIELD_NONE && tokens[i].text[0] == '(' &&
            token_number(digits, &number)) {
            found->has_all = true;
            found->all = (struct dump_cell){slabs[kind].all, number};
        }
        if (digits.text[0] == '(')
            digits = (token_t){digits.text + 1, digits.length - 1};
        if (field != FIELD_NONE && token_number(digits, &number))
            found->cells[found->count++] = (struct dump_cell){field, number};
    }
    /* "Retained pages: 12" */
    if (found->count == 0 && token_number(tokens[count - 1], &number))
        found->cells[found->count++] =
            (struct dump_cell){slabs[kind].nonhuge, number};
}

static jep_status_t
read_hpa(struct jetext *t, token_t line, const token_t *tokens, size_t count,
         bool *is_read)
{
    struct jetext_slabs found;
    size_t kind = 0;

    while (kind < JE_ARRAY_LEN(slabs) && !starts(line, slabs[kind].label))
        kind++;
    *is_read = t->is_open && kind < JE_ARRAY_LEN(slabs);
    if (!*is_read)
        return JEP_OK;
    slabs_parse(kind, tokens, count, &found);
    jetext_keep_slabs(t, &found);
    return jetext_slabs_emit(t, &found);
}

/* Which slabs the lines below are about. */
static bool
read_hpa_heading(struct jetext *t, token_t line)
{
    if (starts(line, "HPA shard stats:"))
        t->hpa_row = HPA_ROW_ALL;
    else if (starts(line, "In full slabs:"))
        t->hpa_row = HPA_ROW_FULL;
    else if (starts(line, "In empty slabs:"))
        t->hpa_row = HPA_ROW_EMPTY;
    else
        return false;
    jetext_keep_slabs_heading(t);
    return true;
}

/* What a figure is, and of which arena. */
struct place {
    enum dump_scope scope;
    int field, arena;
};

/* The figure of "stats.allocated" or "stats.arenas.0.small.nmalloc". */
static bool
find_name(token_t name, struct place *place)
{
    static const struct {
        const char *text;
        int arena;
    } arenas[] = {{"arenas.all.", DUMP_ARENA_MERGED},
                  {"arenas.4096.", DUMP_ARENA_MERGED},
                  {"arenas.4097.", DUMP_ARENA_DESTROYED}};

    const char *dot;
    uint64_t number;
    size_t i = 0;

    *place = (struct place){DUMP_TOTAL, FIELD_NONE, DUMP_ARENA_FRAGMENT};
    if (starts(name, "arenas.")) {
        place->scope = DUMP_ARENA;
        dot = memchr(name.text + 7, '.', name.length - 7);
        if (dot == NULL)
            return false;
        while (i < JE_ARRAY_LEN(arenas) && !starts(name, arenas[i].text))
            i++;
        if (i < JE_ARRAY_LEN(arenas))
            place->arena = arenas[i].arena;
        else if (token_number(
                     (token_t){name.text + 7, (size_t)(dot - name.text) - 7},
                     &number) &&
                 number < 4096)
            place->arena = (int)number;
        else
            return false;
        name = (token_t){dot + 1, name.length - (size_t)(dot + 1 - name.text)};
    }
    if (starts(name, "small.") && place->scope == DUMP_ARENA)
        place->scope = DUMP_SMALL;
    else if (starts(name, "large.") && place->scope == DUMP_ARENA)
        place->scope = DUMP_LARGE_SUM;
    dot = memchr(name.text, '.', name.length);
    /* prof.active is no active. */
    if (dot != NULL && (starts(name, "small.") || starts(name, "large.") ||
                        starts(name, "background_thread.")))
        name = (token_t){dot + 1, name.length - (size_t)(dot + 1 - name.text)};
    place->field = field_by_json(place->scope, name.text, name.length);
    return place->field != FIELD_NONE;
}

/* Figures under their names in mallctl(), one a line, as programs export them:
 * "stats.active 12", "jemalloc.arenas.all.pdirty | 1.18 KiB | …". */
static jep_status_t
read_name(struct jetext *t, token_t line, bool *is_read)
{
    struct pair pair;
    struct place place;
    size_t at = 0, prefix;
    int arena = t->arena;
    jep_status_t status;

    *is_read = false;
    if (!pair_next(line, &at, &pair) || !pair.is_amount)
        return JEP_OK;
    prefix = starts(pair.label, "jemalloc.") ? 9
             : starts(pair.label, "stats.")  ? 6
                                             : 0;
    pair.label.text += prefix;
    pair.label.length -= prefix;
    if (prefix == 0 || !find_name(pair.label, &place))
        return JEP_OK;
    *is_read = true;
    status = jetext_need(t, TEXT_WEAK);
    if (status != JEP_OK)
        return status;
    t->arena = place.arena;
    status =
        emit_amount(t, place.scope, place.field, pair.value, pair.is_rounded);
    t->arena = arena;
    return status;
}

/* Figures of an arena that start a fragment when they come again. */
jep_status_t
jetext_need_arena(struct jetext *t, int field)
{
    bool is_new = field == ARENA_ACTIVE && t->has_active && t->is_open &&
                  t->arena == DUMP_ARENA_FRAGMENT;
    jep_status_t status = is_new ? jetext_begin(t) : jetext_need(t, TEXT_WEAK);

    t->has_active |= field == ARENA_ACTIVE;
    return status;
}

/* "label: number" of an arena, of the constants or of the process. */
static jep_status_t
read_labelled(struct jetext *t, token_t line)
{
    static const enum dump_scope scopes[] = {DUMP_CONST, DUMP_ARENA, DUMP_HPA,
                                             DUMP_TOTAL};

    const char *colon = memchr(line.text, ':', line.length), *at;
    const char *end = line.text + line.length;
    int field = FIELD_NONE;
    jep_status_t status;
    bool is_rounded;
    uint64_t value;
    token_t label;
    size_t i = 0;

    if (colon == NULL)
        return JEP_OK;
    label = (token_t){line.text, (size_t)(colon - line.text)};
    for (at = colon + 1; at < end && (*at == ' ' || *at == '\t'); at++)
        ;
    if (at == end || !isdigit((unsigned char)*at))
        return JEP_OK;
    for (; i < JE_ARRAY_LEN(scopes) && field == FIELD_NONE; i++)
        field = jetext_label(scopes[i], label);
    if (field == FIELD_NONE)
        return JEP_OK;
    if (amount_at(at, &value, &is_rounded) == 0)
        return jetext_cell(t, scopes[i - 1], field, (token_t){at, digits(at)});
    if (!is_rounded && t->is_open)
        jetext_keep_figure(t, scopes[i - 1], field, value,
                           at + digits(at) == end);
    status = scopes[i - 1] == DUMP_ARENA ? jetext_need_arena(t, field)
                                         : jetext_need(t, TEXT_WEAK);
    return status != JEP_OK
               ? status
               : emit_amount(t, scopes[i - 1], field, value, is_rounded);
}

/* Lines with a meaning of their own. */
static jep_status_t
read_special(struct jetext *t, token_t line, const token_t *tokens,
             size_t count, bool *is_read)
{
    static const char realloc_calls[] =
        "Count of realloc(non-null-ptr, 0) calls:";
    static const char internal[] = "metadata: mapped:";

    *is_read = true;
    if (is_setting(t, line)) {
        jep_status_t status = jetext_need(t, TEXT_SURE);

        return status != JEP_OK ? status : read_setting(t, line);
    }
    if (starts(line, "Version:"))
        return read_version(t, line);
    if (starts(line, "Background threads:")) {
        struct pair pair;
        size_t at = 0;
        jep_status_t status = jetext_need(t, TEXT_WEAK);

        if (status == JEP_OK && pair_next(line, &at, &pair) && pair.is_amount)
            status = jetext_emit(t, DUMP_TOTAL, TOTAL_BG_THREADS, pair.value);
        return status != JEP_OK ? status : read_pairs(t, line);
    }
    if (starts(line, realloc_calls))
        return jetext_cell(t, DUMP_TOTAL, TOTAL_ZERO_REALLOCS,
                           tokens[count - 1]);
    /* 4.x: what the arena allocated for itself, among its objects. */
    if (starts(line, internal) && token_is(tokens[count - 2], "allocated:"))
        return jetext_cell(t, DUMP_ARENA, ARENA_INTERNAL, tokens[count - 1]);
    if (is_purging(tokens, count))
        return read_purging(t, tokens, count);
    *is_read = read_hpa_heading(t, line);
    return JEP_OK;
}

bool
jetext_is_console(const token_t *tokens, size_t count)
{
    return count == 4 && token_is(tokens[3], "Mb") &&
           starts(tokens[0], "stats.") &&
           memchr(tokens[2].text, '.', tokens[2].length) != NULL;
}

jep_status_t
jetext_words(struct jetext *t, token_t line, const token_t *tokens,
             size_t count)
{
    unsigned before = t->evidence;
    jep_status_t status;
    bool is_read;

    if (jetext_is_console(tokens, count))
        return JEP_OK;
    if (is_totals(line))
        return read_totals(t, line);
    status = read_special(t, line, tokens, count, &is_read);
    if (!is_read)
        status = read_old_setting(t, line, &is_read);
    if (!is_read)
        status = read_hpa(t, line, tokens, count, &is_read);
    if (!is_read)
        status = read_name(t, line, &is_read);
    if (is_read && t->is_open && t->evidence == before)
        t->evidence += TEXT_WEAK;
    return is_read ? status : read_labelled(t, line);
}
