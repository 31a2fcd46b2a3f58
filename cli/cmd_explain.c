/* jeprobe explain: what a rule, an option, a statistic or a mallctl name is. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/out.h"
#include "cli/render/cell.h"
#include "cli/text.h"

#include "jeprobe.h"

#include <stdio.h>
#include <string.h>

#define IN_FULL    3 /* topics of one name; of more there is a list */
#define NAME_WIDTH 30

static const char *const kind_names[JEP_TOPIC_KINDS] = {
    [JEP_TOPIC_RULE] = "rule",
    [JEP_TOPIC_OPTION] = "option",
    [JEP_TOPIC_STATISTIC] = "statistic",
    [JEP_TOPIC_MALLCTL] = "mallctl name",
};

typedef struct explain_opts {
    const char *output;
} explain_opts_t;

static const opt_t explain_opt_table[] = {
    OPT('o', "output", "FILE", opt_string, explain_opts_t, output,
        "Write to FILE instead of standard output."),
    OPT_END};

static void
print_part(out_t *out, const char *label, const char *text)
{
    if (text != NULL)
        cell_hanging(out, text, label, "            ", out_prose_width(out));
}

static void
print_topic(out_t *out, const struct jep_topic *topic)
{
    cell_style(out, CELL_BOLD);
    out_puts(out, topic->name);
    cell_style(out, CELL_PLAIN);
    if (topic->kind == JEP_TOPIC_RULE)
        out_printf(out, "  (rule, %c: %s)\n", topic->section,
                   jep_rule_section(topic->section));
    else
        out_printf(out, "  (%s: %s)\n", kind_names[topic->kind], topic->facts);
    if (topic->kind != JEP_TOPIC_RULE) {
        cell_paragraph(out, topic->text, "  ", out_prose_width(out));
        return;
    }
    print_part(out, "  Noticed:  ", topic->text);
    print_part(out, "  Fires if: ", topic->evidence);
    print_part(out, "  Why so:   ", topic->threshold);
    print_part(out, "  Likely:   ", topic->causes);
    print_part(out, "  Matters:  ", topic->why);
    print_part(out, "  Do:       ", topic->action);
    print_part(out, "  Then:     ", topic->confirm);
    print_part(out, "  Unless:   ", topic->false_alarm);
    print_part(out, "  Source:   ", topic->source);
}

/* Names side by side, as many as there is room for. */
static void
print_names(out_t *out, const struct jep_topic *const *topics, size_t count)
{
    unsigned column = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned length = (unsigned)strlen(topics[i]->name);

        if (column > 0 && column + 2 + length > out_prose_width(out)) {
            out_puts(out, "\n");
            column = 0;
        }
        out_printf(out, "  %s", topics[i]->name);
        column += 2 + length;
    }
    out_puts(out, "\n");
}

/* The name nearest to what was typed, by all of it or by its last part. */
static const char *
nearest(const char *typed)
{
    unsigned best_distance = 0;
    const char *best = NULL;
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    for (size_t i = 0; i < count; i++) {
        const char *last = strrchr(topics[i].name, '.');
        const char *names[] = {topics[i].name, last == NULL ? "" : last + 1};

        for (size_t k = 0; k < 2; k++) {
            unsigned distance = text_distance(typed, names[k]);

            if (!text_is_near(typed, names[k]) ||
                (best != NULL && distance >= best_distance))
                continue;
            best = topics[i].name;
            best_distance = distance;
        }
    }
    return best;
}

static bool
explain(out_t *out, const char *name)
{
    const struct jep_topic *found[JEP_TOPICS_FOUND_MAX];
    size_t count = jep_topics_find(name, found);
    const char *near;

    for (size_t i = 0; i < count && (i < IN_FULL || count == IN_FULL + 1);
         i++) {
        if (i > 0)
            out_puts(out, "\n");
        print_topic(out, found[i]);
    }
    if (count > IN_FULL + 1) {
        out_puts(out, "\nalso:\n");
        print_names(out, found + IN_FULL, count - IN_FULL);
    }
    if (count > 0)
        return true;
    near = nearest(name);
    if (near != NULL)
        warn("there is nothing called '%s'; did you mean '%s'?", name, near);
    else
        warn("there is nothing called '%s'; jeprobe explain lists all names",
             name);
    return false;
}

static void
list_rules(out_t *out, const struct jep_topic *topics, size_t count)
{
    char section = '\0';

    for (size_t i = 0; i < count; i++) {
        char first[NAME_WIDTH + 8], indent[NAME_WIDTH + 8];

        if (topics[i].kind != JEP_TOPIC_RULE)
            continue;
        if (topics[i].section != section) {
            section = topics[i].section;
            out_printf(out, "\nRules, %c: %s\n", section,
                       jep_rule_section(section));
        }
        snprintf(first, sizeof(first), "  %-*s ", NAME_WIDTH, topics[i].name);
        snprintf(indent, sizeof(indent), "  %-*s ", NAME_WIDTH, "");
        cell_hanging(out, topics[i].text, first, indent, out_prose_width(out));
    }
}

static void
list_kind(out_t *out, const char *heading, enum jep_topic_kind kind)
{
    size_t count, kept = 0;
    const struct jep_topic *topics = jep_topics(&count);
    const struct jep_topic *some[JEP_TOPICS_FOUND_MAX];

    out_printf(out, "\n%s\n", heading);
    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind == kind)
            some[kept++] = &topics[i];
        if (kept > 0 && (kept == JEP_TOPICS_FOUND_MAX || i + 1 == count)) {
            print_names(out, some, kept);
            kept = 0;
        }
    }
}

static void
list_all(out_t *out)
{
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    out_puts(out, "jeprobe explain NAME explains one of these.\n");
    list_rules(out, topics, count);
    list_kind(out, "Options", JEP_TOPIC_OPTION);
    list_kind(out, "Statistics", JEP_TOPIC_STATISTIC);
    list_kind(out, "Other mallctl names", JEP_TOPIC_MALLCTL);
}

static int
explain_run(const cmd_t *self, int argc, char **argv)
{
    explain_opts_t opts = {NULL};
    int first = opt_parse(self, argc, argv, &opts);
    int status = EXIT_FINE, closed;
    out_t *out = out_open(opts.output);

    if (first >= argc)
        list_all(out);
    for (int i = first; i < argc; i++) {
        if (i > first)
            out_puts(out, "\n");
        if (!explain(out, argv[i]))
            status = EXIT_USAGE;
    }
    closed = out_close(out);
    return closed != EXIT_FINE ? closed : status;
}

const cmd_t cmd_explain = {
    .name = "explain",
    .synopsis = "[NAME...]",
    .summary = "Say what a rule, an option or a statistic is",
    .text = "Explains the rules that report applies, the options and mallctl "
            "names of jemalloc, and the statistics of all allocators whose "
            "dumps are read. A NAME may be the end of one, such as pdirty for "
            "stats.arenas.<i>.pdirty, or a label of a dump. Without a NAME, "
            "lists them all.",
    .opts = explain_opt_table,
    .run = explain_run,
};
