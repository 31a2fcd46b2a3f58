/* jeprobe check: whether dumps keep within limits, for automatic gates. */
#include "cli/cmd.h"

#include "cli/check.h"
#include "cli/die.h"
#include "cli/inputs.h"
#include "cli/out.h"
#include "cli/render/check.h"
#include "cli/render/render.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT_TEXT, FORMAT_JSON };

enum { ANNOTATE_NONE, ANNOTATE_GITHUB, ANNOTATE_GITLAB };

enum { FAIL_UNSET, FAIL_LOW, FAIL_MEDIUM, FAIL_HIGH, FAIL_NEVER };

/* What waste is not worth a failed job, and growth that is. */
#define MIN_SIZE_DEFAULT   ((uint64_t)10 << 20)
#define MAX_GROWTH_DEFAULT 0.10

typedef struct check_opts {
    struct jep_ratio max_internal, max_external, max_metadata, max_growth;
    struct jep_figure max_allocated, min_size;
    unsigned format, annotate, fail_on;
    const char *baseline, *config, *sarif, *junit, *code_quality;
    const char *debug_dir, *sysroot;
    bool update_baseline;
} check_opts_t;

/* "30" or "30%". */
static const char *
opt_percent(const opt_t *opt, const char *arg, void *value)
{
    char *end;
    double number = strtod(arg, &end);

    (void)opt;
    if (end == arg || arg[0] < '0' || arg[0] > '9' || strpbrk(arg, "xX") ||
        (*end != '\0' && strcmp(end, "%") != 0))
        return "not a number of per cent";
    if (!(number <= 1e6))
        return "too large";
    *(struct jep_ratio *)value = (struct jep_ratio){number / 100.0, true};
    return NULL;
}

static const char *
opt_limit(const opt_t *opt, const char *arg, void *value)
{
    uint64_t bytes;
    const char *fault = opt_size(opt, arg, &bytes);

    if (fault == NULL)
        *(struct jep_figure *)value =
            (struct jep_figure){.value = bytes, .known = true};
    return fault;
}

/* The first choice of --fail-on is 1: 0 is "not given". */
static const char *
opt_fail_on(const opt_t *opt, const char *arg, void *value)
{
    const char *fault = opt_choice(opt, arg, value);

    if (fault == NULL)
        (*(unsigned *)value)++;
    return fault;
}

static const opt_t check_opt_table[] = {
    OPT(0, "max-internal", "PCT", opt_percent, check_opts_t, max_internal,
        "Alert if (active - allocated) / allocated is above PCT per cent."),
    OPT(0, "max-external", "PCT", opt_percent, check_opts_t, max_external,
        "Alert if (resident - active) / active is above PCT per cent."),
    OPT(0, "max-metadata", "PCT", opt_percent, check_opts_t, max_metadata,
        "Alert if metadata / resident is above PCT per cent."),
    OPT(0, "max-allocated", "SIZE", opt_limit, check_opts_t, max_allocated,
        "Alert if more than SIZE is allocated."),
    OPT(0, "min-size", "SIZE", opt_limit, check_opts_t, min_size,
        "Waste or growth of fewer bytes never alerts; 10 MiB."),
    OPT(0, "fail-on", "low|medium|high|never", opt_fail_on, check_opts_t,
        fail_on, "Findings from this severity on alert; medium."),
    OPT(0, "baseline", "FILE", opt_string, check_opts_t, baseline,
        "Alert if the dump has grown against this one, and not for findings "
        "that it had."),
    OPT(0, "update-baseline", NULL, opt_flag, check_opts_t, update_baseline,
        "Write the baseline anew from the dump instead of comparing."),
    OPT(0, "max-growth", "PCT", opt_percent, check_opts_t, max_growth,
        "Growth against the baseline up to this is none; 10."),
    OPT(0, "config", "FILE", opt_string, check_opts_t, config,
        "Take limits and suppressions from FILE; options win."),
    OPT(0, "format", "text|json", opt_choice, check_opts_t, format,
        "How to print the outcome."),
    OPT(0, "annotate", "none|github|gitlab", opt_choice, check_opts_t, annotate,
        "Also print what the CI system shows beside the change."),
    OPT(0, "sarif", "FILE", opt_string, check_opts_t, sarif,
        "Write SARIF 2.1.0 to FILE."),
    OPT(0, "junit", "FILE", opt_string, check_opts_t, junit,
        "Write JUnit XML to FILE."),
    OPT(0, "code-quality", "FILE", opt_string, check_opts_t, code_quality,
        "Write GitLab's code quality report to FILE."),
    OPT(0, "debug-dir", "DIR", opt_string, check_opts_t, debug_dir,
        "Also look for separate debug files in DIR."),
    OPT(0, "sysroot", "DIR", opt_string, check_opts_t, sysroot,
        "Look for the dump's programs and libraries below DIR."),
    OPT_END};

static void
limits_fill(const check_opts_t *opts, struct jep_limits *limits)
{
    if (opts->max_internal.known)
        limits->max_internal = opts->max_internal;
    if (opts->max_external.known)
        limits->max_external = opts->max_external;
    if (opts->max_metadata.known)
        limits->max_metadata = opts->max_metadata;
    if (opts->max_growth.known)
        limits->max_growth = opts->max_growth;
    if (opts->max_allocated.known)
        limits->max_allocated = opts->max_allocated;
    if (opts->min_size.known)
        limits->min_size = opts->min_size.value;
    if (opts->fail_on == FAIL_UNSET)
        return;
    limits->ignore_findings = opts->fail_on == FAIL_NEVER;
    limits->fail_on = opts->fail_on == FAIL_LOW      ? JEP_LOW
                      : opts->fail_on == FAIL_MEDIUM ? JEP_MEDIUM
                                                     : JEP_HIGH;
}

