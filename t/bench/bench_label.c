/*
 * What owner labels cost: the same work with and without them.
 *
 *   bench_label [--rounds=N] [--scale=F]
 *
 * loop     malloc and free of 64 bytes, at once
 * batch    1000 objects made, then freed
 * request  a form is read from a socket into fields, they are sorted, an answer
 *          is written, hashed and sent, all of it is freed: 26 objects, with
 * one of 1,000 labels each time
 *
 * Work with and without labels is done by processes of their own, since slabs
 * that have held labelled objects stay slower. They take turns every few
 * milliseconds, so that what the machine does meanwhile hits all of them; each
 * round has new ones. Printed are processor time an object or request, medians,
 * and the ratio of both with its spread over the rounds. "unused" is a second
 * process without labels: what the machine itself contributes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jealloc.h"

enum { ROUNDS_MAX = 101, TURNS = 40, LABELS = 1000, BATCH = 1000, FIELDS = 24 };

enum mode { PLAIN, UNUSED, LABELLED, MODES };

static unsigned labels[LABELS];
static volatile uint64_t sink;

static void
label_of_request(bool is_labelled, unsigned i)
{
    if (is_labelled)
        (void)jea_label_swap(labels[i % LABELS]);
}

static void
run_loop(bool is_labelled, unsigned long n)
{
    label_of_request(is_labelled, 0);
    for (unsigned long i = 0; i < n; i++) {
        void *volatile p = jea_malloc(64);

        jea_free(p);
    }
}

static void
run_batch(bool is_labelled, unsigned long n)
{
    static void *objects[BATCH];

    label_of_request(is_labelled, 0);
    for (unsigned long i = 0; i < n; i += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            objects[k] = jea_malloc(64);
        for (unsigned k = 0; k < BATCH; k++)
            jea_free(objects[k]);
    }
}

/* A field of a form: one object. */
struct field {
    const char *key, *value;
    char text[];
};

static char form[8192];
static int wire[2];

static void
form_make(void)
{
    size_t at = 0;

    for (unsigned i = 0; i < FIELDS; i++)
        at +=
            (size_t)snprintf(form + at, sizeof(form) - at, "field-%u-%u=%0*u&",
                             i * 7919 % 101, i, 40 + (int)(i * 37 % 200), i);
}

static struct field *
field_read(const char *text, size_t key, size_t value)
{
    struct field *field = jea_malloc(sizeof(*field) + key + value + 2);

    memcpy(field->text, text, key + value + 1);
    field->text[key] = field->text[key + value + 1] = '\0';
    field->key = field->text;
    field->value = field->text + key + 1;
    return field;
}

static int
compare(const void *a, const void *b)
{
    return strcmp((*(struct field *const *)a)->key,
                  (*(struct field *const *)b)->key);
}

static size_t
field_write(const struct field *field, char *to, size_t room)
{
    size_t n = (size_t)snprintf(to, room, "<td>%s</td><td>", field->key);

    for (const char *c = field->value; *c != '\0'; c++) {
        to[n++] = "0123456789abcdef"[(unsigned char)*c >> 4];
        to[n++] = "0123456789abcdef"[(unsigned char)*c & 15];
    }
    return n + (size_t)snprintf(to + n, room - n, "</td>\n");
}

/* What a client would compare: FNV-1a. */
static uint64_t
tag(const char *text, size_t length)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    return h;
}

/* Both ends of the wire are ours. */
static void
pass(const char *text, size_t length, char *to, size_t size)
{
    if (write(wire[0], text, length) != (ssize_t)length ||
        read(wire[1], to, size) <= 0)
        abort();
}

static void
request(void)
{
    struct field *fields[FIELDS];
    unsigned count = 0;
    char *body = jea_malloc(sizeof(form)),
         *answer = jea_malloc(sizeof(form) * 2);
    size_t length = 0;

    pass(form, strlen(form) + 1, body, sizeof(form));
    for (const char *at = body; *at != '\0' && count < FIELDS;) {
        size_t key = strcspn(at, "="), value = strcspn(at + key + 1, "&");

        fields[count++] = field_read(at, key, value);
        at += key + value + 2;
    }
    qsort(fields, count, sizeof(*fields), compare);
    for (unsigned i = 0; i < count; i++)
        length +=
            field_write(fields[i], answer + length, sizeof(form) * 2 - length);
    sink += tag(answer, length);
    for (unsigned i = 0; i < count; i++)
        jea_free(fields[i]);
    pass(answer, length, body, sizeof(form));
    jea_free(body);
    jea_free(answer);
}

static void
run_request(bool is_labelled, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        label_of_request(is_labelled, (unsigned)i);
        request();
        if (is_labelled)
            (void)jea_label_swap(0);
    }
}

static const struct load {
    const char *name;
    void (*run)(bool is_labelled, unsigned long n);
    unsigned long count;
} loads[] = {
    {"loop", run_loop, 20000000},
    {"batch", run_batch, 20000000},
    {"request", run_request, 40000},
};

enum { LOADS = sizeof(loads) / sizeof(loads[0]) };

static double
processor_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A process that does a share of the work when it is told to. */
struct worker {
    pid_t pid;
    int orders, answers;
};

