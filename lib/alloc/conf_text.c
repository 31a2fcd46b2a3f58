/*
 * Options whose text has a form of its own: see conf.h and conf_words.h.
 */
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
        !take_number(list, "-:|", &out->n) || out->n == 0 ||
        out->hi < out->lo) {
        return false;
    }
    if (**list == '|') {
        (*list)++;
        return **list != '\0';
    }
    return **list == '\0';
}

static bool
is_slab_sizes(const char *text)
{
    conf_range_t r;
    if (strcmp(text, "default") == 0) {
        return true;
    }
    bool ok = *text != '\0';
    while (ok && *text != '\0') {
        ok = conf_next_range(&text, &r);
    }
    return ok;
}

static const struct {
    const char *name;
    bool (*is_good)(const char *text);
    const char *form;
} forms[] = {
    {"slab_sizes", is_slab_sizes, "lo-hi:pages|lo-hi:pages or default"},
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
