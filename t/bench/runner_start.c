/*
 * Start one process and measure it from outside.
 *
 * Wall time is from before fork to the moment its end is seen; processor time,
 * peak RSS and faults are what wait4 reports: times and faults are the sums
 * over the process and all its descendants that were waited for, the peak is
 * that of the largest of them. The kernel carries the peak of the memory that
 * exec throws away over to the new program, so the runner must stay smaller
 * than anything it measures (it is: see t/bench/README.md). The time-averaged
 * RSS is sampled from /proc/PID/statm, added up over the processes that there
 * are, each sample weighing the time since the last one.
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX    (1 << 16)
#define PROCESSES_MAX 32 /* at a time, of one program */

/* The running process. */
typedef struct child {
    pid_t pid;
    bool has_children;
    int output; /* memory files */
    int errors;
    double start_s;
    double sampled_s; /* time of the last sample */
    double area;      /* KiB x seconds */
    unsigned samples;
} child_t;

static double
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
result_fail(result_t *result, const char *what, int value)
{
    result->is_done = false;
    snprintf(result->why, sizeof(result->why), "%s %d", what, value);
}

/* An empty file in memory: a pipe could fill up and stop the program. */
static int
memory_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    if (fd < 0)
        runner_die("memfd_create: %s", strerror(errno));
    return fd;
}

static char *
memory_file_read(int fd)
{
    char *text = calloc(1, OUTPUT_MAX);
    ssize_t length;

    if (text == NULL)
        runner_die("out of memory");
    length = pread(fd, text, OUTPUT_MAX - 1, 0);
    if (length >= 0)
        text[length] = '\0';
    return text;
}

/* Only what is needed, so that no option a developer has exported for one
 * of the allocators changes what is measured. */
static void
child_environment(char **env, unsigned most, const peer_t *peer)
{
    static const char *const kept[] = {"PATH=", "HOME=", "TMPDIR="};
    static char preload[4200];
    extern char **environ;
    unsigned count = 0;
    bool has_locale = false;

    for (char **var = environ; *var != NULL; var++) {
        for (unsigned i = 0; i < JE_ARRAY_LEN(kept); i++) {
            if (strncmp(*var, kept[i], strlen(kept[i])) == 0)
                env[count++] = *var;
        }
    }
    if (peer->path[0] != '\0') {
        snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", peer->path);
        env[count++] = preload;
    }
    for (unsigned i = 0; i < ENV_MAX && peer->env[i] != NULL; i++) {
        env[count++] = (char *)(uintptr_t)peer->env[i];
        has_locale |= strncmp(peer->env[i], "LC_ALL=", 7) == 0;
    }
    if (!has_locale)
        env[count++] = (char *)(uintptr_t) "LC_ALL=C";
    if (count >= most)
        abort();
    env[count] = NULL;
}

JE_NORETURN static void
child_exec(const child_t *child, char *const *args, const peer_t *peer)
{
    char *env[ENV_MAX + 8];
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    child_environment(env, JE_ARRAY_LEN(env), peer);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(child->output, STDOUT_FILENO) < 0 ||
        dup2(child->errors, STDERR_FILENO) < 0)
        _exit(126);
    execvpe(args[0], args, env);
    _exit(127);
}

static void
child_start(child_t *child, char *const *args, const peer_t *peer)
{
    child->output = memory_file("output");
    child->errors = memory_file("errors");
    fflush(NULL);
    child->start_s = child->sampled_s = now_s();
    child->pid = fork();
    if (child->pid < 0)
        runner_die("fork: %s", strerror(errno));
    if (child->pid == 0)
        child_exec(child, args, peer);
}

static void
child_close(child_t *child)
{
    close(child->output);
    close(child->errors);
}

static bool
read_process(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t length;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    length = read(fd, text, size - 1);
    close(fd);
    text[JE_MAX(length, 0)] = '\0';
    return length > 0;
}

/* Fill in the process and those it started from its main thread, and so on. */
static unsigned
list_processes(pid_t pid, pid_t *pids, unsigned count, unsigned most)
{
    char name[48], text[1024], *at = text, *end;

    if (count == most)
        return count;
    pids[count++] = pid;
    snprintf(name, sizeof(name), "task/%d/children", (int)pid);
    if (!read_process(pid, name, text, sizeof(text)))
        return count;
    for (;; at = end) {
        long child = strtol(at, &end, 10);

        if (end == at)
            return count;
        count = list_processes((pid_t)child, pids, count, most);
    }
}

static unsigned
child_processes(const child_t *child, pid_t *pids, unsigned most)
{
    if (child->has_children)
        return list_processes(child->pid, pids, 0, most);
    pids[0] = child->pid;
    return 1;
}

/* A process that just ended has no resident pages. */
static void
child_sample(child_t *child)
{
    pid_t pids[PROCESSES_MAX];
    unsigned count = child_processes(child, pids, JE_ARRAY_LEN(pids));
    unsigned long size, resident, sum = 0;
    double now = now_s();
    char text[128];

    for (unsigned i = 0; i < count; i++) {
        if (read_process(pids[i], "statm", text, sizeof(text)) &&
            sscanf(text, "%lu %lu", &size, &resident) == 2)
            sum += resident;
    }
    if (sum == 0)
        return;
    child->area += (now - child->sampled_s) * (double)sum *
                   (double)sysconf(_SC_PAGESIZE) / 1024;
    child->sampled_s = now;
    child->samples++;
}

