/*
 * What holds for anything that is printed of a dump: see always.h.
 *
 * Nothing in a dump reaches a terminal or a log as a control character. JSON is
 * JSON, and null stands exactly where the report knows nothing.
 */
#include "t/fuzz/always.h"

#include "cli/render/render.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*renderer_t)(out_t *out, const struct jep_view *view,
                           const struct render_options *options);

char *
always_capture(void (*print)(out_t *, const void *), const void *context,
               size_t *size)
{
    FILE *before = stdout;
    char *text = NULL;
    out_t *out;

    stdout = open_memstream(&text, size);
    if (stdout == NULL)
        abort();
    out = out_open(NULL);
    print(out, context);
    if (out_close(out) != 0)
        abort();
    fclose(stdout);
    stdout = before;
    return text;
}

struct printing {
    const struct jep_view *view;
    renderer_t render;
};

static void
print_one(out_t *out, const void *context)
{
    const struct printing *printing = context;
    const struct render_options options = {.top = 10};

    printing->render(out, printing->view, &options);
}

static char *
printed(const struct jep_view *view, renderer_t render, size_t *size)
{
    const struct printing printing = {view, render};

    return always_capture(print_one, &printing, size);
}

/* C0 but the line feed, DEL, and C1 as UTF-8 has them. */
const char *
always_control(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)text[0];
        unsigned char next = (unsigned char)text[1];

        if ((c < 0x20 && c != '\n') || c == 0x7f ||
            (c == 0xc2 && next >= 0x80 && next < 0xa0))
            return text;
    }
    return NULL;
}

static void
text_check(struct always *all, const struct jep_view *view, const char *what,
           renderer_t render)
{
    size_t size;
    char *text = printed(view, render, &size);
    const char *control;

    if (size == 0 || strlen(text) != size || text[size - 1] != '\n')
        always_wrong(all, "%s ends in the middle", what);
    control = always_control(text);
    if (control != NULL)
        always_wrong(all, "%s has character %02x", what,
                     (unsigned char)*control);
    free(text);
}

#define NAMED(name)                                                            \
    {                                                                          \
#        name, offsetof(struct jep_summary, name)                              \
    }

/* Where the figures and the ratios of a summary are. */
static const struct named {
    const char *name;
    size_t offset;
} figures[] =
    {
        NAMED(allocated), NAMED(active),        NAMED(metadata),
        NAMED(resident),  NAMED(mapped),        NAMED(retained),
        NAMED(rss),       NAMED(tcache),        NAMED(base),
        NAMED(internal),  NAMED(dirty),         NAMED(muzzy),
        NAMED(page),      NAMED(large_objects), NAMED(slab_holes),
        NAMED(padding),
},
  ratios[] = {
      NAMED(internal_fragmentation),
      NAMED(external_fragmentation),
      NAMED(metadata_per_allocated),
      NAMED(metadata_per_resident),
};

#undef NAMED

static const void *
member(const struct jep_summary *summary, const struct named *named)
{
    return (const char *)summary + named->offset;
}

static void
summary_check(struct always *all, const struct jep_summary *summary,
              const json_t *object)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(figures); i++) {
        const struct jep_figure *figure = member(summary, &figures[i]);
        const json_t *value = json_object_get(object, figures[i].name);

        if (value == NULL || json_is_null(value) == figure->known)
            always_wrong(all, "JSON has no %s", figures[i].name);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(ratios); i++) {
        const struct jep_ratio *ratio = member(summary, &ratios[i]);
        const json_t *value = json_object_get(object, ratios[i].name);

        if (value == NULL || json_is_null(value) == ratio->known)
            always_wrong(all, "JSON has no %s", ratios[i].name);
    }
}

static void
json_check(struct always *all, const struct jep_view *view)
{
    size_t size;
    char *text = printed(view, render_json, &size);
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL)
        always_wrong(all, "JSON is broken: %s", error.text);
    else
        summary_check(all, &view->summary, json_object_get(root, "summary"));
    json_decref(root);
    free(text);
}

void
always_print(struct always *all)
{
    for (size_t i = 0; i < all->count && all->wrong[0] == '\0'; i++) {
        const struct jep_view *view = all->views[i];

        text_check(all, view, "the text", render_text);
        text_check(all, view, "the Markdown", render_markdown);
        json_check(all, view);
    }
}
