/* jeprobe report: where the memory of a dump is, and who allocated it. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/out.h"
#include "cli/render/render.h"
#include "cli/report_several.h"
#include "cli/several.h"

#include "jeprobe.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_MARKDOWN };

typedef struct report_opts {
    unsigned format;
    unsigned top;
    const char *output;
    const char *debug_dir;
    const char *sysroot;
    bool is_series, is_fleet;
} report_opts_t;

static const opt_t report_opt_table[] = {
    OPT(0, "format", "text|json|markdown", opt_choice, report_opts_t, format,
        "How to print it; json is an interface for programs, markdown is for "
        "pasting into an issue."),
    OPT('o', "output", "FILE", opt_string, report_opts_t, output,
        "Write to FILE instead of standard output."),
    OPT(0, "top", "N", opt_count, report_opts_t, top,
        "Print N sites and size classes instead of the usual few; of a fleet, "
        "N processes in full."),
    OPT(0, "series", NULL, opt_flag, report_opts_t, is_series,
        "Take all dumps for those of one process, whatever they say."),
    OPT(0, "fleet", NULL, opt_flag, report_opts_t, is_fleet,
        "Take each dump for one of a process of its own."),
    OPT(0, "debug-dir", "DIR", opt_string, report_opts_t, debug_dir,
        "Also look for separate debug files in DIR."),
    OPT(0, "sysroot", "DIR", opt_string, report_opts_t, sysroot,
        "Look for the dump's programs and libraries below DIR."),
    OPT_END};

/* A dump alone, as nothing can be said of it beside others. */
static void
print_one(out_t *out, struct several *several, const report_opts_t *opts,
          const struct render_options *options)
{
    jep_report_t *report = several_report(several, 0, NULL, NULL, 0);
    const struct jep_view *view = jep_report_view(report);

    if (opts->format == REPORT_JSON)
        render_json(out, view, options);
    else if (opts->format == REPORT_MARKDOWN)
        render_markdown(out, view, options);
    else
        render_text(out, view, options);
    jep_report_free(report);
}

static void
print_several(out_t *out, struct several *several, const report_opts_t *opts,
              const struct render_options *options)
{
    const struct jep_several_view *view =
        several_close(several, opts->is_series  ? JEP_SEVERAL_SERIES
                               : opts->is_fleet ? JEP_SEVERAL_FLEET
                                                : JEP_SEVERAL_AUTO);

    if (opts->format == REPORT_JSON)
        report_several_json(out, several, view, options);
    else if (opts->format == REPORT_MARKDOWN)
        report_several_markdown(out, several, view, options);
    else
        report_several_text(out, several, view, options);
}

static int
report_print(struct several *several, const report_opts_t *opts)
{
    const struct render_options options = {
        .top = opts->top, .has_debug_dir = opts->debug_dir != NULL};
    out_t *out = out_open(opts->output);

    if (several->moment_count == 1)
        print_one(out, several, opts, &options);
    else
        print_several(out, several, opts, &options);
    return out_close(out);
}

static int
report_run(const cmd_t *self, int argc, char **argv)
{
    report_opts_t opts = {.format = REPORT_TEXT};
    struct several several;
    int first = opt_parse(self, argc, argv, &opts), status;
    const struct jep_options options = {
        .debug_dir = opts.debug_dir, .sysroot = opts.sysroot, .symbols = true};

    if (first >= argc)
        die_usage(self, "a dump is needed: a file, or - for standard input");
    if (opts.is_series && opts.is_fleet)
        die_usage(self, "--series and --fleet exclude each other");
    status =
        several_read(&several, argv + first, (size_t)(argc - first), options);
    if (several.moment_count > 0) {
        int printed = report_print(&several, &opts);

        if (printed != EXIT_FINE)
            status = printed;
    }
    several_free(&several);
    return status;
}

const cmd_t cmd_report = {
    .name = "report",
    .synopsis = "FILE...",
    .summary = "Say where the memory of a dump is, and who allocated it",
    .text = "Reads dumps of jeprobe, statistics of jemalloc, tcmalloc, glibc, "
            "mimalloc, Redis and skynet, and heap profiles, also compressed "
            "by gzip; - is standard input. Several files, or one "
            "with several dumps, are a series if they are of one process, and "
            "a fleet if they are of several: what grew, or who is unlike the "
            "others, comes first then.",
    .opts = report_opt_table,
    .run = report_run,
};
