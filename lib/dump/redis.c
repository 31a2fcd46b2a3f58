/* Reader of what Redis and Valkey say of their memory: INFO, MEMORY STATS,
 * MEMORY DOCTOR, and the log lines of active defragmentation.
 *
 * INFO is "key:value".  MEMORY STATS is a name and a number in turns, on lines
 * of their own; redis-cli numbers them, quotes the names and says what type
 * the numbers are, or prints all of it on a line of JSON or CSV.  What has no
 * field of its own becomes the setting "redis." with its name, ratios among
 * them, so that nothing is rounded.
 *
 * All of them that one process printed together are one document; another one
 * begins where a figure comes a second time from the same command. */
#include "base/macros.h"
#include "dump/document.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 96
#define UPTIME_MAX      4000000000u /* seconds */

enum source { SOURCE_INFO, SOURCE_STATS, SOURCES };

struct redis {
    struct document document;
    bool seen[SOURCES][REDIS_COUNT];
    bool seen_server;          /* the version: INFO begins with it */
    bool is_doctor;            /* the list of issues goes on */
    char key[NAME_MAX_LENGTH]; /* of MEMORY STATS, waits for its value */
    char database[16];         /* "db.0." while in its part */
};

/* ---- what a line is ---------------------------------------------------- */

static token_t
strip(token_t token, const char *set)
{
    while (token.length > 0 && strchr(set, token.text[0]) != NULL) {
        token.text++;
        token.length--;
    }
    while (token.length > 0 &&
           strchr(set, token.text[token.length - 1]) != NULL)
        token.length--;
    return token;
}

/* "used_memory:1234" without what quoting leaves around it. */
static bool
info_split(token_t line, token_t *key, token_t *value)
{
    const char *colon;

    line = strip(line, " \t\r_*`\"");
    colon = memchr(line.text, ':', line.length);
    if (colon == NULL)
        return false;
    *key = (token_t){line.text, (size_t)(colon - line.text)};
    *value = (token_t){colon + 1, line.length - key->length - 1};
    if (key->length == 0 || !islower((unsigned char)key->text[0]) ||
        value->length == 0 || value->text[0] == ' ')
        return false;
    for (size_t i = 0; i < key->length; i++) {
        unsigned char c = (unsigned char)key->text[i];

        if (!islower(c) && !isdigit(c) && c != '_')
            return false;
    }
    return true;
}

static bool
starts(token_t token, const char *text)
{
    return token.length >= strlen(text) &&
           memcmp(token.text, text, strlen(text)) == 0;
}

/* Keys that nothing but Redis prints. */
static bool
info_is_sure(token_t key)
{
    static const char *const prefixes[] = {"used_memory", "allocator_",
                                           "mem_fragmentation_",
                                           "rss_overhead_", "redis_version"};

    for (size_t i = 0; i < JE_ARRAY_LEN(prefixes); i++) {
        if (starts(key, prefixes[i]))
            return true;
    }
    return false;
}

/* Take "12) 1) " and "1# " off, which redis-cli puts before elements. */
static token_t
unnumber(token_t line)
{
    for (;;) {
        size_t digits = 0;

        line = strip(line, " \t\r");
        while (digits < line.length &&
               isdigit((unsigned char)line.text[digits]))
            digits++;
        if (digits == 0 || digits + 1 >= line.length ||
            (line.text[digits] != ')' && line.text[digits] != '#') ||
            line.text[digits + 1] != ' ')
            return line;
        line.text += digits + 1;
        line.length -= digits + 1;
    }
}

/* "total.allocated": lower-case words joined by dots and hyphens. */
static bool
is_stats_key(token_t word)
{
    bool has_joint = false;

    if (word.length == 0 || !islower((unsigned char)word.text[0]) ||
        word.length >= NAME_MAX_LENGTH)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        unsigned char c = (unsigned char)word.text[i];

        has_joint |= c == '.' || c == '-';
        if (!islower(c) && !isdigit(c) && c != '.' && c != '-')
            return false;
    }
    return has_joint || token_is(word, "fragmentation");
}

/* "(integer) 12", "(double) 1.5", "\"1.5\"", "12". */
static token_t
stats_value(token_t word)
{
    if (starts(word, "(integer)"))
        word = (token_t){word.text + 9, word.length - 9};
    else if (starts(word, "(double)"))
        word = (token_t){word.text + 8, word.length - 8};
    return strip(word, " \t\r\",");
}

static bool
is_value(token_t value)
{
    if (value.length == 0)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        if (!isdigit((unsigned char)value.text[i]) &&
            strchr(".-+einf", value.text[i]) == NULL)
            return false;
    }
    return true;
}

