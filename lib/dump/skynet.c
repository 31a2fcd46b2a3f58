/* Reader of skynet's debug console: mem, cmem and jmem.
 *
 *   mem    :0000000a   123.45 Kb (snlua launcher)     Lua of each service
 *   cmem   :0000000a   123456                         C of each, in bytes
 *          total       12345678
 *          block       1234
 *   jmem   stats.active       14888960     14.20 Mb   jemalloc's totals
 *
 * Services are owners, by what they have in Lua and in C; what mem says of them
 * is added up, too.  Answers to the three commands in one paste are one
 * document; another begins where a total, or the first service of a list, comes
 * a second time. */
#include "base/macros.h"
#include "dump/document.h"
#include "dump/owner.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_NAME_MAX 256
#define SERVICE_ID_MAX   16

struct skynet {
    struct document document;
    bool seen_total[TOTAL_COUNT], seen[SKYNET_COUNT];
    uint64_t lua, services; /* so far */
    /* The first service of mem and of cmem: when it comes again, so do all. */
    char first[2][SERVICE_ID_MAX];
};

enum { LIST_MEM, LIST_CMEM };

/* ":0000000a" */
static bool
is_address(token_t token)
{
    if (token.length != 9 || token.text[0] != ':')
        return false;
    for (size_t i = 1; i < token.length; i++) {
        if (strchr("0123456789abcdefABCDEF", token.text[i]) == NULL)
            return false;
    }
    return true;
}

/* "123.45" with the unit "Kb" or "Mb", in bytes. */
static bool
amount(token_t number, token_t unit, uint64_t *bytes)
{
    uint64_t scale = token_is(unit, "Kb")   ? 1024
                     : token_is(unit, "Mb") ? 1024 * 1024
                                            : 0;
    const char *point = memchr(number.text, '.', number.length);
    uint64_t whole, part, divisor = 1;
    token_t digits = number;

    if (scale == 0)
        return false;
    if (point != NULL)
        digits.length = (size_t)(point - number.text);
    if (!token_number(digits, &whole) || whole > INT64_MAX / scale)
        return false;
    *bytes = whole * scale;
    if (point == NULL)
        return true;
    digits = (token_t){point + 1, number.length - digits.length - 1};
    if (digits.length > 6 || !token_number(digits, &part))
        return false;
    for (size_t i = 0; i < digits.length; i++)
        divisor *= 10;
    *bytes += (part * scale + divisor / 2) / divisor;
    return true;
}

static jep_status_t
next_document(struct skynet *s)
{
    jep_status_t status = document_end(&s->document, true);

    memset(s->seen_total, 0, sizeof(s->seen_total));
    memset(s->seen, 0, sizeof(s->seen));
    memset(s->first, 0, sizeof(s->first));
    s->lua = s->services = 0;
    return status;
}

static jep_status_t
emit(struct skynet *s, enum dump_scope scope, int field, uint64_t value)
{
    bool *seen = scope == DUMP_TOTAL ? &s->seen_total[field] : &s->seen[field];
    jep_status_t status = *seen ? next_document(s) : JEP_OK;

    *seen = true;
    if (status == JEP_OK)
        status = document_need(&s->document, TEXT_SURE);
    return status != JEP_OK
               ? status
               : document_number(&s->document, scope, field, value);
}

/* The service at `address` has so many bytes.  `words`, what mem says behind
 * them in brackets, is its name. */
static jep_status_t
add_service(struct skynet *s, token_t address, const token_t *words,
            size_t count, uint64_t bytes)
{
    char id[SERVICE_ID_MAX], name[SERVICE_NAME_MAX];
    struct dump_owner owner = {
        .id = id, .figures = {bytes}, .known = 1u << OWNER_LIVE_BYTES};

    /* A service has the same address in either case. */
    for (size_t i = 0; i < address.length; i++)
        id[i] = (char)tolower((unsigned char)address.text[i]);
    id[address.length] = '\0';
    if (count > 0) {
        token_t all = {words[0].text,
                       (size_t)(words[count - 1].text - words[0].text) +
                           words[count - 1].length};

        if (all.length > 1 && all.text[0] == '(' && token_ends(all, ')'))
            all = (token_t){all.text + 1, all.length - 2};
        snprintf(name, sizeof(name), "%s %.*s", id, (int)all.length, all.text);
        owner.name = name;
    }
    if (owner_fault(&owner) != NULL)
        return document_warn(&s->document, 1, "this service %s: left out",
                             owner_fault(&owner));
    return document_owner(&s->document, &owner);
}

/* A line of a list begins: see to it that it is in the right document. */
static jep_status_t
need_list(struct skynet *s, int list, token_t address)
{
    char *first = s->first[list];
    jep_status_t status = JEP_OK;

    if (first[0] != '\0' && token_is(address, first))
        status = next_document(s);
    if (first[0] == '\0')
        snprintf(first, SERVICE_ID_MAX, "%.*s", (int)address.length,
                 address.text);
    return status != JEP_OK ? status : document_need(&s->document, TEXT_SURE);
}

