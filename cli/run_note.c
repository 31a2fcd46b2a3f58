/*
 * The closing lines of `jeprobe run`, and the report after them.
 *
 * Every figure comes from the dump itself, read back as any reader would; a
 * figure that it does not hold is not printed.
 */
#include "cli/run.h"

#include "jeprobe.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One dump, opened. */
typedef struct run_found {
    const run_dump_t *dump;
    jep_dumps_t *dumps;
    jep_report_t *report;
    const struct jep_view *view;
    uint64_t live; /* bytes allocated when it was written; 0 = not known */
} run_found_t;

static void
run_found_close(run_found_t *found)
{
    if (found->report != NULL)
        jep_report_free(found->report);
    if (found->dumps != NULL)
        jep_dumps_free(found->dumps);
    *found = (run_found_t){.dump = NULL};
}

static bool
run_found_open(run_found_t *found, const run_dump_t *dump)
{
    const struct jep_options options = {.symbols = false};
    struct jep_error error;
    *found = (run_found_t){.dump = dump};
    if (jep_read(dump->path, &found->dumps, &error) != JEP_OK ||
        jep_report_new(found->dumps, 0, &options, &found->report, &error) !=
            JEP_OK) {
        warn("%s: the dump cannot be read back: %s", dump->path, error.text);
        run_found_close(found);
        return false;
    }
    found->view = jep_report_view(found->report);
    if (found->view->summary.allocated.known)
        found->live = found->view->summary.allocated.value;
    return true;
}

/*
 * The dump to speak of: with --follow the one with the most live memory,
 * otherwise the last one of the program itself. False: there is none.
 */
static bool
run_choose(run_found_t *best, const run_child_t *child, bool is_following)
{
    const run_log_t *log = &child->log;
    *best = (run_found_t){.dump = NULL};
    for (unsigned i = 0; i < log->dump_count; i++) {
        run_found_t found;
        if (!run_found_open(&found, &log->dumps[i]))
            continue;
        const struct jep_process *process = &found.view->process;
        bool is_own = process->known && process->pid.known &&
                      process->pid.value == (uint64_t)child->pid;
        bool is_better = is_following ? found.live >= best->live : is_own;
        if (best->dump == NULL || is_better) {
            run_found_close(best);
            *best = found;
        } else {
            run_found_close(&found);
        }
    }
    return best->dump != NULL;
}

/* `path` as the user would write it here. */
static const char *
run_short_path(const char *path)
{
    char here[PATH_MAX];
    if (getcwd(here, sizeof(here)) == NULL)
        return path;
    size_t len = strlen(here);
    if (strncmp(path, here, len) == 0 && path[len] == '/')
        return path + len + 1;
    return path;
}

/* "exited 0", "was ended by SIGSEGV (core dumped)". */
static void
run_describe_end(char *text, size_t size, int wait_status)
{
    if (!WIFSIGNALED(wait_status)) {
        snprintf(text, size, "exited %d", WEXITSTATUS(wait_status));
        return;
    }
    const char *name = sigabbrev_np(WTERMSIG(wait_status));
    const char *core = WCOREDUMP(wait_status) ? " (core dumped)" : "";
    if (name != NULL)
        snprintf(text, size, "was ended by SIG%s%s", name, core);
    else
        snprintf(text, size, "was ended by signal %d%s", WTERMSIG(wait_status),
                 core);
}

/* "; 1,204 samples of 512 KiB, none dropped", as far as it is known. */
static void
run_describe_samples(char *text, size_t size, const struct jep_profile *profile)
{
    char count[TEXT_NUMBER_MAX];
    char interval[TEXT_NUMBER_MAX];
    char drops[TEXT_NUMBER_MAX + 16] = "none";
    text[0] = '\0';
    if (!profile->known || !profile->sample_interval.known ||
        !profile->samples_taken.known)
        return;
    if (profile->sample_interval.value == 0) {
        snprintf(text, size, "; sampling was off");
        return;
    }
    /* a sample whose stack could not be walked is kept, with an empty one */
    uint64_t dropped =
        profile->dropped_memory.value + profile->dropped_recursion.value;
    text_count(count, (double)profile->samples_taken.value);
    text_size(interval, (double)profile->sample_interval.value);
    if (dropped != 0)
        text_count(drops, (double)dropped);
    snprintf(text, size, "; %s sample%s of %s, %s dropped", count,
             profile->samples_taken.value == 1 ? "" : "s", interval, drops);
}

