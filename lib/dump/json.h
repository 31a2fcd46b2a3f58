/* JSON as events with a state for each open object or array.
 *
 * json.c reads tokens and keeps the stack; jejson.c and jeprobe.c say which
 * state a member leads to and what to do with a value.  A document that ends
 * too early has been delivered as far as it went. */
#ifndef JE_DUMP_JSON_H
#define JE_DUMP_JSON_H

#include "base/macros.h"

#include "dump/sink.h"
#include "dump/token.h"

#define JSON_DEPTH_MAX 48
#define JSON_KEY_MAX   96
#define JSON_STACK_MAX 1024 /* frames of one call stack */

enum json_state {
    JSON_SKIP, /* nothing below is of interest */
    JSON_TOP,
    /* jemalloc's statistics */
    JM_ROOT,
    JM_CONFIG,
    JM_OPT,
    JM_PROF,
    JM_CONST,
    JM_BIN_CLASSES,
    JM_BIN_CLASS,
    JM_LARGE_CLASSES,
    JM_LARGE_CLASS,
    JM_TOTAL,
    JM_BACKGROUND,
    JM_ARENAS,
    JM_ARENA,
    JM_SMALL_SUM,
    JM_LARGE_SUM,
    JM_BINS,
    JM_BIN,
    JM_LARGES,
    JM_LARGE,
    JM_EXTENTS,
    JM_EXTENT,
    /* our dumps */
    JP_HEAD,
    JP_PROCESS,
    JP_ARGV,
    JP_THP,
    JP_MACHINE,
    JP_ENV,
    JP_ROLLUP,
    JP_STATUS,
    JP_RESIDENCY,
    JP_CGROUP,
    JP_RLIMITS,
    JP_PROFILE,
    JP_DROPPED,
    JP_MAPPINGS,
    JP_MAPPING,
    JP_STACKS,
    JP_STACK,
    JP_SITES,
    JP_SITE,
    JP_SAMPLES,
    JP_SAMPLE,
    JSON_STATES
};

struct json_edge {
    enum json_state from;
    const char *key; /* NULL = any member, or an element of an array */
    enum json_state to;
};

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING };

struct json_value {
    enum json_type type;
    token_t text; /* "true", the digits, or the string's bytes */
};

struct json_frame {
    enum json_state state;
    bool is_array;
    uint32_t index;         /* of the current element */
    char key[JSON_KEY_MAX]; /* of the current member */
};

struct json {
    const struct dump_sink *sink;
    struct jep_error *error;
    jep_status_t status;
    struct json_frame frames[JSON_DEPTH_MAX];
    size_t depth;
    uint64_t line, column; /* of the current token's end */
    bool is_open;          /* inside a document */
    bool known_top;        /* this document has a member that is known */
    bool complete;
    unsigned documents;
    int arena;
    /* What is being collected until its object closes. */
    struct dump_site site;
    struct dump_mapping mapping;
    char path[4096], build_id[136];
    struct dump_sample sample;
    uint64_t stack[JSON_STACK_MAX];
    size_t stack_count;
    unsigned members; /* of it, by bit: which ones were there */
};

extern const struct json_edge jejson_edges[];  /* ends with JSON_SKIP */
extern const struct json_edge jeprobe_edges[]; /* likewise */

/* Handle a value in `frame`; states that are not theirs are left alone. */
jep_status_t jejson_value(struct json *json, const struct json_frame *frame,
                          const struct json_value *value);
jep_status_t jeprobe_value(struct json *json, const struct json_frame *frame,
                           const struct json_value *value);
/* An object or array was opened or closed; `frame` is its own. */
void jejson_open(struct json *json, const struct json_frame *frame,
                 const struct json_frame *parent);
jep_status_t jeprobe_open(struct json *json, const struct json_frame *frame);
jep_status_t jeprobe_close(struct json *json, const struct json_frame *frame);

/* Emit a number of `scope` if the member is a field of it. */
jep_status_t json_number(struct json *json, const struct json_frame *frame,
                         const struct json_value *value, enum dump_scope scope,
                         uint32_t row);
/* Emit a text under `prefix` + the member's name. */
jep_status_t json_text(struct json *json, const char *prefix,
                       const struct json_frame *frame,
                       const struct json_value *value);

#endif