/* The next string, number or word of a line of JSON or CSV; false: no more. */
static bool
packed_next(token_t *line, token_t *word)
{
    size_t start = 0, end;
    const char *ends = ",:}]";

    while (start < line->length &&
           strchr("{}[],: \t\r", line->text[start]) != NULL)
        start++;
    if (start == line->length)
        return false;
    if (line->text[start] == '"') {
        start++;
        ends = "\"";
    }
    end = start;
    while (end < line->length && strchr(ends, line->text[end]) == NULL)
        end++;
    *word = (token_t){line->text + start, end - start};
    end += end < line->length;
    *line = (token_t){line->text + end, line->length - end};
    return true;
}

/* Whether a line is of JSON or CSV that begins with a name; which in *key. */
static bool
is_packed(token_t line, token_t *key)
{
    line = strip(line, "{ \t\r");
    return line.length > 0 && line.text[0] == '"' && packed_next(&line, key) &&
           line.length > 0 && strchr(",:", line.text[0]) != NULL &&
           is_stats_key(*key);
}

/* ---- documents --------------------------------------------------------- */

static jep_status_t
next_document(struct redis *r)
{
    jep_status_t status = document_end(&r->document, true);

    memset(r->seen, 0, sizeof(r->seen));
    r->seen_server = r->is_doctor = false;
    r->key[0] = r->database[0] = '\0';
    return status;
}

static jep_status_t
emit_figure(struct redis *r, enum source source, int field, uint64_t value)
{
    jep_status_t status = JEP_OK;

    if (r->seen[source][field])
        status = next_document(r);
    r->seen[source][field] = true;
    if (status == JEP_OK)
        status = document_need(&r->document, TEXT_SURE);
    return status != JEP_OK
               ? status
               : document_number(&r->document, DUMP_REDIS, field, value);
}

static jep_status_t
emit_setting(struct redis *r, const char *prefix, token_t name, token_t value,
             unsigned evidence)
{
    char full[NAME_MAX_LENGTH * 2];
    jep_status_t status = document_need(&r->document, evidence);

    snprintf(full, sizeof(full), "redis.%s%.*s", prefix, (int)name.length,
             name.text);
    return status != JEP_OK ? status : document_text(&r->document, full, value);
}

/* "jemalloc-5.3.0" names the allocator and its version. */
static jep_status_t
emit_allocator(struct redis *r, token_t value)
{
    static const struct {
        const char *start, *name;
    } names[] = {{"jemalloc-", "jemalloc"},
                 {"tcmalloc-", "gperftools"},
                 {"libc", "glibc"}};

    jep_status_t status = JEP_OK;

    for (size_t i = 0; i < JE_ARRAY_LEN(names) && status == JEP_OK; i++) {
        size_t length = strlen(names[i].start);

        if (!starts(value, names[i].start))
            continue;
        status = document_text(&r->document, "allocator",
                               (token_t){names[i].name, strlen(names[i].name)});
        if (status == JEP_OK && value.length > length)
            status = document_text(
                &r->document, "version",
                (token_t){value.text + length, value.length - length});
    }
    return status;
}

/* What INFO says of the process, below the version. */
static jep_status_t
read_process(struct redis *r, token_t key, token_t value, bool *is_read)
{
    bool is_pid = token_is(key, "process_id");
    jep_status_t status = document_need(&r->document, TEXT_WEAK);
    uint64_t number;

    *is_read = true;
    if (status != JEP_OK)
        return status;
    if (token_is(key, "executable"))
        return document_text(&r->document, "process.exe", value);
    *is_read = (is_pid || token_is(key, "uptime_in_seconds")) &&
               token_number(value, &number) && number <= UPTIME_MAX;
    if (!*is_read)
        return JEP_OK;
    return document_number(&r->document, DUMP_PROCESS,
                           is_pid ? PROCESS_PID : PROCESS_UPTIME_NS,
                           is_pid ? number : number * 1000000000);
}

static jep_status_t
read_info(struct redis *r, token_t key, token_t value)
{
    int field = field_by_text(DUMP_REDIS, key.text, key.length);
    bool is_version = token_is(key, "redis_version"), is_read;
    bool is_sure = info_is_sure(key);
    jep_status_t status = JEP_OK;
    uint64_t number;

    if (!is_sure && field == FIELD_NONE && !r->document.is_open)
        return JEP_OK;
    if (field != FIELD_NONE && token_number(value, &number))
        return emit_figure(r, SOURCE_INFO, field, number);
    if (is_version && r->seen_server)
        status = next_document(r);
    r->seen_server |= is_version;
    if (status == JEP_OK)
        status = read_process(r, key, value, &is_read);
    if (status != JEP_OK || is_read)
        return status;
    /* A difference may be negative: it is no size then. */
    status = emit_setting(r, "", key, value, is_sure ? TEXT_SURE : TEXT_WEAK);
    if (status == JEP_OK && token_is(key, "mem_allocator"))
        status = emit_allocator(r, value);
    return status;
}

