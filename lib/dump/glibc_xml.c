/* Reader of the XML that glibc's malloc_info() prints.
 *
 * expat gets the document tag by tag, so a cut-off one yields what it holds,
 * and a tag may go on in a later line. A piece that begins with a heap gets a
 * root element from us.  A document type is refused: none of glibc's has one,
 * and entities could grow without bounds.
 *
 * Free chunks come in three kinds: those of the fast bins, those of the other
 * bins, and the top of each heap, which is in the total of the others ("rest")
 * and in no bin.  Sizes in bins carry a flag in the lowest bit, and so do the
 * totals made of them. */
#include "base/macros.h"
#include "dump/document.h"
#include "dump/glibc_tag.h"
#include "dump/perr.h"
#include "dump/repair.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define HELD_MAX  256

enum element { OTHER, MALLOC, HEAP, SIZES, SIZE, TOTAL, SYSTEM, ASPACE };

/* Figures of a heap, or of all of them at the end of the document. */
struct figures {
    uint64_t system, system_max, fast, fast_count, rest, rest_count;
    uint64_t aspace, mprotect, subheaps, mmap, mmap_count;
    uint64_t binned; /* sum of the bins that are not fast */
    bool has_system, has_max, has_fast, has_rest, has_aspace, has_mprotect;
    bool has_subheaps, has_mmap, has_sizes;
    bool is_torn; /* something was left out */
};

struct glibc_xml {
    struct document doc;
    struct jep_error *error;
    XML_Parser parser; /* NULL = between documents */
    enum element stack[DEPTH_MAX];
    unsigned depth;
    uint32_t heap;
    uint64_t heaps, top;
    bool has_every_top;
    bool is_piece, is_done;
    struct figures now;  /* of the open heap */
    struct figures all;  /* of the document */
    jep_status_t status; /* of a handler */
    /* The start of a tag, in front of what may be the rest of it. */
    char text[HELD_MAX * 4 + 1];
    size_t held;
    uint64_t held_line;
};

static enum element
element_of(const char *name)
{
    static const struct {
        const char *name;
        enum element element;
    } elements[] = {{"malloc", MALLOC}, {"heap", HEAP},     {"sizes", SIZES},
                    {"size", SIZE},     {"unsorted", SIZE}, {"total", TOTAL},
                    {"system", SYSTEM}, {"aspace", ASPACE}};

    for (size_t i = 0; i < JE_ARRAY_LEN(elements); i++) {
        if (strcmp(elements[i].name, name) == 0)
            return elements[i].element;
    }
    return OTHER;
}

static const char *
attribute(const char **attributes, const char *name)
{
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        if (strcmp(attributes[i], name) == 0)
            return attributes[i + 1];
    }
    return NULL;
}

static bool
attribute_number(const char **attributes, const char *name, uint64_t *value)
{
    const char *text = attribute(attributes, name);

    return text != NULL && token_number((token_t){text, strlen(text)}, value);
}

/* A bin: its sizes are even if it is a fast one, and 16 bytes apart. */
static void
read_size(struct figures *f, const char **attributes)
{
    uint64_t from, to, total;

    if (!attribute_number(attributes, "from", &from) ||
        !attribute_number(attributes, "to", &to) ||
        !attribute_number(attributes, "total", &total))
        return;
    if (to % 8 == 0 && from % 8 == 1 && to > from)
        return;
    if (__builtin_add_overflow(f->binned, total, &f->binned))
        f->binned = UINT64_MAX;
}

static void
read_total(struct figures *f, const char *type, const char **attributes)
{
    uint64_t size, count;

    if (!attribute_number(attributes, "size", &size) ||
        !attribute_number(attributes, "count", &count))
        return;
    if (strcmp(type, "fast") == 0) {
        f->fast = size;
        f->fast_count = count;
        f->has_fast = true;
    } else if (strcmp(type, "rest") == 0) {
        f->rest = size;
        f->rest_count = count;
        f->has_rest = true;
    } else if (strcmp(type, "mmap") == 0) {
        f->mmap = size;
        f->mmap_count = count;
        f->has_mmap = true;
    }
}

