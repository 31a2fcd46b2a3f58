/*
 * bench/runner: each program under each allocator, in turns, and the table.
 *
 * `make bench` calls it; t/bench/README.md says how to read what it prints. In
 * round r the allocators follow each other in an order that is rotated by r,
 * so that none has always the same neighbour.
 */
#include "runner.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
    unsigned rounds;
    bool has_insns;
    const char *csv;
    const char *commit;
    const char *subject;
    char *allocators;
    start_t start;
    choice_t choice;
    peer_t peers[PEERS_MAX];
    unsigned peer_count;
} options_t;

static const char usage_text[] =
    "usage: runner [option...]\n"
    "  -n, --rounds=N             runs of each program and allocator (5)\n"
    "  -q, --quick                small programs: tenths of a second\n"
    "      --scale=F              F times the work of the programs\n"
    "  -p, --programs=LIST        only these, and groups, with commas:\n"
    "                             synthetic, real\n"
    "  -a, --allocators=LIST      only these: ours,glibc,jemalloc,mimalloc,\n"
    "                             tcmalloc and those of --add\n"
    "      --add=NAME=FILE        one more allocator to preload, or another\n"
    "                             file for a known one\n"
    "      --env=NAME:VAR=VALUE   set a variable for one allocator\n"
    "      --subject=NAME         compare this one to the others (ours)\n"
    "      --command=NAME=COMMAND measure a command too, split at blanks\n"
    "      --csv=FILE             where every measurement goes "
    "(bench-results.csv)\n"
    "      --commit=ID            said in the head of both\n"
    "      --timeout=S            seconds after which a run is killed (120)\n"
    "      --sample-ms=MS         between two samples of the RSS (2)\n"
    "  -i, --instructions         count instructions with callgrind instead\n"
    "  -h, --help\n";

enum {
    OPT_ADD = 256,
    OPT_COMMAND,
    OPT_COMMIT,
    OPT_CSV,
    OPT_ENV,
    OPT_SAMPLE,
    OPT_SCALE,
    OPT_SUBJECT,
    OPT_TIMEOUT,
};

static const struct option long_options[] = {
    {"rounds", required_argument, NULL, 'n'},
    {"quick", no_argument, NULL, 'q'},
    {"scale", required_argument, NULL, OPT_SCALE},
    {"programs", required_argument, NULL, 'p'},
    {"allocators", required_argument, NULL, 'a'},
    {"add", required_argument, NULL, OPT_ADD},
    {"env", required_argument, NULL, OPT_ENV},
    {"subject", required_argument, NULL, OPT_SUBJECT},
    {"command", required_argument, NULL, OPT_COMMAND},
    {"csv", required_argument, NULL, OPT_CSV},
    {"commit", required_argument, NULL, OPT_COMMIT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"sample-ms", required_argument, NULL, OPT_SAMPLE},
    {"instructions", no_argument, NULL, 'i'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static double
parse_number(const char *option, const char *text, double low, double high)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= low && value <= high))
        runner_die("%s %s: a number from %g to %g is needed", option, text, low,
                   high);
    return value;
}

/* Cut `text` at its first `mark`; what follows is returned. */
static char *
cut(const char *option, char *text, char mark)
{
    char *at = strchr(text, mark);

    if (at == NULL || at == text)
        runner_die("%s=%s: NAME%c... is needed", option, text, mark);
    *at = '\0';
    return at + 1;
}

static void
add_peer(options_t *options, char *text)
{
    char *path = cut("--add", text, '=');
    int index = peers_find(options->peers, options->peer_count, text);
    char *real = path[0] == '\0' ? strdup("") : realpath(path, NULL);

    if (real == NULL)
        runner_die("--add=%s=%s: %s", text, path, strerror(errno));
    if (index < 0) {
        if (options->peer_count == PEERS_MAX)
            runner_die("--add: at most %d allocators", PEERS_MAX);
        index = (int)options->peer_count++;
        options->peers[index] = (peer_t){.name = text};
    }
    free(options->peers[index].path);
    options->peers[index].path = real;
}

static void
add_env(options_t *options, char *text)
{
    char *variable = cut("--env", text, ':');
    int index = peers_find(options->peers, options->peer_count, text);

    if (index < 0)
        runner_die("--env: no allocator is called %s", text);
    if (strchr(variable, '=') == NULL)
        runner_die("--env=%s:%s: VAR=VALUE is needed", text, variable);
    for (unsigned i = 0; i < ENV_MAX - 1; i++) {
        if (options->peers[index].env[i] == NULL) {
            options->peers[index].env[i] = variable;
            return;
        }
    }
    runner_die("--env: at most %d for one allocator", ENV_MAX - 1);
}

static void
set_option(options_t *options, int option)
{
    switch (option) {
    case 'n':
        options->rounds =
            (unsigned)parse_number("--rounds", optarg, 1, ROUNDS_MAX);
        break;
    case 'q':
        options->choice.scale = "0.05";
        break;
    case 'p':
        options->choice.list = optarg;
        break;
    case 'a':
        options->allocators = optarg;
        break;
    case 'i':
        options->has_insns = true;
        break;
    case OPT_SCALE:
        parse_number("--scale", optarg, 1e-6, 1e6);
        options->choice.scale = optarg;
        break;
    case OPT_ADD:
        add_peer(options, optarg);
        break;
    case OPT_ENV:
        add_env(options, optarg);
        break;
    case OPT_SUBJECT:
        options->subject = optarg;
        break;
    case OPT_COMMAND:
        programs_add_command(&options->choice, optarg,
                             cut("--command", optarg, '='));
        break;
    case OPT_CSV:
        options->csv = optarg;
        break;
    case OPT_COMMIT:
        options->commit = optarg;
        break;
    case OPT_TIMEOUT:
        options->start.timeout_s = parse_number("--timeout", optarg, 1, 1e6);
        break;
    case OPT_SAMPLE:
        options->start.sample_s =
            parse_number("--sample-ms", optarg, 0.1, 10000) / 1000;
        break;
    case 'h':
        fputs(usage_text, stdout);
        exit(0);
    default:
        fputs(usage_text, stderr);
        exit(2);
    }
}

