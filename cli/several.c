/* Many dumps of one command line, each in memory only while it is needed. */
#include "cli/several.h"

#include "cli/cmd.h"
#include "cli/die.h"
#include "cli/inputs.h"

#include <stdlib.h>
#include <sys/stat.h>

/* So few files are kept rather than read twice. */
#define FILES_KEPT 4

/* Of more, so many may be in memory: a series needs the first, the last and
 * the last but one. */
#define FILES_HELD 3

struct several_file {
    const char *path;
    jep_dumps_t *dumps;  /* NULL = not in memory */
    size_t first, count; /* which moments are its documents */
    unsigned long used;  /* when it was asked for last */
    bool is_kept;        /* it cannot be read again, or need not */
};

static bool
is_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Take what is needed from each document of a file that was read. */
static int
add_all(struct several *several, struct several_file *file)
{
    struct jep_options options = several->options;
    struct jep_error error;

    options.symbols = false;
    file->first = several->moment_count;
    for (size_t i = 0; i < jep_dumps_count(file->dumps); i++) {
        jep_report_t *report;

        if (jep_report_new(file->dumps, i, &options, &report, &error) !=
            JEP_OK) {
            inputs_complain(&error);
            return EXIT_INPUT;
        }
        if (jep_several_add(several->all, report) != JEP_OK)
            die(EXIT_SYSTEM, "out of memory");
        jep_report_free(report);
        several->moment_count++;
        file->count++;
    }
    return EXIT_FINE;
}

int
several_read(struct several *several, char *const *paths, size_t count,
             struct jep_options options)
{
    int status = EXIT_FINE;

    *several = (struct several){.options = options,
                                .all = inputs_need(jep_several_new())};
    several->files = inputs_need(calloc(count, sizeof(*several->files)));
    for (size_t i = 0; i < count; i++) {
        struct several_file *file = &several->files[several->file_count];
        struct jep_error error;

        *file = (struct several_file){.path = paths[i],
                                      .is_kept = count <= FILES_KEPT ||
                                                 !is_regular(paths[i])};
        if (jep_read(file->path, &file->dumps, &error) != JEP_OK) {
            inputs_complain(&error);
            status = EXIT_INPUT;
            continue;
        }
        several->file_count++;
        if (add_all(several, file) != EXIT_FINE)
            status = EXIT_INPUT;
        if (!file->is_kept) {
            jep_dumps_free(file->dumps);
            file->dumps = NULL;
        }
    }
    return status;
}

const struct jep_several_view *
several_close(struct several *several, enum jep_several_kind kind)
{
    if (jep_several_close(several->all, kind) != JEP_OK)
        die(EXIT_SYSTEM, "out of memory");
    return jep_several_view(several->all);
}

void
several_free(struct several *several)
{
    for (size_t i = 0; i < several->file_count; i++)
        jep_dumps_free(several->files[i].dumps);
    free(several->files);
    jep_several_free(several->all);
    *several = (struct several){0};
}

/* Forget the file that was asked for longest ago, if too many are held. */
static void
make_room(struct several *several)
{
    struct several_file *oldest = NULL;
    size_t held = 0;

    for (size_t i = 0; i < several->file_count; i++) {
        struct several_file *file = &several->files[i];

        if (file->is_kept || file->dumps == NULL)
            continue;
        held++;
        if (oldest == NULL || file->used < oldest->used)
            oldest = file;
    }
    if (held < FILES_HELD)
        return;
    jep_dumps_free(oldest->dumps);
    oldest->dumps = NULL;
}

static struct several_file *
file_of(struct several *several, size_t index)
{
    struct several_file *file = several->files;
    struct jep_error error;

    while (index < file->first || index >= file->first + file->count)
        file++;
    file->used = ++several->ticks;
    if (file->dumps != NULL)
        return file;
    make_room(several);
    if (jep_read(file->path, &file->dumps, &error) != JEP_OK) {
        inputs_complain(&error);
        die(EXIT_INPUT, "%s: cannot be read a second time", file->path);
    }
    if (jep_dumps_count(file->dumps) < file->count)
        die(EXIT_INPUT, "%s: has changed while it was read", file->path);
    return file;
}

jep_report_t *
several_report(struct several *several, size_t index,
               const jep_report_t *before,
               const struct jep_moment *const *earlier, size_t earlier_count)
{
    struct several_file *file = file_of(several, index);
    struct jep_options options = several->options;
    struct jep_error error;
    jep_report_t *report;

    options.before = before;
    options.earlier = earlier;
    options.earlier_count = earlier_count;
    if (jep_report_new(file->dumps, index - file->first, &options, &report,
                       &error) != JEP_OK) {
        inputs_complain(&error);
        die(EXIT_SYSTEM, "out of memory");
    }
    return report;
}
