/* jeprobe doctor: the machine's and the process's side of memory. */
#include "cli/cmd.h"

#include "cli/die.h"
#include "cli/out.h"
#include "cli/render/doctor.h"

#include "jeprobe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

typedef struct doctor_opts {
    unsigned format;
    const char *output;
    const char *root;
} doctor_opts_t;

static const opt_t doctor_opt_table[] = {
    OPT(0, "format", "text|json|markdown", opt_choice, doctor_opts_t, format,
        "How to print it; json is an interface for programs, markdown is for "
        "pasting into an issue."),
    OPT('o', "output", "FILE", opt_string, doctor_opts_t, output,
        "Write to FILE instead of standard output."),
    OPT(0, "root", "DIR", opt_string, doctor_opts_t, root,
        "Read DIR/proc and DIR/sys: copies of those of another machine."),
    OPT_END};

/* A number that a process can have. */
static uint64_t
parse_pid(const cmd_t *self, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long long pid = 0;

    errno = 0;
    if (digits > 0 && text[digits] == '\0')
        pid = strtoull(text, NULL, 10);
    if (pid == 0 || pid > INT32_MAX || errno != 0)
        die_usage(self, "'%s' is not the number of a process", text);
    return pid;
}

static int
doctor_print(const struct jep_doctor_view *view, const doctor_opts_t *opts)
{
    out_t *out = out_open(opts->output);

    if (opts->format == FORMAT_JSON)
        doctor_json(out, view);
    else if (opts->format == FORMAT_MARKDOWN)
        doctor_markdown(out, view);
    else
        doctor_text(out, view);
    return out_close(out);
}

static int
doctor_run(const cmd_t *self, int argc, char **argv)
{
    doctor_opts_t opts = {.root = "/"};
    int first = opt_parse(self, argc, argv, &opts), status;
    struct jep_error error;
    jep_doctor_t *doctor;
    uint64_t pid;

    if (argc - first > 1)
        die_usage(self, "doctor takes one process");
    pid = first < argc ? parse_pid(self, argv[first]) : 0;
    if (jep_doctor_new(opts.root, pid, &doctor, &error) != JEP_OK) {
        if (error.code == JEP_ERR_MEMORY)
            die(EXIT_SYSTEM, "out of memory");
        if (strcmp(opts.root, "/") == 0)
            die(EXIT_INPUT, "%s", error.text);
        die(EXIT_INPUT, "%s: %s", opts.root, error.text);
    }
    status = doctor_print(jep_doctor_view(doctor), &opts);
    jep_doctor_free(doctor);
    return status;
}

const cmd_t cmd_doctor = {
    .name = "doctor",
    .synopsis = "[PID]",
    .summary = "Look at the machine's and a process's side of memory",
    .text = "Reads what the kernel says of the memory of this machine and of "
            "process PID: huge pages, overcommit, control groups, limits, "
            "swap, and which allocator the process has and what options "
            "reach it. Says what stands in an allocator's way, and the "
            "commands that would change it; changes nothing itself.",
    .opts = doctor_opt_table,
    .run = doctor_run,
};