static void
set_add(struct check_set *set, struct jep_check *checks, size_t count)
{
    struct jep_check *all = inputs_need(
        realloc(set->checks, (set->count + count + 1) * sizeof(*all)));

    for (size_t i = 0; i < count; i++) {
        set->alerts += checks[i].outcome == JEP_ALERT;
        set->cannots += checks[i].outcome == JEP_CANNOT;
        all[set->count++] = checks[i];
    }
    set->checks = all;
    free(checks);
}

/* Write one more form of the outcome. */
static int
write_file(const char *path, const struct check_set *set,
           void (*write)(out_t *, const struct check_set *))
{
    out_t *out;

    if (path == NULL)
        return EXIT_FINE;
    out = out_open(path);
    write(out, set);
    return out_close(out);
}

static int
print(const struct check_set *set, const check_opts_t *opts)
{
    out_t *out = out_open(NULL);
    int status;

    if (opts->annotate == ANNOTATE_GITLAB)
        check_gitlab_begin(out);
    if (opts->format == FORMAT_JSON)
        check_json(out, set);
    else
        check_text(out, set);
    if (opts->annotate == ANNOTATE_GITLAB)
        check_gitlab_end(out);
    if (opts->annotate == ANNOTATE_GITHUB)
        check_github(out, set);
    status = out_close(out);
    if (status == EXIT_FINE)
        status = write_file(opts->sarif, set, check_sarif);
    if (status == EXIT_FINE)
        status = write_file(opts->junit, set, check_junit);
    if (status == EXIT_FINE)
        status = write_file(opts->code_quality, set, check_code_quality);
    return status;
}

/* Check all that was read.  With --update-baseline nothing is compared. */
static void
check_all(const struct inputs *inputs, const struct jep_limits *limits,
          const struct jep_baseline *baseline, struct check_set *set)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const struct jep_view *view = inputs->views[i];
        struct jep_check *checks;
        size_t count;

        if (jep_check(view, limits, baseline,
                      render_allocator(view->source.allocator), &checks,
                      &count) != JEP_OK)
            die(EXIT_SYSTEM, "out of memory");
        set_add(set, checks, count);
    }
}

static void
options_verify(const cmd_t *self, const check_opts_t *opts, int files)
{
    if (files < 1)
        die_usage(self, "a dump is needed: a file, or - for standard input");
    if (opts->update_baseline && opts->baseline == NULL)
        die_usage(self, "--update-baseline needs --baseline FILE");
    if (opts->max_growth.known && opts->baseline == NULL)
        die_usage(self, "--max-growth needs --baseline FILE");
    if (opts->annotate != ANNOTATE_NONE && opts->format == FORMAT_JSON)
        die_usage(self, "--annotate and --format json would mix on standard "
                        "output");
}

static struct jep_baseline *
baseline_of(const check_opts_t *opts, const struct inputs *inputs)
{
    struct jep_baseline *baseline;

    if (opts->baseline == NULL)
        return NULL;
    if (inputs->count != 1)
        die(EXIT_USAGE, "a baseline is of one dump; here are %zu",
            inputs->count);
    if (opts->update_baseline)
        return NULL;
    baseline = check_baseline_read(opts->baseline);
    if (baseline == NULL)
        die_advise(EXIT_INPUT, "--update-baseline makes it",
                   "%s: there is no baseline", opts->baseline);
    return baseline;
}

static int
check_run(const cmd_t *self, int argc, char **argv)
{
    check_opts_t opts = {.format = FORMAT_TEXT};
    struct jep_limits limits = {.max_growth = {MAX_GROWTH_DEFAULT, true},
                                .min_size = MIN_SIZE_DEFAULT,
                                .fail_on = JEP_MEDIUM};
    struct inputs inputs = {0};
    struct check_config *config = NULL;
    struct jep_baseline *baseline;
    struct check_set set = {0};
    int first = opt_parse(self, argc, argv, &opts), status = EXIT_FINE;

    options_verify(self, &opts, argc - first);
    if (opts.config != NULL)
        config = check_config_read(opts.config, &limits);
    limits_fill(&opts, &limits);
    for (int i = first; i < argc; i++) {
        const struct jep_options options = {.debug_dir = opts.debug_dir,
                                            .sysroot = opts.sysroot,
                                            .symbols = true};
        int one = inputs_read(&inputs, argv[i], options);

        status = one != EXIT_FINE ? one : status;
    }
    if (inputs.count > 0) {
        int printed;

        baseline = baseline_of(&opts, &inputs);
        check_all(&inputs, &limits, baseline, &set);
        printed = print(&set, &opts);
        status = printed != EXIT_FINE ? printed : status;
        if (status == EXIT_FINE && opts.update_baseline)
            status = check_baseline_write(
                opts.baseline, inputs.views[0],
                render_allocator(inputs.views[0]->source.allocator));
        check_baseline_free(baseline);
    }
    if (status == EXIT_FINE)
        status = set.alerts > 0    ? EXIT_FOUND
                 : set.cannots > 0 ? EXIT_UNVERIFIABLE
                                   : EXIT_FINE;
    free(set.checks);
    inputs_free(&inputs);
    check_config_free(config);
    return status;
}

const cmd_t cmd_check = {
    .name = "check",
    .synopsis = "FILE...",
    .summary = "Say whether dumps keep within limits, for CI jobs",
    .text = "Compares dumps with limits and with a baseline, prints one line "
            "for each check and a verdict. Ends with 1 after an alert and "
            "with 5 if a figure that a check needs is not in the dump.",
    .opts = check_opt_table,
    .run = check_run,
};
