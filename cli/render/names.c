/* What reports call allocators and severities, in every format. */
#include "cli/render/render.h"

#include "base/macros.h"

#include <stdio.h>
#include <string.h>

const char *
render_allocator(enum jep_allocator allocator)
{
    static const char *const names[JEP_ALLOCATORS] = {
        [JEP_ALLOCATOR_UNKNOWN] = "unknown allocator",
        [JEP_ALLOCATOR_JEMALLOC] = "jemalloc",
        [JEP_ALLOCATOR_JEALLOC] = "jealloc",
        [JEP_ALLOCATOR_TCMALLOC] = "tcmalloc",
        [JEP_ALLOCATOR_GPERFTOOLS] = "gperftools",
        [JEP_ALLOCATOR_GLIBC] = "glibc",
        [JEP_ALLOCATOR_MIMALLOC] = "mimalloc",
    };

    return names[allocator];
}

struct render_owner_rest
render_owner_rest(const struct jep_owners *owners, size_t shown)
{
    struct render_owner_rest rest = {.objects.known = true};

    for (size_t i = shown; i < owners->count; i++) {
        rest.bytes += owners->list[i].live_bytes.value;
        rest.objects.value += owners->list[i].live_objects.value;
        rest.objects.known &= owners->list[i].live_objects.known;
    }
    snprintf(rest.name, sizeof(rest.name), "%zu other%s", owners->count - shown,
             owners->count - shown == 1 ? "" : "s");
    return rest;
}

const char *
render_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

const char *
render_frame(const struct jep_frame *frame, char *name, size_t size)
{
    if (frame->function == NULL && frame->address == 0)
        snprintf(name, size, "(no stack)");
    else if (frame->function != NULL)
        snprintf(name, size, "%s%s", frame->function,
                 frame->inlined ? " (inlined)" : "");
    else
        snprintf(name, size, "%s%s0x%llx",
                 frame->module != NULL ? render_base_name(frame->module) : "",
                 frame->module != NULL ? "+" : "",
                 (unsigned long long)frame->offset);
    return name;
}

const char *
render_missing(const struct jep_source *source, char *text, size_t size)
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < source->missing_count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "",
                               source->missing[i]);
    return text;
}

const char *
render_severity(enum jep_severity severity)
{
    switch (severity) {
    case JEP_HIGH:
        return "CRITICAL";
    case JEP_MEDIUM:
        return "WARNING";
    case JEP_LOW:
        return "MINOR";
    default:
        return "NOTE";
    }
}

/* What leaves open whether something is wrong, where it is no more than a note;
 * the first of them says most. */
static const struct {
    const char *rule;
    bool needs_bytes; /* it leaves nothing open if they are few */
} questions[] = {{"impossible-counters", false},
                 {"stats-disabled", false},
                 {"slab-waste-high", true},
                 {"summary-only-dump", true}};

#define NO_QUESTION JE_ARRAY_LEN(questions)

static size_t
question(const char *rule, bool has_bytes)
{
    size_t i = 0;

    while (i < NO_QUESTION && strcmp(rule, questions[i].rule) != 0)
        i++;
    return i < NO_QUESTION && questions[i].needs_bytes && !has_bytes
               ? NO_QUESTION
               : i;
}

bool
render_leaves_open(const struct jep_common *common)
{
    return common->severity == JEP_INFO &&
           question(common->rule, common->bytes > 0) < NO_QUESTION;
}

/* Where no finding is above info: the one that says why the dump does not show
 * whether something is wrong; NULL = it does. */
static const struct jep_finding *
open_question(const struct jep_view *view)
{
    const struct jep_finding *found = NULL;
    size_t most = NO_QUESTION;

    for (size_t i = 0; i < view->finding_count; i++) {
        const struct jep_finding *finding = &view->findings[i];
        size_t one = question(finding->rule, finding->bytes.known);

        if (one >= most)
            continue;
        found = finding;
        most = one;
    }
    return found;
}

const char *
render_calm(const struct jep_view *view, char text[RENDER_CALM_MAX])
{
    const struct jep_summary *s = &view->summary;
    const struct jep_finding *open;

    if ((view->finding_count > 0 && view->findings[0].severity > JEP_INFO) ||
        (!s->allocated.known && !s->active.known && !s->rss.known))
        return NULL;
    open = open_question(view);
    if (open == NULL)
        return "Nothing is wrong as far as this dump shows: no rule finds "
               "waste that is worth acting on.";
    snprintf(text, RENDER_CALM_MAX,
             "This dump does not show whether something is wrong: see %s "
             "below.",
             open->rule);
    return text;
}

bool
render_has_column(const struct jep_view *view, bool is_unused)
{
    for (size_t i = 0; i < view->class_count; i++) {
        const struct jep_class *class = &view->classes[i];

        if (is_unused ? class->unused.known : class->in_use.known)
            return true;
    }
    return false;
}

const struct jep_arena *
render_next_heap(const struct jep_view *view, const struct jep_arena *last)
{
    const struct jep_arena *next = NULL;

    for (size_t i = 0; i < view->arena_count; i++) {
        const struct jep_arena *heap = &view->arenas[i];

        if (last != NULL &&
            (heap->mapped.value > last->mapped.value ||
             (heap->mapped.value == last->mapped.value && heap <= last)))
            continue;
        if (next == NULL || heap->mapped.value > next->mapped.value)
            next = heap;
    }
    return next;
}

struct jep_figure
render_heap_free(const struct jep_arena *heap)
{
    struct jep_figure mapped = heap->mapped, used = heap->allocated;

    if (!mapped.known || !used.known || mapped.value < used.value)
        return (struct jep_figure){0};
    return (struct jep_figure){
        .value = mapped.value - used.value, .known = true, .derived = true};
}
