/*
 * bench/readers: how fast dumps are read, and in how much memory, beside other
 * programs on the same files.
 *
 * `make bench-read` calls it; t/bench/README.md says what is compared. The
 * dumps are those of 2,048 arenas under the packaged jemalloc, as text and as
 * JSON. Each reader is a process of its own and they take turns, in an order
 * that is rotated every round.
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { TEXT, JSON, KINDS };

static const char *const kind_names[KINDS] = {"text", "json"};

/* What a reader is started with; FILE stands for the dump. */
#define FILE_ARG "FILE"

static const struct reader {
    const char *name;
    const char *locale; /* NULL = C */
    enum kind kinds;    /* KINDS = both */
    bool is_counted;    /* with --instructions */
    double bar;         /* times as fast as this one; 0 = only beside it */
    const char *args[6];
} readers[] = {
    {"ours", NULL, KINDS, true, 0, {"bench_read", "ours", FILE_ARG}},
    {"gawk", NULL, TEXT, true, 3, {"gawk", "{n+=NF} END{print n}", FILE_ARG}},
    {"gawk-utf8",
     "LC_ALL=C.UTF-8",
     TEXT,
     false,
     3,
     {"gawk", "{n+=NF} END{print n}", FILE_ARG}},
    {"jansson", NULL, JSON, true, 0.6, {"bench_read", "jansson", FILE_ARG}},
    {"jq",
     NULL,
     JSON,
     false,
     0,
     {"sh", "-c", "exec jq . \"$0\" >/dev/null", FILE_ARG}},
    {"python3",
     NULL,
     JSON,
     false,
     0,
     {"python3", "-c", "import json,sys; json.load(open(sys.argv[1]))",
      FILE_ARG}},
};

#define READERS      JE_ARRAY_LEN(readers)
#define MEMORY_BAR   3
#define ARENAS       "2048"
#define PATH_MOST    4200
#define ROUNDS_FIRST 5

static struct options {
    unsigned rounds;
    bool has_insns;
    const char *arenas;
    const char *commit;
    char files[KINDS][PATH_MOST];
    bool is_made[KINDS]; /* here: the others are the user's */
    char folder[64];     /* of the generated ones; "" = there are none */
    char program[PATH_MOST];
    start_t start;
} options = {.rounds = ROUNDS_FIRST,
             .arenas = ARENAS,
             .commit = "unknown",
             .start = {.timeout_s = 600, .sample_s = 0.002}};

static const char usage_text[] =
    "usage: readers [option...]\n"
    "  -n, --rounds=N       runs of each reader (5)\n"
    "      --arenas=N       of the dumps that are made (2048)\n"
    "      --text=FILE      read this one instead of making one\n"
    "      --json=FILE\n"
    "      --commit=ID      said in the head\n"
    "  -i, --instructions   count instructions with callgrind instead\n"
    "  -h, --help\n";

static void
remove_files(void)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        if (options.is_made[kind])
            unlink(options.files[kind]);
    }
    if (options.folder[0] != '\0')
        rmdir(options.folder);
}

static void
parse(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"rounds", required_argument, NULL, 'n'},
        {"arenas", required_argument, NULL, 'a'},
        {"text", required_argument, NULL, 't'},
        {"json", required_argument, NULL, 'j'},
        {"commit", required_argument, NULL, 'c'},
        {"instructions", no_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "n:ih", long_options, NULL)) !=
           -1) {
        if (option == 'n')
            options.rounds = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'a')
            options.arenas = optarg;
        else if (option == 't' || option == 'j')
            snprintf(options.files[option == 't' ? TEXT : JSON], PATH_MOST,
                     "%s", optarg);
        else if (option == 'c')
            options.commit = optarg;
        else if (option == 'i')
            options.has_insns = true;
        else {
            fputs(usage_text, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || options.rounds < 1 || options.rounds > ROUNDS_MAX)
        runner_die("no such argument, or not 1 to %d rounds", ROUNDS_MAX);
}