static void
read_system(struct figures *f, enum element element, const char *type,
            const char **attributes)
{
    const struct {
        enum element element;
        const char *type;
        uint64_t *value;
        bool *known;
    } places[] = {{SYSTEM, "current", &f->system, &f->has_system},
                  {SYSTEM, "max", &f->system_max, &f->has_max},
                  {ASPACE, "total", &f->aspace, &f->has_aspace},
                  {ASPACE, "mprotect", &f->mprotect, &f->has_mprotect},
                  {ASPACE, "subheaps", &f->subheaps, &f->has_subheaps}};

    for (size_t i = 0; i < JE_ARRAY_LEN(places); i++) {
        if (places[i].element == element && strcmp(places[i].type, type) == 0)
            *places[i].known =
                attribute_number(attributes, "size", places[i].value);
    }
}

static bool
is_in_heap(const struct glibc_xml *x)
{
    for (unsigned i = 0; i < x->depth; i++) {
        if (x->stack[i] == HEAP)
            return true;
    }
    return false;
}

static void
heap_begin(struct glibc_xml *x, const char **attributes)
{
    uint64_t number;

    x->now = (struct figures){0};
    x->heap = (uint32_t)x->heaps;
    if (attribute_number(attributes, "nr", &number) && number < UINT32_MAX)
        x->heap = (uint32_t)number;
    x->heaps++;
}

static jep_status_t
cell(struct glibc_xml *x, int field, uint64_t value)
{
    return document_cell(&x->doc, DUMP_HEAP, x->heap, field, value);
}

/* What the heap has in use is all that is not free. */
static jep_status_t
heap_emit(struct glibc_xml *x)
{
    const struct figures *f = &x->now;
    jep_status_t status = JEP_OK;
    uint64_t unused = f->fast + f->rest;

    if (f->has_system)
        status = cell(x, HEAP_SYSTEM, f->system);
    if (status == JEP_OK && f->has_max)
        status = cell(x, HEAP_SYSTEM_MAX, f->system_max);
    if (status == JEP_OK && f->has_fast)
        status = cell(x, HEAP_FAST, f->fast);
    if (status == JEP_OK && f->has_rest)
        status = cell(x, HEAP_REST, f->rest);
    if (status == JEP_OK && f->has_subheaps)
        status = cell(x, HEAP_SUBHEAPS, f->subheaps);
    if (status != JEP_OK || !f->has_fast || !f->has_rest)
        return status;
    status = cell(x, HEAP_FREE_CHUNKS, f->fast_count + f->rest_count);
    if (status == JEP_OK && f->has_system && unused <= f->system)
        status = cell(x, HEAP_IN_USE, f->system - unused);
    return status;
}

static jep_status_t
heap_end(struct glibc_xml *x)
{
    const struct figures *f = &x->now;
    jep_status_t status = heap_emit(x);
    bool has_top =
        f->has_rest && f->has_sizes && !f->is_torn && f->rest >= f->binned;

    x->has_every_top = (x->heaps == 1 || x->has_every_top) && has_top;
    if (!has_top || status != JEP_OK)
        return status;
    x->top += f->rest - f->binned;
    return cell(x, HEAP_TOP, f->rest - f->binned);
}

static jep_status_t
emit(struct glibc_xml *x, bool is_known, int field, uint64_t value)
{
    return is_known ? document_number(&x->doc, DUMP_GLIBC, field, value)
                    : JEP_OK;
}

