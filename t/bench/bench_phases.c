/*
 * A solver or an interpreter of documents (as z3 and ghostscript are): phases
 * that use memory in different ways, one after the other, on the same heap.
 *
 * A document is read into an arena of blocks of 16 KiB, and its names are kept
 * for ever in a hash table. Terms of 24 to 48 bytes are made of it, equal ones
 * once, and each keeps a list of its uses. Then clauses of 24 to 384 bytes are
 * learned in bursts, watched from lists that grow by half, and half of them
 * forgotten after each. The result is written to a buffer that doubles, line by
 * line. At the end all goes but the names and one in sixteen of the clauses,
 * which stays for some documents: so the next one finds a heap with holes.
 */
#include "bench.h"

#define BLOCK_BYTES 16384
#define TERM_TABLE  8192
#define LISTS       2048
#define CLAUSES     8000
#define SURVIVORS   20000

typedef struct block {
    uint64_t stamp;
    struct block *next;
    size_t used;
    char bytes[BLOCK_BYTES - 32];
    uint64_t stamp_end;
} block_t;

typedef struct name {
    struct name *next;
    uint64_t key;
    char text[];
} name_t;

typedef struct names {
    name_t **table;
    size_t size; /* a power of two */
    size_t count;
} names_t;

/* Numbers that grow by half of their room. */
typedef struct vector {
    uint32_t *items;
    uint32_t count;
    uint32_t capacity;
} vector_t;

typedef struct term {
    struct term *next; /* in its place of the table */
    vector_t *uses;
    uint32_t kind;
    uint32_t arity;
    struct term *parts[]; /* none, one, two or three */
} term_t;

typedef struct clause {
    uint32_t *words; /* NULL: none */
    size_t size;
} clause_t;

static bench_rng_t rng;
static names_t names;
static block_t *blocks;
static term_t *terms[TERM_TABLE];
static vector_t lists[LISTS];
static clause_t clauses[CLAUSES], survivors[SURVIVORS];
static uint64_t made;

static void
vector_add(vector_t *vector, uint32_t item)
{
    if (vector->count == vector->capacity) {
        vector->capacity += vector->capacity / 2 + 2;
        vector->items = bench_realloc(
            vector->items, vector->capacity * sizeof(vector->items[0]));
        made++;
    }
    vector->items[vector->count++] = item;
}

static void
vector_free(vector_t *vector)
{
    free(vector->items);
    *vector = (vector_t){NULL, 0, 0};
}

static char *
arena_take(size_t size)
{
    block_t *block = blocks;

    if (block == NULL || block->used + size > sizeof(block->bytes)) {
        block = bench_new(sizeof(*block));
        block->next = blocks;
        block->used = 0;
        blocks = block;
        made++;
    }
    block->used += size;
    return block->bytes + block->used - size;
}

static void
names_grow(void)
{
    size_t size = names.size == 0 ? 64 : names.size * 2;
    name_t **table = bench_array(size, sizeof(*table)), *name, *next;

    for (size_t i = 0; i < names.size; i++) {
        for (name = names.table[i]; name != NULL; name = next) {
            next = name->next;
            name->next = table[name->key & (size - 1)];
            table[name->key & (size - 1)] = name;
        }
    }
    free(names.table);
    names.table = table;
    names.size = size;
    made++;
}

static uint64_t
name_key(const char *text, size_t length)
{
    uint64_t key = length;

    for (size_t i = 0; i < length; i++)
        key = bench_mix(key * 31 + (unsigned char)text[i]);
    return key;
}

static const name_t *
names_find(const char *text, size_t length)
{
    uint64_t key = name_key(text, length);
    name_t *name;

    if (names.count >= names.size)
        names_grow();
    name = names.table[key & (names.size - 1)];
    while (name != NULL &&
           (name->key != key || strncmp(name->text, text, length) != 0))
        name = name->next;
    if (name != NULL)
        return name;
    name = bench_malloc(sizeof(*name) + length + 1);
    name->key = key;
    memcpy(name->text, text, length);
    name->text[length] = '\0';
    name->next = names.table[key & (names.size - 1)];
    names.table[key & (names.size - 1)] = name;
    names.count++;
    made++;
    return name;
}

/* Each name is still what its key was made of, and none has gone. */
static void
names_check(void)
{
    size_t found = 0;

    for (size_t i = 0; i < names.size; i++) {
        for (name_t *name = names.table[i]; name != NULL; name = name->next) {
            if (name->key != name_key(name->text, strlen(name->text)) ||
                ++found > names.count)
                bench_damaged(name, sizeof(*name));
        }
    }
    if (found != names.count)
        bench_die("names have gone: memory was damaged");
}

/* Most words are common, some are new. */
static void
read_document(uint32_t tokens)
{
    for (uint32_t i = 0; i < tokens; i++) {
        uint64_t word = bench_below(&rng, 8) == 0 ? bench_next(&rng)
                                                  : bench_below(&rng, 5000);
        size_t length = 3 + (bench_mix(word) & 15);
        char *text = arena_take(24);

        for (size_t j = 0; j < length; j++)
            text[j] = (char)('a' + (bench_mix(word + j) & 15));
        if (names_find(text, length)->text[0] != text[0])
            bench_damaged(text, length);
    }
}

