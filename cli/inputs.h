/* The dumps of one command line, read and analysed. */
#ifndef JE_CLI_INPUTS_H
#define JE_CLI_INPUTS_H

#include "base/macros.h"

#include "jeprobe.h"

/* Zero-initialised; the views live until inputs_free. */
struct inputs {
    jep_dumps_t **dumps;
    size_t dumps_count;
    jep_report_t **reports;
    const struct jep_view **views; /* in the order of the files */
    size_t count;
};

/* Read `path` and analyse each dump in it.  Returns EXIT_FINE, or EXIT_INPUT
 * after a message.  `options->before` is set by this function. */
int inputs_read(struct inputs *inputs, const char *path,
                struct jep_options options);
void inputs_free(struct inputs *inputs);

/* Say what is wrong, and where. */
void inputs_complain(const struct jep_error *error);

/* `memory`, or the end of the program if it is NULL. */
void *inputs_need(void *memory);

#endif
