/*
 * Options whose text has a form of its own: see conf.h and conf_words.h.
 */
#include "alloc/bin.h"
#include "alloc/conf_words.h"

/* Take the number before `end` off the text. */
static bool
take_number(const char **text, const char *end, uint64_t *out)
{
    size_t len = strcspn(*text, end);
    bool negative;
    if (!conf_number((conf_span_t){*text, len}, &negative, out) || negative) {
        return false;
    }
    *text += len;
    return true;
}

bool
conf_next_range(const char **list, conf_range_t *out)
{
    if (!take_number(list, "-:|", &out->lo) || *(*list)++ != '-' ||
        !take_number(list, "-:|", &out->hi) || *(*list)++ != ':' ||
        !take_number(list, "-:|", &out->n) || out->hi < out->lo) {
        return false;
    }
    if (**list == '|') {
        (*list)++;
        return **list != '\0';
    }
    return **list == '\0';
}

static const char no_list[] = "default";

bool
conf_range_of(const char *list, uint64_t least, uint64_t most, uint64_t *n)
{
    bool found = false;
    conf_range_t r;
    while (strcmp(list, no_list) != 0 && *list != '\0' &&
           conf_next_range(&list, &r)) {
        if (most >= r.lo && least <= r.hi) {
            *n = r.n;
            found = true;
        }
    }
    return found;
}

bool
conf_is_list(const char *text, uint64_t min, uint64_t max)
{
    conf_range_t r;
    bool ok = *text != '\0';
    while (ok && *text != '\0') {
        ok = conf_next_range(&text, &r) && r.n >= min && r.n <= max;
    }
    return ok;
}

static bool
is_slab_sizes(const char *text)
{
    return strcmp(text, no_list) == 0 || conf_is_list(text, 1, UINT64_MAX);
}

static bool
is_bin_shards(const char *text)
{
    return strcmp(text, no_list) == 0 || conf_is_list(text, 1, BIN_SHARDS_MAX);
}

static bool
is_ncached_max(const char *text)
{
    return strcmp(text, no_list) == 0 || conf_is_list(text, 0, UINT64_MAX);
}

/* ---- fractions --------------------------------------------------------- */

enum { FRACTION_MAX = 4096, FRACTION_DIGITS_MAX = 9 };

uint64_t
conf_fraction(const char *text)
{
    uint64_t units = 0, part = 0, scale = 1;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && units <= FRACTION_MAX; c++) {
        units = units * 10 + (uint64_t)(*c - '0');
    }
    if (c == text || (*c != '.' && *c != '\0') || units > FRACTION_MAX) {
        return UINT64_MAX;
    }
    c += *c == '.';
    for (int i = 0; *c >= '0' && *c <= '9'; c++, i++) {
        if (i < FRACTION_DIGITS_MAX) {
            part = part * 10 + (uint64_t)(*c - '0');
            scale *= 10;
        }
    }
    if (*c != '\0' || c[-1] == '.') {
        return UINT64_MAX;
    }
    return (units << 16) + (part << 16) / scale;
}

static bool
is_fraction(const char *text)
{
    return conf_fraction(text) != UINT64_MAX;
}

static const struct {
    const char *name;
    bool (*is_good)(const char *text);
    const char *form;
} forms[] = {
    {"bin_shards", is_bin_shards, "lo-hi:n|lo-hi:n with n <= 64 or default"},
    {"narenas_ratio", is_fraction, "of a number such as 4 or 0.5"},
    {"slab_sizes", is_slab_sizes, "lo-hi:pages|lo-hi:pages or default"},
    {"tcache_ncached_max", is_ncached_max, "lo-hi:n|lo-hi:n or default"},
};

const char *
conf_text_form(const conf_option_t *o)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, o->name) == 0) {
            return forms[i].form;
        }
    }
    return NULL;
}

bool
conf_text_is_good(const conf_option_t *o, const char *value)
{
    for (unsigned i = 0; i < JE_ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, o->name) == 0) {
            return forms[i].is_good(value);
        }
    }
    return true;
}
