/* jeprobe report: where the memory of a dump is, and who allocated it. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/out.h"
#include "cli/render/render.h"

#include "jeprobe.h"

#include <stdio.h>
#include <stdlib.h>

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_MARKDOWN };

typedef struct report_opts {
    unsigned format;
    unsigned top;
    const char *output;
    const char *debug_dir;
    const char *sysroot;
} report_opts_t;

static const opt_t report_opt_table[] = {
    OPT(0, "format", "text|json|markdown", opt_choice, report_opts_t, format,
        "How to print it; json is an interface for programs, markdown is for "
        "pasting into an issue."),
    OPT('o', "output", "FILE", opt_string, report_opts_t, output,
        "Write to FILE instead of standard output."),
    OPT(0, "top", "N", opt_count, report_opts_t, top,
        "Print N sites and size classes instead of the usual few."),
    OPT(0, "debug-dir", "DIR", opt_string, report_opts_t, debug_dir,
        "Also look for separate debug files in DIR."),
    OPT(0, "sysroot", "DIR", opt_string, report_opts_t, sysroot,
        "Look for the dump's programs and libraries below DIR."),
    OPT_END};

/* All files and reports of one command. */
struct report_list {
    jep_dumps_t **dumps;
    size_t dumps_count;
    jep_report_t **reports;
    const struct jep_view **views;
    size_t count;
};

static void *
need(void *memory)
{
    if (memory == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return memory;
}

static void
complain(const struct jep_error *error)
{
    if (error->line > 0 && error->column > 0)
        warn("%s:%llu:%llu: %s", error->source, (unsigned long long)error->line,
             (unsigned long long)error->column, error->text);
    else if (error->line > 0)
        warn("%s:%llu: %s", error->source, (unsigned long long)error->line,
             error->text);
    else
        warn("%s: %s", error->source, error->text);
}

/* Read one file and analyse what is in it. */
static bool
report_add(struct report_list *list, const char *path,
           const report_opts_t *opts)
{
    struct jep_options options = {
        .debug_dir = opts->debug_dir,
        .sysroot = opts->sysroot,
        .symbols = true,
    };
    struct jep_error error;
    jep_dumps_t *dumps;
    size_t count;

    if (jep_read(path, &dumps, &error) != JEP_OK) {
        complain(&error);
        return false;
    }
    list->dumps[list->dumps_count++] = dumps;
    count = jep_dumps_count(dumps);
    list->reports = need(
        realloc(list->reports, (list->count + count) * sizeof(*list->reports)));
    list->views = need(
        realloc(list->views, (list->count + count) * sizeof(*list->views)));
    for (size_t i = 0; i < count; i++) {
        jep_report_t *report;

        options.before =
            list->count > 0 ? list->reports[list->count - 1] : NULL;
        if (jep_report_new(dumps, i, &options, &report, &error) != JEP_OK) {
            complain(&error);
            return false;
        }
        list->reports[list->count] = report;
        list->views[list->count++] = jep_report_view(report);
    }
    return true;
}

static void
report_list_free(struct report_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        jep_report_free(list->reports[i]);
    for (size_t i = 0; i < list->dumps_count; i++)
        jep_dumps_free(list->dumps[i]);
    free(list->reports);
    free(list->views);
    free(list->dumps);
}

static int
report_print(const struct report_list *list, const report_opts_t *opts)
{
    const struct render_set set = {list->views, list->count};
    const struct render_options options = {
        .top = opts->top, .has_debug_dir = opts->debug_dir != NULL};
    out_t *out = out_open(opts->output);

    if (opts->format == REPORT_JSON)
        render_json(out, &set, &options);
    else if (opts->format == REPORT_MARKDOWN)
        render_markdown(out, &set, &options);
    else
        render_text(out, &set, &options);
    return out_close(out);
}

static int
report_run(const cmd_t *self, int argc, char **argv)
{
    report_opts_t opts = {.format = REPORT_TEXT};
    struct report_list list = {0};
    int first = opt_parse(self, argc, argv, &opts);
    int status = EXIT_FINE;

    if (first >= argc)
        die_usage(self, "a dump is needed: a file, or - for standard input");
    list.dumps = need(calloc((size_t)(argc - first), sizeof(*list.dumps)));
    for (int i = first; i < argc; i++) {
        if (!report_add(&list, argv[i], &opts))
            status = EXIT_INPUT;
    }
    if (list.count > 0) {
        int printed = report_print(&list, &opts);

        if (printed != EXIT_FINE)
            status = printed;
    }
    report_list_free(&list);
    return status;
}

const cmd_t cmd_report = {
    .name = "report",
    .synopsis = "FILE...",
    .summary = "Say where the memory of a dump is, and who allocated it",
    .text = "Reads dumps of jeprobe and of jemalloc 5 (text or JSON), also "
            "compressed by gzip; - is standard input. Several files, or one "
            "with several dumps, are reported one after the other and then "
            "side by side.",
    .opts = report_opt_table,
    .run = report_run,
};