static jep_status_t
read_stats_value(struct redis *r, token_t value)
{
    token_t key = {r->key, strlen(r->key)};
    int field = field_by_json(DUMP_REDIS, key.text, key.length);
    jep_status_t status;
    uint64_t number;

    /* Databases have the same names as the whole. */
    if (field != FIELD_NONE && token_number(value, &number)) {
        r->database[0] = '\0';
        status = emit_figure(r, SOURCE_STATS, field, number);
    } else {
        status = emit_setting(r, r->database, key, value, TEXT_WEAK);
    }
    r->key[0] = '\0';
    return status;
}

/* Take the value off a name, if both are on a line: behind " => ", or behind a
 * blank, as redis-cli prints maps to what is no terminal. */
static token_t
split_value(token_t *key)
{
    token_t word = *key, value = {NULL, 0};
    const char *arrow = memmem(word.text, word.length, " => ", 4);
    const char *blank = memchr(word.text, ' ', word.length);

    if (arrow != NULL) {
        key->length = (size_t)(arrow - word.text);
        return (token_t){arrow + 4, word.length - key->length - 4};
    }
    if (blank == NULL)
        return value;
    value = (token_t){blank + 1, word.length - (size_t)(blank + 1 - word.text)};
    if (!is_value(value))
        return (token_t){NULL, 0};
    key->length = (size_t)(blank - word.text);
    return value;
}

static jep_status_t
read_stats(struct redis *r, token_t word, bool *is_read)
{
    token_t key = word, value = split_value(&key);

    key = strip(key, "\"");
    if (is_stats_key(key)) {
        snprintf(r->key, sizeof(r->key), "%.*s", (int)key.length, key.text);
        if (starts(key, "db.") && key.length < sizeof(r->database) - 1 &&
            field_by_json(DUMP_REDIS, key.text, key.length) == FIELD_NONE)
            snprintf(r->database, sizeof(r->database), "%.*s.", (int)key.length,
                     key.text);
        *is_read = true;
        r->document.evidence += TEXT_WEAK;
        word = value;
    }
    word = stats_value(word);
    if (r->key[0] == '\0' || !is_value(word))
        return JEP_OK;
    *is_read = true;
    return read_stats_value(r, word);
}

static jep_status_t
read_packed(struct redis *r, token_t line, bool *is_read)
{
    jep_status_t status = JEP_OK;
    token_t word;

    while (status == JEP_OK && packed_next(&line, &word))
        status = read_stats(r, word, is_read);
    return status;
}

/* ---- MEMORY DOCTOR and the log ----------------------------------------- */

/* " * High total RSS: This instance …" becomes "redis.doctor.high-total-rss"
 * with the sentence. */
static jep_status_t
read_doctor(struct redis *r, token_t line)
{
    char name[NAME_MAX_LENGTH];
    const char *colon;
    size_t n = 0;

    line = strip(line, " \t\r\"*");
    colon = memchr(line.text, ':', line.length);
    if (colon == NULL || (size_t)(colon - line.text) >= sizeof(name))
        return JEP_OK;
    for (; line.text + n < colon; n++) {
        unsigned char c = (unsigned char)line.text[n];

        name[n] = isalnum(c) ? (char)tolower(c) : '-';
    }
    return emit_setting(r, "doctor.", (token_t){name, n},
                        (token_t){colon + 1, line.length - n - 1}, TEXT_SURE);
}

static jep_status_t
read_doctor_verdict(struct redis *r, const char *text)
{
    static const struct {
        const char *sentence, *verdict, *says;
    } verdicts[] = {
        {"Sam, I detected a few issues in this", "issues", "found issues"},
        {"Sam, I can't find any memory issue", "healthy",
         "found nothing wrong"},
        {"Sam, this instance is empty", "empty",
         "cannot judge, for the instance is empty or nearly so"}};

    jep_status_t status;

    for (size_t i = 0; i < JE_ARRAY_LEN(verdicts); i++) {
        const char *verdict = verdicts[i].verdict;

        if (strstr(text, verdicts[i].sentence) == NULL)
            continue;
        r->is_doctor = true;
        status = emit_setting(r, "", (token_t){"doctor", 6},
                              (token_t){verdict, strlen(verdict)}, TEXT_SURE);
        if (status == JEP_OK)
            status = document_warn(&r->document, 1,
                                   "MEMORY DOCTOR %s; figures are in INFO "
                                   "memory and MEMORY STATS",
                                   verdicts[i].says);
        return status;
    }
    return JEP_OK;
}

