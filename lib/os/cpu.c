/*
 * Usable processors from affinity and cgroup quota: see cpu.h.
 *
 * A container on a large host sees all of the host's processors in sysfs;
 * sizing arenas by them costs memory for nothing.
 */
#include "os/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/macros.h"
#include "os/file.h"

enum { CPU_MASK_BYTES = 1024 }; /* 8192 processors */

static unsigned
cpu_from_affinity(void)
{
    uint64_t mask[CPU_MASK_BYTES / sizeof(uint64_t)];
    long n = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    if (n <= 0) {
        return 1;
    }
    unsigned count = 0;
    for (size_t i = 0; i < (size_t)n / sizeof(uint64_t); i++) {
        count += bits_popcount(mask[i]);
    }
    return count > 0 ? count : 1;
}

/* Reads a decimal number; -1 when there is none ("max", "-1"). */
static int64_t
cpu_parse(const char **s)
{
    while (**s == ' ') {
        (*s)++;
    }
    if (**s < '0' || **s > '9') {
        return -1;
    }
    int64_t v = 0;
    while (**s >= '0' && **s <= '9' && v < INT64_MAX / 16) {
        v = v * 10 + (*(*s)++ - '0');
    }
    return v;
}

/* "quota period" in microseconds -> processors, 0 when unlimited. */
static unsigned
cpu_from_quota(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    int64_t cpus = (quota + period - 1) / period;
    return cpus < 1 << 20 ? (unsigned)cpus : 0;
}

/* The path after "0::" (v2), or that of the cpu controller (v1, is_v1 set). */
static bool
cpu_cgroup_path(char *text, const char **path, bool *is_v1)
{
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        char *colon = strchr(line, ':');
        char *second = colon != NULL ? strchr(colon + 1, ':') : NULL;
        if (second != NULL) {
            *second = '\0';
            *is_v1 = strncmp(colon + 1, "cpu,", 4) == 0 ||
                     strcmp(colon + 1, "cpu") == 0;
            if (*is_v1 || strcmp(line, "0:") == 0) {
                *path = second + 1;
                return true;
            }
        }
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static bool
cpu_join(char *out, size_t size, const char *a, const char *b, const char *c)
{
    size_t la = strlen(a), lb = strlen(b), lc = strlen(c);
    if (la + lb + lc + 1 > size) {
        return false;
    }
    memcpy(out, a, la);
    memcpy(out + la, b, lb);
    memcpy(out + la + lb, c, lc + 1);
    return true;
}

static unsigned
cpu_quota_at(const char *path, bool is_v1)
{
    char name[512], buf[64];
    const char *s = buf;
    if (!is_v1) {
        if (!cpu_join(name, sizeof(name), "/sys/fs/cgroup", path, "/cpu.max") ||
            os_file_read(name, buf, sizeof(buf)) <= 0) {
            return 0;
        }
        int64_t quota = cpu_parse(&s);
        return cpu_from_quota(quota, quota < 0 ? 0 : cpu_parse(&s));
    }
    if (!cpu_join(name, sizeof(name), "/sys/fs/cgroup/cpu", path,
                  "/cpu.cfs_quota_us") ||
        os_file_read(name, buf, sizeof(buf)) <= 0) {
        return 0;
    }
    int64_t quota = cpu_parse(&s);
    if (!cpu_join(name, sizeof(name), "/sys/fs/cgroup/cpu", path,
                  "/cpu.cfs_period_us") ||
        os_file_read(name, buf, sizeof(buf)) <= 0) {
        return 0;
    }
    s = buf;
    return cpu_from_quota(quota, cpu_parse(&s));
}

unsigned
os_cpu_count(void)
{
    unsigned count = cpu_from_affinity();
    char text[2048];
    const char *path;
    bool is_v1;
    if (os_file_read("/proc/self/cgroup", text, sizeof(text)) > 0 &&
        cpu_cgroup_path(text, &path, &is_v1)) {
        unsigned quota = cpu_quota_at(path, is_v1);
        if (quota == 0) { /* inside a cgroup namespace the root is ours */
            quota = cpu_quota_at("", is_v1);
        }
        if (quota != 0 && quota < count) {
            count = quota;
        }
    }
    return count;
}

unsigned
os_cpu_limit(void)
{
    char text[256];
    if (os_file_read("/sys/devices/system/cpu/possible", text, sizeof(text)) <=
        0) {
        return 0;
    }
    /* ranges in ascending order, such as "0-3,8-11" */
    int64_t last = -1;
    for (const char *s = text; *s != '\0';) {
        int64_t n = cpu_parse(&s);
        last = n >= 0 ? n : last;
        s += *s != '\0';
    }
    return last < CPU_MASK_BYTES * 8 ? (unsigned)(last + 1) : 0;
}

unsigned
os_cpu_current(void)
{
    int cpu = sched_getcpu();
    return cpu >= 0 ? (unsigned)cpu : 0;
}
