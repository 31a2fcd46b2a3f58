/*
 * bench/peers: the allocators that the benchmarks compare, for shell scripts.
 *
 *   peers                        a line for each that is here: its name, a tab,
 *                                the file to preload; glibc has none
 *   peers COMMIT PROGRAMS LIST   the head of a table of these: the machine and
 *                                where they are from; an empty list is all
 *
 * Those that are not here are named on standard error.
 */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

static void
print_head(char **argv, peer_t *peers, unsigned count)
{
    results_t results = {.commit = argv[1],
                         .options = argv[2],
                         .peers = peers,
                         .peer_count = count};

    for (unsigned i = 0; i < count; i++)
        peers[i].is_present =
            peer_problem(&peers[i]) == NULL &&
            (argv[3][0] == '\0' || list_has(argv[3], peers[i].name));
    csv_machine(stdout, "", &results);
}

int
main(int argc, char **argv)
{
    char *folder = realpath("/proc/self/exe", NULL);
    peer_t peers[PEERS_MAX];
    unsigned count;

    if (folder == NULL)
        runner_die("there is no /proc");
    *strrchr(folder, '/') = '\0';
    count = peers_default(peers, folder);
    if (argc == 4)
        print_head(argv, peers, count);
    for (unsigned i = 0; i < count && argc == 1; i++) {
        const char *problem = peer_problem(&peers[i]);

        if (problem == NULL)
            printf("%s\t%s\n", peers[i].name, peers[i].path);
        else
            fprintf(stderr, "left out: %s (%s): %s\n", peers[i].name,
                    peers[i].path, problem);
    }
    free(folder);
    return 0;
}
