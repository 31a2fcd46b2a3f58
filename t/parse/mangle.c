/*
 * Every dump, damaged in every way that a paste is: what holds for any input
 * (t/fuzz/always.h) holds for what is left of it.
 *
 * A case is cut off at a kilobyte or inside a line, or has one line deleted,
 * doubled or swapped with the next, or one digit changed. All of them run in
 * this one process; with a budget an even sample of them does, the same each
 * time.
 *
 *   mangle [-b MIB] [-l FILE] DUMP...   -l: keeps a note of the case that runs
 *   mangle -p CASE DUMP                 print what that case is read from
 */
#include "base/macros.h"

#include "t/fuzz/always.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define CUT          1024 /* bytes from one cut to the next */
#define COST         4096 /* of a case besides its bytes, in bytes */
#define SECONDS_MOST 10.0 /* of the processor, for one case */
#define WRONG_MOST   20   /* to print */

enum damage {
    DELETE_LINE,
    DOUBLE_LINE,
    SWAP_LINES,
    CHANGE_DIGIT,
    CUT_LINE,
    DAMAGES
};

struct dump {
    const char *path;
    char *data;
    size_t size;
    size_t *lines; /* where each starts; one more: the end */
    size_t line_count, cut_count;
};

/* A damaged dump. */
struct mangled {
    char *data;
    size_t size;
    uint64_t lines; /* that are as they were, from the first on */
};

static void *
need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void
lines_find(struct dump *dump)
{
    size_t capacity = 2;

    for (size_t i = 0; i < dump->size; i++)
        capacity += dump->data[i] == '\n';
    dump->lines = need(calloc(capacity, sizeof(*dump->lines)));
    for (size_t i = 0; i < dump->size; i++) {
        if (i == 0 || dump->data[i - 1] == '\n')
            dump->lines[dump->line_count++] = i;
    }
    dump->lines[dump->line_count] = dump->size;
    dump->cut_count = dump->size / CUT + 1;
}

