/*
 * What the parts of `jeprobe run` share. Nobody outside run_*.c and cmd_run.c
 * includes this.
 *
 *   run_find   the name typed         -> the file to execute
 *   run_elf    that file              -> can it be profiled at all?
 *   run_env    options, preload object-> the program's environment
 *   run_child  all of it              -> a running process
 *   run_wait   the process            -> how it ended; signals passed on
 *   run_witness a signal       -> was it sent to the whole group?
 *   run_log    messages of the preload object -> dumps and errors it reports
 *   run_stale  begun dumps            -> none is left half written
 *   run_note   dumps                  -> the closing lines
 *
 * Until the program is executed a fault ends jeprobe with 125, 126 or 127;
 * from then on nothing does, the exit status is the program's.
 */
#ifndef JE_CLI_RUN_H
#define JE_CLI_RUN_H

#include "base/macros.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct run_opts {
    const char *output;
    const char *sample; /* as typed; NULL = the preload object's default */
    uint64_t sample_bytes;
    int signal; /* that asks for a dump; 0 = none */
    bool is_following;
    bool hides_argv;
    bool has_report;
} run_opts_t;

/* What is executed. For a script that is its interpreter. */
typedef struct run_program {
    const char *name;    /* as typed: for messages */
    char path[PATH_MAX]; /* to execute */
    char **argv;         /* ends with NULL */
    bool has_own_argv;   /* made here, and argv[0] with it */
} run_program_t;

/* A dump that the preload object has written. */
typedef struct run_dump {
    char *path;
    uint64_t bytes;
} run_dump_t;

/* A dump that the preload object has begun, or has finished by now. */
typedef struct run_begun {
    long pid;
    char *temporary; /* the name under which it is written */
} run_begun_t;

/* What the preload object, in the program and its children, has told. */
typedef struct run_log {
    run_dump_t *dumps; /* in the order they were written */
    unsigned dump_count;
    unsigned starts;    /* processes it was loaded into */
    bool has_started;   /* the program itself is one of them */
    char *first_error;  /* NULL = none */
    int exec_error;     /* why the program was not executed, 0 = it was */
    run_begun_t *begun; /* the last one of each process */
    unsigned begun_count;
} run_log_t;

typedef struct run_child {
    pid_t pid;
    int log_fd;    /* jeprobe's end of the socket to the preload object */
    int signal_fd; /* signals that jeprobe received */
    sigset_t caught;
    sigset_t first_mask; /* the signal mask that jeprobe was started with */
    uint64_t start_ns;
    pid_t witness;
    int witness_fd;       /* -1 = there is none */
    bool has_new_stop;    /* it was stopped and jeprobe not yet */
    bool has_stop_signal; /* jeprobe got one since it was last continued */
    bool was_continued;   /* it was, and jeprobe's SIGCONT is not yet read */
    int wait_status;
    double seconds; /* from start to end */
    run_log_t log;
} run_child_t;

/* Find `name` as a shell does; dies with 126 or 127. */
void run_find(const char *name, char path[PATH_MAX]);

/* Replace a script by its interpreter, and die if the file cannot be executed
 * (126, 127) or cannot be profiled (125). */
void run_check_program(run_program_t *program);

/* Path of the preload object; dies with 125 and the places it looked at. */
const char *run_find_preload(void);
/* The pattern of the dump's absolute path; dies with 125 if nothing can be
 * written there. */
void run_dump_pattern(const run_opts_t *opts, char pattern[PATH_MAX]);
/* Remove the file that -o names, so that it cannot be taken for the dump of
 * this run if there is none. The preload object replaces nothing. */
void run_remove_old(const run_opts_t *opts);
/* Change this process's environment to the one the program gets. */
void run_set_environment(const run_opts_t *opts, const char *preload,
                         const char *pattern, int log_fd);

typedef struct run_start {
    const run_program_t *program;
    const run_opts_t *opts;
    const char *preload;
    const char *pattern;
} run_start_t;

/* Start the program; dies with 125 if that fails. */
void run_child_start(run_child_t *child, const run_start_t *start);
/* Pass signals on and read the log until the program has ended; dies with 126
 * or 127 if it could not be executed. */
void run_child_wait(run_child_t *child, const run_program_t *program);

/* Start the witness, before the program; with signals blocked. */
void run_witness_start(run_child_t *child);
/* Whether it has got the same signal. To be asked about every one that jeprobe
 * gets, because it forgets what it is asked about. */
bool run_witness_has_seen(run_child_t *child, int sig, uint32_t sender);
void run_witness_end(run_child_t *child);

/* Take in the messages that `fd` has now; false after the last one. */
bool run_log_read(run_log_t *log, int fd, pid_t pid);
void run_log_free(run_log_t *log);
/* Remove the temporary files of dumps whose process was killed meanwhile. */
void run_stale_remove(const run_log_t *log);

/* Whether the counters in a dump say that malloc was never called. Reads the
 * whole file: for small ones. */
bool run_never_allocated(const char *path);

/* Print how it ended and what was found; with has_report the report too. */
void run_note_end(const run_child_t *child, const run_program_t *program,
                  const run_opts_t *opts);

#endif
