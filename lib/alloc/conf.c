/*
 * Option parser: see conf.h.
 */
#include "alloc/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

conf_t conf = {
#define CONF_BOOL(name, dflt, help)                 .name = (dflt),
#define CONF_UINT(name, dflt, min, max, unit, help) .name = (dflt),
#define CONF_SINT(name, dflt, min, max, unit, help) .name = (dflt),
#define CONF_ENUM(name, dflt, values, help)         .name = (dflt),
#define CONF_TEXT(name, dflt, help)                 .name = dflt,
#include "alloc/conf.def"
#undef CONF_BOOL
#undef CONF_UINT
#undef CONF_SINT
#undef CONF_ENUM
#undef CONF_TEXT
};

const conf_option_t conf_table[] = {
#define CONF_BOOL(n, dflt, h)                                                  \
    {.name = #n, .kind = CONF_IS_BOOL, .value = &conf.n, .help = h},
#define CONF_UINT(n, dflt, lo, hi, u, h)                                       \
    {.name = #n,                                                               \
     .kind = CONF_IS_UINT,                                                     \
     .value = &conf.n,                                                         \
     .min = (lo),                                                              \
     .max = (hi),                                                              \
     .unit = u,                                                                \
     .help = h},
#define CONF_SINT(n, dflt, lo, hi, u, h)                                       \
    {.name = #n,                                                               \
     .kind = CONF_IS_SINT,                                                     \
     .value = &conf.n,                                                         \
     .min = (lo),                                                              \
     .max = (hi),                                                              \
     .unit = u,                                                                \
     .help = h},
#define CONF_ENUM(n, dflt, v, h)                                               \
    {.name = #n,                                                               \
     .kind = CONF_IS_ENUM,                                                     \
     .value = &conf.n,                                                         \
     .values = v,                                                              \
     .help = h},
#define CONF_TEXT(n, dflt, h)                                                  \
    {.name = #n, .kind = CONF_IS_TEXT, .value = conf.n, .help = h},
#include "alloc/conf.def"
#undef CONF_BOOL
#undef CONF_UINT
#undef CONF_SINT
#undef CONF_ENUM
#undef CONF_TEXT
};

const unsigned conf_count = JE_ARRAY_LEN(conf_table);

enum { CONF_NAME_MAX = 40 }; /* of a name in the table */

#define CONF_BOOL(n, ...)                                                      \
    _Static_assert(sizeof(#n) <= CONF_NAME_MAX, "longer than any name");
#define CONF_UINT CONF_BOOL
#define CONF_SINT CONF_BOOL
#define CONF_ENUM CONF_BOOL
#define CONF_TEXT CONF_BOOL
#include "alloc/conf.def"
#undef CONF_BOOL
#undef CONF_UINT
#undef CONF_SINT
#undef CONF_ENUM
#undef CONF_TEXT

/* A program's own options. */
extern const char *malloc_conf __attribute__((weak));

__attribute__((weak)) const conf_names_t conf_names = {
    .variable = "malloc_conf",
    .link = "/etc/malloc.conf",
    .environment = "MALLOC_CONF",
};

/* A piece of option text; not terminated. */
typedef struct span {
    const char *at;
    size_t len;
} span_t;

const conf_option_t *
conf_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < conf_count; i++) {
        if (strlen(conf_table[i].name) == len &&
            memcmp(conf_table[i].name, name, len) == 0) {
            return &conf_table[i];
        }
    }
    return NULL;
}

static bool
span_is(span_t s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

/* Digit of base up to 16, or 99. */
static unsigned
conf_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

/* Decimal, 0x hexadecimal or 0 octal, with an optional minus. */
static bool
conf_number(span_t s, bool *negative, uint64_t *value)
{
    size_t i = 0;
    *negative = s.len > 0 && s.at[0] == '-';
    i += *negative;
    unsigned base = 10;
    if (s.len - i > 2 && s.at[i] == '0' && (s.at[i + 1] | 0x20) == 'x') {
        base = 16;
        i += 2;
    } else if (s.len - i > 1 && s.at[i] == '0') {
        base = 8;
        i++;
    }
    if (i == s.len) {
        return false;
    }
    uint64_t v = 0;
    for (; i < s.len; i++) {
        unsigned d = conf_digit(s.at[i]);
        if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v)) {
            return false;
        }
    }
    *value = v;
    return v <= INT64_MAX;
}

static bool
conf_set_bool(const conf_option_t *o, span_t v)
{
    bool yes = span_is(v, "true");
    if (!yes && !span_is(v, "false")) {
        return false;
    }
    *(bool *)o->value = yes;
    return true;
}

static bool
conf_set_number(const conf_option_t *o, span_t v)
{
    bool negative;
    uint64_t magnitude;
    if (!conf_number(v, &negative, &magnitude)) {
        return false;
    }
    int64_t n = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (n < o->min || n > o->max) {
        return false;
    }
    memcpy(o->value, &n, sizeof(n));
    return true;
}

/* The `index`-th of "a|b|c"; empty beyond the last. */
static span_t
conf_enum_value(const char *values, unsigned index)
{
    while (index > 0 && *values != '\0') {
        index -= *values == '|';
        values++;
    }
    return (span_t){values, strcspn(values, "|")};
}

static bool
conf_set_enum(const conf_option_t *o, span_t v)
{
    for (unsigned i = 0;; i++) {
        span_t candidate = conf_enum_value(o->values, i);
        if (candidate.len == 0) {
            return false;
        }
        if (candidate.len == v.len && memcmp(candidate.at, v.at, v.len) == 0) {
            *(unsigned *)o->value = i;
            return true;
        }
    }
}

static bool
conf_set_text(const conf_option_t *o, span_t v)
{
    if (v.len >= CONF_TEXT_MAX) {
        return false;
    }
    memcpy(o->value, v.at, v.len);
    ((char *)o->value)[v.len] = '\0';
    return true;
}

void
conf_enum_text(const conf_option_t *o, char *buf, size_t size)
{
    span_t v = conf_enum_value(o->values, *(const unsigned *)o->value);
    size_t n = v.len < size - 1 ? v.len : size - 1;
    memcpy(buf, v.at, n);
    buf[n] = '\0';
}

static bool
conf_set(const conf_option_t *o, span_t v)
{
    switch (o->kind) {
    case CONF_IS_BOOL:
        return conf_set_bool(o, v);
    case CONF_IS_UINT:
    case CONF_IS_SINT:
        return conf_set_number(o, v);
    case CONF_IS_ENUM:
        return conf_set_enum(o, v);
    case CONF_IS_TEXT:
        return conf_set_text(o, v);
    }
    return false;
}

static void
conf_complain(const conf_option_t *o, span_t v, const char *from)
{
    char value[64];
    size_t n = v.len < sizeof(value) - 1 ? v.len : sizeof(value) - 1;
    memcpy(value, v.at, n);
    value[n] = '\0';
    if (o->kind == CONF_IS_BOOL) {
        je_warn("%s: option %s: '%s' is not allowed, use true or false", from,
                o->name, value);
    } else if (o->kind == CONF_IS_ENUM) {
        je_warn("%s: option %s: '%s' is not allowed, use one of %s", from,
                o->name, value, o->values);
    } else if (o->kind == CONF_IS_TEXT) {
        je_warn("%s: option %s: longer than %u bytes", from, o->name,
                (unsigned)CONF_TEXT_MAX - 1);
    } else {
        je_warn("%s: option %s: '%s' is not a number of %s from %zd to %zd",
                from, o->name, value, o->unit, (ssize_t)o->min,
                (ssize_t)o->max);
    }
}

/* Characters to insert, delete or replace to make `name` of the key, without
 * regard to case; at most the longer one's length. */
static unsigned
conf_distance(span_t key, const char *name)
{
    uint8_t row[CONF_NAME_MAX + 1];
    size_t len = strlen(name);
    for (size_t j = 0; j <= len; j++) {
        row[j] = (uint8_t)j;
    }
    for (size_t i = 0; i < key.len; i++) {
        unsigned diagonal = row[0]; /* of the row before */
        row[0] = (uint8_t)(i + 1);
        for (size_t j = 0; j < len; j++) {
            bool is_same = (key.at[i] | 0x20) == (name[j] | 0x20);
            unsigned best = diagonal + !is_same;
            diagonal = row[j + 1];
            best = best < diagonal + 1 ? best : diagonal + 1;
            best = best < row[j] + 1u ? best : row[j] + 1u;
            row[j + 1] = (uint8_t)best;
        }
    }
    return row[len];
}

/* The option that was probably meant, or NULL. */
static const conf_option_t *
conf_nearest(span_t key)
{
    const conf_option_t *nearest = NULL;
    unsigned least = CONF_NAME_MAX;
    if (key.len < 2 || key.len > CONF_NAME_MAX) {
        return NULL;
    }
    for (unsigned i = 0; i < conf_count; i++) {
        const char *name = conf_table[i].name;
        unsigned distance = conf_distance(key, name);
        if (distance < least && distance <= 1 + strlen(name) / 4) {
            nearest = &conf_table[i];
            least = distance;
        }
    }
    return nearest;
}

static void
conf_complain_unknown(span_t key, const char *name, const char *from)
{
    const conf_option_t *nearest = conf_nearest(key);
    if (nearest != NULL) {
        je_warn("%s: unknown option '%s', did you mean '%s'?", from, name,
                nearest->name);
    } else {
        je_warn("%s: unknown option '%s', see jealloc(3) for the list", from,
                name);
    }
}

/* One key:value pair; returns the number of problems (0 or 1). */
static unsigned
conf_parse_pair(span_t key, span_t value, const char *from)
{
    char name[64];
    size_t n = key.len < sizeof(name) - 1 ? key.len : sizeof(name) - 1;
    memcpy(name, key.at, n);
    name[n] = '\0';
    const conf_option_t *o = conf_find(key.at, key.len);
    if (o == NULL) {
        conf_complain_unknown(key, name, from);
        return 1;
    }
    if (!conf_set(o, value)) {
        conf_complain(o, value, from);
        return 1;
    }
    if (conf.confirm_conf) {
        je_warn("%s: option %s accepted", from, name);
    }
    return 0;
}

unsigned
conf_parse(const char *text, const char *from)
{
    unsigned problems = 0;
    while (*text != '\0') {
        size_t pair = strcspn(text, ",");
        const char *colon = memchr(text, ':', pair);
        if (colon == NULL || colon == text) {
            je_warn("%s: '%s' is not of the form key:value", from, text);
            return problems + 1;
        }
        span_t key = {text, (size_t)(colon - text)};
        span_t value = {colon + 1, pair - key.len - 1};
        problems += conf_parse_pair(key, value, from);
        text += pair;
        if (*text == ',') {
            text++;
            if (*text == '\0') {
                je_warn("%s: the options end with a comma", from);
                problems++;
            }
        }
    }
    return problems;
}

void
conf_boot(void)
{
    unsigned problems = 0;
    const conf_names_t *names = &conf_names;
    if (&malloc_conf != NULL && malloc_conf != NULL) {
        problems += conf_parse(malloc_conf, names->variable);
    }
    char link[CONF_TEXT_MAX];
    ssize_t n = readlink(names->link, link, sizeof(link) - 1);
    if (n > 0) {
        link[n] = '\0';
        problems += conf_parse(link, names->link);
    }
    const char *const variables[] = {names->environment, "JEPROBE_CONF"};
    for (unsigned i = 0; i < JE_ARRAY_LEN(variables); i++) {
        const char *text = secure_getenv(variables[i]);
        if (text != NULL) {
            problems += conf_parse(text, variables[i]);
        }
    }
    if (problems > 0 && conf.abort_conf) {
        je_fatal("abort_conf: %u option(s) not accepted", problems);
    }
}
