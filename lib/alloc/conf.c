/*
 * Option parser: see conf.h.
 */
#include "alloc/conf.h"

#include <string.h>

#include "alloc/conf_words.h"
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
#define CONF_CLIP(n, dflt, lo, hi, u, h)                                       \
    {.name = #n,                                                               \
     .kind = CONF_IS_UINT,                                                     \
     .is_clipped = true,                                                       \
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
#undef CONF_CLIP
#undef CONF_UINT
#undef CONF_SINT
#undef CONF_ENUM
#undef CONF_TEXT
};

const unsigned conf_count = JE_ARRAY_LEN(conf_table);
unsigned conf_forgiven;

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

bool
conf_number(conf_span_t s, bool *negative, uint64_t *value)
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
    bool is_huge = false;
    for (; i < s.len; i++) {
        unsigned d = conf_digit(s.at[i]);
        if (d >= base) {
            return false;
        }
        if (v > (UINT64_MAX - d) / base) {
            is_huge = true;
        }
        v = v * base + d;
    }
    *value = is_huge ? UINT64_MAX : v;
    return true;
}

static bool
conf_set_bool(const conf_option_t *o, conf_span_t v)
{
    bool yes = conf_span_is(v, "true");
    if (!yes && !conf_span_is(v, "false")) {
        return false;
    }
    *(bool *)o->value = yes;
    return true;
}

static bool
conf_set_number(const conf_option_t *o, conf_span_t v)
{
    bool negative;
    uint64_t magnitude;
    if (!conf_number(v, &negative, &magnitude)) {
        return false;
    }
    if (magnitude > INT64_MAX) {
        if (negative || !o->is_clipped) {
            return false;
        }
        magnitude = INT64_MAX;
    }
    int64_t n = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (o->is_clipped && !negative) {
        n = JE_MAX(o->min, JE_MIN(n, o->max));
    }
    if (n < o->min || n > o->max) {
        return false;
    }
    memcpy(o->value, &n, sizeof(n));
    return true;
}

/* The `index`-th of "a|b|c"; empty beyond the last. */
static conf_span_t
conf_enum_value(const char *values, unsigned index)
{
    while (index > 0 && *values != '\0') {
        index -= *values == '|';
        values++;
    }
    return (conf_span_t){values, strcspn(values, "|")};
}

static bool
conf_set_enum(const conf_option_t *o, conf_span_t v)
{
    for (unsigned i = 0;; i++) {
        conf_span_t candidate = conf_enum_value(o->values, i);
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
conf_set_text(const conf_option_t *o, conf_span_t v)
{
    char text[CONF_TEXT_MAX];
    if (v.len >= CONF_TEXT_MAX) {
        return false;
    }
    memcpy(text, v.at, v.len);
    text[v.len] = '\0';
    if (!conf_text_is_good(o, text)) {
        return false;
    }
    memcpy(o->value, text, v.len + 1);
    return true;
}

void
conf_enum_text(const conf_option_t *o, char *buf, size_t size)
{
    conf_span_t v = conf_enum_value(o->values, *(const unsigned *)o->value);
    size_t n = v.len < size - 1 ? v.len : size - 1;
    memcpy(buf, v.at, n);
    buf[n] = '\0';
}

static bool
conf_set(const conf_option_t *o, conf_span_t v)
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

/* One key:value pair; returns the number of problems (0 or 1). */
static unsigned
conf_parse_pair(conf_span_t key, conf_span_t value, const char *from)
{
    char buf[CONF_WORD_MAX];
    conf_span_t effective = value;
    const char *name = conf_other_name(key, &effective, buf, sizeof(buf));
    const conf_option_t *o = name != NULL ? conf_find(name, strlen(name))
                                          : conf_find(key.at, key.len);
    bool is_good = o != NULL && conf_is_done(o, effective, from);
    if (is_good && !conf_set(o, effective)) {
        conf_complain(o, value, from);
        is_good = false;
    }
    if (o == NULL) {
        conf_complain_unknown(key, from);
    }
    if (!is_good) {
        conf_forgiven += conf_is_experimental(key);
        return 1;
    }
    if (conf.confirm_conf) {
        conf_confirm(key, value, from);
    }
    return 0;
}

/* The pair that *text begins with; *text is then behind it and its comma.
 * errors: false, there is no such pair. */
static bool
conf_next_pair(const char **text, conf_span_t *key, conf_span_t *value)
{
    size_t pair = strcspn(*text, ",");
    const char *colon = memchr(*text, ':', pair);
    if (colon == NULL || colon == *text) {
        return false;
    }
    *key = (conf_span_t){*text, (size_t)(colon - *text)};
    *value = (conf_span_t){colon + 1, pair - key->len - 1};
    *text += pair;
    *text += **text == ',';
    return true;
}

void
conf_seek_confirm(const char *text)
{
    static const char name[] = "confirm_conf";
    const conf_option_t *o = conf_find(name, sizeof(name) - 1);
    conf_span_t key, value;
    while (*text != '\0' && conf_next_pair(&text, &key, &value)) {
        if (conf_span_is(key, name)) {
            (void)conf_set_bool(o, value);
        }
    }
}

unsigned
conf_parse(const char *text, const char *from)
{
    unsigned problems = 0;
    while (*text != '\0') {
        conf_span_t key, value;
        if (!conf_next_pair(&text, &key, &value)) {
            je_warn("%s: '%s' is not of the form key:value", from, text);
            return problems + 1;
        }
        problems += conf_parse_pair(key, value, from);
        if (*text == '\0' && text[-1] == ',') {
            je_warn("%s: the options end with a comma", from);
            problems++;
        }
    }
    return problems;
}
