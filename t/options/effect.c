/*
 * What the allocator does under the options that it was started with:
 * t/options/effect WHAT prints facts for the test to compare.
 */
#include "base/macros.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "alloc/arena.h"
#include "alloc/bin.h"
#include "alloc/conf.h"
#include "alloc/emap.h"
#include "alloc/late.h"
#include "alloc/malloc.h"
#include "alloc/meta.h"
#include "alloc/sz.h"
#include "alloc/tsd.h"
#include "jealloc.h"
#include "os/mutex.h"

static size_t
read_size(const char *name)
{
    size_t value = 0, len = sizeof(value);
    if (jea_mallctl(name, &value, &len, NULL, 0) != 0) {
        fprintf(stderr, "%s: not readable\n", name);
        exit(1);
    }
    return value;
}

static uint32_t
read_u32(const char *name)
{
    uint32_t value = 0;
    size_t len = sizeof(value);
    if (jea_mallctl(name, &value, &len, NULL, 0) != 0) {
        fprintf(stderr, "%s: not readable\n", name);
        exit(1);
    }
    return value;
}

/* A line for each small class: size, bytes of a slab, regions; after using
 * every region of two slabs. */
static void
slabs(void)
{
    static void *p[2 * SC_MAX_REGIONS + 1];
    for (unsigned i = 0; i < SC_NBINS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "arenas.bin.%u.size", i);
        size_t size = read_size(name);
        snprintf(name, sizeof(name), "arenas.bin.%u.nregs", i);
        unsigned nregs = read_u32(name);
        snprintf(name, sizeof(name), "arenas.bin.%u.slab_size", i);
        printf("%zu %zu %u\n", size, read_size(name), nregs);
        for (unsigned k = 0; k <= 2 * nregs; k++) {
            p[k] = jea_malloc(size);
            memset(p[k], (int)k, size);
        }
        for (unsigned k = 0; k <= 2 * nregs; k++) {
            unsigned char *bytes = p[k];
            if (bytes[0] != (unsigned char)k ||
                bytes[size - 1] != (unsigned char)k) {
                printf("overlap at %u of %zu\n", k, size);
            }
            jea_free(p[k]);
        }
    }
}

/* Free what lies behind the last region of a slab of one page. */
static void
rest(void)
{
    size_t used = bin_infos[sz_index(96)].nregs * (size_t)96;
    uintptr_t page = (uintptr_t)jea_malloc(96) & ~OS_PAGE_MASK;
    jea_free((void *)(page + used));
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
}

/* Which bins eight threads use: a mask of them for each size. */
static const size_t shard_sizes[] = {8, 64, 512, 14336};
static uint64_t shards_used[JE_ARRAY_LEN(shard_sizes)];

static void *
use_shards(void *unused)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(shard_sizes); i++) {
        void *p = jea_malloc(shard_sizes[i]);
        shards_used[i] |= UINT64_C(1) << emap_extent((uintptr_t)p)->shard;
        jea_free(p);
    }
    return unused;
}

static void
shards(void)
{
    for (unsigned i = 0; i < 8; i++) {
        pthread_t t;
        if (pthread_create(&t, NULL, use_shards, NULL) != 0) {
            exit(1);
        }
        (void)pthread_join(t, NULL);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(shard_sizes); i++) {
        char name[64];
        snprintf(name, sizeof(name), "arenas.bin.%u.nshards",
                 sz_index(shard_sizes[i]));
        printf("%d/%u ", __builtin_popcountll(shards_used[i]), read_u32(name));
    }
    printf("\n");
}

/* ---- arenas ------------------------------------------------------------ */

static unsigned
arena_of_block(void *p)
{
    unsigned ind = 0;
    size_t len = sizeof(ind);
    if (jea_mallctl("arenas.lookup", &ind, &len, &p, sizeof(p)) != 0) {
        fprintf(stderr, "arenas.lookup: failed\n");
        exit(1);
    }
    return ind;
}

/* Arenas of a block of 256 KiB and of one of 512 KiB, and what of the latter's
 * arena is unused after its free, in pages. */
static void
oversize(void)
{
    void *small = jea_malloc((size_t)256 << 10);
    void *big = jea_malloc((size_t)512 << 10);
    unsigned ind = arena_of_block(big);
    memset(big, 1, (size_t)512 << 10);
    jea_free(big);
    uint64_t any = 0;
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    char name[64];
    snprintf(name, sizeof(name), "stats.arenas.%u.pdirty", ind);
    printf("%u %u of %u, %zu dirty, threshold %zu\n", arena_of_block(small),
           ind, read_u32("arenas.narenas"), read_size(name),
           read_size("opt.oversize_threshold"));
}

