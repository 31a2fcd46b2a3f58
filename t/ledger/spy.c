/*
 * An independent second opinion on the ledger: preloaded beside the profiler,
 * it reads nothing but /proc/self/smaps_rollup and mallctl, and writes one line
 * `name bytes` for each line of the report's ledger.
 *
 * On the signal LEDGER_SPY_SIGNAL a thread of its own writes the file named by
 * LEDGER_SPY_OUT, so that the figures are of the same moment as a dump asked
 * for at that time.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int mallctl_fn(const char *, void *, size_t *, void *, size_t);

static mallctl_fn *ctl;
static int wake[2];
static const char *out_path;

static size_t
ctl_size(const char *name)
{
    size_t value = 0, len = sizeof(value);
    if (ctl(name, &value, &len, NULL, 0) != 0) {
        fprintf(stderr, "ledger spy: no mallctl %s\n", name);
        _exit(99);
    }
    return value;
}

static size_t
ctl_number(const char *format, unsigned i, size_t size)
{
    char name[96];
    unsigned char bytes[8] = {0};
    size_t value = 0, len = size;
    snprintf(name, sizeof(name), format, i);
    if (ctl(name, bytes, &len, NULL, 0) != 0) {
        fprintf(stderr, "ledger spy: no mallctl %s\n", name);
        _exit(99);
    }
    memcpy(&value, bytes, size);
    return value;
}

/* Free regions in slabs, from the counters of the bins. */
static size_t
slab_holes(void)
{
    size_t holes = 0;
    unsigned nbins = (unsigned)ctl_number("arenas.nbins%.0u", 0, 4);
    for (unsigned i = 0; i < nbins; i++) {
        size_t slabs =
            ctl_number("stats.arenas.4096.bins.%u.curslabs", i, sizeof(size_t));
        size_t regs =
            ctl_number("stats.arenas.4096.bins.%u.curregs", i, sizeof(size_t));
        holes += slabs * ctl_number("arenas.bin.%u.slab_size", i, 8) -
                 regs * ctl_number("arenas.bin.%u.size", i, 8);
    }
    return holes -
           ctl_number("jeprobe.arenas.4096.slab_gaps", 0, sizeof(size_t));
}

static size_t
rollup(const char *text, const char *key)
{
    const char *line = strstr(text, key);
    size_t kib = 0;
    if (line == NULL || sscanf(line + strlen(key), " %zu", &kib) != 1) {
        fprintf(stderr, "ledger spy: no %s in smaps_rollup\n", key);
        _exit(99);
    }
    return kib * 1024;
}

static void
write_figures(FILE *out)
{
    char text[4096];
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = '\0';
    if (f != NULL) {
        fclose(f);
    }
    unsigned long epoch = 1;
    ctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    size_t page = ctl_size("arenas.page");
    size_t active = ctl_size("stats.active");
    size_t tcache = ctl_size("stats.arenas.4096.tcache_bytes");
    size_t dirty = page * ctl_size("stats.arenas.4096.pdirty");
    size_t base = (ctl_size("stats.metadata") + page - 1) & ~(page - 1);
    size_t found = ctl_size("jeprobe.residency.active") +
                   ctl_size("jeprobe.residency.dirty") +
                   ctl_size("jeprobe.residency.metadata");
    size_t shmem = rollup(text, "Pss_Shmem:");
    fprintf(out, "objects %zd\n",
            (ssize_t)(ctl_size("stats.allocated") - tcache));
    fprintf(out, "thread_caches %zd\n", (ssize_t)tcache);
    fprintf(out, "slab_holes %zd\n", (ssize_t)slab_holes());
    fprintf(out, "metadata_base %zd\n", (ssize_t)base);
    fprintf(out, "dirty %zd\n", (ssize_t)dirty);
    fprintf(out, "not_resident %zd\n",
            (ssize_t)found - (ssize_t)(active + dirty + base));
    fprintf(out, "huge_page_fill %zd\n",
            (ssize_t)ctl_size("jeprobe.residency.retained"));
    fprintf(out, "other_anonymous %zd\n",
            (ssize_t)ctl_size("jeprobe.residency.other_anonymous"));
    fprintf(
        out, "file %zd\n",
        (ssize_t)(rollup(text, "Rss:") - rollup(text, "Anonymous:") - shmem));
    fprintf(out, "total %zd\n", (ssize_t)rollup(text, "Rss:"));
}

static void
on_signal(int sig)
{
    (void)sig;
    if (write(wake[1], "x", 1) != 1) {
        _exit(99);
    }
}

static void *
wait_and_write(void *arg)
{
    char byte;
    (void)arg;
    while (read(wake[0], &byte, 1) == 1) {
        FILE *out = fopen(out_path, "we");
        if (out == NULL) {
            _exit(99);
        }
        write_figures(out);
        fclose(out);
    }
    return NULL;
}

__attribute__((constructor)) static void
start(void)
{
    const char *sig = getenv("LEDGER_SPY_SIGNAL");
    pthread_t thread;
    out_path = getenv("LEDGER_SPY_OUT");
    *(void **)&ctl = dlsym(RTLD_DEFAULT, "mallctl");
    if (sig == NULL || out_path == NULL || ctl == NULL) {
        return;
    }
    out_path = strdup(out_path);
    if (pipe(wake) != 0 ||
        signal((int)strtol(sig, NULL, 10), on_signal) == SIG_ERR ||
        pthread_create(&thread, NULL, wait_and_write, NULL) != 0) {
        _exit(99);
    }
}
