/*
 * Run-time options: one table (conf.def), one structure, one parser.
 *
 * Where options come from is in conf_source.h. Grammar:
 * key:value[,key:value...]. What is not accepted is reported in one line each
 * and leaves the value as it was.
 */
#ifndef JE_ALLOC_CONF_H
#define JE_ALLOC_CONF_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

#include "alloc/decay.h"

enum { CONF_TEXT_MAX = 1024 };

typedef struct conf {
#define CONF_BOOL(name, dflt, help)                 bool name;
#define CONF_UINT(name, dflt, min, max, unit, help) uint64_t name;
#define CONF_SINT(name, dflt, min, max, unit, help) int64_t name;
#define CONF_ENUM(name, dflt, values, help)         unsigned name;
#define CONF_TEXT(name, dflt, help)                 char name[CONF_TEXT_MAX];
#include "alloc/conf.def"
#undef CONF_BOOL
#undef CONF_UINT
#undef CONF_SINT
#undef CONF_ENUM
#undef CONF_TEXT
} conf_t;

enum { CONF_DSS_DISABLED, CONF_DSS_PRIMARY, CONF_DSS_SECONDARY };

enum { CONF_JUNK_FALSE, CONF_JUNK_TRUE, CONF_JUNK_ALLOC, CONF_JUNK_FREE };

enum {
    CONF_METADATA_THP_DISABLED,
    CONF_METADATA_THP_AUTO,
    CONF_METADATA_THP_ALWAYS
};

enum { CONF_PERCPU_DISABLED, CONF_PERCPU_PERCPU, CONF_PERCPU_PHYCPU };

enum { CONF_PROF_TIME_DEFAULT, CONF_PROF_TIME_HIGH };

enum { CONF_THP_DEFAULT, CONF_THP_ALWAYS, CONF_THP_NEVER };

enum {
    CONF_UNWIND_AUTO,
    CONF_UNWIND_FP,
    CONF_UNWIND_NONE,
    CONF_UNWIND_LIBUNWIND,
};

enum {
    CONF_ZERO_REALLOC_FREE,
    CONF_ZERO_REALLOC_ALLOC,
    CONF_ZERO_REALLOC_ABORT
};

/* Constant after start-up. */
extern conf_t conf;

typedef enum {
    CONF_IS_BOOL,
    CONF_IS_UINT,
    CONF_IS_SINT,
    CONF_IS_ENUM,
    CONF_IS_TEXT
} conf_kind_t;

/* One line of the table. */
typedef struct conf_option {
    const char *name;
    conf_kind_t kind;
    bool is_clipped; /* what is too small or too large becomes min or max */
    void *value;     /* into `conf` */
    int64_t min;
    int64_t max;
    const char *unit;   /* of numbers */
    const char *values; /* of enumerations */
    const char *help;
} conf_option_t;

extern const conf_option_t conf_table[];
extern const unsigned conf_count;

const conf_option_t *conf_find(const char *name, size_t len);

/* The text of an enumeration's current value, into buf (NUL-terminated). */
void conf_enum_text(const conf_option_t *o, char *buf, size_t size);

/* One piece of a list "lo-hi:n|lo-hi:n…" of numbers for ranges of sizes. */
typedef struct conf_range {
    uint64_t lo, hi; /* bytes, both included */
    uint64_t n;
} conf_range_t;

/* Take the first piece off the list. errors: false, it is malformed. */
bool conf_next_range(const char **list, conf_range_t *out);

/* Is it a list whose numbers are in a range? */
bool conf_is_list(const char *text, uint64_t min, uint64_t max);

/* What a well-formed list says for sizes of `least` to `most` bytes: of the
 * pieces that have any of them the last one counts. false: nothing. */
bool conf_range_of(const char *list, uint64_t least, uint64_t most,
                   uint64_t *n);

/* A decimal fraction ("4", "0.25") in units of 2^-16; UINT64_MAX when it is
 * none or above 4096. */
uint64_t conf_fraction(const char *text);

/* Parse one source named `from` into `conf`. Returns the number of problems,
 * each of which has been reported through je_warn. */
unsigned conf_parse(const char *text, const char *from);
/* Those among all problems so far that abort_conf does not mind. */
extern unsigned conf_forgiven;

/* The first pass over a source: set confirm_conf and nothing else, silently. */
void conf_seek_confirm(const char *text);

#endif
