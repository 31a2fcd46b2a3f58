/*
 * The targets: a family of readers each, behind detection; everything up to
 * the printed report; the repair of damaged text; and what the user writes.
 *
 * The families are the same function. What differs is what they start from and
 * the words that they are given, which keeps each among its own kind.
 */
#include "t/fuzz/fuzz.h"

#include "dump/repair.h"

#include "t/fuzz/always.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fuzz_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "does not hold: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

static void
read_it(const char *data, size_t size)
{
    struct always all;

    always_read(&all, always_file(data, size), data, size);
    if (all.wrong[0] != '\0')
        fuzz_fail("%s", all.wrong);
    always_free(&all);
}

static void
report_it(const char *data, size_t size)
{
    struct always all;

    always_read(&all, always_file(data, size), data, size);
    always_print(&all);
    if (all.wrong[0] != '\0')
        fuzz_fail("%s", all.wrong);
    always_free(&all);
}

/* What a line says to the readers that are likely to be asked. */
static unsigned
probe(const struct text_line *line)
{
    static const struct text_format *const formats[] = {
        &text_jemalloc, &text_redis, &text_json, &text_procfs};
    unsigned most = TEXT_NOTHING;

    for (size_t i = 0; i < JE_ARRAY_LEN(formats); i++) {
        unsigned says = formats[i]->probe(line);

        most = says > most ? says : most;
    }
    return most;
}

static void
repaired_line_holds(const struct text_line *line, uint64_t lines)
{
    if (strlen(line->text) != line->length ||
        memchr(line->text, '\n', line->length) != NULL)
        fuzz_fail("a line has a line feed, or another length");
    if (line->number == 0 || line->number > lines)
        fuzz_fail("line %llu of %llu", (unsigned long long)line->number,
                  (unsigned long long)lines);
    if (line->stream >= TEXT_STREAMS || line->repairs >> REPAIR_COUNT != 0)
        fuzz_fail("stream %u, repairs %x", line->stream, line->repairs);
}

/* Text in, lines out: no more of it than there was, but for what stood before
 * the first line whose prefix is known, which comes again without it. */
static void
repair_it(const char *data, size_t size)
{
    struct jep_error error = {0};
    struct text_line line;
    uint64_t lines = 1, out = 0;
    repairer_t *repairer;
    reader_t *reader;
    jep_status_t status;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (reader_open(always_file(data, size), &reader, &error) != JEP_OK)
        fuzz_fail("cannot open: %s", error.text);
    repairer = repair_new(reader, probe);
    if (repairer == NULL)
        fuzz_fail("out of memory");
    for (;;) {
        status = repair_line(repairer, &line, &error);
        if (status != JEP_OK || line.text == NULL)
            break;
        /* Compressed text may become longer. */
        if (reader_damage(reader) == NULL && data[0] != '\x1f') {
            repaired_line_holds(&line, lines);
            out += line.length;
        }
    }
    if (out > 2 * size)
        fuzz_fail("%zu bytes became %llu", size, (unsigned long long)out);
    if (status != JEP_OK && (error.code != status || error.text[0] == '\0'))
        fuzz_fail("status %d with code %d", (int)status, (int)error.code);
    repair_free(repairer);
    reader_close(reader);
}

const struct fuzz_target fuzz_targets[] = {
    {"check", fuzz_check}, {"glibc", read_it},        {"heapprof", read_it},
    {"jejson", read_it},   {"jemalloc", read_it},     {"jeprobe", read_it},
    {"mimalloc", read_it}, {"options", fuzz_options}, {"procfs", read_it},
    {"redis", read_it},    {"repair", repair_it},     {"report", report_it},
    {"skynet", read_it},   {"tcmalloc", read_it},
};

const unsigned fuzz_target_count = JE_ARRAY_LEN(fuzz_targets);

const struct fuzz_target *
fuzz_find(const char *name)
{
    for (unsigned i = 0; i < fuzz_target_count; i++) {
        if (strcmp(fuzz_targets[i].name, name) == 0)
            return &fuzz_targets[i];
    }
    return NULL;
}
