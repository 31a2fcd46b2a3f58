/* What a logger writes before each line, and who wrote the line.
 *
 * A prefix is compared piece by piece: runs of digits, runs of blanks, names of
 * months and days, other bytes.  Digits that look like part of a time may
 * differ; others, like a process number, tell processes apart until a line
 * shows that they do not.  Those that come back after others surely do if what
 * stands behind each of them begins a document. */
#include "dump/repair_prefix.h"

#include <ctype.h>
#include <string.h>

#define JUST_BEGUN   8 /* lines */
#define ALIKE_MIN    6 /* bytes */
#define RUNS_MAX     8 /* of digits in a prefix */
#define VALUES_MAX   16
#define RISES_MIN    4                    /* lines */
#define IDENTITY_MAX UINT64_C(1000000000) /* above it are times */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "Jan" or "Mon" at the start of `text`: its place in the list + 1. */
static unsigned
time_name(const char *text, size_t length)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec"
                                "MonTueWedThuFriSatSun";

    for (unsigned i = 0; length >= 3 && names[i] != '\0'; i += 3) {
        if (memcmp(text, names + i, 3) == 0)
            return (length > 3 && isalpha((unsigned char)text[3])) ? 0 : i + 1;
    }
    return 0;
}

/* Whether the digits text[start…end) are of a time: next to other digits with
 * one of a few marks between, or next to the name of a month. */
static bool
is_time(const char *text, size_t length, size_t start, size_t end)
{
    static const char marks[] = ":.,-/+T";

    if (start >= 2 && strchr(marks, text[start - 1]) != NULL &&
        is_digit(text[start - 2]))
        return true;
    if (end + 1 < length && strchr(marks, text[end]) != NULL &&
        is_digit(text[end + 1]))
        return true;
    if (end < length && text[end] == 'Z')
        return true;
    while (start > 0 && text[start - 1] == ' ')
        start--;
    while (end < length && text[end] == ' ')
        end++;
    return (start >= 3 && time_name(text + start - 3, 3) != 0) ||
           (end < length && time_name(text + end, length - end) != 0);
}

/* Whether all of a prefix is the number of its line, as of `cat -n`, `nl` or
 * `grep -n`: "    12\t", "12:". */
static bool
is_line_number(const struct text_line *line, size_t length)
{
    size_t blanks = strspn(line->text, " "), n = 0;
    uint64_t number = 0;

    while (blanks + n < length && n < 18 && is_digit(line->text[blanks + n]))
        number = number * 10 + (uint64_t)(line->text[blanks + n++] - '0');
    if (n == 0 || blanks + n == length)
        return false;
    for (size_t i = blanks + n; i < length; i++) {
        if (strchr(" \t:|", line->text[i]) == NULL)
            return false;
    }
    return number == line->number || line->text[blanks + n] == '\t';
}

bool
prefix_learn(struct prefix *prefix, const struct text_line *line, size_t length,
             uint64_t key)
{
    const char *text = line->text;
    bool is_number = length > 0 && is_line_number(line, length);

    if (length > sizeof(prefix->text))
        return false;
    memcpy(prefix->text, text, length);
    memset(prefix->is_varying, 0, sizeof(prefix->is_varying));
    memset(prefix->is_widened, 0, sizeof(prefix->is_widened));
    memset(prefix->is_fixed, 0, sizeof(prefix->is_fixed));
    prefix->has_widened = prefix->has_come_back = false;
    prefix->is_number = is_number;
    prefix->learnt = line->number;
    prefix->length = length;
    prefix->key = key;
    for (size_t i = 0; i < length;) {
        size_t end = i;

        while (end < length && is_digit(text[end]))
            end++;
        if (end > i && (is_number || is_time(text, length, i, end)))
            memset(prefix->is_varying + i, true, end - i);
        i = end > i ? end : i + 1;
    }
    return true;
}

static size_t
digits(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && is_digit(text[n]))
        n++;
    return n;
}

static uint64_t
number(const char *text, size_t length)
{
    uint64_t value = 0;

    for (size_t i = 0; i < length; i++)
        value = value > UINT64_MAX / 10 - 1
                    ? UINT64_MAX
                    : value * 10 + (uint64_t)(text[i] - '0');
    return value;
}

