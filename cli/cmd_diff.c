/* jeprobe diff: what changed from one dump to another, and what that means. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/inputs.h"
#include "cli/out.h"
#include "cli/render/diff.h"

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

typedef struct diff_opts {
    unsigned format, top;
    uint64_t min_size;
    const char *output, *debug_dir, *sysroot;
} diff_opts_t;

static const opt_t diff_opt_table[] = {
    OPT(0, "format", "text|json|markdown", opt_choice, diff_opts_t, format,
        "How to print it; json is an interface for programs, markdown is for "
        "pasting into an issue."),
    OPT('o', "output", "FILE", opt_string, diff_opts_t, output,
        "Write to FILE instead of standard output."),
    OPT(0, "top", "N", opt_count, diff_opts_t, top,
        "Print N rows of each table instead of the usual few."),
    OPT(0, "min-size", "SIZE", opt_size, diff_opts_t, min_size,
        "Changes of fewer bytes, or of less than 1 %, decide nothing; 10 MiB."),
    OPT(0, "debug-dir", "DIR", opt_string, diff_opts_t, debug_dir,
        "Also look for separate debug files in DIR."),
    OPT(0, "sysroot", "DIR", opt_string, diff_opts_t, sysroot,
        "Look for the dumps' programs and libraries below DIR."),
    OPT_END};

static int
diff_print(const struct inputs *inputs, size_t first, const diff_opts_t *opts)
{
    size_t last = inputs->count - 1;
    struct diff_view view = {.before = inputs->views[first],
                             .now = inputs->views[last],
                             .top = opts->top};
    struct jep_diff *diff;
    out_t *out;
    int status;

    if (jep_diff_new(inputs->reports[first], inputs->reports[last],
                     opts->min_size, &diff) != JEP_OK)
        die(EXIT_SYSTEM, "out of memory");
    view.diff = diff;
    out = out_open(opts->output);
    if (opts->format == FORMAT_JSON)
        diff_json(out, &view);
    else if (opts->format == FORMAT_MARKDOWN)
        diff_markdown(out, &view);
    else
        diff_text(out, &view);
    status = out_close(out);
    if (status == EXIT_FINE && diff->verdict.has_grown)
        status = EXIT_FOUND;
    jep_diff_free(diff);
    return status;
}

static int
diff_run(const cmd_t *self, int argc, char **argv)
{
    diff_opts_t opts = {.min_size = JEP_CHANGE_MIN};
    int first = opt_parse(self, argc, argv, &opts), status = EXIT_FINE;
    const struct jep_options options = {
        .debug_dir = opts.debug_dir, .sysroot = opts.sysroot, .symbols = true};
    struct inputs inputs = {0};
    size_t old = 0;

    if (argc - first != 2)
        die_usage(self, "two dumps are needed: OLD and NEW");
    for (int i = first; i < argc && status == EXIT_FINE; i++) {
        status = inputs_read(&inputs, argv[i], options);
        /* Of a file with several dumps the last one counts. */
        if (i == first && inputs.count > 0)
            old = inputs.count - 1;
    }
    if (status == EXIT_FINE)
        status = diff_print(&inputs, old, &opts);
    inputs_free(&inputs);
    return status;
}

const cmd_t cmd_diff = {
    .name = "diff",
    .synopsis = "OLD NEW",
    .summary = "Say what changed from one dump to another",
    .text = "Compares two dumps of one process or of two: the totals, where "
            "the memory is, the size classes, and the call stacks with what "
            "chance can do. Ends with 1 if memory has grown.",
    .opts = diff_opt_table,
    .run = diff_run,
};
