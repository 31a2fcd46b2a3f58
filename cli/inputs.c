/* The dumps of one command line, read and analysed. */
#include "cli/inputs.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <stdlib.h>

void *
inputs_need(void *memory)
{
    if (memory == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return memory;
}

void
inputs_complain(const struct jep_error *error)
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

static void
make_room(struct inputs *inputs, size_t more)
{
    size_t count = inputs->count + more;

    inputs->dumps = inputs_need(realloc(
        inputs->dumps, (inputs->dumps_count + 1) * sizeof(*inputs->dumps)));
    inputs->reports =
        inputs_need(realloc(inputs->reports, count * sizeof(*inputs->reports)));
    inputs->views =
        inputs_need(realloc(inputs->views, count * sizeof(*inputs->views)));
}

int
inputs_read(struct inputs *inputs, const char *path, struct jep_options options)
{
    struct jep_error error;
    jep_dumps_t *dumps;
    size_t count;

    if (jep_read(path, &dumps, &error) != JEP_OK) {
        inputs_complain(&error);
        return EXIT_INPUT;
    }
    count = jep_dumps_count(dumps);
    make_room(inputs, count);
    inputs->dumps[inputs->dumps_count++] = dumps;
    for (size_t i = 0; i < count; i++) {
        jep_report_t *report;

        options.before =
            inputs->count > 0 ? inputs->reports[inputs->count - 1] : NULL;
        if (jep_report_new(dumps, i, &options, &report, &error) != JEP_OK) {
            inputs_complain(&error);
            return EXIT_INPUT;
        }
        inputs->reports[inputs->count] = report;
        inputs->views[inputs->count++] = jep_report_view(report);
    }
    return EXIT_FINE;
}

void
inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        jep_report_free(inputs->reports[i]);
    for (size_t i = 0; i < inputs->dumps_count; i++)
        jep_dumps_free(inputs->dumps[i]);
    free(inputs->reports);
    free(inputs->views);
    free(inputs->dumps);
    *inputs = (struct inputs){0};
}