/* Run samples/arenas under the packaged jemalloc, its output to a file. */
static void
generate(enum kind kind, const char *own_folder, const peer_t *jemalloc)
{
    char program[PATH_MOST], preload[PATH_MOST], conf[64];
    char arenas[32], letters[] = "J";
    int status;
    pid_t pid;

    snprintf(program, sizeof(program), "%s/../../samples/arenas", own_folder);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", jemalloc->path);
    snprintf(arenas, sizeof(arenas), "%s", options.arenas);
    snprintf(conf, sizeof(conf), "MALLOC_CONF=narenas:%s", options.arenas);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        char *const argv[] = {program, arenas, kind == JSON ? letters : NULL,
                              NULL};
        char *const env[] = {preload, conf, NULL};
        int out = open(options.files[kind], O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (out < 0 || dup2(out, STDOUT_FILENO) < 0)
            _exit(126);
        execve(program, argv, env);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        runner_die("%s failed under %s", program, jemalloc->path);
}

/* Make the dumps that were not given. */
static void
prepare(const char *own_folder)
{
    const char *base = getenv("TMPDIR");
    peer_t peers[PEERS_MAX];
    unsigned count = peers_default(peers, own_folder);
    const peer_t *jemalloc = &peers[peers_find(peers, count, "jemalloc")];

    for (enum kind kind = 0; kind < KINDS; kind++) {
        if (options.files[kind][0] != '\0')
            continue;
        if (peer_problem(jemalloc) != NULL)
            runner_die("the dumps are made with libjemalloc.so.2: %s",
                       peer_problem(jemalloc));
        if (options.folder[0] == '\0') {
            snprintf(options.folder, sizeof(options.folder),
                     "%.40s/readers-XXXXXX", base != NULL ? base : "/tmp");
            if (mkdtemp(options.folder) == NULL)
                runner_die("%s: %s", options.folder, strerror(errno));
        }
        snprintf(options.files[kind], PATH_MOST, "%s/arenas.%s", options.folder,
                 kind_names[kind]);
        options.is_made[kind] = true;
        generate(kind, own_folder, jemalloc);
    }
}

static double
megabytes(enum kind kind)
{
    struct stat status;

    if (stat(options.files[kind], &status) != 0)
        runner_die("%s: %s", options.files[kind], strerror(errno));
    return (double)status.st_size / 1e6;
}

static bool
reads(const struct reader *reader, enum kind kind)
{
    return reader->kinds == KINDS || reader->kinds == kind;
}

/* The command by which a reader reads the dump. */
static void
command(const struct reader *reader, enum kind kind, char **args)
{
    size_t i = 0;

    for (; i < JE_ARRAY_LEN(reader->args) && reader->args[i] != NULL; i++) {
        args[i] = (char *)(uintptr_t)reader->args[i];
        if (strcmp(args[i], FILE_ARG) == 0)
            args[i] = options.files[kind];
        else if (strcmp(args[i], "bench_read") == 0)
            args[i] = options.program;
    }
    args[i] = NULL;
}

static int
measure(results_t *results)
{
    int status = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            for (unsigned j = 0; j < READERS; j++) {
                unsigned peer = (j + round) % READERS;
                result_t *result = results_at(results, kind, peer, round);
                program_t program = {.name = kind_names[kind]};

                if (!reads(&readers[peer], kind) ||
                    !results->peers[peer].is_present)
                    continue;
                command(&readers[peer], kind, program.args);
                start_measured(&options.start, &program, &results->peers[peer],
                               result);
                status |= !result->is_done;
            }
        }
    }
    return status;
}

static void
print_bar(const char *what, double value, double bar, bool is_less)
{
    bool is_met = is_less ? value <= bar : value >= bar;

    printf("%s: %.2f (wanted: %s %g): %s\n", what, value,
           is_less ? "at most" : "at least", bar, is_met ? "met" : "NOT MET");
}

static void
print_speeds(const results_t *results)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        printf("\n%s, %.1f MB:", kind_names[kind], megabytes(kind));
        for (unsigned i = 0; i < READERS; i++) {
            double seconds = table_median(results, TIME_WALL, kind, i);

            if (!isnan(seconds))
                printf("  %s %.0f MB/s", readers[i].name,
                       megabytes(kind) / seconds);
        }
    }
    printf("  (by the clock)\n\n");
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < READERS; i++) {
            double ratio = table_ratio(results, TIME_WALL, kind, i);
            double work = table_ratio(results, TIME_PROCESSOR, kind, i);
            char what[80];

            if (readers[i].bar == 0 || isnan(ratio))
                continue;
            snprintf(what, sizeof(what), "%s, times as fast as %s",
                     kind_names[kind], readers[i].name);
            print_bar(what, 1 / ratio, readers[i].bar, false);
            printf("%s, of processor time: %.2f\n", what, 1 / work);
        }
    }
}

