/*
 * The benchmark runner: starts each program under each allocator, measures it
 * from outside, and compares.
 *
 * The parts: runner.c reads the arguments and goes through the rounds,
 * runner_programs.c knows the programs, runner_real.c those of them that are
 * not ours, runner_peers.c the allocators, runner_start.c starts one process
 * and measures it, runner_table.c compares, runner_csv.c writes every single
 * measurement down, runner_insns.c counts instructions, runner_text.c has
 * words. readers.c is another main program on the same parts: there the
 * programs are kinds of dumps and the peers are what reads them. Nothing else
 * includes this.
 */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PEERS_MAX    16
#define PROGRAMS_MAX 64
#define COMMANDS_MAX 24 /* of these by --command */
#define ROUNDS_MAX   99
#define ARGS_MAX     32
#define ENV_MAX      16

/* An allocator under test. */
typedef struct peer {
    const char *name;
    char *path;               /* to preload; "" for the libc's own */
    const char *env[ENV_MAX]; /* VAR=value, NULL ends */
    bool is_wanted;
    bool is_present;
} peer_t;

typedef struct program {
    const char *name;
    const char *group;    /* has a mean of its own; NULL: only that of all */
    char *args[ARGS_MAX]; /* argv of execv, NULL ends */
    const char *reports;  /* the name in its result line; NULL: has none */
    bool has_children;    /* whose memory counts */
} program_t;

/* What one run of one program under one allocator took. */
typedef struct result {
    bool is_done;
    char why[80]; /* if not done; "" = it was not to be run */
    double wall_s;
    double user_s;
    double system_s;
    double peak_kib;
    double average_kib; /* over time */
    double faults;
    double major_faults;
    double switches; /* context switches, of both kinds */
    unsigned samples;
    double figure; /* that a script has taken, instead of these */
} result_t;

/* What a process wrote, to be freed by who asked for it. */
typedef struct captured {
    char *output, *errors;
} captured_t;

/* How to start and measure a process. */
typedef struct start {
    double timeout_s;
    double sample_s; /* between two looks at its memory */
} start_t;

/* Everything measured, by program, allocator, round. */
typedef struct results {
    peer_t *peers;
    unsigned peer_count;
    program_t *programs;
    unsigned program_count;
    unsigned rounds;
    unsigned subject;    /* the allocator that is compared to the others */
    const char *options; /* of the programs, for the record */
    const char *commit;
    result_t *all;
} results_t;

static inline result_t *
results_at(const results_t *results, unsigned program, unsigned peer,
           unsigned round)
{
    return &results
                ->all[(program * results->peer_count + peer) * results->rounds +
                      round];
}

/* Print why the runner cannot go on; exit status 2. */
JE_NORETURN JE_PRINTF(1, 2) void runner_die(const char *format, ...);

/* Which programs are wanted, and how large. */
typedef struct choice {
    const char *list; /* names and groups, with commas; NULL: all */
    const char *scale;
    char *folder; /* of our programs */
    program_t commands[COMMANDS_MAX];
    unsigned command_count;
} choice_t;

/* Is the name among the words of a list, which has commas? */
bool list_has(const char *list, const char *name);
unsigned list_length(const char *list);

/* A command to be measured besides, split at its blanks. */
void programs_add_command(choice_t *choice, const char *name, char *command);

/* Put the chosen programs into `results`, which has the allocators already.
 * Exit status: one asked for by name must be there, and none may be wrong. */
int programs_choose(const choice_t *choice, const start_t *start,
                    results_t *results);

/* The programs that are not ours; NULL ends. */
extern const char *const real_names[];

typedef enum real_state { REAL_READY, REAL_MISSING, REAL_WRONG } real_state_t;

/* Make the input of a real program and try it under all allocators. If it
 * cannot be measured, that is said: it is not installed, or it went wrong. */
real_state_t real_prepare(const start_t *start, const results_t *results,
                          const char *name, const char *scale,
                          program_t *program);

/* strdup() that does not fail. */
char *copy_text(const char *text);

/* The index of the allocator of that name, or -1. */
int peers_find(const peer_t *peers, unsigned count, const char *name);

/* Fill in glibc, the three packaged peers and ours; returns how many. */
unsigned peers_default(peer_t *peers, const char *program_folder);

/* Why the allocator cannot be run, or NULL. */
const char *peer_problem(const peer_t *peer);

/* The file name malloc must come from when `peer` is preloaded. */
const char *peer_file(const peer_t *peer);

/* Run a program to its end. Its result line is checked if it has one. */
void start_measured(const start_t *start, const program_t *program,
                    const peer_t *peer, result_t *result);

/* Run a command, under an allocator or, NULL, as it is; false if it failed,
 * which is said. */
bool start_captured(const start_t *start, char *const *args, const peer_t *peer,
                    captured_t *captured);

/* Fail the result unless `output` is one line that says the program is well
 * and runs on the allocator that was wanted. */
void start_check(const program_t *program, const peer_t *peer,
                 const char *output, result_t *result);

/* Print the tables, and what failed. */
void table_print(const results_t *results);

/* Print one table of the results' `figure`, divided by `scale`. */
void table_print_figures(const results_t *results, const char *title,
                         const char *unit, double scale, bool is_more_better);

/* By the clock, and of all processors together. */
typedef enum time_kind { TIME_WALL, TIME_PROCESSOR } time_kind_t;

/* The median time of one program under one peer, and that of the subject's
 * divided by it; NAN = it was not run. */
double table_median(const results_t *results, time_kind_t kind,
                    unsigned program, unsigned peer);
double table_ratio(const results_t *results, time_kind_t kind, unsigned program,
                   unsigned peer);

/* Write the file's head, and one line for each run. */
void csv_head(FILE *csv, const results_t *results);
void csv_line(FILE *csv, const results_t *results, unsigned program,
              unsigned peer, unsigned round);

/* Facts of the machine, one "name: value" a line, each after `prefix`. */
void csv_machine(FILE *file, const char *prefix, const results_t *results);

/* Run a command under callgrind: its instructions, NAN if it failed.  `args`
 * follow those of valgrind.  What it wrote is checked by `check`, if not
 * NULL. */
double insns_count(const start_t *start, char *const *args,
                   const program_t *check, const peer_t *peer);

/* Count instructions of malloc/free pairs under callgrind, and print them;
 * exit status. */
int insns_print(const start_t *start, const char *pair_program,
                const peer_t *peers, unsigned peer_count);

#endif