/* What a walk tells besides; either may be NULL. */
struct notes {
    struct prefix *widen; /* digits that differ are marked as varying in it */
    uint64_t *numbers;    /* of the line: RUNS_MAX of them */
};

/* Walk through prefix and line side by side. */
static enum prefix_match
walk(const struct prefix *prefix, const char *text, size_t length, size_t *end,
     struct notes notes)
{
    enum prefix_match match = PREFIX_SAME;
    struct prefix *widen = notes.widen;
    size_t i = 0, at = 0, run = 0;

    while (i < prefix->length) {
        const char *want = prefix->text + i;
        size_t left = prefix->length - i, n = digits(want, left), m;

        if (n > 0) {
            m = digits(text + at, length - at);
            if (m == 0)
                return PREFIX_NONE;
            if (notes.numbers != NULL && run < RUNS_MAX)
                notes.numbers[run++] = number(text + at, m);
            if (!prefix->is_varying[i] &&
                (m != n || memcmp(want, text + at, n) != 0)) {
                if (prefix->is_fixed[i])
                    return PREFIX_NONE;
                match = PREFIX_OTHER;
                if (widen != NULL) {
                    memset(widen->is_varying + i, true, n);
                    memset(widen->is_widened + i, true, n);
                    widen->has_widened = true;
                }
            }
        } else if ((n = text_skip_blanks(want, left, 0)) > 0) {
            m = text_skip_blanks(text + at, length - at, 0);
            if (m == 0 && at < length)
                return PREFIX_NONE;
            /* The last blank ends the prefix: more of them are content. */
            if (n == left && m > n)
                m = n;
        } else if (time_name(want, left) != 0 &&
                   time_name(text + at, length - at) != 0) {
            n = m = 3;
        } else {
            n = m = 1;
            if (at == length || *want != text[at])
                return PREFIX_NONE;
        }
        i += n;
        at += m;
    }
    *end = at;
    return match;
}

/* What stands behind the prefix of a line says of documents. */
struct content {
    const char *text;
    size_t length;
    bool is_any;   /* it is of a dump */
    bool is_begin; /* one begins here */
    bool is_amid;  /* one begins here before the one before it has ended */
    bool is_early; /* none has begun yet, but one is about to beside it */
};

/* One value of a number, and how the first line of a dump behind it came. */
struct value {
    uint64_t number;
    bool has_content, has_begun;
};

/* The values of a number, in the order of the lines. */
struct values {
    struct value seen[VALUES_MAX];
    struct content first; /* of a dump behind any of them */
    uint64_t last;
    size_t lines, changes;
    unsigned count;   /* of those seen */
    bool is_identity; /* one came back */
    bool is_many;     /* there are more */
    bool has_fallen;  /* one is not above the one before */
    bool is_time;     /* one is too large for a process */
};

/* Whether both lines start with the same words: documents without a marker
 * have them in their first line alone. */
static bool
is_alike(const struct content *a, const struct content *b)
{
    size_t n = 0;

    while (n < a->length && n < b->length && a->text[n] == b->text[n] &&
           !is_digit(a->text[n]))
        n++;
    return n >= ALIKE_MIN && (n == a->length || is_digit(a->text[n])) &&
           (n == b->length || is_digit(b->text[n]));
}

static void
value_note(struct values *values, struct value *value,
           const struct content *content)
{
    if (!content->is_any)
        return;
    value->has_begun |= content->is_amid;
    if (value->has_content)
        return;
    value->has_content = true;
    if (values->first.text == NULL)
        values->first = *content;
    value->has_begun = content->is_begin || content->is_early ||
                       is_alike(content, &values->first);
}

static void
values_add(struct values *values, uint64_t number,
           const struct content *content)
{
    unsigned i = 0;
    bool is_new;

    values->has_fallen |= values->lines > 0 && number <= values->last;
    values->lines++;
    while (i < values->count && values->seen[i].number != number)
        i++;
    is_new = i == values->count;
    if (is_new && i < VALUES_MAX)
        values->seen[values->count++] = (struct value){.number = number};
    if (i < VALUES_MAX)
        value_note(values, &values->seen[i], content);
    if (values->changes > 0 && number == values->last)
        return;
    values->last = number;
    values->changes++;
    values->is_identity |= !is_new;
    values->is_many |= is_new && i == VALUES_MAX;
    values->is_time |= number >= IDENTITY_MAX;
}