/* The sums over all heaps, which the document ends with. */
static jep_status_t
sums_emit(struct glibc_xml *x)
{
    const struct figures *f = &x->all;
    uint64_t unused = f->fast + f->rest;
    bool has_all = f->has_system && f->has_fast && f->has_rest;

    const struct {
        bool is_known;
        int field;
        uint64_t value;
    } sums[] = {
        {true, GLIBC_HEAPS, x->heaps},
        {f->has_system, GLIBC_HEAP_SYSTEM, f->system},
        {f->has_max, GLIBC_HEAP_SYSTEM_MAX, f->system_max},
        {f->has_fast, GLIBC_FAST, f->fast},
        {f->has_fast, GLIBC_FAST_COUNT, f->fast_count},
        {f->has_rest, GLIBC_REST, f->rest},
        {f->has_rest, GLIBC_REST_COUNT, f->rest_count},
        {f->has_fast && f->has_rest, GLIBC_FREE, unused},
        {f->has_mmap, GLIBC_MMAP, f->mmap},
        {f->has_mmap, GLIBC_MMAP_COUNT, f->mmap_count},
        {f->has_aspace, GLIBC_ASPACE, f->aspace},
        {f->has_mprotect, GLIBC_ASPACE_MPROTECT, f->mprotect},
        {f->has_rest && x->has_every_top && x->top <= f->rest, GLIBC_TOP,
         x->top},
        {has_all && unused <= f->system, GLIBC_HEAP_IN_USE, f->system - unused},
        /* Before 2.23 there is no line for what is mapped directly. */
        {f->has_system && f->has_mmap, GLIBC_SYSTEM, f->system + f->mmap},
        {has_all && f->has_mmap && unused <= f->system, GLIBC_IN_USE,
         f->system + f->mmap - unused},
    };

    jep_status_t status = JEP_OK;

    for (size_t i = 0; i < JE_ARRAY_LEN(sums) && status == JEP_OK; i++)
        status = emit(x, sums[i].is_known, sums[i].field, sums[i].value);
    return status;
}

static void
stop(struct glibc_xml *x, jep_status_t status)
{
    x->status = status;
    if (status != JEP_OK)
        XML_StopParser(x->parser, XML_FALSE);
}

static void
on_start(void *state, const char *name, const char **attributes)
{
    struct glibc_xml *x = state;
    enum element element = element_of(name);
    const char *type = attribute(attributes, "type");
    struct figures *f = is_in_heap(x) ? &x->now : &x->all;

    if (x->depth < DEPTH_MAX)
        x->stack[x->depth] = element;
    else
        XML_StopParser(x->parser, XML_FALSE);
    if (element == HEAP && is_in_heap(x))
        XML_StopParser(x->parser, XML_FALSE);
    else if (element == HEAP)
        heap_begin(x, attributes);
    else if (element == SIZES)
        f->has_sizes = true;
    else if (element == SIZE)
        read_size(f, attributes);
    else if (element == TOTAL && type != NULL)
        read_total(f, type, attributes);
    else if ((element == SYSTEM || element == ASPACE) && type != NULL)
        read_system(f, element, type, attributes);
    x->depth += x->depth < DEPTH_MAX;
}

static void
on_end(void *state, const char *name)
{
    struct glibc_xml *x = state;

    x->depth -= x->depth > 0;
    if (element_of(name) == HEAP && !is_in_heap(x))
        stop(x, heap_end(x));
    x->is_done = x->depth == 0;
}

static void
on_doctype(void *state, const char *name, const char *system_id,
           const char *public_id, int has_internal)
{
    struct glibc_xml *x = state;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    XML_StopParser(x->parser, XML_FALSE);
}

/* A tag whose rest does not come is left out; if it was a bin, the sum over the
 * bins is none. */
static jep_status_t
drop(struct glibc_xml *x)
{
    uint64_t line = x->doc.line;
    jep_status_t status;

    if (x->held == 0)
        return JEP_OK;
    x->held = 0;
    x->now.is_torn = true;
    x->doc.line = x->held_line;
    status = document_warn(&x->doc, 0, "a tag has no end: it is left out");
    x->doc.line = line;
    return status;
}

static jep_status_t
finish(struct glibc_xml *x, bool complete)
{
    jep_status_t status;

    XML_ParserFree(x->parser);
    x->parser = NULL;
    if (!x->doc.is_open)
        return JEP_OK;
    status = drop(x);
    if (status == JEP_OK)
        status = sums_emit(x);
    if (status == JEP_OK)
        status = document_end(&x->doc, complete);
    return status;
}

