/*
 * What a user writes for `jeprobe check`: the configuration file and the
 * baseline, and what the check makes of them for each CI system.
 *
 * Their readers end the program if something is wrong, which here ends one
 * input: the linker sends exit(), and their allocations so that nothing is
 * left behind, through the functions below.
 */
#include "t/fuzz/fuzz.h"

#include "cli/check.h"
#include "cli/cmd.h"
#include "cli/out.h"
#include "cli/render/check.h"

#include "t/fuzz/always.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __real_exit(int status) JE_NORETURN;
void __wrap_exit(int status) JE_NORETURN;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);

/* In front of each block that is taken while `is_armed`. */
struct block {
    struct block *next, **at;
};

static jmp_buf ended;
static bool is_armed;
static struct block *blocks;

void
__wrap_exit(int status)
{
    if (!is_armed)
        __real_exit(status);
    longjmp(ended, 1);
}

static void *
block_new(size_t size)
{
    struct block *block = __real_calloc(1, sizeof(*block) + size);

    if (block == NULL)
        return NULL;
    block->next = blocks;
    block->at = &blocks;
    if (blocks != NULL)
        blocks->at = &block->next;
    blocks = block;
    return block + 1;
}

static void
block_free(void *memory)
{
    struct block *block = (struct block *)memory - 1;

    if (memory == NULL)
        return;
    *block->at = block->next;
    if (block->next != NULL)
        block->next->at = block->at;
    __real_free(block);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return is_armed ? block_new(count * size) : __real_calloc(count, size);
}

void
__wrap_free(void *memory)
{
    struct block *block = blocks;

    while (block != NULL && block + 1 != memory)
        block = block->next;
    if (block != NULL)
        block_free(memory);
    else
        __real_free(memory);
}

/* Two dumps that a check has something to say about: ratios and places of
 * allocation. */
static const char dump[] =
    "___ Begin jemalloc statistics ___\n"
    "Version: 5.2.1-0-gea6b3e973b477b8061e0076bb257dbd7f3faa756\n"
    "Allocated: 104857600, active: 157286400, metadata: 52428800 (n_thp 0), "
    "resident: 314572800, mapped: 419430400, retained: 524288000\n"
    "--- End jemalloc statistics ---\n"
    "heap_v2/524288\n"
    "  t*: 64: 67108864 [0: 0]\n"
    "@ 0x401000 0x402000\n"
    "  t*: 48: 50331648 [0: 0]\n"
    "@ 0x403000\n"
    "  t*: 16: 16777216 [0: 0]\n";

typedef void (*check_writer_t)(out_t *out, const struct check_set *set);

struct writing {
    check_writer_t write;
    const struct check_set *set;
};

static void
write_one(out_t *out, const void *context)
{
    const struct writing *writing = context;

    writing->write(out, writing->set);
}

static char *
written(check_writer_t write, const struct check_set *set, size_t *size)
{
    const struct writing writing = {write, set};

    return always_capture(write_one, &writing, size);
}

static void
json_holds(check_writer_t write, const struct check_set *set)
{
    size_t size;
    char *text = written(write, set, &size);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);

    if (root == NULL)
        fuzz_fail("JSON is broken: %s", text);
    json_decref(root);
    free(text);
}

/* Nothing that a user wrote becomes a command of the CI system. */
static void
annotations_hold(const struct check_set *set)
{
    size_t size;
    char *text = written(check_github, set, &size);
    unsigned commands = 0;

    for (const char *line = text; line != NULL && *line != '\0';
         line = strchr(line, '\n')) {
        line += *line == '\n';
        commands += strncmp(line, "::", 2) == 0;
    }
    if (commands > set->count || always_control(text) != NULL)
        fuzz_fail("%u commands for %zu checks", commands, set->count);
    free(text);
}

static void
outcome_holds(const struct jep_view *view, const struct jep_limits *limits,
              const struct jep_baseline *baseline)
{
    struct check_set set = {0};
    size_t size;

    if (jep_check(view, limits, baseline, "jemalloc", &set.checks,
                  &set.count) != JEP_OK)
        fuzz_fail("cannot check");
    for (size_t i = 0; i < set.count; i++) {
        const struct jep_check *one = &set.checks[i];

        set.alerts += one->outcome == JEP_ALERT;
        set.cannots += one->outcome == JEP_CANNOT;
        if ((unsigned)one->outcome > JEP_SUPPRESSED || one->name == NULL)
            fuzz_fail("outcome %d", (int)one->outcome);
        if (one->outcome == JEP_CANNOT && one->reason == NULL)
            fuzz_fail("%s cannot be told, and no reason", one->name);
    }
    annotations_hold(&set);
    json_holds(check_json, &set);
    json_holds(check_sarif, &set);
    json_holds(check_code_quality, &set);
    free(written(check_junit, &set, &size));
    free(written(check_text, &set, &size));
    free(set.checks);
}

static const struct always *
views(void)
{
    static struct always all;

    if (all.count == 0) {
        always_read(&all, always_file(dump, sizeof(dump) - 1), dump,
                    sizeof(dump) - 1);
        json_set_alloc_funcs(block_new, block_free);
    }
    if (all.count != 2 || all.wrong[0] != '\0')
        fuzz_fail("the dumps are not read: %s%s", all.error.text, all.wrong);
    return &all;
}

/* The text is read as both; what is neither ends in the middle. */
void
fuzz_check(const char *data, size_t size)
{
    const struct always *all = views();
    const char *path = always_file(data, size);
    struct jep_limits limits = {.min_size = 1 << 20, .fail_on = JEP_MEDIUM};
    struct check_config *volatile config = NULL;
    struct jep_baseline *volatile baseline = NULL;
    FILE *volatile before = stderr;

    stderr = fopen("/dev/null", "we");
    is_armed = true;
    if (setjmp(ended) == 0)
        config = check_config_read(path, &limits);
    if (setjmp(ended) == 0)
        baseline = check_baseline_read(path);
    is_armed = false;
    fclose(stderr);
    stderr = before;
    for (size_t i = 0; i < all->count && (config != NULL || baseline != NULL);
         i++)
        outcome_holds(all->views[i],
                      config != NULL ? &limits : &(struct jep_limits){0},
                      baseline);
    check_baseline_free(baseline);
    check_config_free(config);
    while (blocks != NULL)
        block_free(blocks + 1);
}
