/* How a report becomes text or JSON: the only code that formats results.
 *
 * Renderers print what a view holds and compute nothing but layout.  What is
 * not known is absent in text and null in JSON. */
#ifndef JE_CLI_RENDER_RENDER_H
#define JE_CLI_RENDER_RENDER_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

struct render_options {
    unsigned top; /* sites and bins to print; 0 = the format's own choice */
    bool has_debug_dir;
    bool has_notes; /* the dump's notes were printed, with those of others */
};

void render_text(out_t *out, const struct jep_view *view,
                 const struct render_options *options);
void render_json(out_t *out, const struct jep_view *view,
                 const struct render_options *options);
void render_markdown(out_t *out, const struct jep_view *view,
                     const struct render_options *options);

/* names.c: what people and programs call things */
const char *render_allocator(enum jep_allocator allocator); /* "jemalloc" */
const char *render_severity(enum jep_severity severity);    /* "CRITICAL" */
/* That nothing is wrong, or that the dump does not show it; NULL = something
 * is, or there is nothing to judge by. */
#define RENDER_CALM_MAX 256
const char *render_calm(const struct jep_view *view,
                        char text[RENDER_CALM_MAX]);
/* A finding that is in a fleet no more than a note, and yet leaves open whether
 * something is wrong. */
bool render_leaves_open(const struct jep_common *common);

/* Whether some size class of another allocator tells what is unused in it, or
 * what is in use: gperftools prints the one, mimalloc the other, google's both.
 */
bool render_has_column(const struct jep_view *view, bool is_unused);
/* The heap that holds most of those that come after `last`; NULL = there is no
 * more.  `last` NULL: the largest. */
const struct jep_arena *render_next_heap(const struct jep_view *view,
                                         const struct jep_arena *last);
/* What a heap has and does not use. */
struct jep_figure render_heap_free(const struct jep_arena *heap);

/* Owners from `shown` on, which are not listed one by one. */
struct render_owner_rest {
    char name[40]; /* "12 others" */
    uint64_t bytes;
    struct jep_figure objects;
};

struct render_owner_rest render_owner_rest(const struct jep_owners *owners,
                                           size_t shown);
/* The last component of a path. */
const char *render_base_name(const char *path);
/* What a frame is called, as `name`: its function, or module and offset. */
const char *render_frame(const struct jep_frame *frame, char *name,
                         size_t size);
/* "options, bins": what the dump lacks, as `text`. */
const char *render_missing(const struct jep_source *source, char *text,
                           size_t size);

#endif