static jep_status_t
feed(struct glibc_xml *x, const char *text, size_t length)
{
    enum XML_Status parsed;
    enum XML_Error reason;
    jep_status_t status;
    uint64_t column;

    parsed = XML_Parse(x->parser, text, (int)length, XML_FALSE);
    if (x->status != JEP_OK)
        return x->status;
    /* What follows the end on the same line is not ours to judge. */
    if (parsed == XML_STATUS_OK || x->is_done)
        return JEP_OK;
    reason = XML_GetErrorCode(x->parser);
    if (reason == XML_ERROR_NO_MEMORY)
        return perr_memory(x->error);
    column = (uint64_t)XML_GetCurrentColumnNumber(x->parser) + 1;
    status = document_warn(&x->doc, column,
                           "this is not how malloc_info() goes on (%s): what "
                           "follows is not read",
                           XML_ErrorString(reason));
    return status == JEP_OK ? finish(x, false) : status;
}

static jep_status_t
begin(struct glibc_xml *x, bool is_piece)
{
    static const XML_Memory_Handling_Suite memory = {malloc, realloc, free};
    static const char root[] = "<malloc>";
    jep_status_t status = document_need(&x->doc, TEXT_SURE);

    if (status != JEP_OK)
        return status;
    x->parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (x->parser == NULL)
        return perr_memory(x->error);
    x->depth = 0;
    x->heaps = x->top = 0;
    x->has_every_top = false;
    x->is_piece = is_piece;
    x->is_done = false;
    x->held = 0;
    x->now = x->all = (struct figures){0};
    x->status = JEP_OK;
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    return is_piece ? feed(x, root, sizeof(root) - 1) : JEP_OK;
}

static bool
is_root(const char *text)
{
    return strncmp(text, "<malloc", 7) == 0 &&
           (text[7] == '>' || text[7] == ' ');
}

static bool
is_heap(const char *text)
{
    return strncmp(text, "<heap nr=", 9) == 0;
}

static const char *
skip_indent(const char *text)
{
    return text + strspn(text, " \t");
}

static unsigned
glibc_xml_probe(const struct text_line *line)
{
    const char *text = skip_indent(line->text);

    return is_root(text) || is_heap(text) ? TEXT_SURE : TEXT_NOTHING;
}

static void *
glibc_xml_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct glibc_xml *x = calloc(1, sizeof(*x));

    if (x == NULL)
        return NULL;
    x->error = error;
    x->doc = (struct document){.sink = sink, .format = DUMP_FORMAT_GLIBC};
    return x;
}

/* Put `between` and a text behind the start of a tag that is held: the length
 * of all of it, 0 = it is no such rest. */
static size_t
join_with(struct glibc_xml *x, const char *between, const char *text,
          size_t length)
{
    size_t blanks = strlen(between), all = x->held + blanks + length;
    struct glibc_tags tags;

    memcpy(x->text + x->held, between, blanks);
    memcpy(x->text + x->held + blanks, text, length);
    x->text[all] = '\0';
    tags = glibc_tags(x->text, all);
    return tags.whole > 0 || tags.fits == all ? all : 0;
}

/* The same for what may have been lost between: a blank where the line was
 * wrapped, or a bracket that was taken for a quotation mark.  No more of the
 * line is joined than up to the end of the tag; *used: that much. */
static size_t
join(struct glibc_xml *x, const char *text, size_t length, size_t *used)
{
    const char *bracket = memchr(text, '>', length);
    size_t all;

    *used = bracket != NULL ? (size_t)(bracket - text) + 1 : length;
    if (*used + x->held + 1 >= sizeof(x->text) ||
        (bracket == NULL && memchr(text, '"', length) == NULL))
        return 0;
    all = join_with(x, "", text, *used);
    if (all == 0)
        all = join_with(x, *skip_indent(text) == '<' ? ">" : " ", text, *used);
    return all;
}