/* "live 84.1 MiB in about 1.2 M objects, RSS 143.0 MiB, peak RSS ..." */
static void
run_note_memory(const struct jep_view *view)
{
    enum { ENOUGH_SAMPLES = 30 }; /* for a number of objects worth printing */

    char line[256] = "";
    char number[TEXT_NUMBER_MAX];
    double objects = 0;
    for (size_t i = 0; i < view->profile.stack_count; i++)
        objects += view->profile.stacks[i].live_objects.value;
    if (view->summary.allocated.known) {
        text_size(number, (double)view->summary.allocated.value);
        text_add(line, sizeof(line), "live %s", number);
        size_t at = strlen(line);
        if (view->profile.live_samples.known &&
            view->profile.live_samples.value >= ENOUGH_SAMPLES)
            snprintf(line + at, sizeof(line) - at, " in about %s objects",
                     text_count(number, objects));
    }
    if (view->process.rss.known) {
        text_size(number, (double)view->process.rss.value);
        text_add(line, sizeof(line), "RSS %s", number);
    }
    if (view->process.peak_rss.known) {
        text_size(number, (double)view->process.peak_rss.value);
        text_add(line, sizeof(line), "peak RSS %s", number);
    }
    if (line[0] != '\0')
        note("%s", line);
}

/* Why a dump without samples has none. */
static void
run_note_no_samples(const run_found_t *found, const char *name)
{
    const struct jep_profile *profile = &found->view->profile;
    char interval[TEXT_NUMBER_MAX];
    if (!profile->known || !profile->samples_taken.known ||
        profile->samples_taken.value != 0 || !profile->sample_interval.known ||
        profile->sample_interval.value == 0)
        return;
    if (run_never_allocated(found->dump->path)) {
        note("%s never called malloc", name);
        return;
    }
    text_size(interval, (double)profile->sample_interval.value);
    note("nothing was sampled: it allocated less than one interval of %s; "
         "try --sample 4K",
         interval);
}

/* Why there is no dump at all. */
static void
run_note_no_dump(const run_child_t *child, const char *name)
{
    const run_log_t *log = &child->log;
    if (log->starts == 0) {
        note("no dump: the preload object was not loaded into %s", name);
    } else if (log->first_error != NULL) {
        note("no dump: %s", log->first_error);
    } else if (WIFSIGNALED(child->wait_status)) {
        note("no dump: a program that a signal ends writes none; --signal "
             "takes one before");
    } else {
        note("no dump: it ended by _exit, or went on as another program; "
             "--follow profiles that one, too");
    }
}

static void
run_note_files(const run_dump_t *dump, const run_child_t *child)
{
    char size[TEXT_NUMBER_MAX];
    char quoted[2 * PATH_MAX];
    char others[64] = "";
    const char *path = run_short_path(dump->path);
    unsigned files = child->log.dump_count;
    if (files > 1)
        snprintf(others, sizeof(others), " and %u other%s", files - 1,
                 files > 2 ? "s" : "");
    note("wrote %s (%s)%s", path, text_size(size, (double)dump->bytes), others);
    if (child->log.first_error != NULL)
        note("a dump is missing: %s", child->log.first_error);
    note("next: jeprobe report %s", text_quote(quoted, sizeof(quoted), path));
}

/* In a process of its own: whatever becomes of it, the exit status of run is
 * the program's. */
static void
run_print_report(const char *path, const run_child_t *child)
{
    char name[] = "report";
    char end_of_options[] = "--";
    char file[PATH_MAX];
    char *argv[] = {name, end_of_options, file, NULL};
    snprintf(file, sizeof(file), "%s", path);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &child->first_mask, NULL);
        exit(cmd_report.run(&cmd_report, 3, argv));
    }
    if (pid < 0)
        warn("the report cannot be printed: fork failed");
    else
        waitpid(pid, NULL, 0);
}

void
run_note_end(const run_child_t *child, const run_program_t *program,
             const run_opts_t *opts)
{
    run_found_t found;
    char end[128];
    char samples[128] = "";
    char seconds[TEXT_NUMBER_MAX];
    bool has_dump = run_choose(&found, child, opts->is_following);
    if (has_dump)
        run_describe_samples(samples, sizeof(samples), &found.view->profile);
    run_describe_end(end, sizeof(end), child->wait_status);
    note("%s %s after %s%s", program->name, end,
         text_duration(seconds, child->seconds), samples);
    if (!has_dump && child->log.dump_count > 0) {
        run_note_files(&child->log.dumps[child->log.dump_count - 1], child);
        return;
    }
    if (!has_dump) {
        run_note_no_dump(child, program->name);
        return;
    }
    run_note_no_samples(&found, program->name);
    run_note_memory(found.view);
    run_note_files(found.dump, child);
    if (opts->has_report)
        run_print_report(run_short_path(found.dump->path), child);
    run_found_close(&found);
}
