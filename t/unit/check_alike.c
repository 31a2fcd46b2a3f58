/* Arenas that are like the one before are read faster, and must be read the
 * same: one line of a dump changed in every way, behind arenas where it is not
 * and alone. */
#include "base/macros.h"

#include "model/load.h"

#include "t/unit/dumps.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#define LINES_MAX  200
#define LINE_BYTES 1024
#define TEXT_BYTES 200000

/* A dump of one arena: what is before the arena, and its own lines. */
static char head[TEXT_BYTES];
static char lines[LINES_MAX][LINE_BYTES];
static size_t line_count;

/* Add to one of the texts here, which have room for TEXT_BYTES. */
static void JE_PRINTF(2, 3) append(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text + length, TEXT_BYTES - length, format, args);
    va_end(args);
    ck_assert_int_ge(n, 0);
    ck_assert_uint_lt(length + (size_t)n, TEXT_BYTES);
}

static void
load_lines(const char *name)
{
    const char *top = getenv("top_srcdir");
    char path[PATH_MAX], line[LINE_BYTES];
    FILE *file;

    snprintf(path, sizeof(path), "%s/t/parse/valid/%s/input",
             top != NULL ? top : ".", name);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    head[0] = '\0';
    line_count = 0;
    while (fgets(line, sizeof(line), file) != NULL &&
           strncmp(line, "arenas[", 7) != 0)
        append(head, "%s", line);
    while (fgets(line, sizeof(line), file) != NULL &&
           strncmp(line, "--- End", 7) != 0) {
        ck_assert_uint_lt(line_count, LINES_MAX);
        snprintf(lines[line_count++], LINE_BYTES, "%s", line);
    }
    fclose(file);
    ck_assert_uint_gt(line_count, 20);
}

enum change {
    CHANGE_NONE,
    CHANGE_SHORTER, /* by its last byte */
    CHANGE_LONGER,
    CHANGE_BLANK, /* behind it */
    CHANGE_DIGITS,
    CHANGE_ODD,  /* words with a letter in place of a digit, but the first */
    CHANGE_WORD, /* the last one goes */
    CHANGE_INDENT,
    CHANGE_TABS,
    CHANGE_TWICE,
    CHANGE_GONE,
    CHANGES
};

/* The line in `to` has no line feed. */
static void
change_line(char *to, enum change change)
{
    size_t length = strlen(to);

    switch (change) {
    case CHANGE_SHORTER:
        to[length - (length > 0)] = '\0';
        break;
    case CHANGE_LONGER:
        to[length] = length > 0 ? to[length - 1] : '1';
        to[length + 1] = '\0';
        break;
    case CHANGE_BLANK:
        to[length] = ' ';
        to[length + 1] = '\0';
        break;
    case CHANGE_DIGITS:
        for (size_t i = 0; i < length; i++) {
            if (isdigit((unsigned char)to[i]))
                to[i] = (char)('0' + (to[i] - '0' + 3) % 10);
        }
        break;
    case CHANGE_ODD:
        for (size_t i = 60; i < length; i++) {
            if (isdigit((unsigned char)to[i]) && to[i - 1] == ' ')
                to[i] = 'x';
        }
        break;
    case CHANGE_WORD:
        while (length > 0 && to[length - 1] == ' ')
            length--;
        while (length > 0 && to[length - 1] != ' ')
            length--;
        to[length] = '\0';
        break;
    case CHANGE_INDENT:
        memmove(to + 1, to, length + 1);
        to[0] = ' ';
        break;
    case CHANGE_TABS:
        for (size_t i = 0; i < length; i++)
            to[i] = to[i] == ' ' ? '\t' : to[i];
        break;
    default:
        break;
    }
}

