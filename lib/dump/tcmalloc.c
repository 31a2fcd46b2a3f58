/* Reader of the "MALLOC:" table of gperftools' and of google/tcmalloc.
 *
 * Both print a sum, one line a term, that labels itself; 1.x of gperftools
 * printed other labels and no sum.  At level 2 tables by size class follow
 * (in 1.x they come first), and in google's many more sections, of which those
 * are read that say where pages are.  A section is known by its own words, so
 * a paste may start anywhere.
 *
 * A document begins with the first line and where "Bytes in use by
 * application" comes again. */
#include "base/macros.h"
#include "dump/amount.h"
#include "dump/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX_LENGTH 96
#define GOOGLE_URL       "github.com/google/tcmalloc"

/* Figures that are summed over sections: google prints one a page heap. */
#define SUM_FIRST TCMALLOC_FILLER_USED
#define SUM_LAST  TCMALLOC_HUGE_PAGES_BROKEN

struct tcmalloc {
    struct document doc;
    bool has_in_use, has_virtual, has_page, has_heap_size, has_metadata;
    bool is_google, is_gperftools;
    int last; /* field of the line before */
    uint64_t sums[SUM_LAST - SUM_FIRST + 1];
    bool has_sum[SUM_LAST - SUM_FIRST + 1];
    uint64_t cpu_caches, cpu_unallocated;
};

static jep_status_t
finish(struct tcmalloc *t)
{
    bool is_whole = t->has_page || (t->has_heap_size && t->has_metadata);
    jep_status_t status = JEP_OK;

    if (!t->doc.is_open)
        return JEP_OK;
    for (int i = 0; i <= SUM_LAST - SUM_FIRST && status == JEP_OK; i++) {
        if (t->has_sum[i])
            status = document_number(&t->doc, DUMP_TCMALLOC, SUM_FIRST + i,
                                     t->sums[i]);
    }
    if (status == JEP_OK && t->cpu_caches > 0) {
        status = document_number(&t->doc, DUMP_TCMALLOC,
                                 TCMALLOC_PER_CPU_CACHES, t->cpu_caches);
        if (status == JEP_OK)
            status = document_number(&t->doc, DUMP_TCMALLOC,
                                     TCMALLOC_PER_CPU_UNALLOCATED,
                                     t->cpu_unallocated);
    }
    if (status == JEP_OK && (t->is_google || t->is_gperftools)) {
        const char *name = t->is_google ? "tcmalloc" : "gperftools";

        status =
            document_text(&t->doc, "allocator", (token_t){name, strlen(name)});
    }
    if (status == JEP_OK)
        status = document_end(&t->doc, is_whole);
    *t = (struct tcmalloc){.doc = t->doc, .last = FIELD_NONE};
    return status;
}

/* Field of a label as people see it, blanks around it and case ignored. */
static int
label_field(token_t label)
{
    char name[LABEL_MAX_LENGTH];

    label = token_trim(label);
    if (label.length == 0 || label.length >= sizeof(name))
        return FIELD_NONE;
    for (size_t i = 0; i < label.length; i++)
        name[i] = (char)tolower((unsigned char)label.text[i]);
    return field_by_text(DUMP_TCMALLOC, name, label.length);
}

/* What a line of the table says beyond its figure. */
static void
note_field(struct tcmalloc *t, int field)
{
    t->has_in_use |= field == TCMALLOC_IN_USE;
    t->has_virtual |= field == TCMALLOC_VIRTUAL;
    t->has_page |= field == TCMALLOC_PAGE;
    t->has_heap_size |= field == TCMALLOC_HEAP_SIZE;
    t->has_metadata |= field == TCMALLOC_METADATA;
    t->is_google |= field == TCMALLOC_PER_CPU || field == TCMALLOC_HUGE_PAGE;
    /* The order of the lines tells them apart where nothing else does. */
    t->is_gperftools |=
        field == TCMALLOC_HEAP_SIZE ||
        (field == TCMALLOC_TRANSFER && t->last == TCMALLOC_CENTRAL);
    t->last = field;
}

static jep_status_t
begin_again(struct tcmalloc *t, int field)
{
    bool again = (field == TCMALLOC_IN_USE && t->has_in_use) ||
                 (field == TCMALLOC_HEAP_SIZE && t->has_heap_size);

    return again ? finish(t) : JEP_OK;
}

