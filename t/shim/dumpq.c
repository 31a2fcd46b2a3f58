/*
 * Questions to a dump, for the tests of the preload object.
 *
 *   dumpq FILE get PATH       a scalar, or the length of an array; "absent"
 *   dumpq FILE json PATH      the value itself
 *   dumpq FILE estimate SIZE  total objects of the sites of this usable size,
 *                             their standard deviation; then the same live;
 *                             then requested bytes of all and of live samples
 *   dumpq FILE check          the invariants that every dump has to keep
 *
 * PATH is members and indices joined by '/'.
 */
#include "base/macros.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not there in a root of its own without /sys. */
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

static const json_t *
find(const json_t *value, const char *path)
{
    char part[128];
    while (value != NULL && *path != '\0') {
        size_t n = strcspn(path, "/");
        snprintf(part, sizeof(part), "%.*s", (int)n, path);
        value = json_is_array(value)
                    ? json_array_get(value, strtoul(part, NULL, 10))
                    : json_object_get(value, part);
        path += n + (path[n] == '/');
    }
    return value;
}

static long long
number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static int
print_value(const json_t *value)
{
    if (value == NULL)
        puts("absent");
    else if (json_is_array(value))
        printf("%zu\n", json_array_size(value));
    else if (json_is_string(value))
        puts(json_string_value(value));
    else
        json_dumpf(value, stdout, JSON_ENCODE_ANY), puts("");
    return 0;
}

static int
print_estimate(const json_t *dump, long long size)
{
    double objects[2] = {0}, variance[2] = {0};
    long long requested[2] = {0};
    static const char *const samples[] = {"total_samples", "live_samples"};
    static const char *const sums[] = {"total_requested", "live_requested"};
    size_t i;
    json_t *site;
    json_array_foreach(find(dump, "profile/sites"), i, site)
    {
        double p = 1 - exp(-(double)number(site, "size") /
                           (double)number(site, "rate"));
        if (number(site, "size") != size)
            continue;
        for (int k = 0; k < 2; k++) {
            double n = (double)number(site, samples[k]);
            objects[k] += n / p;
            variance[k] += n * (1 - p) / (p * p);
            requested[k] += number(site, sums[k]);
        }
    }
    printf("%.0f %.1f %.0f %.1f %lld %lld\n", objects[0], sqrt(variance[0]),
           objects[1], sqrt(variance[1]), requested[0], requested[1]);
    return 0;
}

static int faults;

static void
must(bool is_true, const char *what, size_t index)
{
    if (!is_true) {
        printf("%s (element %zu)\n", what, index);
        faults++;
    }
}

static bool
is_address(const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strncmp(text, "0x", 2) == 0 &&
           text[2 + strspn(text + 2, "0123456789abcdef")] == '\0';
}

static void
check_stacks(const json_t *profile)
{
    size_t i, j;
    json_t *stack, *frame;
    json_array_foreach(json_object_get(profile, "stacks"), i, stack)
    {
        must(json_array_size(stack) <= 128, "stack too deep", i);
        json_array_foreach(stack, j, frame)
            must(is_address(frame), "frame is no address", i);
    }
}

static long long
check_sites(const json_t *profile)
{
    size_t i;
    json_t *site;
    long long live = 0;
    long long stacks =
        (long long)json_array_size(json_object_get(profile, "stacks"));
    json_array_foreach(json_object_get(profile, "sites"), i, site)
    {
        long long n = number(site, "live_samples");
        live += n;
        must(number(site, "stack") >= 0 && number(site, "stack") < stacks,
             "site's stack", i);
        must(number(site, "size") > 0 && number(site, "rate") > 0,
             "site's size and rate", i);
        must(n >= 0 && n <= number(site, "total_samples"), "live and total", i);
        must(number(site, "total_requested") <=
                 number(site, "total_samples") * number(site, "size"),
             "requested and usable", i);
    }
    return live;
}

static long long
check_samples(const json_t *dump)
{
    size_t i;
    json_t *sample;
    const json_t *samples = json_object_get(dump, "samples");
    json_array_foreach(samples, i, sample)
    {
        must(number(sample, "requested") <= number(sample, "usable"),
             "sample's sizes", i);
        must(number(sample, "age_ns") >= 0 && number(sample, "thread") > 0,
             "sample's age and thread", i);
        must(is_address(json_object_get(sample, "address")), "sample's address",
             i);
    }
    return (long long)json_array_size(samples);
}

static void
check_slabs(const json_t *dump)
{
    size_t i;
    json_t *slab;
    json_array_foreach(json_object_get(dump, "slabs"), i, slab)
    {
        must(number(slab, "used") >= 0 &&
                 number(slab, "used") <= number(slab, "nregs"),
             "slab's occupancy", i);
    }
}

static int
check(const json_t *dump)
{
    static const char *const required[] = {
        "jeprobe/schema",
        "jeprobe/reason",
        "jeprobe/sequence",
        "jeprobe/wall_ns",
        "jeprobe/uptime_ns",
        "process/pid",
        "process/ppid",
        "process/exe",
        "process/threads",
        "process/page_size",
        "process/kernel",
        "process/cpus",
        "process/smaps_rollup/rss",
        "process/smaps_rollup/anonymous",
        "process/smaps_rollup/file",
        "process/status/vm_hwm",
        "process/residency/active",
        "process/residency/other_anonymous",
        "process/rlimits",
        "process/oom_score",
        "jemalloc/version",
        "jemalloc/stats/allocated",
        "labels",
        "profile/sample_interval",
        "profile/unwinder",
        "profile/dropped/memory",
        "profile/mappings/0/build_id",
    };
    for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++)
        must(find(dump, required[i]) != NULL, required[i], i);
    must(find(dump, "process/thp/enabled") != NULL || access(THP, R_OK) != 0,
         "process/thp/enabled", 0);
    const json_t *profile = json_object_get(dump, "profile");
    check_stacks(profile);
    long long live = check_sites(profile);
    must(live == check_samples(dump), "live samples of sites and samples", 0);
    must(number(profile, "samples_taken") >= live, "samples taken", 0);
    check_slabs(dump);
    return faults == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    json_error_t error;
    json_t *dump = argc > 2 ? json_load_file(argv[1], 0, &error) : NULL;
    int status = 2;
    if (dump == NULL) {
        fprintf(stderr, "%s: %s\n", argc > 1 ? argv[1] : "", error.text);
        return 2;
    }
    const char *arg = argc > 3 ? argv[3] : "";
    if (strcmp(argv[2], "get") == 0)
        status = print_value(find(dump, arg));
    else if (strcmp(argv[2], "json") == 0)
        status = json_dumpf(find(dump, arg), stdout,
                            JSON_ENCODE_ANY | JSON_SORT_KEYS);
    else if (strcmp(argv[2], "estimate") == 0)
        status = print_estimate(dump, strtoll(arg, NULL, 10));
    else if (strcmp(argv[2], "check") == 0)
        status = check(dump);
    json_decref(dump);
    return status;
}
