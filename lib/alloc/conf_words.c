/*
 * Words of the option parser: see conf_words.h.
 */
#include "alloc/conf_words.h"

#include "base/assert.h"

static void
word_copy(char word[CONF_WORD_MAX], conf_span_t s)
{
    size_t n = s.len < CONF_WORD_MAX - 1 ? s.len : CONF_WORD_MAX - 1;
    memcpy(word, s.at, n);
    word[n] = '\0';
}

/* ---- other names ------------------------------------------------------- */

/* 2^n, no more than fits: what is too large is clipped later. */
static bool
power_of_two(conf_span_t *value, char *buf, size_t size)
{
    bool negative;
    uint64_t n;
    if (!conf_number(*value, &negative, &n) || negative) {
        return false;
    }
    uint64_t bytes = UINT64_C(1) << JE_MIN(n, 62);
    size_t len = je_format(buf, size, "%llu", (unsigned long long)bytes);
    *value = (conf_span_t){buf, len};
    return true;
}

const char *
conf_other_name(conf_span_t key, conf_span_t *value, char *buf, size_t size)
{
    if (conf_span_is(key, "lg_tcache_max") && power_of_two(value, buf, size)) {
        return "tcache_max";
    }
    if (conf_span_is(key, "narenas") && conf_span_is(*value, "default")) {
        *value = (conf_span_t){"0", 1};
        return "narenas";
    }
    return NULL;
}

bool
conf_is_experimental(conf_span_t key)
{
    static const char prefix[] = "experimental_";
    return key.len >= sizeof(prefix) - 1 &&
           memcmp(key.at, prefix, sizeof(prefix) - 1) == 0;
}

/* ---- complaints -------------------------------------------------------- */

void
conf_complain(const conf_option_t *o, conf_span_t value, const char *from)
{
    char word[CONF_WORD_MAX];
    word_copy(word, value);
    if (o->kind == CONF_IS_BOOL) {
        je_warn("%s: option %s: '%s' is not allowed, use true or false", from,
                o->name, word);
    } else if (o->kind == CONF_IS_ENUM) {
        je_warn("%s: option %s: '%s' is not allowed, use one of %s", from,
                o->name, word, o->values);
    } else if (o->kind == CONF_IS_TEXT && value.len < CONF_TEXT_MAX) {
        je_warn("%s: option %s: '%s' is not of the form %s", from, o->name,
                word, conf_text_form(o));
    } else if (o->kind == CONF_IS_TEXT) {
        je_warn("%s: option %s: longer than %u bytes", from, o->name,
                (unsigned)CONF_TEXT_MAX - 1);
    } else {
        je_warn("%s: option %s: '%s' is not a number of %s from %zd to %zd",
                from, o->name, word, o->unit, (ssize_t)o->min, (ssize_t)o->max);
    }
}

/* Characters to insert, delete or replace to make `name` of the key, without
 * regard to case; at most the longer one's length. */
static unsigned
word_distance(conf_span_t key, const char *name)
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
word_nearest(conf_span_t key)
{
    const conf_option_t *nearest = NULL;
    unsigned least = CONF_NAME_MAX;
    if (key.len < 2 || key.len > CONF_NAME_MAX) {
        return NULL;
    }
    for (unsigned i = 0; i < conf_count; i++) {
        const char *name = conf_table[i].name;
        unsigned distance = word_distance(key, name);
        if (distance < least && distance <= 1 + strlen(name) / 4) {
            nearest = &conf_table[i];
            least = distance;
        }
    }
    return nearest;
}

/* Options of jemalloc that are not here: of versions before 5, with what to use
 * instead, and of parts that this allocator does not have. */
static const struct {
    const char *key; /* all that begin so, if it ends with _ */
    const char *instead;
} absent[] = {
    {"decay_time", "use dirty_decay_ms"},
    {"hpa", "huge pages are the page layer's business here"},
    {"hpa_", "huge pages are the page layer's business here"},
    {"lg_chunk", "there are no chunks"},
    {"lg_dirty_mult", "use dirty_decay_ms"},
    {"log", "there is no log of the allocator"},
    {"purge", "use dirty_decay_ms"},
    {"quarantine", "freed memory is not kept back"},
    {"redzone", "there are no red zones"},
    {"utrace", "this system has no utrace"},
};

static const char *
word_absent(conf_span_t key)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(absent); i++) {
        size_t len = strlen(absent[i].key);
        bool is_prefix = absent[i].key[len - 1] == '_';
        if ((is_prefix ? key.len > len : key.len == len) &&
            memcmp(key.at, absent[i].key, len) == 0) {
            return absent[i].instead;
        }
    }
    return NULL;
}

void
conf_complain_unknown(conf_span_t key, const char *from)
{
    char name[CONF_WORD_MAX];
    word_copy(name, key);
    const char *instead = word_absent(key);
    const conf_option_t *nearest = word_nearest(key);
    if (instead != NULL) {
        je_warn("%s: option %s is not in this allocator: %s", from, name,
                instead);
    } else if (nearest != NULL) {
        je_warn("%s: unknown option '%s', did you mean '%s'?", from, name,
                nearest->name);
    } else {
        je_warn("%s: unknown option '%s', see jealloc(3) for the list", from,
                name);
    }
}

void
conf_confirm(conf_span_t key, conf_span_t value, const char *from)
{
    char name[CONF_WORD_MAX], word[CONF_WORD_MAX];
    word_copy(name, key);
    word_copy(word, value);
    je_warn("%s: option %s accepted: '%s'", from, name, word);
}

/* ---- values that are understood and not done --------------------------- */

static const struct {
    const char *name;
    const char *done; /* the only value */
    const char *why;
} limits[] = {
    {"lg_san_uaf_align", "-1", "freed memory is not kept back"},
};

bool
conf_is_done(const conf_option_t *o, conf_span_t value, const char *from)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(limits); i++) {
        if (strcmp(limits[i].name, o->name) == 0 &&
            !conf_span_is(value, limits[i].done)) {
            je_warn("%s: option %s: only '%s' is done here: %s", from, o->name,
                    limits[i].done, limits[i].why);
            return false;
        }
    }
    return true;
}