/* One more service of mem: the sum is known from now on, and grows. */
static jep_status_t
add_lua(struct skynet *s, const token_t *tokens, size_t count, uint64_t bytes)
{
    jep_status_t status = need_list(s, LIST_MEM, tokens[0]);

    if (status == JEP_OK)
        status = add_service(s, tokens[0], tokens + 3, count - 3, bytes);
    if (status != JEP_OK)
        return status;
    if (bytes > INT64_MAX - s->lua)
        return document_warn(&s->document, 1, "too large a sum: left out");
    s->lua += bytes;
    s->services++;
    status = document_number(&s->document, DUMP_SKYNET, SKYNET_LUA, s->lua);
    return status != JEP_OK ? status
                            : document_number(&s->document, DUMP_SKYNET,
                                              SKYNET_SERVICES, s->services);
}

/* One of cmem. */
static jep_status_t
add_c(struct skynet *s, token_t address, uint64_t bytes)
{
    jep_status_t status = need_list(s, LIST_CMEM, address);

    return status != JEP_OK ? status : add_service(s, address, NULL, 0, bytes);
}

/* "stats.active" → "active" */
static int
jmem_field(token_t word)
{
    if (word.length <= 6 || memcmp(word.text, "stats.", 6) != 0)
        return FIELD_NONE;
    return field_by_json(DUMP_TOTAL, word.text + 6, word.length - 6);
}

static jep_status_t
read_line(struct skynet *s, const token_t *tokens, size_t count)
{
    uint64_t value;
    int field;

    if (count < 2)
        return JEP_OK;
    if (is_address(tokens[0])) {
        if (count > 2 && amount(tokens[1], tokens[2], &value))
            return add_lua(s, tokens, count, value);
        /* Of cmem the sum is the line "total". */
        return count == 2 && token_number(tokens[1], &value)
                   ? add_c(s, tokens[0], value)
                   : JEP_OK;
    }
    if (!token_number(tokens[1], &value))
        return JEP_OK;
    field = jmem_field(tokens[0]);
    if (field != FIELD_NONE)
        return emit(s, DUMP_TOTAL, field, value);
    if (count > 2 || !s->document.is_open)
        return JEP_OK;
    field = field_by_text(DUMP_SKYNET, tokens[0].text, tokens[0].length);
    if (field == SKYNET_C || field == SKYNET_BLOCKS)
        return emit(s, DUMP_SKYNET, field, value);
    return JEP_OK;
}

static unsigned
skynet_probe(const struct text_line *line)
{
    token_t tokens[3];
    size_t count;
    uint64_t value;

    /* Cheap first: every line of other formats comes by here. */
    if (line->text[strspn(line->text, " \t")] != ':' &&
        strncmp(line->text + strspn(line->text, " \t"), "stats.", 6) != 0)
        return TEXT_NOTHING;
    count = token_split(line->text, line->length, tokens, 3);
    if (count < 2)
        return TEXT_NOTHING;
    if (is_address(tokens[0]))
        return TEXT_SURE;
    return jmem_field(tokens[0]) != FIELD_NONE &&
                   token_number(tokens[1], &value)
               ? TEXT_SURE
               : TEXT_NOTHING;
}

static void *
skynet_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct skynet *s = calloc(1, sizeof(*s));

    (void)error;
    if (s != NULL)
        s->document =
            (struct document){.sink = sink, .format = DUMP_FORMAT_SKYNET};
    return s;
}

/* The totals that jmem prints. */
static const int jmem[] = {TOTAL_ACTIVE, TOTAL_ALLOCATED, TOTAL_MAPPED,
                           TOTAL_RESIDENT, TOTAL_RETAINED};

/* Only the answer to jmem, of which it is known how many lines it has, can be
 * seen to go on. */
static bool
skynet_is_over(const void *state)
{
    const struct skynet *s = state;
    size_t seen = 0;

    for (size_t i = 0; i < JE_ARRAY_LEN(jmem); i++)
        seen += s->seen_total[jmem[i]];
    return seen == 0 || seen == JE_ARRAY_LEN(jmem);
}

static jep_status_t
skynet_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct skynet *s = state;
    token_t tokens[TOKENS_MAX];
    size_t count = token_split(line->text, line->length, tokens, TOKENS_MAX);
    jep_status_t status;

    document_line(&s->document, line);
    status = read_line(s, tokens, count > TOKENS_MAX ? TOKENS_MAX : count);
    if (status == JEP_OK)
        status = document_warn_end(&s->document, line);
    *evidence = s->document.evidence;
    return status;
}

static jep_status_t
skynet_close(void *state)
{
    struct skynet *s = state;
    jep_status_t status = document_end(&s->document, s->document.line_ended);

    free(s);
    return status;
}

const struct text_format text_skynet = {
    .name = "skynet",
    .probe = skynet_probe,
    .open = skynet_open,
    .line = skynet_line,
    .close = skynet_close,
    .is_over = skynet_is_over,
};
