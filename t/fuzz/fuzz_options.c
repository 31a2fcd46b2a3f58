/*
 * The allocator's option string: what is not accepted is said, and what is set
 * lies in its range.
 */
#include "t/fuzz/fuzz.h"

#include "alloc/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Complaints go to descriptor 2 by write(): the linker sends them here. */
static bool is_counting;
static unsigned complaints;

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);

ssize_t
__wrap_write(int fd, const void *data, size_t size)
{
    if (!is_counting || fd != STDERR_FILENO)
        return __real_write(fd, data, size);
    complaints++;
    return (ssize_t)size;
}

static unsigned
values_of(const char *values)
{
    unsigned count = 1;

    for (; *values != '\0'; values++)
        count += *values == '|';
    return count;
}

static void
option_holds(const conf_option_t *o)
{
    uint64_t number = o->kind == CONF_IS_UINT ? *(uint64_t *)o->value : 0;
    int64_t whole = o->kind == CONF_IS_SINT ? *(int64_t *)o->value : 0;

    if (o->kind == CONF_IS_UINT &&
        (number < (uint64_t)o->min || number > (uint64_t)o->max))
        fuzz_fail("%s is %llu", o->name, (unsigned long long)number);
    if (o->kind == CONF_IS_SINT && (whole < o->min || whole > o->max))
        fuzz_fail("%s is %lld", o->name, (long long)whole);
    if (o->kind == CONF_IS_ENUM &&
        *(unsigned *)o->value >= values_of(o->values))
        fuzz_fail("%s is value %u", o->name, *(unsigned *)o->value);
    if (o->kind == CONF_IS_TEXT && memchr(o->value, 0, CONF_TEXT_MAX) == NULL)
        fuzz_fail("%s has no end", o->name);
}

void
fuzz_options(const char *data, size_t size)
{
    static conf_t defaults, once;
    static bool is_known;
    char *text = malloc(size + 1);
    unsigned problems;

    if (text == NULL)
        fuzz_fail("out of memory");
    if (!is_known)
        defaults = conf;
    is_known = true;
    memcpy(text, data, size);
    text[size] = '\0';
    complaints = 0;
    is_counting = true;
    conf = defaults;
    problems = conf_parse(text, "test");
    /* confirm_conf also says what was accepted. */
    if (complaints < problems ||
        (complaints > problems && strstr(text, "confirm_conf") == NULL))
        fuzz_fail("%u problems, %u complaints", problems, complaints);
    for (unsigned i = 0; i < conf_count; i++)
        option_holds(&conf_table[i]);
    /* The same options again change nothing. */
    once = conf;
    if (conf_parse(text, "test") != problems ||
        memcmp(&once, &conf, sizeof(conf)) != 0)
        fuzz_fail("options that are set again differ");
    is_counting = false;
    conf = defaults;
    free(text);
}