/* "MALLOC: +  827129856 (  788.8 MiB) Bytes in page heap freelist" behind its
 * first word. */
static jep_status_t
read_malloc(struct tcmalloc *t, const char *text, size_t length)
{
    const char *end = text + length, *digits;
    jep_status_t status;
    token_t number = {0};
    uint64_t value;
    int field;

    while (text < end &&
           (*text == ' ' || *text == '\t' || *text == '+' || *text == '='))
        text++;
    digits = text;
    while (text < end && ((*text >= '0' && *text <= '9') || *text == ','))
        text++;
    number = (token_t){digits, (size_t)(text - digits)};
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    if (text < end && *text == '(') {
        const char *close = memchr(text, ')', (size_t)(end - text));

        text = close != NULL ? close + 1 : end;
    }
    field = label_field((token_t){text, (size_t)(end - text)});
    if (field == FIELD_NONE || number.length == 0)
        return JEP_OK;
    /* Longer labels begin with this one: it is the rest of a cut-off line. */
    if (field == TCMALLOC_METADATA && t->has_metadata && !t->doc.line_ended)
        return JEP_OK;
    status = begin_again(t, field);
    if (status == JEP_OK)
        status = document_need(&t->doc, TEXT_SURE);
    if (status != JEP_OK)
        return status;
    note_field(t, field);
    if (token_number(number, &value))
        return document_number(&t->doc, DUMP_TCMALLOC, field, value);
    return document_warn(&t->doc, 0,
                         "%.*s is more than a machine can hold: the counter "
                         "went below zero, and the figure is left out",
                         (int)number.length, number.text);
}

/* The number just before `word`, which comes after at least one blank. */
static bool
number_before(const char *text, const char *word, uint64_t *value)
{
    const char *at = strstr(text, word), *end, *start;

    if (at == NULL || at == text)
        return false;
    for (end = at; end > text && end[-1] == ' ';)
        end--;
    for (start = end; start > text && start[-1] >= '0' && start[-1] <= '9';)
        start--;
    return start < end &&
           token_number((token_t){start, (size_t)(end - start)}, value);
}

/* "class   1 [        8 bytes ] :    45645 objs;   0.3 MiB;   0.3 cum MiB;
 *  73 live pages; spans:     19 ret /     92 req = 0.2065;" in one line. */
static jep_status_t
read_class(struct tcmalloc *t, const char *text)
{
    static const struct {
        const char *word;
        int field;
    } cells[] = {{" bytes ]", CLASS_SIZE},
                 {" objs;", CLASS_FREE_OBJECTS},
                 {" live pages;", CLASS_LIVE_PAGES},
                 {" ret /", CLASS_SPANS_RETURNED},
                 {" req =", CLASS_SPANS_REQUESTED},
                 {" objs/span", CLASS_OBJECTS_PER_SPAN}};

    const char *at = text + strlen("class");
    struct amount class;
    jep_status_t status;

    /* Other tables by class have the same beginning. */
    if (strstr(text, " objs;") == NULL || strstr(text, " cum M") == NULL ||
        strstr(text, "capacity") != NULL)
        return JEP_OK;
    if (!amount_read(&at, &class) || class.is_negative ||
        class.value > UINT32_MAX)
        return JEP_OK;
    /* In 1.x the table comes before the figures that it belongs to. */
    if (t->doc.is_open && t->has_heap_size) {
        status = finish(t);
        if (status != JEP_OK)
            return status;
    }
    status = document_need(&t->doc, TEXT_SURE);
    for (size_t i = 0; i < JE_ARRAY_LEN(cells) && status == JEP_OK; i++) {
        uint64_t value;

        if (number_before(text, cells[i].word, &value))
            status = document_cell(&t->doc, DUMP_CLASS, (uint32_t) class.value,
                                   cells[i].field, value);
    }
    return status;
}

static void
sum_add(struct tcmalloc *t, int field, uint64_t value)
{
    uint64_t *sum = &t->sums[field - SUM_FIRST];

    if (!__builtin_add_overflow(*sum, value, sum))
        t->has_sum[field - SUM_FIRST] = true;
}