/* Read a dump, also a compressed one; false: it cannot be read. */
static bool
dump_open(struct dump *dump, const char *path)
{
    gzFile file = gzopen(path, "rb");
    size_t capacity = 0;
    int n = 1;

    *dump = (struct dump){.path = path};
    while (file != NULL && n > 0) {
        if (capacity - dump->size < 65536) {
            capacity = 2 * capacity + 65536;
            dump->data = need(realloc(dump->data, capacity));
        }
        n = gzread(file, dump->data + dump->size, 65536);
        dump->size += n > 0 ? (size_t)n : 0;
    }
    if (file != NULL)
        gzclose(file);
    if (file == NULL || n < 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    lines_find(dump);
    return true;
}

static void
dump_close(struct dump *dump)
{
    free(dump->data);
    free(dump->lines);
}

static size_t
case_count(const struct dump *dump)
{
    return dump->cut_count + DAMAGES * dump->line_count;
}

static void
append(struct mangled *out, const struct dump *dump, size_t from, size_t to)
{
    memcpy(out->data + out->size, dump->data + from, to - from);
    out->size += to - from;
}

/* Another digit for one of the line's. */
static void
digit_change(char *line, size_t length, size_t salt)
{
    size_t digits = 0, at;

    for (size_t i = 0; i < length; i++)
        digits += line[i] >= '0' && line[i] <= '9';
    if (digits == 0)
        return;
    at = salt % digits;
    for (size_t i = 0; i < length; i++) {
        if (line[i] < '0' || line[i] > '9' || at-- > 0)
            continue;
        line[i] = (char)('0' + (line[i] - '0' + 1 + (int)(salt % 9)) % 10);
        return;
    }
}

/* Where a line is cut in two: between digits, if there is such a place. */
static size_t
cut_find(const char *line, size_t length, size_t salt)
{
    for (size_t i = 0; i + 1 < length; i++) {
        size_t at = (salt + i) % (length - 1);

        if (line[at] >= '0' && line[at] <= '9' && line[at + 1] >= '0' &&
            line[at + 1] <= '9')
            return at + 1;
    }
    return length / 2;
}

/* The lines up to a cut, and the one that is cut: half a number is not known
 * to be one. */
static void
cut(const struct dump *dump, size_t at, struct mangled *out)
{
    append(out, dump, 0, at);
    out->lines = 2;
    for (size_t i = 0; i < at; i++)
        out->lines += out->data[i] == '\n';
}

static void
line_damage(const struct dump *dump, size_t line, enum damage damage,
            struct mangled *out)
{
    size_t start = dump->lines[line], end = dump->lines[line + 1];
    size_t next =
        line + 2 <= dump->line_count ? dump->lines[line + 2] : dump->size;

    append(out, dump, 0, start);
    if (damage == SWAP_LINES)
        append(out, dump, end, next);
    if (damage != DELETE_LINE)
        append(out, dump, start, end);
    if (damage == DOUBLE_LINE)
        append(out, dump, start, end);
    if (damage == CHANGE_DIGIT)
        digit_change(out->data + start, end - start, line * 7 + end);
    append(out, dump, damage == SWAP_LINES ? next : end, dump->size);
    out->lines = line;
}

static void
line_cut(const struct dump *dump, size_t line, struct mangled *out)
{
    size_t start = dump->lines[line], length = dump->lines[line + 1] - start;

    cut(dump, start + cut_find(dump->data + start, length, length * 5 + line),
        out);
}

/* Case `number` of a dump; its data is for the caller to free. */
static struct mangled
mangle(const struct dump *dump, size_t number)
{
    struct mangled out = {.data = need(malloc(2 * dump->size + 1))};

    if (number < dump->cut_count) {
        cut(dump, number * CUT, &out);
    } else {
        number -= dump->cut_count;
        if (number % DAMAGES == CUT_LINE)
            line_cut(dump, number / DAMAGES, &out);
        else
            line_damage(dump, number / DAMAGES, (enum damage)(number % DAMAGES),
                        &out);
    }
    /* So that a sanitizer sees what is read behind its end. */
    out.data = need(realloc(out.data, out.size > 0 ? out.size : 1));
    return out;
}

static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Returns whether all holds. */
static bool
case_run(const struct dump *dump, const struct always *whole, size_t number)
{
    struct mangled mangled = mangle(dump, number);
    const char *path = always_file(mangled.data, mangled.size);
    double start = now();
    struct always all;
    bool holds;

    always_read(&all, path, mangled.data, mangled.size);
    always_print(&all);
    /* A line may go on in the next one: that in front of it is certain. */
    if (mangled.lines > 0)
        always_same_start(whole, &all, mangled.lines - 1);
    if (now() - start > SECONDS_MOST)
        always_wrong(&all, "takes %.1f s", now() - start);
    holds = all.wrong[0] == '\0';
    if (!holds)
        printf("%s: case %zu: %s\n", dump->path, number, all.wrong);
    always_free(&all);
    free(mangled.data);
    return holds;
}

/* Spread without a pattern that lines could share. */
static bool
is_chosen(size_t number, size_t one_of)
{
    return (number * 2654435761u + 40503u) / 65536 % one_of == 0;
}

struct run {
    size_t one_of; /* of so many cases one runs */
    const char *note;
    size_t cases, ran, wrong;
};

static void
note(const struct run *run, const struct dump *dump, size_t number)
{
    FILE *file = run->note != NULL ? fopen(run->note, "we") : NULL;

    if (file == NULL)
        return;
    fprintf(file, "%s: case %zu\n", dump->path, number);
    fclose(file);
}

static void
dump_run(const char *path, struct run *run)
{
    struct always whole;
    struct dump dump;

    if (!dump_open(&dump, path)) {
        run->wrong++;
        return;
    }
    always_read(&whole, path, dump.data, dump.size);
    for (size_t i = 0; i < case_count(&dump); i++) {
        if (!is_chosen(run->cases++, run->one_of))
            continue;
        note(run, &dump, i);
        run->ran++;
        if (!case_run(&dump, &whole, i) && ++run->wrong == WRONG_MOST)
            break;
    }
    always_free(&whole);
    dump_close(&dump);
}

/* What all cases of all dumps cost, in bytes. */
static double
cost(char **paths, int count)
{
    double sum = 0.0;

    for (int i = 0; i < count; i++) {
        struct dump dump;

        if (dump_open(&dump, paths[i]))
            sum += (double)case_count(&dump) * (double)(dump.size + COST);
        dump_close(&dump);
    }
    return sum;
}

static int
print(size_t number, const char *path)
{
    struct mangled mangled;
    struct dump dump;

    if (!dump_open(&dump, path) || number >= case_count(&dump))
        return EXIT_FAILURE;
    mangled = mangle(&dump, number);
    fwrite(mangled.data, 1, mangled.size, stdout);
    free(mangled.data);
    dump_close(&dump);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct run run = {.one_of = 1};
    double budget = 0.0;
    int option;

    while ((option = getopt(argc, argv, "b:l:p:")) != -1) {
        if (option == 'b')
            budget = strtod(optarg, NULL) * 1048576.0;
        else if (option == 'l')
            run.note = optarg;
        else if (option == 'p' && optind < argc)
            return print(strtoul(optarg, NULL, 10), argv[optind]);
        else
            return 2;
    }
    if (budget > 0.0)
        run.one_of += (size_t)(cost(argv + optind, argc - optind) / budget);
    for (int i = optind; i < argc && run.wrong < WRONG_MOST; i++)
        dump_run(argv[i], &run);
    printf("%d dumps, %zu of %zu cases, %zu wrong\n", argc - optind, run.ran,
           run.cases, run.wrong);
    return run.wrong == 0 && run.ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