/* Give it to expat, but for the start of a tag at the end, which is kept. */
static jep_status_t
feed_and_hold(struct glibc_xml *x, const char *text, size_t length)
{
    struct glibc_tags tags = glibc_tags(text, length);
    bool is_whole = tags.fits < length || tags.whole == length ||
                    length - tags.whole > HELD_MAX;
    jep_status_t status;

    status = feed(x, text, is_whole ? length : tags.whole);
    x->held = is_whole ? 0 : length - tags.whole;
    x->held_line = x->doc.line;
    memmove(x->text, text + tags.whole, x->held);
    if (status == JEP_OK && x->parser != NULL && is_whole)
        status = feed(x, "\n", 1);
    return status;
}

/* Give expat the tags of a line, and those whose rest it is. */
static jep_status_t
read_tags(struct glibc_xml *x, const char *text, size_t length)
{
    const struct dump_sink *sink = x->doc.sink;
    size_t used = 0;
    size_t all = x->held > 0 ? join(x, text, length, &used) : 0;
    jep_status_t status = JEP_OK;

    /* Between tags there is nothing but what others wrote. */
    if (all == 0 && *skip_indent(text) != '<')
        return JEP_OK;
    document_says(&x->doc, TEXT_WEAK);
    if (all == 0)
        status = drop(x);
    else if (x->held_line + 1 == x->doc.line)
        status = sink->repaired(sink->context, x->doc.line, 1u << REPAIR_WRAP);
    if (status != JEP_OK || all == 0)
        return status == JEP_OK ? feed_and_hold(x, text, length) : status;
    status = feed_and_hold(x, x->text, all);
    if (status != JEP_OK || x->parser == NULL || used == length)
        return status;
    return feed_and_hold(x, text + used, length - used);
}

static jep_status_t
read_line(struct glibc_xml *x, const char *text, size_t length)
{
    const char *start = skip_indent(text);
    jep_status_t status = JEP_OK;

    if (x->parser != NULL && is_root(start))
        status = finish(x, false);
    if (status == JEP_OK && x->parser == NULL) {
        if (!is_root(start) && !is_heap(start))
            return JEP_OK;
        status = begin(x, is_heap(start));
    }
    if (status == JEP_OK && x->parser != NULL)
        status = read_tags(x, text, length);
    if (status == JEP_OK && x->parser != NULL && x->is_done)
        status = finish(x, !x->is_piece);
    return status;
}

static size_t
glibc_xml_own(void *state, const struct text_line *line, size_t *most)
{
    struct glibc_xml *x = state;
    size_t used = 0, all, before;
    struct glibc_tags tags;

    *most = line->length;
    if (x->held > 0) {
        all = join(x, line->text, line->length, &used);
        if (all == 0)
            return line->length;
        before = all - used;
        tags = glibc_tags(x->text, all);
        if (tags.fits < all) {
            *most = tags.fits - before;
            return tags.whole > before ? tags.whole - before : 0;
        }
    }
    tags = glibc_tags(line->text + used, line->length - used);
    *most = used + tags.fits;
    return *most == line->length ? line->length : used + tags.whole;
}

/* Whether no open tag waits for the end of its element. */
static bool
glibc_xml_is_over(const void *state)
{
    const struct glibc_xml *x = state;

    return x->parser == NULL || (x->is_piece && x->depth <= 1);
}

static jep_status_t
glibc_xml_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct glibc_xml *x = state;
    jep_status_t status;

    document_line(&x->doc, line);
    status = read_line(x, line->text, line->length);
    *evidence = x->doc.evidence;
    return status;
}

static jep_status_t
glibc_xml_close(void *state)
{
    struct glibc_xml *x = state;
    jep_status_t status =
        x->parser != NULL ? finish(x, false) : document_end(&x->doc, false);

    free(x);
    return status;
}

const struct text_format text_glibc_xml = {
    .name = "glibc-xml",
    .probe = glibc_xml_probe,
    .open = glibc_xml_open,
    .line = glibc_xml_line,
    .close = glibc_xml_close,
    .own = glibc_xml_own,
    .is_over = glibc_xml_is_over,
};