/* The number behind "name=". */
static bool
log_number(const char *text, const char *name, uint64_t *value)
{
    const char *at = strstr(text, name);
    size_t digits = 0;

    if (at == NULL)
        return false;
    at += strlen(name);
    while (isdigit((unsigned char)at[digits]))
        digits++;
    return token_number((token_t){at, digits}, value);
}

static bool
is_defrag_log(const char *text)
{
    return strstr(text, "allocated=") != NULL &&
           strstr(text, "resident=") != NULL && strstr(text, "frag=") != NULL;
}

/* "allocated=1, active=2, resident=3, frag=…": a document a line. */
static jep_status_t
read_defrag_log(struct redis *r, const char *text)
{
    static const struct {
        const char *name;
        int field;
    } names[] = {{" allocated=", TOTAL_ALLOCATED},
                 {" active=", TOTAL_ACTIVE},
                 {" resident=", TOTAL_RESIDENT}};

    jep_status_t status = next_document(r);

    if (status == JEP_OK)
        status = document_need(&r->document, TEXT_SURE);
    for (size_t i = 0; i < JE_ARRAY_LEN(names) && status == JEP_OK; i++) {
        uint64_t value;

        if (log_number(text, names[i].name, &value))
            status = document_number(&r->document, DUMP_TOTAL, names[i].field,
                                     value);
    }
    return status != JEP_OK ? status : next_document(r);
}

/* ---- the reader -------------------------------------------------------- */

static unsigned
redis_probe(const struct text_line *line)
{
    static const char *const names[] = {
        "total.allocated",     "peak.allocated", "startup.allocated",
        "allocator.allocated", "overhead.total", "dataset.bytes"};
    token_t whole = {line->text, line->length}, key, value, name;
    bool is_whole;

    if (info_split(whole, &key, &value))
        return info_is_sure(key) ? TEXT_SURE : TEXT_NOTHING;
    if (strncmp(line->text, "# Memory", 8) == 0 ||
        strstr(line->text, "Sam, I ") != NULL ||
        strstr(line->text, "Sam, this instance") != NULL ||
        is_defrag_log(line->text))
        return TEXT_SURE;
    is_whole = is_packed(whole, &key);
    name = unnumber(whole);
    (void)split_value(&name);
    for (size_t i = 0; i < JE_ARRAY_LEN(names); i++) {
        if ((is_whole && token_is(key, names[i])) ||
            token_is(strip(name, " \""), names[i]))
            return TEXT_SURE;
    }
    return TEXT_NOTHING;
}

static void *
redis_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct redis *r = calloc(1, sizeof(*r));

    (void)error;
    if (r != NULL)
        r->document =
            (struct document){.sink = sink, .format = DUMP_FORMAT_REDIS};
    return r;
}

static jep_status_t
read_line(struct redis *r, const struct text_line *line)
{
    token_t whole = {line->text, line->length}, key, value;
    jep_status_t status;
    bool is_read = false;

    if (is_defrag_log(line->text))
        return read_defrag_log(r, line->text);
    if (info_split(whole, &key, &value))
        return read_info(r, key, value);
    status = read_doctor_verdict(r, line->text);
    if (status != JEP_OK || r->document.evidence != TEXT_NOTHING)
        return status;
    if (r->is_doctor && strstr(line->text, "* ") != NULL)
        return read_doctor(r, whole);
    status = is_packed(whole, &key) ? read_packed(r, whole, &is_read)
                                    : read_stats(r, unnumber(whole), &is_read);
    if (status == JEP_OK && !is_read && strncmp(line->text, "# ", 2) == 0)
        r->document.evidence += TEXT_WEAK; /* a heading of INFO */
    return status;
}

static jep_status_t
redis_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct redis *r = state;
    jep_status_t status;

    document_line(&r->document, line);
    status = read_line(r, line);
    if (status == JEP_OK)
        status = document_warn_end(&r->document, line);
    *evidence = r->document.evidence;
    return status;
}

static jep_status_t
redis_close(void *state)
{
    struct redis *r = state;
    jep_status_t status = document_end(&r->document, r->document.line_ended);

    free(r);
    return status;
}

const struct text_format text_redis = {
    .name = "redis",
    .probe = redis_probe,
    .open = redis_open,
    .line = redis_line,
    .close = redis_close,
    .is_over = text_is_over,
};