/* Append arena `id` with line `at` changed. */
static void
add_arena(char *text, unsigned id, size_t at, enum change change)
{
    char line[LINE_BYTES + 2];

    append(text, "arenas[%u]:\n", id);
    for (size_t i = 0; i < line_count; i++) {
        enum change now = i == at ? change : CHANGE_NONE;

        snprintf(line, sizeof(line), "%s", lines[i]);
        line[strcspn(line, "\n")] = '\0';
        change_line(line, now);
        if (now != CHANGE_GONE)
            append(text, "%s\n", line);
        if (now == CHANGE_TWICE)
            append(text, "%s\n", line);
    }
}

static const struct snapshot_arena *
last_arena(const jep_dumps_t *dumps)
{
    const struct snapshot *snapshot = dumps->snapshots[dumps->count - 1];

    for (size_t i = 0; i < snapshot->arena_count; i++) {
        if (snapshot->arenas[i]->id == 2)
            return snapshot->arenas[i];
    }
    ck_abort_msg("no arena 2");
}

static bool
same_figures(const struct jep_figure *a, const struct jep_figure *b,
             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i].known != b[i].known ||
            (a[i].known && a[i].value != b[i].value))
            return false;
    }
    return true;
}

static bool
same_table(const struct table *a, const struct table *b)
{
    if (a->rows != b->rows)
        return false;
    for (size_t row = 0; row < a->rows; row++) {
        for (size_t field = 0; field < a->fields; field++) {
            uint64_t is = 0, other = 0;

            if (table_get(a, row, field, &is) !=
                    table_get(b, row, field, &other) ||
                is != other)
                return false;
        }
    }
    return true;
}

static const char *
difference(const struct snapshot_arena *a, const struct snapshot_arena *b)
{
    return !same_figures(a->figures, b->figures, ARENA_COUNT) ? "figures"
           : !same_figures(a->small, b->small, SMALL_COUNT)   ? "small"
           : !same_figures(a->large, b->large, SMALL_COUNT)   ? "large"
           : !same_figures(a->hpa, b->hpa, HPA_COUNT)         ? "hpa"
           : !same_table(&a->bins, &b->bins)                  ? "bins"
           : !same_table(&a->larges, &b->larges)              ? "larges"
           : !same_table(&a->extents, &b->extents)            ? "extents"
           : !same_table(&a->mutexes, &b->mutexes)            ? "mutexes"
           : !same_table(&a->bin_mutexes, &b->bin_mutexes)    ? "bin_mutexes"
           : !same_table(&a->hpa_slabs, &b->hpa_slabs)        ? "hpa_slabs"
                                                              : NULL;
}

static void
is_read_alike(size_t at, enum change change)
{
    static char behind[TEXT_BYTES], alone[TEXT_BYTES];
    jep_dumps_t *with, *without;
    const char *differs;

    alone[0] = behind[0] = '\0';
    append(alone, "%s", head);
    append(behind, "%s", head);
    add_arena(behind, 0, 0, CHANGE_NONE);
    add_arena(behind, 1, 0, CHANGE_NONE);
    add_arena(behind, 2, at, change);
    add_arena(alone, 2, at, change);
    append(behind, "%s", "--- End jemalloc statistics ---\n");
    append(alone, "%s", "--- End jemalloc statistics ---\n");
    with = dumps_of_text(behind);
    without = dumps_of_text(alone);
    differs = difference(last_arena(with), last_arena(without));
    ck_assert_msg(differs == NULL, "change %d of \"%s\": other %s", (int)change,
                  lines[at], differs);
    jep_dumps_free(with);
    jep_dumps_free(without);
}

static const char *const names[] = {"jetext-45", "jetext-50", "jetext-53",
                                    "jetext-530", "jetext-531dev"};

START_TEST(test_changed_line)
{
    load_lines(names[_i]);
    for (size_t at = 0; at < line_count; at++) {
        for (enum change change = CHANGE_NONE; change < CHANGES; change++)
            is_read_alike(at, change);
    }
}

END_TEST

int
main(void)
{
    Suite *suite = suite_create("alike");
    TCase *tcase = tcase_create("alike");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_changed_line, 0, JE_ARRAY_LEN(names));
    suite_add_tcase(suite, tcase);
    return util_run(suite);
}