static char *
own_folder(void)
{
    char *path = realpath("/proc/self/exe", NULL);

    if (path == NULL)
        runner_die("/proc/self/exe: %s", strerror(errno));
    *strrchr(path, '/') = '\0';
    return path;
}

static void
parse(options_t *options, int argc, char **argv)
{
    int option;

    *options = (options_t){.rounds = 5,
                           .csv = "bench-results.csv",
                           .commit = "unknown",
                           .start = {.timeout_s = 120, .sample_s = 0.002}};
    options->choice.folder = own_folder();
    options->peer_count = peers_default(options->peers, options->choice.folder);
    while ((option =
                getopt_long(argc, argv, "n:qp:a:ih", long_options, NULL)) != -1)
        set_option(options, option);
    if (optind < argc)
        runner_die("%s: no such argument (see --help)", argv[optind]);
}

/* Run the smallest program there is, once: an allocator that cannot be loaded
 * is known before the long part, and its file is in the page cache. */
static const char *
probe(const options_t *options, const peer_t *peer)
{
    static result_t result;
    program_t program = {.name = "pair", .reports = "pair"};
    char path[4200], pairs[] = "--pairs=1000";

    if (peer_problem(peer) != NULL)
        return peer_problem(peer);
    snprintf(path, sizeof(path), "%s/bench_pair", options->choice.folder);
    program.args[0] = path;
    program.args[1] = pairs;
    start_measured(&options->start, &program, peer, &result);
    return result.is_done ? NULL : result.why;
}

/* Returns the exit status: an allocator asked for by name must be there. */
static int
choose_peers(options_t *options, results_t *results)
{
    const char *list = options->allocators;
    const char *subject = options->subject == NULL ? "ours" : options->subject;
    unsigned found = 0, present = 0;
    int status = 0, index;

    for (unsigned i = 0; i < options->peer_count; i++) {
        peer_t *peer = &options->peers[i];
        const char *problem;

        peer->is_wanted = list == NULL || list_has(list, peer->name);
        if (!peer->is_wanted)
            continue;
        found++;
        problem = probe(options, peer);
        peer->is_present = problem == NULL;
        present += peer->is_present;
        if (problem == NULL)
            continue;
        printf("left out: %s (%s): %s\n", peer->name, peer->path, problem);
        if (list != NULL || strcmp(peer->name, subject) == 0)
            status = 1;
    }
    if (list != NULL && found != list_length(list))
        runner_die("--allocators=%s: there is one that does not exist", list);
    if (present == 0)
        runner_die("no allocator to run");
    results->peers = options->peers;
    results->peer_count = options->peer_count;
    index = peers_find(options->peers, options->peer_count, subject);
    if (index < 0)
        runner_die("--subject=%s: no such allocator", subject);
    while (!options->peers[index].is_present)
        index = (index + 1) % (int)options->peer_count;
    results->subject = (unsigned)index;
    return status;
}

static int
measure(const options_t *options, results_t *results, FILE *csv)
{
    int status = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        for (unsigned i = 0; i < results->program_count; i++) {
            if (isatty(STDERR_FILENO))
                fprintf(stderr, "\rround %u: %-12s", round + 1,
                        results->programs[i].name);
            for (unsigned j = 0; j < results->peer_count; j++) {
                unsigned peer = (j + round) % results->peer_count;
                result_t *result = results_at(results, i, peer, round);

                if (!results->peers[peer].is_present)
                    continue;
                start_measured(&options->start, &results->programs[i],
                               &results->peers[peer], result);
                if (!result->is_done)
                    status = 1;
                if (csv != NULL)
                    csv_line(csv, results, i, peer, round);
            }
        }
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-24s\r", "");
    return status;
}

static FILE *
open_csv(const options_t *options)
{
    FILE *csv;

    if (strcmp(options->csv, "-") == 0)
        return NULL;
    csv = fopen(options->csv, "we");
    if (csv == NULL)
        runner_die("%s: %s", options->csv, strerror(errno));
    return csv;
}

static int
run(options_t *options)
{
    results_t results = {.rounds = options->rounds, .commit = options->commit};
    int status = choose_peers(options, &results);
    FILE *csv;

    if (options->has_insns) {
        char path[4200];
        snprintf(path, sizeof(path), "%s/bench_pair", options->choice.folder);
        return insns_print(&options->start, path, results.peers,
                           results.peer_count) |
               status;
    }
    status |= programs_choose(&options->choice, &options->start, &results);
    results.all = calloc((size_t)results.program_count * results.peer_count *
                             results.rounds,
                         sizeof(*results.all));
    if (results.all == NULL)
        runner_die("out of memory");
    csv_machine(stdout, "", &results);
    fflush(stdout);
    csv = open_csv(options);
    if (csv != NULL)
        csv_head(csv, &results);
    status |= measure(options, &results, csv);
    if (csv != NULL && fclose(csv) != 0)
        runner_die("%s: %s", options->csv, strerror(errno));
    table_print(&results);
    return status;
}

int
main(int argc, char **argv)
{
    static options_t options;
    sigset_t set;

    /* Waited for with a time limit, in place of a handler. */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    parse(&options, argc, argv);
    return run(&options);
}
