/* Reader of sampled heap profiles as text.
 *
 * jemalloc's heap_v2: a stack in a line that starts with "@", then its counts,
 * "t*" being those of all threads.  gperftools' (and jemalloc's up to 3.x): the
 * counts and the stack in one line.  Java's heapz: bytes and count of what is
 * live, and names of the addresses at the end.  All of them may have a
 * "--- symbol" section with names in front, as pprof writes it.
 *
 * Counts are raw samples.  A stack has one count for all sizes, so its objects
 * are taken to be of the mean size; they are emitted as two sizes next to each
 * other, which add up to exactly the bytes that were read.  Where nothing was
 * accumulated, what was ever allocated is not known. */
#include "base/macros.h"
#include "dump/document.h"

#include <stdlib.h>
#include <string.h>

#define STACK_MAX 1024   /* frames; further ones are left out */
#define NAME_MAX_ 1024   /* bytes of a function's name */
#define JAVA_RATE 524288 /* heapz does not say it */

enum section { SECTION_NONE, SECTION_STACKS, SECTION_MAPS, SECTION_SYMBOLS };

struct counts {
    uint64_t objects, bytes;
};

struct heapprof {
    struct document doc;
    enum section section;
    bool has_head, is_java, is_v2, warned_rate;
    uint64_t mapped;            /* where the last mapping ended */
    bool has_stack, has_totals; /* of heap_v2 */
    uint64_t rate;              /* 0: every allocation is in it */
    uint64_t stacks;            /* emitted so far */
    uint64_t frames[STACK_MAX];
    size_t frame_count;
};

static jep_status_t
finish(struct heapprof *h, bool complete)
{
    jep_status_t status = document_end(&h->doc, complete);
    struct document doc = h->doc;

    memset(h, 0, sizeof(*h));
    h->doc = doc;
    return status;
}

static bool
is_whole(const struct heapprof *h)
{
    return h->has_head && (h->section == SECTION_MAPS ||
                           (h->is_java && h->section == SECTION_SYMBOLS));
}

static const char *
skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Decimal digits at *at, which moves behind them. */
static bool
read_decimal(const char **at, uint64_t *value)
{
    size_t length;

    *at = skip_blanks(*at);
    length = strspn(*at, "0123456789");
    if (!token_number((token_t){*at, length}, value))
        return false;
    *at += length;
    return true;
}

