/* From a file to snapshots: one for each document in it.
 *
 * This is the receiver of what the readers emit. */
#include "model/load.h"

#include "dump/perr.h"
#include "dump/repair.h"
#include "model/complete.h"
#include "model/join.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS_MAX 10000

/* One document at a time of what a process of the file wrote; all of them share
 * the dumps. */
struct loader {
    struct jep_dumps *dumps;
    struct snapshot *current; /* not yet in `dumps` */
    size_t last;              /* the one before, its place + 1; 0 = none */
    unsigned stream; /* which process, modulo DUMP_STREAMS whose sink */
    struct jep_error *error;
};

static jep_status_t
check(struct loader *loader, bool is_fine)
{
    return is_fine ? JEP_OK : perr_memory(loader->error);
}

static jep_status_t
on_begin(void *context, enum dump_format format, uint64_t line)
{
    struct loader *loader = context;

    if (loader->dumps->count >= DOCUMENTS_MAX)
        return perr_set(loader->error, JEP_ERR_LIMIT, line, 1,
                        "more than %d dumps in one file", DOCUMENTS_MAX);
    loader->current = snapshot_new();
    if (loader->current == NULL)
        return perr_memory(loader->error);
    loader->current->format = format;
    loader->current->line = line;
    loader->current->order = loader->dumps->begun++;
    loader->current->stream = loader->stream;
    return JEP_OK;
}

static jep_status_t
on_format(void *context, enum dump_format format)
{
    struct loader *loader = context;

    loader->current->format = format;
    return JEP_OK;
}

static jep_status_t
on_warn(void *context, uint64_t line, uint64_t column, const char *text)
{
    struct loader *loader = context;

    return check(loader, snapshot_warn(loader->current, line, column, text));
}

static jep_status_t
on_end(void *context, bool complete)
{
    struct loader *loader = context;
    struct jep_dumps *dumps = loader->dumps;
    struct snapshot *current = loader->current;

    /* Readers end what they began, also if beginning it failed. */
    if (current == NULL)
        return perr_memory(loader->error);
    current->complete = complete;
    if (profile_finish(&current->profile) > 0 &&
        !snapshot_warn(current, 0, 0,
                       "samples that refer to no stack were left out"))
        return perr_memory(loader->error);
    owners_merge(&current->owners);
    if (!snapshot_complete(current))
        return perr_memory(loader->error);
    if (!intern_grow((void **)&dumps->snapshots, &dumps->capacity, dumps->count,
                     sizeof(*dumps->snapshots)))
        return perr_memory(loader->error);
    dumps->snapshots[dumps->count++] = current;
    loader->last = dumps->count;
    loader->current = NULL;
    return JEP_OK;
}

static jep_status_t
on_number(void *context, const struct dump_where *where, int field,
          uint64_t value)
{
    struct loader *loader = context;

    return check(loader, snapshot_number(loader->current, where, field, value));
}

static jep_status_t
on_row(void *context, const struct dump_where *where,
       const struct dump_row *row)
{
    struct loader *loader = context;

    return check(loader, snapshot_row(loader->current, where, row));
}

static jep_status_t
on_text(void *context, const char *name, const char *value, uint64_t line)
{
    struct loader *loader = context;

    return check(loader, snapshot_text(loader->current, name, value, line));
}

static jep_status_t
on_mapping(void *context, const struct dump_mapping *mapping)
{
    struct loader *loader = context;
    struct intern_text *texts = &loader->current->texts;
    struct profile_mapping own = {mapping->start, mapping->end, mapping->offset,
                                  NULL, NULL};

    own.path = intern_text(texts, mapping->path);
    if (own.path == NULL)
        return perr_memory(loader->error);
    if (mapping->build_id != NULL) {
        own.build_id = intern_text(texts, mapping->build_id);
        if (own.build_id == NULL)
            return perr_memory(loader->error);
    }
    return check(loader, profile_add_mapping(&loader->current->profile, &own));
}

static jep_status_t
on_stack(void *context, const uint64_t *addresses, size_t count)
{
    struct loader *loader = context;

    return check(
        loader, profile_add_stack(&loader->current->profile, addresses, count));
}

static jep_status_t
on_site(void *context, const struct dump_site *site)
{
    struct loader *loader = context;

    loader->current->has_profile = true;
    return check(loader, profile_add_site(&loader->current->profile, site));
}

