/*
 * What the option parser says, and the names and values that it knows beside
 * those of the table. Only conf.c and conf_*.c include this.
 */
#ifndef JE_ALLOC_CONF_WORDS_H
#define JE_ALLOC_CONF_WORDS_H

#include <string.h>
#include <sys/types.h>

#include "alloc/conf.h"

enum {
    CONF_NAME_MAX = 40, /* bytes of a name in the table */
    CONF_WORD_MAX = 64, /* of a name or value as it is printed */
};

/* A piece of option text; not terminated. */
typedef struct conf_span {
    const char *at;
    size_t len;
} conf_span_t;

static inline bool
conf_span_is(conf_span_t s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

/* Decimal, 0x hexadecimal or 0 octal, with an optional minus; UINT64_MAX when
 * it is larger. errors: false, no number. */
bool conf_number(conf_span_t s, bool *negative, uint64_t *value);

/* A key that stands for another option: that one's name, and *value is changed
 * to what it means there (text in buf). NULL: it is no such key. */
const char *conf_other_name(conf_span_t key, conf_span_t *value, char *buf,
                            size_t size);

/* Keys whose problems abort_conf does not mind. */
bool conf_is_experimental(conf_span_t key);

/* Does this allocator do that? If not, this is said and false returned. */
bool conf_is_done(const conf_option_t *o, conf_span_t value, const char *from);

/* The form that a text must have, as it is told to people; NULL: any. */
const char *conf_text_form(const conf_option_t *o);
bool conf_text_is_good(const conf_option_t *o, const char *value);

void conf_complain(const conf_option_t *o, conf_span_t value, const char *from);
void conf_complain_unknown(conf_span_t key, const char *from);
void conf_confirm(conf_span_t key, conf_span_t value, const char *from);

#endif