static void
child_kill(const child_t *child)
{
    pid_t pids[PROCESSES_MAX];
    unsigned count = child_processes(child, pids, JE_ARRAY_LEN(pids));

    while (count-- > 0)
        kill(pids[count], SIGKILL);
}

/* Wait for the end of the child with samples in between; false when it had to
 * be killed. */
static bool
child_wait(const start_t *start, child_t *child, int *status,
           struct rusage *usage)
{
    struct timespec pause = {
        (time_t)start->sample_s,
        (long)((start->sample_s - (double)(time_t)start->sample_s) * 1e9)};
    bool is_in_time = true;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    while (wait4(child->pid, status, WNOHANG, usage) == 0) {
        if (is_in_time && now_s() - child->start_s > start->timeout_s) {
            is_in_time = false;
            child_kill(child);
        }
        if (sigtimedwait(&set, NULL, &pause) < 0)
            child_sample(child);
    }
    return is_in_time;
}

static double
seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Copy the first line of `text`, for a message. */
static void
first_line(char *to, size_t size, const char *text)
{
    size_t length = strcspn(text, "\n");

    snprintf(to, size, "%.*s", (int)JE_MIN(length, size - 1), text);
}

void
start_check(const program_t *program, const peer_t *peer, const char *text,
            result_t *result)
{
    size_t length = strlen(program->reports);
    const char *origin = strstr(text, " malloc=");
    const char *end = strchr(text, '\n');

    if (strncmp(text, program->reports, length) != 0 ||
        strncmp(text + length, " ok ", 4) != 0 || origin == NULL ||
        end == NULL || end[1] != '\0') {
        result->is_done = false;
        snprintf(result->why, sizeof(result->why), "no result line");
        return;
    }
    origin += strlen(" malloc=");
    if (strlen(peer_file(peer)) != (size_t)(end - origin) ||
        strncmp(origin, peer_file(peer), (size_t)(end - origin)) != 0) {
        result->is_done = false;
        snprintf(result->why, sizeof(result->why), "ran on the malloc of %.*s",
                 (int)(end - origin), origin);
    }
}

static void
check_status(const child_t *child, int status, bool is_in_time,
             result_t *result)
{
    char *errors = memory_file_read(child->errors);

    result->is_done = true;
    if (!is_in_time)
        result_fail(result, "killed: no end after seconds:",
                    (int)(now_s() - child->start_s));
    else if (WIFSIGNALED(status))
        result_fail(result, "signal", WTERMSIG(status));
    else if (WEXITSTATUS(status) == 127)
        result_fail(result, "cannot be started: exit status", 127);
    else if (WEXITSTATUS(status) != 0)
        result_fail(result, "exit status", WEXITSTATUS(status));
    if (!result->is_done && errors[0] != '\0') {
        size_t used = strlen(result->why);
        snprintf(result->why + used, sizeof(result->why) - used, ": ");
        first_line(result->why + used + 2, sizeof(result->why) - used - 2,
                   errors);
    }
    free(errors);
}

void
start_measured(const start_t *start, const program_t *program,
               const peer_t *peer, result_t *result)
{
    child_t child = {.has_children = program->has_children};
    struct rusage usage;
    bool is_in_time;
    int status;

    *result = (result_t){0};
    child_start(&child, program->args, peer);
    is_in_time = child_wait(start, &child, &status, &usage);
    result->wall_s = now_s() - child.start_s;
    result->user_s = seconds(usage.ru_utime);
    result->system_s = seconds(usage.ru_stime);
    result->peak_kib = (double)usage.ru_maxrss;
    result->faults = (double)usage.ru_minflt;
    result->major_faults = (double)usage.ru_majflt;
    result->switches = (double)(usage.ru_nvcsw + usage.ru_nivcsw);
    result->samples = child.samples;
    if (child.samples > 0)
        result->average_kib = child.area / (child.sampled_s - child.start_s);
    check_status(&child, status, is_in_time, result);
    if (result->is_done && program->reports != NULL) {
        char *text = memory_file_read(child.output);
        start_check(program, peer, text, result);
        free(text);
    }
    child_close(&child);
}

bool
start_captured(const start_t *start, char *const *args, const peer_t *peer,
               captured_t *captured)
{
    static const peer_t nothing = {.path = (char *)(uintptr_t) ""};
    child_t child = {.has_children = true};
    struct rusage usage;
    result_t result;
    bool is_in_time;
    int status;

    child_start(&child, args, peer == NULL ? &nothing : peer);
    is_in_time = child_wait(start, &child, &status, &usage);
    check_status(&child, status, is_in_time, &result);
    captured->output = memory_file_read(child.output);
    captured->errors = memory_file_read(child.errors);
    child_close(&child);
    if (result.is_done)
        return true;
    fprintf(stderr, "%s: %s\n", args[0], result.why);
    free(captured->output);
    free(captured->errors);
    return false;
}
