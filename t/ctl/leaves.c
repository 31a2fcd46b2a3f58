/*
 * Print the table of named values: name, rights and value of each row, with 0
 * for its indices. Rights: r read, w write, x both at once, - an action.
 */
#include "base/macros.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alloc/ctl_leaf.h"
#include "jealloc.h"

static const char *
rights_of(const ctl_leaf_t *leaf)
{
    return leaf->exchange != NULL   ? "x"
           : leaf->type == CTL_VOID ? "-"
           : leaf->read == NULL     ? "w"
           : leaf->write != NULL    ? "rw"
                                    : "r";
}

static void
name_of(const ctl_leaf_t *leaf, char *out)
{
    const char *in = leaf->name;
    while (*in != '\0') {
        *out = *in == '<' ? '0' : *in;
        in += *in == '<' ? 3 : 1;
        out++;
    }
    *out = '\0';
}

static void
print_value(const ctl_leaf_t *leaf)
{
    char name[128];
    ctl_value_t v = {.u64 = 0};
    size_t len = ctl_type_size(leaf->type);
    name_of(leaf, name);
    if (leaf->read == NULL || jea_mallctl(name, &v, &len, NULL, 0) != 0) {
        printf("-\n");
        return;
    }
    switch ((ctl_type_t)leaf->type) {
    case CTL_BOOL:
        printf("%s\n", v.flag ? "true" : "false");
        break;
    case CTL_TEXT:
        printf("%s\n", v.text);
        break;
    case CTL_I64:
    case CTL_SSIZE:
        printf("%" PRId64 "\n", v.i64);
        break;
    default:
        printf("%" PRIu64 "\n", v.u64);
        break;
    }
}

int
main(void)
{
    jea_free(jea_malloc(1));
    for (unsigned i = 0; i < ctl_table_size; i++) {
        printf("%s\t%s\t", ctl_table[i].name, rights_of(&ctl_table[i]));
        print_value(&ctl_table[i]);
    }
    return 0;
}