/* Bytes that the reading of each dump takes; they are the same every time. */
static int
print_memory(void)
{
    int status = 0;

    for (unsigned kind = 0; kind < KINDS; kind++) {
        char mode[] = "memory", what[80];
        char *args[] = {options.program, mode, options.files[kind], NULL};
        size_t model = 0, peak = 0;
        captured_t captured;

        if (!start_captured(&options.start, args, NULL, &captured))
            return 1;
        if (sscanf(captured.output, "read ok model=%zu peak=%zu", &model,
                   &peak) != 2 ||
            model == 0)
            status = 1;
        snprintf(what, sizeof(what), "%s, peak %.1f MiB / model %.1f MiB",
                 kind_names[kind], (double)peak / 1048576,
                 (double)model / 1048576);
        print_bar(what, (double)peak / (double)model, MEMORY_BAR, true);
        free(captured.output);
        free(captured.errors);
    }
    return status;
}

static int
print_insns(const results_t *results)
{
    int status = 0;

    printf("\nmillions of instructions, start of the process included\n");
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < READERS; i++) {
            char *args[ARGS_MAX];
            double count;

            if (!reads(&readers[i], kind) || !readers[i].is_counted ||
                !results->peers[i].is_present)
                continue;
            command(&readers[i], kind, args);
            count = insns_count(&options.start, args, NULL, NULL);
            status |= isnan(count);
            printf("%-6s%-10s%10.1f\n", kind_names[kind], readers[i].name,
                   count / 1e6);
            fflush(stdout);
        }
    }
    return status;
}

/* Whether the program of that name is installed. */
static bool
is_installed(const char *name)
{
    char *path = strdup(getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin");
    char *rest = path, file[PATH_MOST];
    bool found = strcmp(name, "bench_read") == 0;

    for (char *folder; (folder = strsep(&rest, ":")) != NULL && !found;) {
        snprintf(file, sizeof(file), "%s/%s", folder, name);
        found = access(file, X_OK) == 0;
    }
    free(path);
    return found;
}

static void
choose(peer_t *peers)
{
    for (unsigned i = 0; i < READERS; i++) {
        const char *program = strcmp(readers[i].args[0], "sh") == 0
                                  ? readers[i].name
                                  : readers[i].args[0];

        peers[i] = (peer_t){.name = readers[i].name,
                            .path = (char *)(uintptr_t) "",
                            .env = {readers[i].locale},
                            .is_present = is_installed(program)};
        if (!peers[i].is_present)
            printf("left out: %s: %s is not installed\n", readers[i].name,
                   program);
    }
}

int
main(int argc, char **argv)
{
    static peer_t peers[READERS];
    static program_t programs[KINDS];
    char *own_folder = realpath("/proc/self/exe", NULL), about[64];
    results_t results = {.peers = peers,
                         .programs = programs,
                         .program_count = KINDS,
                         .options = about};
    int status;
    sigset_t set;

    if (own_folder == NULL)
        runner_die("/proc/self/exe: %s", strerror(errno));
    *strrchr(own_folder, '/') = '\0';
    snprintf(options.program, sizeof(options.program), "%s/bench_read",
             own_folder);
    if (atexit(remove_files) != 0)
        runner_die("out of memory");
    parse(argc, argv);
    /* Waited for with a time limit, in place of a handler. */
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    results.rounds = options.rounds;
    results.commit = options.commit;
    snprintf(about, sizeof(about), "dumps of %s arenas", options.arenas);
    csv_machine(stdout, "", &results);
    choose(peers);
    results.peer_count = READERS;
    programs[TEXT].name = kind_names[TEXT];
    programs[JSON].name = kind_names[JSON];
    results.all =
        calloc((size_t)KINDS * READERS * options.rounds, sizeof(*results.all));
    if (results.all == NULL)
        runner_die("out of memory");
    fflush(stdout);
    prepare(own_folder);
    if (options.has_insns) {
        status = print_insns(&results);
    } else {
        status = measure(&results);
        table_print(&results);
        print_speeds(&results);
        status |= print_memory();
    }
    return status;
}
