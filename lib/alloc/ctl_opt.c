/*
 * Constants among the named values: opt.*, config.*, version. They are made
 * from conf_table; what jemalloc has besides is a row with a fixed value.
 */
#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "base/assert.h"

#include <string.h>

/* Texts of enumerations as they are set; rows point into them. */
enum { ENUM_MAX = 32, ENUM_BYTES = 24 };

static char enum_text[ENUM_MAX][ENUM_BYTES];
static uint64_t max_background_at_start;

/* Place of an enumeration among all of them. */
static unsigned
enum_place(const conf_option_t *o)
{
    unsigned place = 0;
    for (const conf_option_t *p = conf_table; p != o; p++) {
        place += p->kind == CONF_IS_ENUM;
    }
    return place;
}

void
ctl_opt_boot(void)
{
    for (unsigned i = 0; i < conf_count; i++) {
        if (conf_table[i].kind == CONF_IS_ENUM) {
            unsigned place = enum_place(&conf_table[i]);
            je_check_op(place, <, ENUM_MAX);
            conf_enum_text(&conf_table[i], enum_text[place], ENUM_BYTES);
        }
    }
    max_background_at_start = conf.max_background_threads;
}

int
ctl_read_conf(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)index;
    if (leaf->type == CTL_TEXT) {
        out->text = leaf->data;
    } else if (leaf->data == &conf.narenas) {
        out->number = arenas_auto;
    } else {
        memcpy(out, leaf->data, ctl_type_size(leaf->type));
    }
    return 0;
}

int
ctl_read_conf_enum(const ctl_leaf_t *leaf, const size_t *index,
                   ctl_value_t *out)
{
    (void)index;
    const char *name = strchr(leaf->name, '.') + 1;
    const conf_option_t *o = conf_find(name, strlen(name));
    je_assert(o != NULL && o->kind == CONF_IS_ENUM);
    out->text = enum_text[enum_place(o)];
    return 0;
}

int
ctl_read_fixed(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)index;
    ctl_set_number(out, leaf->type, leaf->constant);
    return 0;
}

int
ctl_read_text(const ctl_leaf_t *leaf, const size_t *index, ctl_value_t *out)
{
    (void)index;
    out->text = leaf->data;
    return 0;
}

int
ctl_read_max_background_opt(const ctl_leaf_t *leaf, const size_t *index,
                            ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->size = max_background_at_start;
    return 0;
}