static jep_status_t
on_sample(void *context, const struct dump_sample *sample)
{
    struct loader *loader = context;
    struct dump_sample own = *sample;

    if (own.label != NULL) {
        own.label = intern_text(&loader->current->texts, own.label);
        if (own.label == NULL)
            return perr_memory(loader->error);
    }
    return check(loader, profile_add_sample(&loader->current->profile, &own));
}

static jep_status_t
on_owner(void *context, const struct dump_owner *owner)
{
    struct loader *loader = context;

    return check(loader, snapshot_owner(loader->current, owner));
}

/* The input ended too early: that concerns its last document. */
static jep_status_t
damage_warn(struct loader *loader, const char *text)
{
    struct jep_dumps *dumps = loader->dumps;
    struct snapshot *last;

    if (text == NULL || dumps->count == 0)
        return JEP_OK;
    last = dumps->snapshots[dumps->count - 1];
    last->complete = false;
    return check(loader, snapshot_warn_always(last, 0, 0, text));
}

/* The document that line `line` is of: the last one that began before it. */
static struct snapshot *
snapshot_at(const struct jep_dumps *dumps, uint64_t line)
{
    size_t at = dumps->count - 1;

    while (at > 0 && dumps->snapshots[at]->line > line)
        at--;
    return dumps->snapshots[at];
}

/* Lines that were too long to be read are missed where they stood. */
static jep_status_t
skips_warn(struct loader *loader, const reader_t *reader)
{
    size_t count;
    const struct reader_skip *skips = reader_skips(reader, &count);
    bool is_kept = true;

    for (size_t i = 0; i < count && is_kept; i++) {
        const struct reader_skip *skip = &skips[i];
        char text[128];

        if (skip->lines == 1)
            snprintf(text, sizeof(text),
                     "the line is longer than 1 MiB: %" PRIu64
                     " bytes of it were skipped",
                     skip->bytes);
        else
            snprintf(text, sizeof(text),
                     "%" PRIu64 " lines from here on are longer than 1 MiB: "
                     "%" PRIu64 " bytes of them were skipped",
                     skip->lines, skip->bytes);
        is_kept = snapshot_warn_always(snapshot_at(loader->dumps, skip->line),
                                       skip->line, 1, text);
    }
    return check(loader, is_kept);
}

static jep_status_t
on_symbol(void *context, const struct dump_symbol *symbol)
{
    struct loader *loader = context;
    struct intern_text *texts = &loader->current->texts;
    struct profile_symbol own = {.address = symbol->address,
                                 .line = symbol->line};

    own.function = intern_text(texts, symbol->function);
    if (own.function == NULL)
        return perr_memory(loader->error);
    if (symbol->file != NULL) {
        own.file = intern_text(texts, symbol->file);
        if (own.file == NULL)
            return perr_memory(loader->error);
    }
    return check(loader, profile_add_symbol(&loader->current->profile, &own));
}

/* The line belongs to the open document, or was the last of the one before. */
static jep_status_t
on_repaired(void *context, uint64_t line, unsigned repairs)
{
    struct loader *loader = context;
    struct snapshot *snapshot = loader->current;

    if (snapshot == NULL && loader->last > 0)
        snapshot = loader->dumps->snapshots[loader->last - 1];
    if (snapshot == NULL)
        return JEP_OK;
    repairs &= ~snapshot->repairs;
    snapshot->repairs |= repairs;
    for (enum repair i = 0; repairs >> i != 0; i++) {
        /* The lines of Redis end that way by themselves. */
        if ((repairs >> i & 1) != 0 &&
            !(i == REPAIR_CRLF && snapshot->format == DUMP_FORMAT_REDIS) &&
            !snapshot_warn(snapshot, line, 0, repair_what(i)))
            return perr_memory(loader->error);
    }
    return JEP_OK;
}

/* A number that no process had before; the document before is of another one.
 */
static void
on_restarted(void *context)
{
    struct loader *loader = context;

    loader->stream += DUMP_STREAMS;
    loader->last = 0;
}

