/*
 * Hold a report's ledger against the figures of the spy.
 *
 * Usage: compare SPY REPORT.json SLACK   Each line of the ledger but
 * "unexplained" must be within SLACK bytes of the spy's figure, the lines must
 * add up to the total, and what is unexplained be at most 2 % of it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 32 };

typedef struct line {
    char name[64];
    long long bytes;
} line_t;

static line_t spied[LINES_MAX];
static unsigned nspied;

static const line_t *
spied_line(const char *name)
{
    for (unsigned i = 0; i < nspied; i++) {
        if (strcmp(spied[i].name, name) == 0) {
            return &spied[i];
        }
    }
    return NULL;
}

static void
read_spy(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        exit(4);
    }
    while (nspied < LINES_MAX && fscanf(f, "%63s %lld", spied[nspied].name,
                                        &spied[nspied].bytes) == 2) {
        nspied++;
    }
    fclose(f);
}

static int
compare_line(const char *name, long long bytes, long long slack)
{
    const line_t *l = spied_line(name);
    long long other = l != NULL ? l->bytes : 0;
    long long apart = llabs(bytes - other);
    printf("%s %-16s report %12lld  spy %12lld\n",
           apart <= slack ? "ok  " : "FAIL", name, bytes, other);
    return apart > slack;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: compare SPY REPORT.json SLACK\n");
        return 2;
    }
    read_spy(argv[1]);
    json_error_t error;
    json_t *root = json_load_file(argv[2], 0, &error);
    json_t *ledger = json_object_get(root, "attribution");
    const line_t *total = spied_line("total");
    if (!json_is_array(ledger) || total == NULL) {
        fprintf(stderr, "compare: nothing to compare\n");
        return 3;
    }
    long long slack = strtoll(argv[3], NULL, 10), sum = 0, unexplained = 0;
    int failed = 0;
    size_t i;
    json_t *item;
    json_array_foreach(ledger, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "what"));
        long long bytes = json_integer_value(json_object_get(item, "bytes"));
        sum += bytes;
        if (strcmp(name, "unexplained") == 0) {
            unexplained = bytes;
        } else {
            failed += compare_line(name, bytes, slack);
        }
    }
    failed += compare_line("total", sum, slack);
    int share_bad = llabs(unexplained) * 50 > total->bytes;
    printf("%s unexplained %lld of %lld (%.2f %%)\n",
           share_bad ? "FAIL" : "ok  ", unexplained, total->bytes,
           100.0 * (double)unexplained / (double)total->bytes);
    json_decref(root);
    return failed + share_bad > 0;
}