/* From which size on two arenas purge at once, and the unused pages of one as
 * three neighbours of 256 KiB are freed. */
static void
oversize_each(void)
{
    unsigned ind = 0;
    size_t len = sizeof(ind);
    void *p[3];
    char limit[64], dirty[64];
    (void)jea_mallctl("arenas.create", &ind, &len, NULL, 0);
    snprintf(limit, sizeof(limit), "arena.%u.oversize_threshold", ind);
    snprintf(dirty, sizeof(dirty), "stats.arenas.%u.pdirty", ind);
    printf("%zu %zu:", read_size("arena.0.oversize_threshold"),
           read_size(limit));
    int flags = (int)((ind + 1) << 20 | 0x100);
    for (unsigned i = 0; i < 3; i++) {
        p[i] = jea_mallocx((size_t)256 << 10, flags);
    }
    for (unsigned i = 0; i < 3; i++) {
        uint64_t any = 0;
        jea_dallocx(p[i], flags);
        (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
        printf(" %zu", read_size(dirty));
    }
    printf("\n");
}

/* The arenas that a thread uses as it is moved from processor to processor. */
static void
percpu(void)
{
    cpu_set_t usable, one;
    (void)sched_getaffinity(0, sizeof(usable), &usable);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &usable)) {
            continue;
        }
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
        (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
        printf("%d:%u ", cpu, arena_of_block(jea_malloc(5000)));
        printf("%u ", arena_of_block(jea_malloc((size_t)1 << 20)));
    }
    unsigned ind = 0;
    int denied =
        jea_mallctl("thread.arena", NULL, NULL, &ind, sizeof(ind)) == EPERM;
    printf("%s\n", denied ? "denied" : "allowed");
}

/* ---- locks ------------------------------------------------------------- */

static os_mutex_t lock;

static void *
take_lock(void *unused)
{
    os_mutex_lock(&lock);
    os_mutex_unlock(&lock);
    return unused;
}

/* Another thread takes the lock, which is held until it sleeps there, but not
 * for longer than so many ms. */
static void
be_waited_for(unsigned most_ms)
{
    static const struct timespec ms = {.tv_nsec = 1000000};
    pthread_t t;
    os_mutex_lock(&lock);
    if (pthread_create(&t, NULL, take_lock, NULL) != 0) {
        exit(1);
    }
    for (unsigned i = 0; i < most_ms; i++) {
        if (atomic_load_rlx(&lock.num_waiting) != 0) {
            break;
        }
        (void)nanosleep(&ms, NULL);
    }
    os_mutex_unlock(&lock);
    (void)pthread_join(t, NULL);
}

/* How a thread got a lock that was held. One that never sleeps is not seen to
 * wait, and on a busy machine may come too late for it: try again. */
static void
spin(void)
{
    unsigned most_ms = conf.mutex_max_spin < 0 ? 50 : 60000;
    os_mutex_init(&lock, OS_RANK_INIT);
    for (unsigned i = 0; i < 200; i++) {
        be_waited_for(most_ms);
        if (lock.num_wait + lock.num_spin_acq != 0) {
            break;
        }
    }
    printf("%u sleeps, %u spins\n", (unsigned)lock.num_wait,
           (unsigned)lock.num_spin_acq);
}

/* ---- pages ------------------------------------------------------------- */

/* Is `flag` among those of the mapping that addr is in? */
static bool
mapping_has(uintptr_t addr, const char *flag)
{
    char line[512];
    bool is_here = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t lo, hi;
        if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2) {
            is_here = addr >= lo && addr < hi;
        } else if (is_here && strncmp(line, "VmFlags:", 8) == 0) {
            (void)fclose(maps);
            return strstr(line, flag) != NULL;
        }
    }
    exit(1);
}

/* Advice for blocks of 64 bytes and of 3 MiB of metadata. */
static void
metadata(void)
{
    void *small = meta_alloc(64);
    void *big = meta_alloc((size_t)3 << 20);
    memset(big, 1, (size_t)3 << 20);
    uint64_t any = 0;
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%d %d %zu\n", mapping_has((uintptr_t)small, " hg"),
           mapping_has((uintptr_t)big, " hg"), read_size("stats.metadata_thp"));
}

/* Under BROKEN_MADVISE nothing is dropped. Takes the place of libc's. */
int
madvise(void *addr, size_t size, int advice)
{
    return getenv("BROKEN_MADVISE") != NULL
               ? 0
               : (int)syscall(SYS_madvise, addr, size, advice);
}

