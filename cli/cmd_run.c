/*
 * jeprobe run: a program on the jealloc allocator, its dump, and how it ended.
 *
 * The command is to be transparent: what is started behaves and ends as it
 * would without jeprobe. See run.h for the parts.
 */
#include "base/macros.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/run.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A signal number that a handler may be installed for. */
static const char *
run_opt_signal(const opt_t *opt, const char *arg, void *value)
{
    int *number = value;
    const char *fault = opt_signal(opt, arg, number);
    if (fault != NULL)
        return fault;
    if (*number == SIGKILL || *number == SIGSTOP)
        return "this signal cannot be caught";
    if (*number == SIGSEGV || *number == SIGBUS || *number == SIGFPE ||
        *number == SIGILL || *number == SIGABRT || *number == SIGTRAP)
        return "this signal means a fault of the program";
    return NULL;
}

static const char *
run_opt_sample(const opt_t *opt, const char *arg, void *value)
{
    run_opts_t *opts = value;
    const char *fault = opt_size(opt, arg, &opts->sample_bytes);
    opts->sample = arg;
    if (fault == NULL && opts->sample_bytes > UINT64_C(1) << 48)
        return "too large: 256T at most";
    return fault;
}

static const opt_t run_opt_table[] = {
    OPT('o', "output", "FILE", opt_string, run_opts_t, output,
        "Name of the dump, instead of PROGRAM.PID.jeprobe.json here. %p in it "
        "is the process id, %e the program, %n a number that counts up, %% a "
        "percent sign. With --follow a process id is added."),
    {.name = "sample",
     .arg = "SIZE",
     .help = "Take a sample of a call stack every SIZE bytes allocated, on "
             "average: 512K (the default), 1M, 0 for none.",
     .parse = run_opt_sample},
    OPT(0, "signal", "SIG", run_opt_signal, run_opts_t, signal,
        "Also write a dump whenever the program gets this signal, say USR2. "
        "Choose one that it does not use."),
    OPT(0, "follow", NULL, opt_flag, run_opts_t, is_following,
        "Profile the programs that it starts, too; each writes its dump."),
    OPT(0, "no-argv", NULL, opt_flag, run_opts_t, hides_argv,
        "Leave the command line out of the dump."),
    OPT(0, "report", NULL, opt_flag, run_opts_t, has_report,
        "Print the report to standard output after the program has ended."),
    OPT_END};

/* Descriptors 0 to 2 that are closed would be given to the next file opened.
 * The program still finds them closed. */
static void
run_guard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1)
            (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static int
run_exit_status(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return 128 + WTERMSIG(wait_status);
    return WEXITSTATUS(wait_status);
}

static int
run_main(const cmd_t *self, int argc, char **argv)
{
    static run_opts_t opts;
    static run_program_t program;
    static run_child_t child;
    static char pattern[PATH_MAX];

    int first = opt_parse(self, argc, argv, &opts);
    if (first == argc)
        die_usage(self, "the program to run is missing");
    run_guard_descriptors();
    program.name = argv[first];
    program.argv = argv + first;
    run_find(program.name, program.path);
    run_check_program(&program);
    run_dump_pattern(&opts, pattern);
    const run_start_t start = {
        .program = &program,
        .opts = &opts,
        .preload = run_find_preload(),
        .pattern = pattern,
    };
    run_remove_old(&opts);
    run_child_start(&child, &start);
    run_child_wait(&child, &program);
    run_stale_remove(&child.log);
    run_note_end(&child, &program, &opts);
    run_log_free(&child.log);
    return run_exit_status(child.wait_status);
}

const cmd_t cmd_run = {
    .name = "run",
    .synopsis = "[--] PROGRAM [ARG...]",
    .summary = "run a program on the allocator and dump its memory",
    .text = "Runs PROGRAM with the jealloc allocator in place of the C "
            "library's, samples who allocates what, and writes a dump when it "
            "ends. Input, output, signals and the exit status are the "
            "program's own; jeprobe adds a few lines to standard error.",
    .opts = run_opt_table,
    .stop_at_operand = true,
    .usage_status = EXIT_LAUNCH,
    .run = run_main,
};
