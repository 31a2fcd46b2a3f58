/*
 * bench/tabulate: the table of the benchmarks from figures that a script has
 * taken.
 *
 *   tabulate TITLE UNIT SCALE more|less SUBJECT
 *
 * Standard input has a line for each, "round,row,allocator,figure"; rounds
 * begin with 1. `more` or `less` is better. The figures are divided by SCALE.
 */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MOST 64

typedef struct line {
    unsigned round, row, peer;
    double figure;
} line_t;

static peer_t peers[PEERS_MAX];
static program_t rows[PROGRAMS_MAX];

static unsigned
find_peer(results_t *results, const char *name)
{
    int index = peers_find(peers, results->peer_count, name);

    if (index >= 0)
        return (unsigned)index;
    if (results->peer_count == PEERS_MAX)
        runner_die("more than %d allocators", PEERS_MAX);
    peers[results->peer_count] =
        (peer_t){.name = copy_text(name), .is_present = true};
    return results->peer_count++;
}

static unsigned
find_row(results_t *results, const char *name)
{
    for (unsigned i = 0; i < results->program_count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return i;
    }
    if (results->program_count == PROGRAMS_MAX)
        runner_die("more than %d rows", PROGRAMS_MAX);
    rows[results->program_count].name = copy_text(name);
    return results->program_count++;
}

/* The places of figures depend on how many rows, allocators and rounds there
 * are, which is known at the end. */
static void
read_figures(results_t *results)
{
    char line[512], row[NAME_MOST], peer[NAME_MOST];
    unsigned count = 0, capacity = 0;
    line_t *lines = NULL;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        line_t *at;

        if (count == capacity) {
            capacity = capacity == 0 ? 256 : 2 * capacity;
            lines = realloc(lines, capacity * sizeof(*lines));
            if (lines == NULL)
                runner_die("out of memory");
        }
        at = &lines[count++];
        if (sscanf(line, "%u,%63[^,],%63[^,],%lf", &at->round, row, peer,
                   &at->figure) != 4 ||
            at->round < 1 || at->round > ROUNDS_MAX)
            runner_die("no figure: %s", line);
        at->row = find_row(results, row);
        at->peer = find_peer(results, peer);
        results->rounds = JE_MAX(results->rounds, at->round);
    }
    if (count == 0)
        runner_die("no figures");
    results->all = calloc((size_t)results->program_count * results->peer_count *
                              results->rounds,
                          sizeof(*results->all));
    if (results->all == NULL)
        runner_die("out of memory");
    for (unsigned i = 0; i < count; i++)
        *results_at(results, lines[i].row, lines[i].peer, lines[i].round - 1) =
            (result_t){.is_done = true, .figure = lines[i].figure};
    free(lines);
}

int
main(int argc, char **argv)
{
    results_t results = {.peers = peers, .programs = rows};
    double scale = argc == 6 ? strtod(argv[3], NULL) : 0;
    int subject;

    if (!(scale > 0))
        runner_die("TITLE UNIT SCALE more|less SUBJECT are needed");
    read_figures(&results);
    subject = peers_find(peers, results.peer_count, argv[5]);
    results.subject = subject < 0 ? 0 : (unsigned)subject;
    table_print_figures(&results, argv[1], argv[2], scale,
                        strcmp(argv[4], "more") == 0);
    free(results.all);
    return 0;
}