/* Does memory that was purged read as zero? */
static void
purged(void)
{
    size_t size = (size_t)8 << 20;
    memset(jea_malloc(size), 1, 1);
    char *p = jea_malloc(size);
    memset(p, 1, size);
    jea_free(p);
    (void)jea_mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
    p = jea_calloc(1, size);
    printf("%s\n", memchr(p, 1, size) == NULL ? "zero" : "dirty");
}

/* Can this byte be read? */
static bool
is_readable(const char *p)
{
    int fds[2];
    if (pipe(fds) != 0) {
        exit(1);
    }
    bool ok = write(fds[1], p, 1) == 1;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return ok;
}

/* Of four slabs and of four large objects, how many lie between guards; what is
 * active afterwards, in pages, when only one object of 40 KiB is left. */
static void
guards(void)
{
    static const size_t sizes[] = {14336, 40960};
    unsigned nregs = bin_infos[sz_index(14336)].nregs;
    for (size_t k = 0; k < JE_ARRAY_LEN(sizes); k++) {
        size_t used = sizes[k] * (k == 0 ? nregs : 1);
        unsigned n = 0;
        void *p[64];
        for (unsigned i = 0; i < 4 * (k == 0 ? nregs : 1); i++) {
            char *at = p[i] = jea_malloc(sizes[k]);
            memset(at, 1, sizes[k]);
            bool is_first = k == 1 || i % nregs == 0;
            if (is_first && is_readable(at) && is_readable(at + used - 1)) {
                n += !is_readable(at - 1) && !is_readable(at + used);
            }
        }
        printf("%u ", n);
        for (unsigned i = 0; i < 4 * (k == 0 ? nregs : 1); i++) {
            p[i] = k == 1 ? jea_realloc(p[i], 50000) : p[i];
            p[i] = k == 1 ? jea_realloc(p[i], 33000) : p[i];
            jea_free(p[i]);
        }
    }
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    (void)jea_mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
    char *one = jea_malloc(40960);
    memset(one, 1, 40960);
    uint64_t any = 0;
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%zu\n", read_size("stats.arenas.0.large.allocated") >> OS_LG_PAGE);
    if (!arena_is_valid(arena_get(0))) {
        printf("invalid\n");
    }
}

/* Where a block and the slab of another come from. */
static void
dss(void)
{
    const char *big = jea_malloc((size_t)40 << 20), *small = jea_malloc(100);
    const char *end = sbrk(0), *start = end - ((size_t)128 << 20);
    printf("%s %s\n", big > start && big < end ? "break" : "map",
           small > start && small < end ? "break" : "map");
}

/* Where 64 large objects begin, what they cost, and how they change. */
static void
oblivious(void)
{
    enum { N = 64, SIZE = 20000 };

    uint64_t any = 0;
    bool is_one_line = true;
    char *p[N];
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    size_t before = read_size("stats.active") - read_size("stats.allocated");
    for (unsigned i = 0; i < N; i++) {
        p[i] = jea_mallocx(SIZE, JEA_ZERO);
        is_one_line = is_one_line && ((uintptr_t)p[i] & OS_PAGE_MASK) == 0;
        if ((uintptr_t)p[i] % CACHELINE != 0 || p[i][SIZE - 1] != 0) {
            printf("bad block ");
        }
        memset(p[i], 1, jea_malloc_usable_size(p[i]));
    }
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    size_t after = read_size("stats.active") - read_size("stats.allocated");
    printf("%s, %zu of %zu bytes, %zu pages more, ",
           is_one_line ? "one line" : "any line", jea_sallocx(p[0], 0),
           jea_nallocx(SIZE, 0), (after - before) >> OS_LG_PAGE);
    for (unsigned i = 0; i < N; i++) {
        jea_sdallocx(p[i], SIZE, 0);
    }
    char *q = jea_malloc((size_t)1 << 20);
    size_t less = jea_xallocx(q, (size_t)1 << 19, 0, 0);
    size_t more = jea_xallocx(q, (size_t)1 << 20, 0, JEA_ZERO);
    q[((size_t)1 << 20) - 1] = 1;
    printf("%zu then %zu, %s\n", less, more,
           jea_realloc(q, (size_t)1 << 19) == q ? "in place" : "moved");
}

/* ---- thread caches ----------------------------------------------------- */

enum { MANY = 5000 };

static unsigned
slots_of(size_t size)
{
    unsigned cls = sz_index(size) + 1;
    return (unsigned)(tsd_current->bins[cls].full -
                      tsd_current->cold[cls].base);
}

static unsigned
cached(size_t size)
{
    unsigned cls = sz_index(size) + 1;
    return (unsigned)(tsd_current->bins[cls].head -
                      tsd_current->cold[cls].base);
}

