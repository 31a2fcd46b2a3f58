/* What a reader hands to whoever builds a model: a stream of records.
 *
 * The readers know formats and nothing of what figures mean; the receiver
 * knows meanings and nothing of formats.  No record is larger than a line, so
 * reading needs no memory that grows with the input.
 *
 * Order: begin, any number of records in the order of the file, end; again
 * for the next document of the same file.  A receiver that returns anything
 * but JEP_OK stops the reader, which returns the same. */
#ifndef JE_DUMP_SINK_H
#define JE_DUMP_SINK_H

#include "base/macros.h"

#include "dump/field.h"
#include "dump/reader.h"
#include "jeprobe.h"

enum dump_format {
    DUMP_FORMAT_JEPROBE,
    DUMP_FORMAT_JEMALLOC_TEXT,
    DUMP_FORMAT_JEMALLOC_JSON,
    DUMP_FORMAT_HEAP_PROFILE, /* jemalloc's heap_v2, gperftools' heap profile */
    DUMP_FORMAT_REDIS,
    DUMP_FORMAT_SKYNET,
    DUMP_FORMAT_ROCKSDB,
    DUMP_FORMAT_TCMALLOC, /* of google/tcmalloc and of gperftools */
    DUMP_FORMAT_GLIBC,
    DUMP_FORMAT_MIMALLOC,
    DUMP_FORMAT_PROC, /* files of /proc/PID */
    DUMP_FORMATS
};

/* Arenas that are no single arena. */
enum {
    DUMP_ARENA_MERGED = -1,
    DUMP_ARENA_DESTROYED = -2,
    DUMP_ARENA_FRAGMENT = -3 /* the heading is missing */
};

#define DUMP_ARENA_MAX 65535 /* jemalloc has at most 4,095 */

/* Where a figure belongs and where it was read. */
struct dump_where {
    enum dump_scope scope;
    int arena;    /* index or one of the above, where the scope has arenas */
    uint32_t row; /* of a table: the size class */
    uint64_t line;
};

/* One figure of a row. */
struct dump_cell {
    int field;
    uint64_t value;
};

/* Figures of a row.  Most of a table are zeros: those need no cell if their
 * bits, 1 << field, are set in `known`, which cells do not need. */
struct dump_row {
    const struct dump_cell *cells;
    size_t count;
    uint32_t known;
};

struct dump_mapping {
    uint64_t start, end, offset;
    const char *path;     /* NULL = anonymous */
    const char *build_id; /* hexadecimal, or NULL */
};

/* Samples of one size class in one stack. */
struct dump_site {
    uint64_t stack, size, rate;
    uint64_t live_samples, live_requested;
    uint64_t total_samples, total_requested;
};

/* What a profile itself says of an address. */
struct dump_symbol {
    uint64_t address;
    const char *function;
    const char *file; /* NULL = unknown */
    uint32_t line;    /* 0 = unknown */
};

/* One live sampled object. */
struct dump_sample {
    uint64_t stack, requested, usable, rate, age_ns, thread;
    const char *label; /* NULL = none */
};

enum owner_field {
    OWNER_LIVE_BYTES,
    OWNER_LIVE_OBJECTS,
    OWNER_TOTAL_BYTES, /* since the start */
    OWNER_TOTAL_OBJECTS,
    OWNER_COUNT
};

/* Whom memory is for, as the program has said: an owner label, a service.
 * Figures of the same owner add up. */
struct dump_owner {
    const char *id;   /* tells it apart */
    const char *name; /* for people; NULL = the id */
    uint64_t figures[OWNER_COUNT];
    unsigned known; /* of the figures, by bit */
    uint64_t line;
};

struct dump_sink {
    void *context;
    jep_status_t (*begin)(void *context, enum dump_format format,
                          uint64_t line);
    jep_status_t (*end)(void *context, bool complete);
    /* JSON tells its kind only inside. */
    jep_status_t (*format)(void *context, enum dump_format format);
    jep_status_t (*number)(void *context, const struct dump_where *where,
                           int field, uint64_t value);
    /* Several at once: of one row of a table, or of one object. */
    jep_status_t (*row)(void *context, const struct dump_where *where,
                        const struct dump_row *row);
    /* A named setting or text: "version", "opt.thp", "config.debug",
     * "process.exe", "process.argv" (repeated), "reason". */
    jep_status_t (*text)(void *context, const char *name, const char *value,
                         uint64_t line);
    jep_status_t (*mapping)(void *context, const struct dump_mapping *mapping);
    jep_status_t (*stack)(void *context, const uint64_t *addresses,
                          size_t count);
    jep_status_t (*site)(void *context, const struct dump_site *site);
    jep_status_t (*sample)(void *context, const struct dump_sample *sample);
    jep_status_t (*warn)(void *context, uint64_t line, uint64_t column,
                         const char *text);
    jep_status_t (*symbol)(void *context, const struct dump_symbol *symbol);
    /* The line that was read just now had been damaged and was repaired: bits
     * 1 << REPAIR_….  Said once a document. */
    jep_status_t (*repaired)(void *context, uint64_t line, unsigned repairs);
    jep_status_t (*owner)(void *context, const struct dump_owner *owner);
    /* Between documents: the next ones are of another process.  NULL: no
     * matter. */
    void (*restarted)(void *context);
};

/* Processes whose lines may be mixed in one text, and documents of one of them
 * that are open at the same time: one that another has come into. */
#define DUMP_STREAMS 8
#define DUMP_LEVELS  ((size_t)2)
#define DUMP_SINKS   (DUMP_STREAMS * DUMP_LEVELS)

/* Find out what `reader` holds and run its reader.  JEP_ERR_UNKNOWN if it is
 * no format that is known.  There are DUMP_SINKS sinks, those of a process next
 * to each other: each has one document at a time. */
jep_status_t dump_read(reader_t *reader, const struct dump_sink *sinks,
                       struct jep_error *error)
    __attribute__((warn_unused_result));

/* JSON of every kind, up to the end or to what is no JSON; the readers of text
 * are in text.h.  reason->code says why there was no document in it. */
jep_status_t json_read(reader_t *reader, const struct dump_sink *sink,
                       struct jep_error *reason, struct jep_error *error)
    __attribute__((warn_unused_result));

#endif
