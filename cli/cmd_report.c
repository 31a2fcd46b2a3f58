/* jeprobe report: where the memory of a dump is, and who allocated it. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/inputs.h"
#include "cli/out.h"
#include "cli/render/render.h"

#include "jeprobe.h"

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

static int
report_print(const struct inputs *list, const report_opts_t *opts)
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
    struct inputs inputs = {0};
    int first = opt_parse(self, argc, argv, &opts);
    int status = EXIT_FINE;
    const struct jep_options options = {
        .debug_dir = opts.debug_dir, .sysroot = opts.sysroot, .symbols = true};

    if (first >= argc)
        die_usage(self, "a dump is needed: a file, or - for standard input");
    for (int i = first; i < argc; i++) {
        int one = inputs_read(&inputs, argv[i], options);

        status = one != EXIT_FINE ? one : status;
    }
    if (inputs.count > 0) {
        int printed = report_print(&inputs, &opts);

        if (printed != EXIT_FINE)
            status = printed;
    }
    inputs_free(&inputs);
    return status;
}

const cmd_t cmd_report = {
    .name = "report",
    .synopsis = "FILE...",
    .summary = "Say where the memory of a dump is, and who allocated it",
    .text = "Reads dumps of jeprobe, statistics of jemalloc, tcmalloc, glibc, "
            "mimalloc, Redis and skynet, and heap profiles, also compressed "
            "by gzip; - is standard input. Several files, or one "
            "with several dumps, are reported one after the other and then "
            "side by side.",
    .opts = report_opt_table,
    .run = report_run,
};