static void *blocks[MANY];

/* Allocate n blocks, empty the cache, free n of them. */
static void
free_many(size_t size, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        blocks[i] = jea_malloc(size);
    }
    (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    for (unsigned i = 0; i < n; i++) {
        jea_free(blocks[i]);
    }
}

/* Room for three classes after all of it was used, and what is in it after one
 * more is freed. */
static void
cache(void)
{
    static const size_t sizes[] = {64, 14336, 16384};
    for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        free_many(sizes[i], MANY / 2);
        unsigned slots = slots_of(sizes[i]);
        free_many(sizes[i], slots + 1);
        printf("%zu:%u/%u ", sizes[i], cached(sizes[i]), slots);
    }
    printf("\n");
}

/* Room for three classes after many of each were taken and given in turns. */
static void
stretch(void)
{
    static const size_t sizes[] = {2048, 14336, 16384};
    for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        for (unsigned round = 0; round < 5; round++) {
            for (unsigned k = 0; k < 1500; k++) {
                blocks[k] = jea_malloc(sizes[i]);
            }
            for (unsigned k = 0; k < 1500; k++) {
                jea_free(blocks[k]);
            }
        }
        printf("%zu:%u ", sizes[i], slots_of(sizes[i]));
    }
    printf("\n");
}

/* How many of ten large objects stay. */
static void
cache_large(void)
{
    static const size_t sizes[] = {32768, 40960, 1 << 20, 8 << 20};
    for (size_t i = 0; i < JE_ARRAY_LEN(sizes); i++) {
        uint64_t any = 0;
        free_many(sizes[i], 10);
        (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
        printf("%zu ", read_size("stats.arenas.4096.tcache_bytes") / sizes[i]);
        (void)jea_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    }
    printf("\n");
}

/* Blocks of 4 KiB to allocate until 100 unused objects are trimmed. */
static void
trim(void)
{
    free_many(64, 100);
    unsigned before = cached(64), n = 0;
    while (n < 20000 && cached(64) == before) {
        jea_free(jea_malloc(4096));
        n++;
    }
    printf("%u\n", n);
}

/* ---- statistics -------------------------------------------------------- */

static void *
allocate_16_mib(void *unused)
{
    for (int i = 0; i < 16384; i++) {
        jea_free(jea_malloc(1024));
    }
    return unused;
}

/* Eight threads, `at_once` at a time; 128 MiB in all. */
static void
allocate_128_mib(unsigned at_once)
{
    pthread_t t[8];
    for (unsigned i = 0; i < 8; i += at_once) {
        for (unsigned k = 0; k < at_once; k++) {
            if (pthread_create(&t[k], NULL, allocate_16_mib, NULL) != 0) {
                exit(1);
            }
        }
        for (unsigned k = 0; k < at_once; k++) {
            (void)pthread_join(t[k], NULL);
        }
    }
}

static void
interval(void)
{
    allocate_128_mib(1);
}

/* 512 KiB, none of them much of one class. */
static void *
allocate_of_all(void *unused)
{
    for (unsigned szind = 4; szind < 36; szind++) {
        size_t size = sz_size(szind);
        for (size_t bytes = 0; bytes + size <= 16384; bytes += size) {
            jea_free(jea_malloc(size));
        }
    }
    return unused;
}

/* About 128 MiB, by threads that do not live for long. */
static void
interval_spread(void)
{
    for (unsigned i = 0; i < 256; i++) {
        pthread_t t;
        if (pthread_create(&t, NULL, allocate_of_all, NULL) != 0) {
            exit(1);
        }
        (void)pthread_join(t, NULL);
    }
}

static void
interval_at_once(void)
{
    allocate_128_mib(8);
}

/* ---- old acquaintances ------------------------------------------------- */

/* How many helper threads there are. */
static void
helpers(void)
{
    unsigned n = 0;
    char path[64 + 256], name[32];
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *d; (d = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", d->d_name);
        FILE *comm = fopen(path, "r");
        if (comm != NULL) {
            n += fgets(name, sizeof(name), comm) != NULL &&
                 strcmp(name, "jealloc_bg\n") == 0;
            (void)fclose(comm);
        }
    }
    (void)closedir(tasks);
    printf("%u\n", n);
}

/* Unused pages and address space of arena 0 after 1 MiB was freed, and MiB of
 * address space after that was purged. */
static void
pages(void)
{
    void *p = jea_malloc((size_t)1 << 20);
    uint64_t any = 0;
    memset(p, 1, (size_t)1 << 20);
    jea_free(p);
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%zu dirty %zu muzzy ", read_size("stats.arenas.0.pdirty"),
           read_size("stats.arenas.0.pmuzzy"));
    (void)jea_mallctl("arena.0.purge", NULL, NULL, NULL, 0);
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%s\n", read_size("stats.retained") == 0 ? "none kept" : "kept");
}

