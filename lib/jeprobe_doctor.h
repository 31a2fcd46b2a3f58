/* What a machine and a process on it say of memory; included by jeprobe.h. */
#ifndef JEPROBE_DOCTOR_H
#define JEPROBE_DOCTOR_H

#include "jeprobe.h"

#define JEP_DOCTOR_SCHEMA "jeprobe.doctor/1"

enum jep_fact_kind {
    JEP_FACT_BYTES,
    JEP_FACT_COUNT,
    JEP_FACT_SIGNED,   /* a count that may be below zero, as two's complement */
    JEP_FACT_MS,       /* milliseconds */
    JEP_FACT_PRESSURE, /* hundredths of a per cent of the last ten seconds */
    JEP_FACT_TEXT
};

/* One thing that a file of the kernel says. */
struct jep_fact {
    const char *name; /* "mem_total": stable, for programs */
    enum jep_fact_kind kind;
    struct jep_figure figure; /* not of JEP_FACT_TEXT */
    bool is_unlimited;        /* it is known that there is no limit */
    const char *text;         /* of JEP_FACT_TEXT; NULL = not known */
    const char *file;         /* where it was read; NULL = it was not */
};

/* A control group and what it allows. */
struct jep_group {
    const char *path;      /* "/system.slice/redis.service" */
    const char *directory; /* where its files are */
    const struct jep_fact *facts;
    size_t fact_count;
    bool is_tightest; /* none of the others has a lower limit */
};

enum jep_loaded {
    JEP_LOADED_PROGRAM,  /* a part of the program itself */
    JEP_LOADED_PRELOAD,  /* by LD_PRELOAD */
    JEP_LOADED_SYSTEM,   /* by /etc/ld.so.preload */
    JEP_LOADED_LINKED,   /* the program needs it */
    JEP_LOADED_OTHERWISE /* another library needs it, or it came later */
};

/* An allocator in the address space of the process. */
struct jep_allocator_seen {
    enum jep_allocator kind; /* JEP_ALLOCATOR_UNKNOWN: only the name is known */
    const char *name;
    const char *version;  /* NULL = cannot be told */
    const char *path;     /* of the file that holds it */
    const char *prefix;   /* of jemalloc's functions: ""; NULL = unknown */
    const char *variable; /* that it takes options from; NULL = unknown */
    enum jep_loaded loaded;
    bool serves_malloc; /* calls of malloc() reach it */
};

/* A variable of the environment that the process was started with. */
struct jep_variable {
    const char *name, *value;
};

enum jep_option_verdict {
    JEP_OPTION_FINE,
    JEP_OPTION_UNKNOWN,   /* no version has it */
    JEP_OPTION_VERSION,   /* this version does not */
    JEP_OPTION_VALUE,     /* the value is none that it takes */
    JEP_OPTION_MALFORMED, /* no name:value; nothing after it is read */
    JEP_OPTION_UNREAD     /* no allocator reads the variable, or it stands
                           * behind a malformed one */
};

/* One option of an allocator's configuration. */
struct jep_option_seen {
    const char *source; /* "MALLOC_CONF", "/etc/malloc.conf", "malloc_conf of
                         * /opt/app" */
    const char *name, *value;
    enum jep_option_verdict verdict;
};

/* What could not be read, and why. */
struct jep_unread {
    const char *file, *why;
};

struct jep_doctor_view {
    const struct jep_fact *machine;
    size_t machine_count;
    struct jep_figure pid; /* unknown: only the machine was asked */
    const struct jep_fact *process;
    size_t process_count;
    bool has_memory; /* kernel threads and zombies have none */
    /* Of the process, else of jeprobe itself: the innermost first. */
    const struct jep_group *groups;
    size_t group_count;
    unsigned group_version;                      /* 1 or 2; 0 = unknown */
    const struct jep_allocator_seen *allocators; /* the one of malloc() first */
    size_t allocator_count;
    const struct jep_variable *variables;
    size_t variable_count;
    const struct jep_option_seen *options;
    size_t option_count;
    const struct jep_unread *unread;
    size_t unread_count;
    const struct jep_finding *findings; /* most severe first */
    size_t finding_count;
};

typedef struct jep_doctor jep_doctor_t;

/* Look at the machine, and at process `pid` unless it is 0.  `root` is "/", or
 * a directory that holds a copy of proc and sys.  Nothing is ever changed.
 * On failure *doctor is NULL and `error` says why: JEP_ERR_IO if there is no
 * such process, or none any more. */
jep_status_t jep_doctor_new(const char *root, uint64_t pid,
                            jep_doctor_t **doctor, struct jep_error *error)
    __attribute__((warn_unused_result));
const struct jep_doctor_view *jep_doctor_view(const jep_doctor_t *doctor);
void jep_doctor_free(jep_doctor_t *doctor);

/* The fact of that name; its file is NULL if it is not known. */
const struct jep_fact *jep_fact_find(const struct jep_fact *facts, size_t count,
                                     const char *name);
/* Whether it has a value, be it that there is no limit. */
bool jep_fact_is_known(const struct jep_fact *fact);

#endif