/* "HugePageAware: filler 38825.2 MiB used,  938.8 MiB free,    0.0 MiB
 *  unmapped": figures of one component; returns whether it was that. */
static bool
read_component(struct tcmalloc *t, const char *text)
{
    static const struct {
        const char *name;
        int field; /* used; free and unmapped follow it */
    } components[] = {{"filler ", TCMALLOC_FILLER_USED},
                      {"region ", TCMALLOC_REGION_USED},
                      {"cache ", TCMALLOC_CACHE_USED},
                      {"alloc ", TCMALLOC_ALLOC_USED}};

    static const char *const words[] = {" used", " free", " unmapped"};

    for (size_t i = 0; i < JE_ARRAY_LEN(components); i++) {
        const char *at = text + strlen(components[i].name);

        if (strncmp(text, components[i].name, (size_t)(at - text)) != 0)
            continue;
        for (int k = 0; k < 3; k++) {
            struct amount amount;

            if (!amount_read(&at, &amount) || amount.is_negative ||
                strncmp(at, words[k], strlen(words[k])) != 0)
                return k > 0;
            sum_add(t, components[i].field + k, amount.value);
            at += strlen(words[k]);
            at += *at == ',';
        }
        return true;
    }
    return false;
}

/* "HugePageFiller: 19882 total, 8083 full, 11799 partial, 0 released (0
 *  partially)": how full huge pages are. */
static bool
read_filler(struct tcmalloc *t, const char *text)
{
    uint64_t total, value;

    if (number_before(text, " hugepages broken", &value)) {
        sum_add(t, TCMALLOC_HUGE_PAGES_BROKEN, value);
        return true;
    }
    if (!number_before(text, " total,", &total))
        return false;
    sum_add(t, TCMALLOC_HUGE_PAGES, total);
    if (number_before(text, " full,", &value))
        sum_add(t, TCMALLOC_HUGE_PAGES_FULL, value);
    if (number_before(text, " partial,", &value))
        sum_add(t, TCMALLOC_HUGE_PAGES_PARTIAL, value);
    if (number_before(text, " released", &value))
        sum_add(t, TCMALLOC_HUGE_PAGES_RELEASED, value);
    return true;
}

/* "cpu   0:      2168200 bytes (    2.1 MiB) with       52536 bytes
 *  unallocated active" */
static bool
read_cpu(struct tcmalloc *t, const char *text)
{
    uint64_t value;

    if (!number_before(text, " bytes unallocated", &value) ||
        __builtin_add_overflow(t->cpu_unallocated, value, &value))
        return false;
    t->cpu_caches++;
    t->cpu_unallocated = value;
    return true;
}

/* Lines that only google/tcmalloc writes. */
static jep_status_t
read_google(struct tcmalloc *t, const char *text)
{
    bool is_known = false;
    uint64_t value;
    int field = FIELD_NONE;
    jep_status_t status;

    if (strncmp(text, "HugePageAware: ", 15) == 0)
        is_known = read_component(t, text + 15);
    else if (strncmp(text, "HugePageFiller: ", 16) == 0)
        is_known = read_filler(t, text + 16);
    else if (strncmp(text, "cpu ", 4) == 0)
        is_known = read_cpu(t, text + 4);
    else if (strncmp(text, "Bytes in per-CPU caches", 23) == 0 &&
             number_before(text, " bytes)", &value))
        field = TCMALLOC_PER_CPU_LIMIT;
    else if (strncmp(text, "MmapSysAllocator: ", 18) == 0 &&
             number_before(text, " bytes (", &value))
        field = TCMALLOC_MMAPPED;
    if (!is_known && field == FIELD_NONE)
        return JEP_OK;
    t->is_google = true;
    status = document_need(&t->doc, TEXT_SURE);
    if (status == JEP_OK && field != FIELD_NONE)
        status = document_number(&t->doc, DUMP_TCMALLOC, field, value);
    return status;
}

/* "TOTAL:  86880677888 (82855.9 MiB) Bytes resident (physical memory used)":
 * of the process, whoever took it. */