static term_t *
term_make(uint32_t kind, uint32_t arity, term_t *const *parts)
{
    uint64_t key = kind;
    term_t *term, **place;

    for (uint32_t i = 0; i < arity; i++)
        key = bench_mix(key ^ (uint64_t)(uintptr_t)parts[i]);
    place = &terms[key % TERM_TABLE];
    for (term = *place; term != NULL; term = term->next) {
        if (term->kind == kind && term->arity == arity &&
            memcmp(term->parts, parts, arity * sizeof(*parts)) == 0)
            return term;
    }
    term = bench_malloc(sizeof(*term) + arity * sizeof(*parts));
    *term = (term_t){*place, bench_array(1, sizeof(vector_t)), kind, arity};
    memcpy(term->parts, parts, arity * sizeof(*parts));
    for (uint32_t i = 0; i < arity; i++)
        vector_add(parts[i]->uses, kind);
    *place = term;
    made += 2;
    return term;
}

static void
make_terms(uint32_t count)
{
    term_t *recent[64] = {NULL};

    for (uint32_t i = 0; i < JE_ARRAY_LEN(recent); i++)
        recent[i] = term_make(i, 0, recent);
    for (uint32_t i = 0; i < count; i++) {
        term_t *parts[3];
        uint32_t arity = 1 + bench_below(&rng, 3);

        for (uint32_t j = 0; j < arity; j++)
            parts[j] = recent[bench_below(&rng, JE_ARRAY_LEN(recent))];
        recent[i % JE_ARRAY_LEN(recent)] =
            term_make(bench_below(&rng, 20), arity, parts);
    }
}

static void
free_terms(void)
{
    for (unsigned i = 0; i < TERM_TABLE; i++) {
        while (terms[i] != NULL) {
            term_t *term = terms[i];

            terms[i] = term->next;
            vector_free(term->uses);
            free(term->uses);
            free(term);
        }
    }
}

static void
clause_free(clause_t *clause)
{
    if (clause->words != NULL)
        bench_free(clause->words, clause->size);
    clause->words = NULL;
}

/* Forgotten clauses leave their numbers in the lists until these are swept. */
static void
learn(uint32_t bursts)
{
    for (uint32_t burst = 0; burst < bursts; burst++) {
        for (uint32_t i = 0; i < CLAUSES; i++) {
            clause_t *clause = &clauses[i];

            if (clause->words != NULL)
                continue;
            clause->size = bench_log_size(&rng, 24, 4);
            clause->words = bench_new(clause->size);
            made++;
            vector_add(&lists[bench_below(&rng, LISTS)], i);
            vector_add(&lists[bench_below(&rng, LISTS)], i);
        }
        for (uint32_t i = 0; i < CLAUSES; i++) {
            if (bench_below(&rng, 2) == 0)
                clause_free(&clauses[i]);
        }
        for (uint32_t i = 0; i < LISTS; i++) {
            vector_t *list = &lists[i];
            uint32_t kept = 0;

            for (uint32_t j = 0; j < list->count; j++) {
                if (clauses[list->items[j]].words != NULL)
                    list->items[kept++] = list->items[j];
            }
            list->count = kept;
        }
    }
}

static void
write_result(void)
{
    size_t used = 0, room = 256;
    char *buffer = bench_malloc(room);

    for (uint32_t i = 0; i < LISTS; i++) {
        size_t length = 20 + lists[i].count * 11;
        char *line = bench_malloc(length);

        memset(line, '0' + (int)(i % 10), length);
        while (used + length > room) {
            room *= 2;
            buffer = bench_realloc(buffer, room);
            made++;
        }
        memcpy(buffer + used, line, length);
        used += length;
        free(line);
        made++;
    }
    if (buffer[0] != '0' || buffer[used - 1] != '0' + (LISTS - 1) % 10)
        bench_damaged(buffer, used);
    free(buffer);
}

static void
end_document(void)
{
    free_terms();
    for (uint32_t i = 0; i < LISTS; i++)
        vector_free(&lists[i]);
    for (uint32_t i = 0; i < CLAUSES; i++) {
        if (i % 16 == 0) {
            clause_t *place = &survivors[bench_below(&rng, SURVIVORS)];

            clause_free(place);
            *place = clauses[i];
            clauses[i].words = NULL;
        }
        clause_free(&clauses[i]);
    }
    while (blocks != NULL) {
        block_t *next = blocks->next;

        bench_free(blocks, sizeof(*blocks));
        blocks = next;
    }
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"documents", 22, "one after the other"},
        {"tokens", 60000, "of each"},
        {"terms", 40000, "of each, some of them equal"},
        {"bursts", 20, "of each, in which clauses are learned"},
        {"seed", 14, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint64_t documents;

    bench_init(argc, argv, "phases", params);
    documents = bench_work(bench_get("documents"), 2);
    rng.state = bench_get("seed");
    for (uint64_t i = 0; i < documents; i++) {
        read_document((uint32_t)bench_get("tokens"));
        make_terms((uint32_t)bench_get("terms"));
        learn((uint32_t)bench_get("bursts"));
        write_result();
        end_document();
    }
    names_check();
    return bench_done(made);
}