static bool
read_char(const char **at, char c)
{
    *at = skip_blanks(*at);
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* "30: 79763360 [0: 0]" */
static bool
read_counts(const char **at, struct counts *live, struct counts *total)
{
    return read_decimal(at, &live->objects) && read_char(at, ':') &&
           read_decimal(at, &live->bytes) && read_char(at, '[') &&
           read_decimal(at, &total->objects) && read_char(at, ':') &&
           read_decimal(at, &total->bytes) && read_char(at, ']');
}

/* Hexadecimal digits, at most 16 that count. */
static bool
read_hex(const char **at, uint64_t *value)
{
    size_t length;

    *at = skip_blanks(*at);
    if ((*at)[0] == '0' && (*at)[1] == 'x')
        *at += 2;
    length = strspn(*at, "0123456789abcdefABCDEF");
    if (length == 0 || length > 16)
        return false;
    *value = strtoull(*at, NULL, 16);
    *at += length;
    return true;
}

/* The addresses of a stack; the last one of a cut-off line may lack digits. */
static void
read_stack(struct heapprof *h, const char *at)
{
    uint64_t address;

    h->frame_count = 0;
    while (read_hex(&at, &address)) {
        if (*at == '\0' && !h->doc.line_ended)
            break;
        if (h->frame_count < STACK_MAX)
            h->frames[h->frame_count++] = address;
    }
}

static jep_status_t
number(struct heapprof *h, int field, uint64_t value)
{
    return document_number(&h->doc, DUMP_PROFILE, field, value);
}

static jep_status_t
text(struct heapprof *h, const char *name, const char *value)
{
    return document_text(&h->doc, name, (token_t){value, strlen(value)});
}

/* A rate that does not leave anything out is 0 for the receiver. */
static jep_status_t
head(struct heapprof *h, uint64_t rate)
{
    jep_status_t status = JEP_OK;

    if (h->has_head)
        status = finish(h, is_whole(h));
    if (status == JEP_OK)
        status = document_need(&h->doc, TEXT_SURE);
    h->has_head = true;
    h->section = SECTION_STACKS;
    h->rate = rate > 1 ? rate : 0;
    if (status != JEP_OK)
        return status;
    return number(h, PROFILE_SAMPLE_INTERVAL, rate > 1 ? rate : 1);
}

/* Samples of `size` bytes, live or ever. */
static jep_status_t
emit_size(struct heapprof *h, uint64_t size, uint64_t samples, bool is_live)
{
    struct dump_site site = {.stack = h->stacks,
                             .size = size,
                             .rate = h->rate,
                             .live_samples = is_live ? samples : 0,
                             .total_samples = is_live ? 0 : samples};

    if (samples == 0)
        return JEP_OK;
    return h->doc.sink->site(h->doc.sink->context, &site);
}

static jep_status_t
emit_counts(struct heapprof *h, const struct counts *counts, bool is_live)
{
    uint64_t more, size;
    jep_status_t status;

    if (counts->objects == 0)
        return JEP_OK;
    size = counts->bytes / counts->objects;
    more = counts->bytes % counts->objects; /* of them are one byte larger */
    status = emit_size(h, size, counts->objects - more, is_live);
    return status != JEP_OK ? status : emit_size(h, size + 1, more, is_live);
}

/* The stack in h->frames and its counts. */
static jep_status_t
emit_stack(struct heapprof *h, const struct counts *live,
           const struct counts *total)
{
    const struct dump_sink *sink = h->doc.sink;
    jep_status_t status;

    if ((live->objects == 0 && live->bytes != 0) ||
        (total->objects == 0 && total->bytes != 0))
        return document_warn(&h->doc, 0,
                             "bytes without objects: the stack is left out");
    if (live->objects == 0 && total->objects == 0)
        return JEP_OK;
    if (!h->has_head && !h->warned_rate) {
        h->warned_rate = true;
        status = document_warn(&h->doc, 0,
                               "the head of the profile is missing, and with "
                               "it the sampling rate: figures are those of "
                               "the samples alone");
        if (status != JEP_OK)
            return status;
    }
    status = sink->stack(sink->context, h->frames, h->frame_count);
    if (status == JEP_OK)
        status = emit_counts(h, live, true);
    if (status == JEP_OK)
        status = emit_counts(h, total, false);
    h->stacks++;
    return status;
}

/* "heap profile:  144:  8498176 [   144:  8498176] @ heapz_v2/524288" */
static jep_status_t
read_gperftools_head(struct heapprof *h, const char *at)
{
    struct counts live = {0}, total = {0};
    uint64_t rate = 1, value;
    bool has_counts = read_counts(&at, &live, &total), is_growth;
    jep_status_t status;
    const char *type;

    if (!has_counts || !read_char(&at, '@'))
        return JEP_OK;
    type = skip_blanks(at);
    at = type + strcspn(type, "/ \t");
    is_growth = strncmp(type, "growth", 6) == 0;
    if (*at == '/') {
        at++;
        if (read_decimal(&at, &value))
            rate = value;
        /* This one kind states twice its rate. */
        if (strncmp(type, "heap/", 5) == 0)
            rate /= 2;
    }
    status = head(h, rate);
    if (status == JEP_OK)
        status = number(h, PROFILE_LIVE_SAMPLES, live.objects);
    if (status == JEP_OK && total.objects >= live.objects)
        status = number(h, PROFILE_SAMPLES_TAKEN, total.objects);
    if (status == JEP_OK && is_growth)
        status = document_warn(&h->doc, 0,
                               "a growth profile: its figures are what the "
                               "heap grew by, not what is live");
    return status;
}

/* "  t*: 30: 79763360 [0: 0]": first of the whole profile, then of each
 * stack.  The parts of single threads are in it. */
static jep_status_t
read_thread_row(struct heapprof *h, const char *at)
{
    struct counts live, total;
    bool is_sum = at[1] == '*';
    jep_status_t status;

    at += 1 + (is_sum ? 1 : strspn(at + 1, "0123456789"));
    if (!read_char(&at, ':') || !read_counts(&at, &live, &total))
        return JEP_OK;
    status = document_need(&h->doc, TEXT_SURE);
    if (status != JEP_OK || !is_sum)
        return status;
    if (h->has_stack) {
        h->has_stack = false;
        return emit_stack(h, &live, &total);
    }
    if (!h->has_head || h->has_totals)
        return JEP_OK;
    h->has_totals = true;
    status = number(h, PROFILE_LIVE_SAMPLES, live.objects);
    if (status == JEP_OK && total.objects >= live.objects && total.objects > 0)
        status = number(h, PROFILE_SAMPLES_TAKEN, total.objects);
    return status;
}

/* "  1: 4096 [ 1: 4096] @ 0x7fb65c6938cc 0x7fb65c6a10a0", and in Java's
 * "  7048  1 @ 0x00000003 0x00000004". */
static jep_status_t
read_row(struct heapprof *h, const char *at, bool *is_row)
{
    struct counts live = {0}, total = {0};
    jep_status_t status;

    *is_row = h->is_java ? read_decimal(&at, &live.bytes) &&
                               read_decimal(&at, &live.objects)
                         : read_counts(&at, &live, &total);
    *is_row = *is_row && read_char(&at, '@') &&
              (*at == '\0' || *at == ' ' || *at == '\t');
    if (!*is_row)
        return JEP_OK;
    status = document_need(&h->doc, TEXT_SURE);
    if (status != JEP_OK)
        return status;
    read_stack(h, at);
    return emit_stack(h, &live, &total);
}

/* Whether the line is a mapping behind those before: they rise, and what falls
 * back is another file.  Old profiles have no heading before them. */
static bool
is_mapping(const struct heapprof *h, const char *at)
{
    uint64_t start, end;

    return (h->section == SECTION_MAPS || (h->has_head && !h->is_v2)) &&
           read_hex(&at, &start) && *at++ == '-' && read_hex(&at, &end) &&
           (*at == ' ' || *at == ':') && start >= 0x1000 && end > start &&
           start >= h->mapped;
}

/* "00008000-00009000 r-xp 00000000 b3:02 17093  /usr/bin/java", or the short
 * form "  7f47a4351000-7f47a4352000: /lib/libc.so". */
static jep_status_t
read_mapping(struct heapprof *h, const char *at)
{
    struct dump_mapping mapping = {0};
    bool is_executable = true;
    token_t words[5];
    size_t count;

    if (!read_hex(&at, &mapping.start) || *at != '-')
        return JEP_OK;
    at++;
    if (!read_hex(&at, &mapping.end) || mapping.end <= mapping.start)
        return JEP_OK;
    document_says(&h->doc, TEXT_WEAK);
    h->mapped = mapping.end;
    if (*at == ':') {
        mapping.path = skip_blanks(at + 1);
    } else {
        count = token_split(at, strlen(at), words, 5);
        if (count < 5 || words[0].length < 3)
            return JEP_OK;
        is_executable = words[0].text[2] == 'x';
        at = words[1].text;
        if (!read_hex(&at, &mapping.offset))
            return JEP_OK;
        mapping.path = words[4].text;
    }
    /* A path at the end of a cut-off file is not whole. */
    if (!is_executable || *mapping.path == '\0' || !h->doc.line_ended)
        return JEP_OK;
    return h->doc.sink->mapping(h->doc.sink->context, &mapping);
}

/* "0x00000003 com.example.function (Source.java:103)", the place optional. */
static jep_status_t
read_symbol(struct heapprof *h, const char *at)
{
    char function[NAME_MAX_], *bracket, *colon;
    struct dump_symbol symbol = {.function = function};
    jep_status_t status;
    size_t length;

    if (strncmp(at, "0x", 2) != 0 || !read_hex(&at, &symbol.address) ||
        (*at != ' ' && *at != '\t'))
        return JEP_OK;
    at = skip_blanks(at);
    length = strlen(at);
    if (length == 0 || length >= sizeof(function) || !h->doc.line_ended)
        return JEP_OK;
    memcpy(function, at, length + 1);
    bracket = strrchr(function, '(');
    colon = bracket != NULL ? strrchr(bracket, ':') : NULL;
    if (colon != NULL && bracket > function && function[length - 1] == ')') {
        bracket[-(bracket[-1] == ' ')] = '\0';
        symbol.file = bracket + 1;
        *colon = '\0';
        symbol.line = (uint32_t)strtoul(colon + 1, NULL, 10);
    }
    status = document_need(&h->doc, TEXT_WEAK);
    return status != JEP_OK
               ? status
               : h->doc.sink->symbol(h->doc.sink->context, &symbol);
}

/* Lines that begin a profile or a part of it. */
static jep_status_t
read_head(struct heapprof *h, const char *at, bool *is_head)
{
    jep_status_t status;
    uint64_t rate;

    *is_head = true;
    if (strncmp(at, "heap_v2/", 8) == 0) {
        at += 8;
        if (!read_decimal(&at, &rate))
            return JEP_OK;
        status = head(h, rate);
        h->is_v2 = true;
        return status != JEP_OK ? status : text(h, "allocator", "jemalloc");
    }
    if (strncmp(at, "heap profile:", 13) == 0)
        return read_gperftools_head(h, at + 13);
    if (strncmp(at, "--- heapz ", 10) == 0) {
        status = head(h, JAVA_RATE);
        h->is_java = true;
        return status;
    }
    if (strncmp(at, "--- symbol", 10) == 0) {
        status = h->has_head ? finish(h, is_whole(h)) : JEP_OK;
        h->section = SECTION_SYMBOLS;
        return status != JEP_OK ? status : document_need(&h->doc, TEXT_WEAK);
    }
    if (strncmp(at, "MAPPED_LIBRARIES:", 17) == 0) {
        h->section = SECTION_MAPS;
        return document_need(&h->doc, TEXT_WEAK);
    }
    *is_head = false;
    return JEP_OK;
}

static jep_status_t
read_line(struct heapprof *h, const char *line)
{
    const char *at = skip_blanks(line);
    jep_status_t status;
    bool is_one;

    status = read_head(h, at, &is_one);
    if (status != JEP_OK || is_one || *at == '\0')
        return status;
    if (is_mapping(h, at)) {
        h->section = SECTION_MAPS;
        return read_mapping(h, at);
    }
    if (*at == '@') {
        status = h->doc.is_open || at[1] == ' '
                     ? document_need(&h->doc, TEXT_WEAK)
                     : JEP_OK;
        h->has_stack = true;
        read_stack(h, at + 1);
        return status;
    }
    if (*at == 't' && (at[1] == '*' || (at[1] >= '0' && at[1] <= '9')))
        return read_thread_row(h, at);
    status = read_row(h, at, &is_one);
    if (status != JEP_OK || is_one)
        return status;
    if (h->section == SECTION_STACKS && strstr(at, " @ 0x") != NULL) {
        document_says(&h->doc, TEXT_WEAK);
        return document_warn(&h->doc, 0,
                             "the counts of a stack are no sizes: it is left "
                             "out");
    }
    if (h->is_java && strncmp(at, "0x", 2) == 0)
        h->section = SECTION_SYMBOLS;
    return h->section == SECTION_SYMBOLS ? read_symbol(h, at) : JEP_OK;
}

static unsigned
heapprof_probe(const struct text_line *line)
{
    const char *at = skip_blanks(line->text);
    struct counts live, total;

    if (strncmp(at, "heap_v2/", 8) == 0 ||
        strncmp(at, "heap profile:", 13) == 0 ||
        strncmp(at, "--- heapz ", 10) == 0)
        return TEXT_SURE;
    if (strncmp(at, "--- symbol", 10) == 0 || strncmp(at, "@ 0x", 4) == 0)
        return TEXT_WEAK;
    return read_counts(&at, &live, &total) && read_char(&at, '@')
               ? TEXT_SURE
               : TEXT_NOTHING;
}

static void *
heapprof_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct heapprof *h = calloc(1, sizeof(*h));

    (void)error;
    if (h != NULL)
        h->doc =
            (struct document){.sink = sink, .format = DUMP_FORMAT_HEAP_PROFILE};
    return h;
}

static jep_status_t
heapprof_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct heapprof *h = state;
    jep_status_t status;

    document_line(&h->doc, line);
    status = read_line(h, line->text);
    *evidence = h->doc.evidence;
    return status;
}

static jep_status_t
heapprof_close(void *state)
{
    struct heapprof *h = state;
    jep_status_t status = finish(h, is_whole(h));

    free(h);
    return status;
}

/* The mappings at its end may be those of any process. */
static bool
heapprof_is_over(const void *state)
{
    const struct heapprof *h = state;

    return !h->doc.is_open || h->section == SECTION_MAPS;
}

const struct text_format text_heapprof = {
    .name = "heap-profile",
    .probe = heapprof_probe,
    .open = heapprof_open,
    .line = heapprof_line,
    .close = heapprof_close,
    .is_over = heapprof_is_over,
};