/* Pages that are muzzy once 1 MiB that was freed is no longer dirty. */
static void
muzzy(void)
{
    static const struct timespec ms = {.tv_nsec = 1000000};
    void *p = jea_malloc((size_t)1 << 20);
    uint64_t any = 0;
    memset(p, 1, (size_t)1 << 20);
    jea_free(p);
    do {
        (void)nanosleep(&ms, NULL);
        (void)jea_mallctl("arena.0.decay", NULL, NULL, NULL, 0);
        (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    } while (read_size("stats.arenas.0.pdirty") != 0);
    printf("%zu muzzy\n", read_size("stats.arenas.0.pmuzzy"));
}

/* Muzzy pages of 1 MiB that was freed, after dirty pages were forbidden, and of
 * another one that is freed then. */
static void
muzzy_at_once(void)
{
    ssize_t zero = 0;
    uint64_t any = 0;
    void *p = jea_malloc((size_t)1 << 20), *q = jea_malloc((size_t)1 << 20);
    memset(p, 1, (size_t)1 << 20);
    memset(q, 1, (size_t)1 << 20);
    jea_free(p);
    (void)jea_mallctl("arena.0.dirty_decay_ms", NULL, NULL, &zero,
                      sizeof(zero));
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%zu %zu, ", read_size("stats.arenas.0.pdirty"),
           read_size("stats.arenas.0.pmuzzy"));
    jea_free(q);
    (void)jea_mallctl("epoch", NULL, NULL, &any, sizeof(any));
    printf("%zu %zu\n", read_size("stats.arenas.0.pdirty"),
           read_size("stats.arenas.0.pmuzzy"));
}

/* What is in a block that was used before, and in one that was freed. */
static void
fill(void)
{
    volatile unsigned char *p = jea_malloc(100);
    memset((void *)(uintptr_t)p, 0x77, 100);
    jea_free((void *)(uintptr_t)p);
    p = jea_malloc(100);
    printf("%02x ", p[50]);
    memset((void *)(uintptr_t)p, 0x33, 100);
    jea_free((void *)(uintptr_t)p);
    printf("%02x\n", p[50]);
}

static void
resize_to_zero(void)
{
    printf("%s\n", jea_realloc(jea_malloc(100), 0) == NULL ? "gone" : "block");
}

/* Is a block cut off an unused run that is 1024 times as large? */
static void
fit(void)
{
    char *a = jea_malloc((size_t)40 << 20);
    jea_free(a);
    char *b = jea_malloc((size_t)40 << 10);
    printf("%s\n", b >= a && b < a + ((size_t)40 << 20) ? "cut" : "other");
}

static void
huge(void)
{
    uintptr_t p = (uintptr_t)jea_malloc((size_t)4 << 20);
    printf("%s%s\n", mapping_has(p, " hg") ? "hg" : "",
           mapping_has(p, " nh") ? "nh" : "");
}

static void
no_memory(void)
{
    printf("%s\n", jea_malloc((size_t)1 << 60) == NULL ? "null" : "block");
}

static void
nothing(void)
{
}

static const struct {
    const char *name;
    void (*show)(void);
} shows[] = {
    {"cache", cache},
    {"shards", shards},
    {"cache_large", cache_large},
    {"stretch", stretch},
    {"dss", dss},
    {"fill", fill},
    {"fit", fit},
    {"guards", guards},
    {"helpers", helpers},
    {"huge", huge},
    {"interval", interval},
    {"interval_spread", interval_spread},
    {"interval_at_once", interval_at_once},
    {"metadata", metadata},
    {"muzzy", muzzy},
    {"muzzy_at_once", muzzy_at_once},
    {"oversize_each", oversize_each},
    {"no_memory", no_memory},
    {"nothing", nothing},
    {"oblivious", oblivious},
    {"oversize", oversize},
    {"pages", pages},
    {"percpu", percpu},
    {"purged", purged},
    {"resize_to_zero", resize_to_zero},
    {"rest", rest},
    {"slabs", slabs},
    {"spin", spin},
    {"trim", trim},
};

int
main(int argc, char **argv)
{
    je_boot_late();
    jea_free(jea_malloc(1));
    for (size_t i = 0; i < JE_ARRAY_LEN(shows); i++) {
        if (argc > 1 && strcmp(argv[1], shows[i].name) == 0) {
            shows[i].show();
            return 0;
        }
    }
    return 2;
}
