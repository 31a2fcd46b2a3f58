/*
 * Stand-ins for the analysis library until it is linked: no dump can be read.
 */
#include "base/macros.h"

#include "jeprobe.h"

#include "cli/cmd.h"

jep_status_t
jep_read(const char *path, jep_dumps_t **dumps, struct jep_error *error)
{
    (void)path;
    *dumps = NULL;
    *error = (struct jep_error){.text = "no reader"};
    return JEP_ERR_UNKNOWN;
}

void
jep_dumps_free(jep_dumps_t *dumps)
{
    (void)dumps;
}

jep_status_t
jep_report_new(const jep_dumps_t *dumps, size_t index,
               const struct jep_options *options, jep_report_t **report,
               struct jep_error *error)
{
    (void)dumps;
    (void)index;
    (void)options;
    *report = NULL;
    *error = (struct jep_error){.text = "no reader"};
    return JEP_ERR_UNKNOWN;
}

const struct jep_view *
jep_report_view(const jep_report_t *report)
{
    (void)report;
    return NULL;
}

void
jep_report_free(jep_report_t *report)
{
    (void)report;
}

const cmd_t cmd_report = {.name = "report"};