/* For each order, seconds of processor time for `n`. */
static void
work(const struct load *load, bool is_labelled, unsigned long n, int orders,
     int answers)
{
    char order;

    load->run(is_labelled, n);
    while (read(orders, &order, 1) == 1) {
        double seconds = processor_seconds();

        load->run(is_labelled, n);
        seconds = processor_seconds() - seconds;
        if (write(answers, &seconds, sizeof(seconds)) != sizeof(seconds))
            break;
    }
    _exit(0);
}

static bool
start(struct worker *worker, const struct load *load, bool is_labelled,
      unsigned long n)
{
    int orders[2], answers[2];

    if (pipe(orders) != 0 || pipe(answers) != 0)
        return false;
    worker->pid = fork();
    if (worker->pid == 0) {
        close(orders[1]);
        close(answers[0]);
        work(load, is_labelled, n, orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    worker->orders = orders[1];
    worker->answers = answers[0];
    return worker->pid > 0;
}

static double
turn(const struct worker *worker)
{
    double seconds;

    if (write(worker->orders, "", 1) != 1 ||
        read(worker->answers, &seconds, sizeof(seconds)) != sizeof(seconds))
        return -1;
    return seconds;
}

static void
stop(const struct worker *worker)
{
    close(worker->orders);
    close(worker->answers);
    (void)waitpid(worker->pid, NULL, 0);
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), ascending);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Median, and 1.4826 times the median of how far the others are from it. */
static void
print_ratio(double *ratios, unsigned n)
{
    double middle = median(ratios, n);

    for (unsigned i = 0; i < n; i++)
        ratios[i] =
            ratios[i] > middle ? ratios[i] - middle : middle - ratios[i];
    printf("  %5.3f +-%.3f", middle, 1.4826 * median(ratios, n));
}

/* A round: medians over the turns, of the time that each mode takes for `n` and
 * of how often that is the plain one's. */
static bool
bench_round(const struct load *load, unsigned long n, double *seconds,
            double *ratios)
{
    struct worker workers[MODES];
    double times[MODES][TURNS], of_plain[TURNS];
    bool is_done;
    unsigned started = 0;

    while (started < MODES &&
           start(&workers[started], load, started == LABELLED, n))
        started++;
    is_done = started == MODES;
    for (unsigned i = 0; i < TURNS && is_done; i++) {
        for (unsigned m = 0; m < MODES && is_done; m++) {
            unsigned mode = (m + i) % MODES;

            times[mode][i] = turn(&workers[mode]);
            is_done = times[mode][i] > 0;
        }
    }
    while (started > 0)
        stop(&workers[--started]);
    /* Turns belong together until a median sorts them. */
    for (unsigned mode = 0; mode < MODES && is_done; mode++) {
        for (unsigned i = 0; i < TURNS; i++)
            of_plain[i] = times[mode][i] / times[PLAIN][i];
        ratios[mode] = median(of_plain, TURNS);
    }
    for (unsigned mode = 0; mode < MODES && is_done; mode++)
        seconds[mode] = median(times[mode], TURNS);
    return is_done;
}

static bool
bench(const struct load *load, unsigned rounds, double scale)
{
    static double seconds[MODES][ROUNDS_MAX], ratios[MODES][ROUNDS_MAX];
    unsigned long n = (unsigned long)((double)load->count * scale) / TURNS + 1;

    for (unsigned i = 0; i < rounds; i++) {
        double second[MODES], ratio[MODES];

        if (!bench_round(load, n, second, ratio))
            return false;
        for (unsigned mode = 0; mode < MODES; mode++) {
            seconds[mode][i] = second[mode];
            ratios[mode][i] = ratio[mode];
        }
    }
    printf("%-9s %10.1f %10.1f", load->name,
           median(seconds[PLAIN], rounds) * 1e9 / (double)n,
           median(seconds[LABELLED], rounds) * 1e9 / (double)n);
    print_ratio(ratios[LABELLED], rounds);
    print_ratio(ratios[UNUSED], rounds);
    printf("\n");
    return true;
}

int
main(int argc, char **argv)
{
    unsigned rounds = 9;
    double scale = 1;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--rounds=", 9) == 0)
            rounds = (unsigned)strtoul(argv[i] + 9, NULL, 10);
        else if (strncmp(argv[i], "--scale=", 8) == 0)
            scale = strtod(argv[i] + 8, NULL);
        else
            rounds = 0;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX || !(scale > 0)) {
        fprintf(stderr, "usage: bench_label [--rounds=N] [--scale=F]\n");
        return 2;
    }
    form_make();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wire) != 0)
        return 1;
    for (unsigned i = 0; i < LABELS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "service:%08x", i);
        labels[i] = jea_label(name);
    }
    printf("%-9s %10s %10s  %-13s  %-13s\n", "ns", "plain", "labelled", "ratio",
           "unused");
    for (unsigned i = 0; i < LOADS; i++) {
        if (!bench(&loads[i], rounds, scale)) {
            fprintf(stderr, "bench_label: a run failed\n");
            return 1;
        }
    }
    return 0;
}
