/*
 * Growth by realloc: vectors that double, strings that creep, one huge file.
 *
 * A set of vectors grows by half or by doubling, interleaved, so that none
 * has free room behind it for long; strings grow by a few bytes at a time and
 * are cut to size at the end; a few buffers grow to tens of MiB
 * by 1 MiB steps. Each object keeps its first and last word over all moves.
 *
 * With --tables=N nothing but the columns of N tables: four large vectors that
 * grow by half in turns, as rows come in, each of them written whole.
 */
#include "bench.h"

#define VECTORS 256

typedef struct vector {
    uint64_t *items;
    size_t count;
    size_t capacity;
    size_t limit; /* starts again from nothing there */
} vector_t;

static bench_rng_t rng;

static void
vector_drop(vector_t *vector)
{
    for (size_t i = 0; i < vector->count; i += 64) {
        if (vector->items[i] != i)
            bench_damaged(vector->items, vector->count * sizeof(uint64_t));
    }
    free(vector->items);
    *vector = (vector_t){.limit = bench_log_size(&rng, 8, 13)};
}

/* Append as many items as fit after one growth step. */
static void
vector_grow(vector_t *vector)
{
    size_t grown = vector->capacity * 2;

    if (vector->count >= vector->limit) {
        vector_drop(vector);
        return;
    }
    if ((vector->limit & 1) != 0)
        grown = vector->capacity + vector->capacity / 2;
    vector->capacity = grown < 4 ? 4 : grown;
    vector->items =
        bench_realloc(vector->items, vector->capacity * sizeof(uint64_t));
    while (vector->count < vector->capacity) {
        vector->items[vector->count] = vector->count;
        vector->count++;
    }
}

static void
grow_vectors(uint64_t steps)
{
    vector_t *vectors = bench_array(VECTORS, sizeof(*vectors));

    for (unsigned i = 0; i < VECTORS; i++)
        vectors[i].limit = bench_log_size(&rng, 8, 13);
    for (uint64_t i = 0; i < steps; i++)
        vector_grow(&vectors[bench_below(&rng, VECTORS)]);
    for (unsigned i = 0; i < VECTORS; i++)
        vector_drop(&vectors[i]);
    free(vectors);
}

/* A line is put together piece by piece, kept, and freed some lines later. */
static void
creep_strings(uint64_t lines)
{
    char *kept[64] = {NULL};

    for (uint64_t i = 0; i < lines; i++) {
        size_t wanted = bench_log_size(&rng, 32, 6);
        size_t length = 0;
        char *line = NULL;

        while (length < wanted) {
            size_t piece = 4 + bench_below(&rng, 40);
            line = bench_realloc(line, length + piece + 1);
            memset(line + length, 'a' + (int)(i % 26), piece);
            length += piece;
            line[length] = '\0';
        }
        if (line[0] != (char)('a' + (int)(i % 26)) ||
            line[length - 1] != line[0])
            bench_damaged(line, length);
        free(kept[i % 64]);
        kept[i % 64] = bench_realloc(line, length + 1);
    }
    for (unsigned i = 0; i < 64; i++)
        free(kept[i]);
}

static void
grow_huge(uint64_t times)
{
    const size_t step = 1u << 20, most = 48u << 20;

    for (uint64_t i = 0; i < times; i++) {
        char *file = NULL;

        for (size_t size = step; size <= most; size += step) {
            file = bench_realloc(file, size);
            bench_touch_pages(file + size - step, step);
        }
        for (size_t at = 0; at < most; at += step)
            bench_check_pages(file + at, step);
        file = bench_realloc(file, most / 4);
        bench_check_pages(file, step);
        free(file);
    }
}

static size_t
column_next(size_t size)
{
    return size == 0 ? 1u << 20 : (size + size / 2) & ~(size_t)4095;
}

static void
column_check(char *column, size_t most)
{
    size_t size = 0;

    for (size_t next; (next = column_next(size)) <= most; size = next)
        bench_check_pages(column + size, next - size);
    free(column);
}

static void
grow_columns(uint64_t tables)
{
    const size_t most = 128u << 20;

    for (uint64_t i = 0; i < tables; i++) {
        char *columns[4] = {NULL};
        size_t size = 0;

        for (size_t next; (next = column_next(size)) <= most; size = next) {
            for (unsigned j = 0; j < 4; j++) {
                columns[j] = bench_realloc(columns[j], next);
                bench_touch_pages(columns[j] + size, next - size);
            }
        }
        for (unsigned j = 0; j < 4; j++)
            column_check(columns[j], most);
    }
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"steps", 400000, "of the vectors"},
        {"lines", 300000, "of the strings"},
        {"files", 5, "of 48 MiB"},
        {"tables", 0, "of four columns, and nothing else; 0: none"},
        {"seed", 8, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t steps, lines, files;

    bench_init(argc, argv, "realloc", params);
    if (bench_get("tables") != 0) {
        uint64_t tables = bench_work(bench_get("tables"), 1);
        grow_columns(tables);
        return bench_done(tables);
    }
    rng.state = bench_get("seed");
    steps = bench_work(bench_get("steps"), 1);
    lines = bench_work(bench_get("lines"), 1);
    files = bench_work(bench_get("files"), 1);
    grow_vectors(steps);
    creep_strings(lines);
    grow_huge(files);
    return bench_done(steps + lines + 48 * files);
}