/* Whether what stands behind some value is no document of its own. */
static bool
is_shared(const struct values *values)
{
    for (unsigned i = 0; i < values->count; i++) {
        if (values->seen[i].has_content && !values->seen[i].has_begun)
            return true;
    }
    return false;
}

/* It is another one in almost each line, or rises with each of a few. */
static bool
is_counter(const struct values *values)
{
    if (values->is_many)
        return !values->is_identity && values->changes > values->lines / 2;
    return values->lines >= RISES_MIN && !values->has_fallen &&
           is_shared(values);
}

/* A processor, or the time since the line before, comes back as well; but the
 * lines behind it are of one document together. */
static bool
is_process(const struct values *values)
{
    unsigned begun = 0;

    for (unsigned i = 0; i < values->count; i++)
        begun += values->seen[i].has_begun;
    return begun > 1 && !is_shared(values) && values->is_identity &&
           !values->is_many && !values->is_time;
}

/* Mark the numbers by what was seen of them. */
static void
mark(struct prefix *prefix, const struct values *values)
{
    size_t run = 0, n;

    for (size_t i = 0; i < prefix->length && run < RUNS_MAX; i += n) {
        n = digits(prefix->text + i, prefix->length - i);
        if (n == 0) {
            n = 1;
            continue;
        }
        if (is_counter(&values[run]))
            memset(prefix->is_varying + i, true, n);
        if ((!prefix->is_varying[i] || prefix->is_number) &&
            is_process(&values[run])) {
            memset(prefix->is_fixed + i, true, n);
            memset(prefix->is_varying + i, false, n);
        }
        run++;
    }
}

void
prefix_study(struct prefix *prefix, const char *text, size_t length,
             const struct prefix_content *content)
{
    struct values values[RUNS_MAX] = {0};
    uint64_t numbers[RUNS_MAX] = {0};
    const char *end = text + length;
    bool has_begun = false, is_open = false;

    while (text < end) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        size_t at, line = (size_t)((feed != NULL ? feed : end) - text);

        if (walk(prefix, text, line, &at, (struct notes){.numbers = numbers}) !=
            PREFIX_NONE) {
            struct content what = {.text = text + at, .length = line - at};
            enum prefix_says says =
                content->says(content->context, what.text, what.length);

            what.is_any = says != PREFIX_SAYS_NOTHING;
            what.is_begin = says == PREFIX_SAYS_BEGIN;
            what.is_amid = what.is_begin && is_open;
            has_begun |= what.is_begin;
            what.is_early = !has_begun && content->is_amid;
            is_open = says == PREFIX_SAYS_BEGIN ||
                      (is_open && says != PREFIX_SAYS_END);
            for (size_t i = 0; i < RUNS_MAX; i++)
                values_add(&values[i], numbers[i], &what);
        }
        text += line + 1;
    }
    mark(prefix, values);
}

enum prefix_match
prefix_match(const struct prefix *prefix, const char *text, size_t length,
             uint64_t key, size_t *end)
{
    *end = 0;
    if (key != prefix->key)
        return PREFIX_NONE;
    return walk(prefix, text, length, end, (struct notes){0});
}

void
prefix_widen(struct prefix *prefix, const char *text, size_t length)
{
    size_t end;

    (void)walk(prefix, text, length, &end, (struct notes){.widen = prefix});
}

bool
prefix_narrow(struct prefix *prefix, const struct text_line *line,
              bool is_begin)
{
    struct prefix narrow;
    size_t end;

    if (!prefix->has_widened)
        return false;
    narrow = *prefix;
    narrow.has_widened = false;
    for (size_t i = 0; i < prefix->length; i++)
        narrow.is_varying[i] &= !prefix->is_widened[i];
    if (walk(&narrow, line->text, line->length, &end, (struct notes){0}) ==
        PREFIX_SAME) {
        prefix->has_come_back = true;
        return false;
    }
    if (!is_begin ||
        (!prefix->has_come_back && line->number - prefix->learnt > JUST_BEGUN))
        return false;
    memset(narrow.is_widened, 0, sizeof(narrow.is_widened));
    *prefix = narrow;
    return true;
}
