/*
 * Instructions of one malloc/free pair, counted by callgrind.
 *
 * The program runs a loop of pairs with two numbers of rounds; the difference
 * of the two counts belongs to the rounds alone, without start and end of
 * the process and without the first fill of a cache. Counts do not depend on
 * what else the machine does, so one run of each is enough. Callgrind leaves
 * malloc alone (memcheck would replace it), so what is preloaded is counted.
 *
 * The allocator is preloaded by an argument of ld.so, not by LD_PRELOAD:
 * valgrind starts by way of a script and a launcher, and an object may take
 * itself out of the environment of the programs that its process starts.
 */
#include "runner.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define PAIRS_FEW  20000
#define PAIRS_MANY 60000

static const unsigned sizes[] = {16, 64, 256, 4096, 32768};

static const struct {
    const char *title;
    unsigned batch;
} orders[] = {{"last in, first out", 1}, {"batch of 1000", 1000}};

static const peer_t no_peer = {.path = (char *)(uintptr_t) ""};

/* The file of the dynamic linker that started the runner. */
static const char *
linker(void)
{
    Dl_info info;

    if (dladdr((void *)getauxval(AT_BASE), &info) == 0)
        runner_die("ld.so is not to be found");
    return info.dli_fname;
}

double
insns_count(const start_t *start, char *const *args, const program_t *check,
            const peer_t *peer)
{
    static const char found[] = "Collected : ";
    const char *all[ARGS_MAX + 4] = {"valgrind", "--tool=callgrind",
                                     "--callgrind-out-file=/dev/null"};
    result_t result = {.is_done = true};
    captured_t captured;
    double count = NAN;
    char *at;

    for (unsigned i = 0; args[i] != NULL; i++)
        all[3 + i] = args[i];
    if (!start_captured(start, (char *const *)(uintptr_t)all, NULL, &captured))
        return NAN;
    if (check != NULL)
        start_check(check, peer, captured.output, &result);
    at = strstr(captured.errors, found);
    if (result.is_done && at != NULL)
        count = strtod(at + strlen(found), NULL);
    else
        fprintf(stderr, "%s: %s\n", args[0], result.why);
    free(captured.output);
    free(captured.errors);
    return count;
}

/* Instructions of the whole process, or NAN. */
static double
count(const start_t *start, const char *program, const peer_t *peer,
      const char *size, unsigned batch, unsigned pairs, bool is_hollow)
{
    static const program_t pair = {.name = "pair", .reports = "pair"};
    char batch_arg[32], pairs_arg[32], size_arg[32];
    const char *args[16] = {linker()};
    unsigned used = 1;

    if (peer->path[0] != '\0') {
        args[used++] = "--preload";
        args[used++] = peer->path;
    }
    args[used++] = program;
    args[used++] = size_arg;
    args[used++] = batch_arg;
    args[used++] = pairs_arg;
    args[used++] = is_hollow ? "--hollow=1" : "--hollow=0";
    snprintf(size_arg, sizeof(size_arg), "--size=%s", size);
    snprintf(batch_arg, sizeof(batch_arg), "--batch=%u", batch);
    snprintf(pairs_arg, sizeof(pairs_arg), "--pairs=%u", pairs);
    return insns_count(start, (char *const *)(uintptr_t)args, &pair, peer);
}

static double
count_pair(const start_t *start, const char *program, const peer_t *peer,
           unsigned size, unsigned batch, bool is_hollow)
{
    char text[16];
    double few, many;

    snprintf(text, sizeof(text), "%u", size);
    few = count(start, program, peer, text, batch, PAIRS_FEW, is_hollow);
    many = count(start, program, peer, text, batch, PAIRS_MANY, is_hollow);
    return (many - few) / (PAIRS_MANY - PAIRS_FEW);
}

static void
print_count(double value)
{
    if (isnan(value))
        printf("%11s", "failed");
    else
        printf("%11.1f", value);
    fflush(stdout);
}

static int
print_order(const start_t *start, const char *program, const peer_t *peers,
            unsigned peer_count, unsigned order)
{
    unsigned batch = orders[order].batch;
    int status = 0;

    printf("\ninstructions of one malloc/free pair and its loop, %s\n%-8s",
           orders[order].title, "bytes");
    for (unsigned i = 0; i < peer_count; i++) {
        if (peers[i].is_present)
            printf("%11s", peers[i].name);
    }
    printf("%11s\n", "loop alone");
    for (unsigned i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        printf("%-8u", sizes[i]);
        for (unsigned j = 0; j < peer_count; j++) {
            double value;

            if (!peers[j].is_present)
                continue;
            value =
                count_pair(start, program, &peers[j], sizes[i], batch, false);
            if (isnan(value))
                status = 1;
            print_count(value);
        }
        print_count(
            count_pair(start, program, &no_peer, sizes[i], batch, true));
        putchar('\n');
    }
    return status;
}

int
insns_print(const start_t *start, const char *pair_program, const peer_t *peers,
            unsigned peer_count)
{
    int status = 0;

    for (unsigned i = 0; i < JE_ARRAY_LEN(orders); i++)
        status |= print_order(start, pair_program, peers, peer_count, i);
    return status;
}
