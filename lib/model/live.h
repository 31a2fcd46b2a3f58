/* A machine and a process on it, as the kernel's files show them.
 *
 * Files are opened below one directory, "/" or a copy, and those of the process
 * below a descriptor of its directory: a process that ends while it is read,
 * and whose number goes to another one, cannot be mixed up with it.
 *
 * What is missing stays unknown, and what could not be read is listed with the
 * reason.  Running out of memory is remembered: is_failed. */
#ifndef JE_MODEL_LIVE_H
#define JE_MODEL_LIVE_H

#include "base/macros.h"

#include "jeprobe.h"
#include "model/intern.h"

/* LIVE_MACHINE_MEM_TOTAL, …: first of the machine, then of the process, then
 * of control groups. */
#define PASTED(whose, id, ...)  LIVE_##whose##_##id,
#define SETTING(whose, id, ...) LIVE_##whose##_##id,
#define ALONE(whose, id, ...)   LIVE_##whose##_##id,
#define OTHER(whose, id, ...)   LIVE_##whose##_##id,

enum live_id {

#include "model/live.def"
    LIVE_COUNT,
    LIVE_PROCESS = LIVE_PROCESS_NAME,
    LIVE_GROUP = LIVE_GROUP_LIMIT,
    LIVE_GROUP_COUNT = LIVE_COUNT - LIVE_GROUP
};

#undef PASTED
#undef SETTING
#undef ALONE
#undef OTHER

/* A control group; out.facts are its own. */
struct live_group {
    struct jep_group out;
    struct jep_fact facts[LIVE_GROUP_COUNT];
};

/* A file with code in it that the process has mapped. */
struct live_object {
    const char *path;
    uint64_t start, end; /* of its first mapping with code */
};

/* A library that was to be preloaded. */
struct live_preload {
    const char *name;
    bool is_system; /* by /etc/ld.so.preload, not by LD_PRELOAD */
    bool is_mapped;
};

/* Options that a file was compiled with, by its variable malloc_conf. */
struct live_conf {
    const char *source; /* "malloc_conf of /opt/app" */
    const char *name, *path, *text;
    bool is_exported;
    /* NULL = none of the allocators; is_hidden: one would, if it saw it. */
    const struct jep_allocator_seen *reader;
    bool is_hidden;
};

struct live {
    struct intern_text texts; /* owner of all text */
    bool is_failed;           /* out of memory */
    int root;                 /* descriptor of the directory of proc and sys */
    int dir;                  /* of /proc/PID, or of /proc/self without one */
    const char *dir_path;     /* "/proc/4711" */
    uint64_t pid;             /* 0 = none */
    bool has_memory;
    struct jep_fact facts[LIVE_GROUP];
    struct live_group *groups; /* the innermost first */
    size_t group_count, group_capacity;
    unsigned group_version;
    struct live_object *objects;
    size_t object_count, object_capacity;
    struct jep_allocator_seen *allocators;
    size_t allocator_count, allocator_capacity;
    struct jep_variable *variables;
    size_t variable_count, variable_capacity;
    struct live_preload *preloads; /* in their order */
    size_t preload_count, preload_capacity;
    bool is_blind; /* some of the files with code could not be looked into */
    /* The options in the target of /etc/malloc.conf, and the allocator that
     * reads it; NULL = there is none. */
    const char *conf_link, *conf_link_path;
    size_t conf_link_reader;
    struct live_conf *confs; /* as the dynamic linker goes through files */
    size_t conf_count, conf_capacity;
    struct jep_unread *unread;
    size_t unread_count, unread_capacity;
};

/* Read everything; process `pid` unless it is 0.  On failure there is nothing
 * to free. */
jep_status_t live_read(struct live *live, const char *root, uint64_t pid,
                       struct jep_error *error)
    __attribute__((warn_unused_result));
void live_free(struct live *live);

/* The value of that variable of the environment, or NULL. */
const char *live_variable(const struct live *live, const char *name);

/* ---- for live_*.c ------------------------------------------------------- */

/* A file below a directory: what to open, and what to call it. */
struct live_path {
    int dir;
    const char *relative;
    const char *shown;
};

/* Those of the root, of the process, and of any directory below the root. */
struct live_path live_root_path(struct live *live, const char *relative);
struct live_path live_process_path(struct live *live, const char *relative);

typedef void live_line_fn(struct live *live, void *context, char *text,
                          size_t length, uint64_t number);

/* Call `line` for each line.  Returns how many there were, 0 also if the file
 * could not be read, which is then listed unless it does not exist. */
uint64_t live_lines(struct live *live, const struct live_path *path,
                    live_line_fn *line, void *context);
/* All of a file that is no text, at most `most` bytes of it; NULL = none.  To
 * be freed; there is a 0 behind the last byte. */
char *live_bytes(struct live *live, const struct live_path *path, size_t most,
                 size_t *length);
/* A descriptor of an ordinary file, or -1 with errno. */
int live_open(const struct live_path *path);

const char *live_text(struct live *live, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A copy, however long. */
const char *live_copy(struct live *live, const char *text);
/* `length` bytes of `text`. */
const char *live_piece(struct live *live, const char *text, size_t length);
void live_unread(struct live *live, const char *file, const char *why);

void live_set(struct jep_fact *fact, uint64_t value, const char *file,
              uint64_t line);
void live_set_unlimited(struct jep_fact *fact, const char *file);
void live_set_text(struct jep_fact *fact, const char *text, const char *file);
/* A file of one number, or "max". */
void live_number(struct live *live, const struct live_path *path,
                 struct jep_fact *fact, uint64_t unit);
/* A file of pressure: the facts of some and full. */
void live_pressure(struct live *live, const struct live_path *path,
                   struct jep_fact *some, struct jep_fact *full);

/* live_facts.c */
void live_facts_init(struct jep_fact *facts, enum live_id first, size_t count);
void live_machine(struct live *live);
void live_process(struct live *live);
/* live_huge.c: needs the other facts of huge pages */
void live_huge_pages(struct live *live);
/* live_group.c */
void live_groups(struct live *live);
/* live_conf.c: what a file was compiled with; and, when all allocators are
 * known, who reads it. */
void live_conf_look(struct live *live, int fd, const char *path);
void live_conf_close(struct live *live);
/* live_alloc.c: who allocates, from what is mapped and preloaded */
void live_allocators(struct live *live);

#endif