/* Receivers for each of the processes; all are of one file. */
static void
sinks_init(const struct loader *loader, struct loader *loaders,
           struct dump_sink *sinks)
{
    for (unsigned i = 0; i < DUMP_SINKS; i++) {
        loaders[i] = *loader;
        loaders[i].stream = i / DUMP_LEVELS;
        sinks[i] = (struct dump_sink){
            &loaders[i], on_begin,    on_end,   on_format,   on_number, on_row,
            on_text,     on_mapping,  on_stack, on_site,     on_sample, on_warn,
            on_symbol,   on_repaired, on_owner, on_restarted};
    }
}

static bool
is_before(const struct snapshot *a, const struct snapshot *b)
{
    return a->line != b->line ? a->line < b->line : a->order < b->order;
}

/* Documents of several processes, and those into which others have come, ended
 * in any order: those that began first come first. */
static void
sort(struct jep_dumps *dumps)
{
    for (size_t i = 1; i < dumps->count; i++) {
        struct snapshot *snapshot = dumps->snapshots[i];
        size_t at = i;

        for (; at > 0 && is_before(snapshot, dumps->snapshots[at - 1]); at--)
            dumps->snapshots[at] = dumps->snapshots[at - 1];
        dumps->snapshots[at] = snapshot;
    }
}

/* What follows each other and is about the same process becomes one. */
static jep_status_t
join_all(struct loader *loader)
{
    struct jep_dumps *dumps = loader->dumps;
    size_t lasts[DUMP_STREAMS] = {0}; /* place + 1 */
    size_t count = dumps->count;

    dumps->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct snapshot *next = dumps->snapshots[i], *both;
        size_t *last = &lasts[next->stream % DUMP_STREAMS];

        if (*last == 0 || dumps->snapshots[*last - 1]->stream != next->stream ||
            !join_fits(dumps->snapshots[*last - 1], next)) {
            dumps->snapshots[dumps->count++] = next;
            *last = dumps->count;
            continue;
        }
        both = join(dumps->snapshots[*last - 1], next);
        if (both == NULL) {
            memmove(&dumps->snapshots[dumps->count], &dumps->snapshots[i],
                    (count - i) * sizeof(*dumps->snapshots));
            dumps->count += count - i;
            return perr_memory(loader->error);
        }
        dumps->snapshots[*last - 1] = both;
    }
    return JEP_OK;
}

static jep_status_t
load(struct loader *loader, const char *path)
{
    struct loader loaders[DUMP_SINKS];
    struct dump_sink sinks[DUMP_SINKS];
    jep_status_t status;
    reader_t *reader;

    loader->dumps->path = strdup(path);
    if (loader->dumps->path == NULL)
        return perr_memory(loader->error);
    status = reader_open(path, &reader, loader->error);
    if (status != JEP_OK)
        return status;
    sinks_init(loader, loaders, sinks);
    status = dump_read(reader, sinks, loader->error);
    sort(loader->dumps);
    if (status == JEP_OK)
        status = join_all(loader);
    if (status == JEP_OK && loader->dumps->count == 0)
        status = perr_set(loader->error, JEP_ERR_UNKNOWN, 0, 0,
                          "is part of a dump, without a figure");
    if (status == JEP_OK)
        status = skips_warn(loader, reader);
    if (status == JEP_OK)
        status = damage_warn(loader, reader_damage(reader));
    reader_close(reader);
    for (unsigned i = 0; i < DUMP_SINKS; i++)
        snapshot_free(loaders[i].current);
    return status;
}

jep_status_t
jep_read(const char *path, jep_dumps_t **dumps, struct jep_error *error)
{
    struct loader loader = {.error = error};
    jep_status_t status;

    *dumps = NULL;
    *error = (struct jep_error){0};
    perr_source(error, strcmp(path, "-") == 0 ? "(standard input)" : path);
    loader.dumps = calloc(1, sizeof(*loader.dumps));
    if (loader.dumps == NULL)
        return perr_memory(error);
    status = load(&loader, path);
    if (status == JEP_OK)
        *dumps = loader.dumps;
    else
        jep_dumps_free(loader.dumps);
    return status;
}

size_t
jep_dumps_count(const jep_dumps_t *dumps)
{
    return dumps->count;
}

void
jep_dumps_free(jep_dumps_t *dumps)
{
    if (dumps == NULL)
        return;
    for (size_t i = 0; i < dumps->count; i++)
        snapshot_free(dumps->snapshots[i]);
    free(dumps->snapshots);
    free(dumps->path);
    free(dumps);
}
