/*
 * Printing labels: see label_print.h.
 */
#include "alloc/label_print.h"

#include "alloc/label.h"

typedef struct row {
    uint64_t live_bytes;
    uint64_t live_objects;
    uint64_t total_bytes;
    uint64_t total_objects;
} row_t;

static const emit_column_t columns[] = {
    {"live_bytes", "live_bytes", offsetof(row_t, live_bytes), EMIT_U64, 16, 0},
    {"live_objects", "live_objects", offsetof(row_t, live_objects), EMIT_U64,
     16, 0},
    {"total_bytes", "total_bytes", offsetof(row_t, total_bytes), EMIT_U64, 18,
     0},
    {"total_objects", "total_objects", offsetof(row_t, total_objects), EMIT_U64,
     16, 0},
};

static void
print_one(emit_t *e, const char *name, const label_stats_t *s)
{
    row_t row = {
        .live_bytes = label_live(s->allocated, s->deallocated),
        .live_objects = label_live(s->nmalloc, s->ndalloc),
        .total_bytes = s->allocated,
        .total_objects = s->nmalloc,
    };
    emit_object(e, NULL);
    emit_member(e, "label", emit_string(name));
    emit_name(e, "", 8);
    emit_fields(e, columns, JE_ARRAY_LEN(columns), &row, 0);
    emit_text(e, "  %s", name);
    emit_row_end(e);
    emit_object_end(e);
}

void
label_print(emit_t *e)
{
    unsigned end = label_end();
    if (end > 1) {
        emit_titles(e, "Labels:", 8, columns, JE_ARRAY_LEN(columns));
        emit_text(e, "  label");
        emit_row_end(e);
    }
    emit_array(e, "labels");
    for (unsigned label = 1; label < end; label++) {
        const char *name = label_name(label);
        label_stats_t s;
        if (name != NULL) {
            label_stats(label, &s);
            print_one(e, name, &s);
        }
    }
    emit_array_end(e);
}
