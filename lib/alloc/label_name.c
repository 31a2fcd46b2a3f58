/*
 * Names of labels: numbers given in order, names found by hash. See label.h.
 *
 * Only ever added to. A number is taken before its name is entered, so that a
 * fork in between costs a number, not the table.
 */
#include <errno.h>
#include <string.h>

#include "alloc/label.h"
#include "alloc/meta.h"

enum { NBUCKETS = 4096, CHUNK_LABELS = 1 << LABEL_LG_CHUNK };

typedef struct name {
    uint16_t next; /* number of the next one in the bucket, 0 = none */
    char text[];
} name_t;

static struct {
    os_mutex_t mtx;
    uint16_t *buckets; /* number of the first one */
    name_t **chunks[LABEL_NCHUNKS];
    uint32_t end;
} names = {.end = 1};

void
label_boot(void)
{
    os_mutex_init(&names.mtx, OS_RANK_LABEL);
}

os_mutex_t *
label_mutex(void)
{
    return &names.mtx;
}

void
label_name_fork_child(void)
{
    os_mutex_init(&names.mtx, OS_RANK_LABEL);
}

unsigned
label_end(void)
{
    return atomic_load_acq(&names.end);
}

static name_t *
name_at(unsigned label)
{
    name_t **chunk =
        label < LABEL_LIMIT
            ? atomic_load_acq(&names.chunks[label >> LABEL_LG_CHUNK])
            : NULL;
    return chunk != NULL ? atomic_load_acq(&chunk[label & (CHUNK_LABELS - 1)])
                         : NULL;
}

const char *
label_name(unsigned label)
{
    const name_t *name = name_at(label);
    return name != NULL ? name->text : NULL;
}

/* FNV-1a */
static uint32_t
name_hash(const char *text, size_t length)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++) {
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    }
    return h % NBUCKETS;
}

static unsigned
name_find_locked(const char *text, uint32_t bucket)
{
    unsigned label = names.buckets != NULL ? names.buckets[bucket] : 0;
    while (label != 0) {
        const name_t *name = name_at(label);
        if (strcmp(name->text, text) == 0) {
            break;
        }
        label = name->next;
    }
    return label;
}

/* Memory for one more; what was made before it runs out serves the next. */
static name_t *
name_make_locked(unsigned label, size_t length)
{
    name_t ***chunk = &names.chunks[label >> LABEL_LG_CHUNK];
    if (names.buckets == NULL) {
        names.buckets = meta_alloc(NBUCKETS * sizeof(*names.buckets));
    }
    if (*chunk == NULL) {
        atomic_store_rel(chunk, meta_alloc(CHUNK_LABELS * sizeof(**chunk)));
    }
    if (names.buckets == NULL || *chunk == NULL || !label_reserve(label)) {
        return NULL;
    }
    return meta_alloc(sizeof(name_t) + length + 1);
}

static unsigned
name_add_locked(const char *text, size_t length, uint32_t bucket, int *error)
{
    unsigned label = names.end;
    if (label == LABEL_LIMIT) {
        *error = ENOSPC;
        return 0;
    }
    name_t *name = name_make_locked(label, length);
    if (name == NULL) {
        *error = ENOMEM;
        return 0;
    }
    memcpy(name->text, text, length + 1);
    name->next = names.buckets[bucket];
    atomic_store_rel(&names.end, label + 1);
    atomic_fence_compiler();
    atomic_store_rel(
        &names.chunks[label >> LABEL_LG_CHUNK][label & (CHUNK_LABELS - 1)],
        name);
    atomic_fence_compiler();
    atomic_store_rel(&names.buckets[bucket], (uint16_t)label);
    return label;
}

unsigned
label_number(const char *text, int *error)
{
    *error = 0;
    if (text == NULL || *text == '\0') {
        return 0;
    }
    size_t length = strnlen(text, LABEL_NAME_MAX + 1);
    if (length > LABEL_NAME_MAX) {
        *error = ENAMETOOLONG;
        return 0;
    }
    uint32_t bucket = name_hash(text, length);
    os_mutex_lock(&names.mtx);
    unsigned label = name_find_locked(text, bucket);
    if (label == 0) {
        label = name_add_locked(text, length, bucket, error);
    }
    os_mutex_unlock(&names.mtx);
    return label;
}
