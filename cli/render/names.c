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

const struct jep_finding *
render_open_question(const struct jep_view *view)
{
    static const struct {
        const char *rule;
        bool needs_bytes; /* it leaves nothing open if they are few */
    } questions[] = {{"impossible-counters", false},
                     {"stats-disabled", false},
                     {"slab-waste-high", true},
                     {"summary-only-dump", true}};

    for (size_t k = 0; k < JE_ARRAY_LEN(questions); k++) {
        for (size_t i = 0; i < view->finding_count; i++) {
            const struct jep_finding *finding = &view->findings[i];

            if (strcmp(finding->rule, questions[k].rule) == 0 &&
                (!questions[k].needs_bytes || finding->bytes.known))
                return finding;
        }
    }
    return NULL;
}
