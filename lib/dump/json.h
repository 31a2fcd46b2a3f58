/* JSON as events with a state for each open object or array.
 *
 * json.c reads tokens, keeps the stack and finds where documents begin and
 * end; json_map.c knows what each member of each object is, from the lists in
 * jejson.c and jeprobe.c.  A document that ends too early has been delivered
 * as far as it went. */
#ifndef JE_DUMP_JSON_H
#define JE_DUMP_JSON_H

#include "base/macros.h"

#include "dump/sink.h"
#include "dump/token.h"

#define JSON_DEPTH_MAX  48
#define JSON_KEY_MAX    96
#define JSON_NUMBER_MAX 64
#define JSON_STACK_MAX  1024 /* frames of one call stack */

enum json_state {
    JSON_SKIP, /* nothing below is of interest */
    JSON_TOP,  /* a document, or what is wrapped around one */
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
    JM_MUTEXES,
    JM_MUTEX,
    JM_ARENAS,
    JM_ARENA,
    JM_SMALL_SUM,
    JM_LARGE_SUM,
    JM_ARENA_MUTEXES,
    JM_ARENA_MUTEX,
    JM_BINS,
    JM_BIN,
    JM_BIN_MUTEX,
    JM_LARGES,
    JM_LARGE,
    JM_EXTENTS,
    JM_EXTENT,
    JM_HPA,
    JM_HPA_SLABS, /* the array of those that are not full */
    JM_HPA_SLAB,
    JM_METADATA, /* of an arena of 4.x */
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
    JP_LABELS,
    JP_LABEL,
    JSON_STATES
};

/* An object or array within another. */
struct json_edge {
    enum json_state from;
    const char *key; /* NULL = any member, or an element of an array */
    enum json_state to;
    uint32_t row; /* of the table that it is, or where its rows begin */
};

/* What the plain members of an object are. */
struct json_place {
    enum json_state state;
    enum dump_scope scope; /* of its figures; DUMP_SCOPES = has none */
    const char *prefix;    /* of the names of its texts; NULL = has none */
    bool is_settings;      /* numbers are texts, too */
};

/* Other names of figures. */
struct json_alias {
    enum json_state state;
    const char *key;
    enum dump_scope scope;
    int field;
};

/* A member that is known: a figure, an object, or both in turn. */
struct json_member {
    enum json_state from;
    const char *key;
    size_t length;
    enum json_state to;    /* JSON_SKIP = no object or array */
    enum dump_scope scope; /* of the field */
    int field;             /* FIELD_NONE = no figure */
    uint32_t row;
};

#define JSON_MEMBERS_MAX 512
#define JSON_SLOTS       2048

/* Members by state and name: open addressing, at most a quarter full. */
struct json_map {
    struct json_member members[JSON_MEMBERS_MAX];
    size_t count;
    uint16_t slots[JSON_SLOTS];                      /* index + 1; 0 = free */
    const struct json_place *places[JSON_STATES];    /* NULL = no texts */
    const struct json_member *elements[JSON_STATES]; /* key NULL */
};

void json_map_init(struct json_map *map);
const struct json_member *json_map_find(const struct json_map *map,
                                        enum json_state state, const char *key,
                                        size_t length);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING };

struct json_value {
    enum json_type type;
    token_t text; /* "true", the digits, or the string's bytes */
};

struct json_frame {
    enum json_state state;
    bool is_array;
    uint32_t index;                   /* of the current element */
    uint32_t row;                     /* of the table that it belongs to */
    unsigned members;                 /* how many keys came so far */
    const struct json_member *member; /* the current one; NULL = unknown */
    char key[JSON_KEY_MAX];           /* likewise; "" if it is too long */
};

/* Our objects are collected until they close. */
struct json_object {
    struct dump_site site;
    struct dump_mapping mapping;
    struct dump_sample sample;
    struct dump_owner owner;
    char path[4096], build_id[136], label[1024];
    uint64_t stack[JSON_STACK_MAX];
    size_t stack_count;
    bool stack_broken; /* an address of it is not one */
    unsigned members;  /* by bit: which ones were there */
};

struct yajl_handle_t;

struct json {
    const struct dump_sink *sink;
    struct jep_error *error;
    struct jep_error reason; /* why nothing was found, if nothing was */
    jep_status_t status;
    struct yajl_handle_t *yajl; /* NULL = between two values */
    const char *chunk;          /* that yajl reads */
    size_t counted;             /* bytes of it whose line feeds are counted */
    uint64_t offset,
        line_start;        /* of the chunk and of the line, in the input */
    uint64_t line, column; /* where the current token ends */
    struct json_frame frames[JSON_DEPTH_MAX];
    size_t depth;
    size_t document; /* depth of the document's own frame; 0 = none is open */
    unsigned documents; /* that have ended */
    unsigned commas;    /* stray ones in this value */

    /* The last number, until something shows that it is whole. */
    struct {
        bool is_held;
        bool is_followed, has_comma; /* by something, by a comma */
        size_t end;                  /* of it in the chunk */
        char text[JSON_NUMBER_MAX];
        size_t length;
        uint64_t line, column;
    } number;

    char last;       /* byte before what was fed that is no white space */
    bool is_broken;  /* what was fed last */
    bool is_restart; /* the current key belongs to the next document */
    bool is_mute;    /* yajl is being told where it is */
    bool complete;
    int arena;
    struct json_object object;
    struct json_map map;
};

typedef struct json json_t;

/* Read what is fed, document by document.  json_open returns NULL when out of
 * memory.  json_feed stops where something follows that is no JSON, or where
 * JSON is broken: *used < length then.  json_end: there is no more. */
json_t *json_open(const struct dump_sink *sink, struct jep_error *error);
jep_status_t json_feed(json_t *json, const char *data, size_t length,
                       size_t *used) __attribute__((warn_unused_result));
jep_status_t json_end(json_t *json) __attribute__((warn_unused_result));
void json_close(json_t *json);

/* The next bytes fed are from the start of line `number`. */
void json_set_line(json_t *json, uint64_t number);

/* The lists of json_map.c. */
extern const struct json_edge jejson_edges[];   /* ends with JSON_SKIP */
extern const struct json_edge jeprobe_edges[];  /* likewise */
extern const struct json_place jejson_places[]; /* likewise */
extern const struct json_place jeprobe_places[];
extern const struct json_alias jejson_aliases[]; /* likewise */

/* The arena that a member of "stats.arenas" is; false = none. */
bool jejson_arena(const char *key, int *arena);

/* Names of the members of a site, a sample or a mapping, which are the numbers
 * of its fields; NULL = no more. */
const char *jeprobe_member(enum json_state state, int field);
bool jeprobe_is_object(enum json_state state);
jep_status_t jeprobe_head(struct json *json, const struct json_frame *frame,
                          const struct json_value *value);
jep_status_t jeprobe_value(struct json *json, const struct json_frame *frame,
                           const struct json_value *value);
jep_status_t jeprobe_open(struct json *json, const struct json_frame *frame);
jep_status_t jeprobe_close(struct json *json, const struct json_frame *frame);

/* What is wrong with a value that should be a count; NULL = nothing, and
 * *number is it.  `is_signed`: -1 is one, too. */
const char *json_count(const struct json_value *value, bool is_signed,
                       uint64_t *number);

/* Warn at the current token. */
jep_status_t json_warn(struct json *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Warn that the member `key` is left out because it is `what`. */
jep_status_t json_warn_member(struct json *json, const char *key,
                              const struct json_value *value, const char *what);

#endif