static jep_status_t
read_total(struct tcmalloc *t, const char *text)
{
    const char *end = text;
    uint64_t value;
    jep_status_t status;
    int field;

    while (*text == ' ')
        text++;
    for (end = text; *end >= '0' && *end <= '9';)
        end++;
    if (strstr(end, "Bytes resident (") != NULL)
        field = STATUS_VM_RSS;
    else if (strstr(end, "Bytes mapped (") != NULL)
        field = STATUS_VM_SIZE;
    else
        return JEP_OK;
    if (!token_number((token_t){text, (size_t)(end - text)}, &value))
        return JEP_OK;
    t->is_google = true;
    status = document_need(&t->doc, TEXT_SURE);
    return status != JEP_OK
               ? status
               : document_number(&t->doc, DUMP_STATUS, field, value);
}

/* "PARAMETER tcmalloc_max_per_cpu_cache_size 1572864" */
static jep_status_t
read_parameter(struct tcmalloc *t, const char *text, size_t length)
{
    token_t words[2];
    char name[LABEL_MAX_LENGTH];
    jep_status_t status;

    if (token_split(text, length, words, 2) != 2 ||
        words[0].length >= sizeof(name))
        return JEP_OK;
    memcpy(name, words[0].text, words[0].length);
    name[words[0].length] = '\0';
    t->is_google = true;
    status = document_need(&t->doc, TEXT_SURE);
    return status != JEP_OK ? status : document_text(&t->doc, name, words[1]);
}

static jep_status_t
read_line(struct tcmalloc *t, const char *text, size_t length)
{
    if (strncmp(text, "See http", 8) == 0 && strstr(text, GOOGLE_URL) != NULL) {
        jep_status_t status = t->has_in_use ? finish(t) : JEP_OK;

        t->is_google = true;
        return status != JEP_OK ? status : document_need(&t->doc, TEXT_SURE);
    }
    if (strncmp(text, "MALLOC:", 7) == 0)
        return read_malloc(t, text + 7, length - 7);
    if (strncmp(text, "class ", 6) == 0)
        return read_class(t, text);
    if (strncmp(text, "TOTAL:", 6) == 0)
        return read_total(t, text + 6);
    if (strncmp(text, "PARAMETER ", 10) == 0)
        return read_parameter(t, text + 10, length - 10);
    return read_google(t, text);
}

static const char *
skip_indent(const struct text_line *line)
{
    const char *text = line->text;

    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static unsigned
tcmalloc_probe(const struct text_line *line)
{
    const char *text = skip_indent(line);
    size_t length = line->length - (size_t)(text - line->text);

    if (strncmp(text, "MALLOC:", 7) == 0 && length > 7) {
        const char *label = memchr(text, ')', length);

        label = label != NULL ? label + 1 : text;
        if (label_field((token_t){label, length - (size_t)(label - text)}) !=
            FIELD_NONE)
            return TEXT_SURE;
        return TEXT_WEAK;
    }
    if (strncmp(text, "class ", 6) == 0 && strstr(text, " objs;") != NULL &&
        strstr(text, " cum M") != NULL)
        return TEXT_SURE;
    if (strncmp(text, "HugePageAware: ", 15) == 0 ||
        strncmp(text, "HugePageFiller: ", 16) == 0)
        return TEXT_SURE;
    return strncmp(text, "See http", 8) == 0 && strstr(text, GOOGLE_URL) != NULL
               ? TEXT_SURE
               : TEXT_NOTHING;
}

static void *
tcmalloc_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct tcmalloc *t = calloc(1, sizeof(*t));

    (void)error;
    if (t == NULL)
        return NULL;
    t->doc = (struct document){.sink = sink, .format = DUMP_FORMAT_TCMALLOC};
    t->last = FIELD_NONE;
    return t;
}

static jep_status_t
tcmalloc_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct tcmalloc *t = state;
    const char *text = skip_indent(line);
    jep_status_t status;

    document_line(&t->doc, line);
    status = read_line(t, text, line->length - (size_t)(text - line->text));
    *evidence = t->doc.evidence;
    return status;
}

static jep_status_t
tcmalloc_close(void *state)
{
    struct tcmalloc *t = state;
    jep_status_t status = finish(t);

    free(t);
    return status;
}

const struct text_format text_tcmalloc = {
    .name = "tcmalloc",
    .probe = tcmalloc_probe,
    .open = tcmalloc_open,
    .line = tcmalloc_line,
    .close = tcmalloc_close,
};
