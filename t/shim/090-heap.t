#!/bin/sh
# Heap profiles as jemalloc has them: jeprof reads them and finds what programs
# did; when they are written, and what switches them.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

# heaps CONF COMMAND...: run it with profiles in the current directory.
heaps()
{
    heaps_conf=$1
    shift
    rm -f ./*.heap
    run env LD_PRELOAD="$preload" MALLOC_CONF="prof:true,$heaps_conf" "$@"
}

# files PATTERN: how many there are.
files()
{
    find . -maxdepth 1 -name "$1" | wc -l | tr -d ' '
}

# ---- what jeprof makes of them ----------------------------------------------

# Each site is right within six standard deviations, which is less than 17 % at
# this rate: 1,349 samples are the fewest. Chance fails one in a billion.
heaps lg_prof_sample:12,prof_final:true "$samples/leak"
is "leak: status" "$status" 0
is "a profile is written at exit" "$(files 'jeprof.*.0.f.heap')" 1
if command -v jeprof >/dev/null; then
    for kind in inuse alloc; do
        test $kind = inuse || heaps lg_prof_sample:12,prof_final:true,prof_accum:true "$samples/leak"
        jeprof --text --show_bytes --${kind}_space "$samples/leak" jeprof.*.f.heap >text 2>/dev/null
        while read -r function bytes; do
            is "$kind: $function has $bytes bytes" "$(awk -v f="$function" -v b="$bytes" \
                '$6 == f { print (($4 > b * 0.83 && $4 < b * 1.17) ? "about" : $4) }' text)" about
        done <<'END'
session_new 6400000
log_append 5600000
cache_insert 8192000
table_load 4194304
END
    done
    is "alloc: what was freed is there as well" \
        "$(awk '$6 == "request_parse" { print ($4 > 204800000 * 0.9 ? "yes" : $4) }' text)" yes
    heaps lg_prof_sample:12,prof_final:true "$samples/leak"
    jeprof --text --show_bytes --inuse_objects "$samples/leak" jeprof.*.f.heap >text 2>/dev/null
    is "objects, too" "$(awk '$6 == "log_append" { print (($4 > 41500 && $4 < 58500) ? "about" : $4) }' text)" about
else
    skip "what jeprof finds" "there is no jeprof"
fi
like "our own report reads it" /dev/stdin "session_new +samples/leak.c" <<END
$("$jeprobe" report jeprof.*.f.heap)
END

# A stack that allocates two sizes is what the reader's formula has wrong, and
# the profile is written so that it comes out right.
compiled two <<'END'
#include <stdlib.h>
static void *volatile sink;
__attribute__((noinline)) static void site(size_t size) { sink = malloc(size); }
int main(void)
{
    for (int i = 0; i < 120000; i++)
        site(64);
    for (int i = 0; i < 200; i++)
        site(65536);
}
END
cat >scale.awk <<'END'
# As readers do: bytes / (1 - e^-(bytes / objects / R)).
NR == 1 { split($0, head, "/"); rate = head[2] }
NR == 2 { gsub(/[:,\[]/, ""); mean = $3 / $2; f = 1 - exp(-mean / rate); printf "%d %d\n", $2 / f, $3 / f }
END
# 1,860 samples of small ones: seven deviations of 2.3 %, seven of 177,000 bytes.
heaps lg_prof_sample:12,prof_final:true ./two
read -r objects bytes <<END
$(awk -f scale.awk jeprof.*.heap)
END
ok "two sizes of one stack: objects ($objects) are unbiased" \
    test "$objects" -gt 100000 -a "$objects" -lt 140000
ok "and bytes ($bytes)" test "$bytes" -gt 19540000 -a "$bytes" -lt 22030000
heaps lg_prof_sample:12,prof_final:true,prof_unbias:false ./two
read -r objects bytes <<END
$(awk -f scale.awk jeprof.*.heap)
END
ok "without prof_unbias objects ($objects) are not" test "$objects" -lt 40000

# ---- mallctl -------------------------------------------------------------------

compiled ctl -pthread <<'END'
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int (*ctl)(const char *, void *, size_t *, void *, size_t);
static void *volatile sink;

static void
use(int objects, size_t size)
{
    for (int i = 0; i < objects; i++)
        sink = malloc(size);
}

static int
set(const char *name, bool on)
{
    return ctl(name, NULL, NULL, &on, sizeof(on));
}

static int
get(const char *name)
{
    bool on = false;
    size_t size = sizeof(on);
    int error = ctl(name, &on, &size, NULL, 0);
    return error != 0 ? -error : on;
}

static int
dump(const char *path)
{
    return ctl("prof.dump", NULL, NULL, path != NULL ? &path : NULL,
               path != NULL ? sizeof(path) : 0);
}

static void
classes(void)
{
    static const char *const names[] = {
        "prof.stats.bins.7.live", "prof.stats.bins.7.accum",
        "prof.stats.lextents.1.live", "prof.stats.lextents.1.accum"};
    for (int i = 0; i < 4; i++) {
        uint64_t sum[2] = {7, 7};
        size_t size = sizeof(sum);
        int error = ctl(names[i], sum, &size, NULL, 0);
        int refused = ctl(names[i], NULL, NULL, sum, sizeof(sum));
        printf("%d %d %llu %llu%s", error, refused, (unsigned long long)sum[0],
               (unsigned long long)sum[1], i < 3 ? "; " : "\n");
    }
}

typedef void backtrace_t(void **frames, unsigned *depth, unsigned max);
static backtrace_t *own;

/* It may allocate; that is not sampled. */
static void
two_frames(void **frames, unsigned *depth, unsigned max)
{
    free(malloc(3000000));
    frames[0] = (void *)0x1234;
    frames[1] = (void *)0x5678;
    *depth = max > 1 ? 2 : 0;
}

static void
own_and_one(void **frames, unsigned *depth, unsigned max)
{
    own(frames, depth, max - 1);
    frames[(*depth)++] = (void *)0x9abc;
}

static void
told(const char *path)
{
    free(malloc(3000000));
    printf("told of %s\n", path);
}

static void *
active(void *arg)
{
    printf("%d ", get("thread.prof.active"));
    return arg;
}

static void *
named(void *arg)
{
    const char *name = "a worker", *kept = NULL;
    size_t size = sizeof(kept);
    (void)arg;
    if (ctl("thread.prof.name", NULL, NULL, &name, sizeof(name)) != 0)
        abort();
    name = "new\nline";
    if (ctl("thread.prof.name", NULL, NULL, &name, sizeof(name)) != EFAULT)
        abort();
    if (ctl("thread.prof.name", &kept, &size, NULL, 0) != 0 ||
        strcmp(kept, "a worker") != 0)
        abort();
    use(100, 4000);
    dump("named.heap");
    return NULL;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    void *found = dlsym(RTLD_DEFAULT, "mallctl");
    memcpy(&ctl, &found, sizeof(ctl));
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(what, "off") == 0) {
        printf("%d %d %d %d %d\n", get("prof.active"), set("prof.active", true),
               dump(NULL), get("opt.prof"), ctl("prof.reset", 0, 0, 0, 0));
    } else if (strcmp(what, "switch") == 0) {
        printf("%d %d\n", get("prof.active"), get("thread.prof.active"));
        set("prof.active", false);
        use(1000, 1000);
        dump("inactive.heap");
        set("prof.active", true);
        set("thread.prof.active", false);
        use(1000, 1000);
        dump("inactive2.heap");
        set("thread.prof.active", true);
        use(1000, 1000);
        dump("active.heap");
        printf("%d\n", ctl("prof.reset", NULL, NULL, NULL, 0));
        dump("reset.heap");
        size_t lg = 8;
        printf("%d\n", ctl("prof.reset", NULL, NULL, &lg, sizeof(lg)));
        size_t size = sizeof(lg);
        lg = 0;
        ctl("prof.lg_sample", &lg, &size, NULL, 0);
        printf("%zu\n", lg);
        use(1000, 1000);
        dump("fine.heap");
    } else if (strcmp(what, "names") == 0) {
        const char *prefix = "other";
        dump(NULL);
        dump(NULL);
        printf("%d\n",
               ctl("prof.prefix", NULL, NULL, &prefix, sizeof(prefix)));
        dump(NULL);
        if (fork() == 0) {
            dump(NULL);
            _exit(0);
        }
        wait(NULL);
    } else if (strcmp(what, "place") == 0) {
        /* written where it is: who has it open reads it */
        FILE *f = fopen("place.heap", "w+");
        char line[64] = "";
        fputs("something else that is longer than one line\n", f);
        fflush(f);
        use(100, 100000);
        printf("%d\n", dump("place.heap"));
        rewind(f);
        fputs(fgets(line, sizeof(line), f), stdout);
        printf("%d\n", dump("nowhere/x.heap") == EFAULT);
        printf("%d\n", dump("/dev/full") == EFAULT);
    } else if (strcmp(what, "thread") == 0) {
        pthread_t t;
        pthread_create(&t, NULL, named, NULL);
        pthread_join(t, NULL);
    } else if (strcmp(what, "system") == 0) {
        const char *name = "mine";
        size_t size = sizeof(name);
        pthread_setname_np(pthread_self(), "by\nsystem");
        printf("%d ", ctl("thread.prof.name", NULL, NULL, &name, sizeof(name)));
        ctl("thread.prof.name", &name, &size, NULL, 0);
        printf("%s\n", name);
        pthread_setname_np(pthread_self(), "renamed");
        use(100, 4000);
        dump("system.heap");
    } else if (strcmp(what, "classes") == 0) {
        /* of 100 bytes, and of 20,000 */
        void *p[100];
        for (int i = 0; i < 100; i++)
            p[i] = malloc(100);
        use(10, 20000);
        for (int i = 0; i < 40; i++)
            free(p[i]);
        classes();
        ctl("prof.reset", NULL, NULL, NULL, 0);
        classes();
        use(3, 100);
        classes();
    } else if (strcmp(what, "hooks") == 0) {
        backtrace_t *walk = two_frames;
        void (*tell)(const char *) = told;
        void *before = NULL;
        size_t size = sizeof(own);
        ctl("experimental.hooks.prof_backtrace", &own, &size, &walk, sizeof(walk));
        ctl("experimental.hooks.prof_dump", &before, &size, &tell, sizeof(tell));
        printf("%d %d\n", own != NULL, before != NULL);
        use(100, 4000);
        dump("hooked.heap");
        dump("nowhere/x.heap");
        walk = own_and_one;
        ctl("experimental.hooks.prof_backtrace", NULL, NULL, &walk, sizeof(walk));
        use(100, 5000);
        dump(NULL);
        tell = NULL;
        ctl("experimental.hooks.prof_dump", NULL, NULL, &tell, sizeof(tell));
        dump(NULL);
    } else if (strcmp(what, "later") == 0) {
        /* for threads to come */
        pthread_t t;
        printf("%d ", get("prof.thread_active_init"));
        for (int on = 0; on < 2; on++) {
            set("prof.thread_active_init", on);
            pthread_create(&t, NULL, active, NULL);
            pthread_join(t, NULL);
        }
        printf("%d ", get("thread.prof.active"));
        uint64_t bytes = 1;
        size_t size = sizeof(bytes);
        ctl("prof.interval", &bytes, &size, NULL, 0);
        printf("%llu\n", (unsigned long long)bytes);
    } else if (strcmp(what, "interval") == 0) {
        for (int i = 0; i < 64 * 1024; i++)
            free(sink = malloc(1024));
    } else if (strcmp(what, "grow") == 0) {
        size_t size = 4 << 20;
        char *p = malloc(size);
        sink = malloc(size); /* in the way */
        set("prof.gdump", 1);
        for (int i = 0; i < 4; i++)
            p = realloc(p, size *= 3);
    } else if (strcmp(what, "gdump") == 0) {
        void *p[8];
        if (argc > 2)
            set("prof.gdump", argv[2][0] == 'y');
        for (int i = 0; i < 8; i++)
            p[i] = malloc(4 << 20);
        for (int i = 0; i < 8; i++)
            free(p[i]);
        /* no new high */
        for (int i = 0; i < 8; i++)
            free(sink = malloc(4 << 20));
    }
    return 0;
}
END

run env LD_PRELOAD="$preload" ./ctl off
is "without prof: reads say off, writes ENOENT" "$(cat "$out")" "0 2 2 0 2"
heaps lg_prof_sample:10 ./ctl switch
is "with it: on, and reset sets the rate" "$(tr '\n' ' ' <"$out")" "1 1 0 0 8 "
for file in inactive inactive2 reset; do
    like "$file: no sample" $file.heap '^  t\*: 0: 0 \[0: 0\]'
done
like "active: some" active.heap '^  t\*: [1-9][0-9]*: '
is "fine: the new rate" "$(head -n1 fine.heap)" heap_v2/256
heaps lg_prof_sample:10,prof_active:false ./ctl switch
like "prof_active:false: off at first" "$out" '^0 1$'
heaps lg_prof_sample:10,prof_thread_active_init:false ./ctl switch
like "prof_thread_active_init:false: threads are" "$out" '^1 0$'

heaps lg_prof_interval:24 ./ctl later
is "prof.thread_active_init is for threads to come; prof.interval" "$(cat "$out")" \
    "1 0 1 1 16777216"
heaps "" ./ctl later
is "no interval is 0" "$(cat "$out")" "1 0 1 1 0"

heaps lg_prof_sample:10,prof_prefix:mine ./ctl names
is "names count" "$(find . -name 'mine.*.0.m0.heap' -o -name 'mine.*.1.m1.heap' | wc -l | tr -d ' ')" 2
is "a prefix can be set" "$(files 'other.*.2.m2.heap')" 1
is "a child has its own" "$(files 'other.*.0.m0.heap')" 1
heaps lg_prof_sample:10,prof_prefix:,prof_final:true ./ctl names
is "no prefix, no profiles by themselves" "$(find . -name '.*heap' | wc -l | tr -d ' ')" 0

heaps lg_prof_sample:10 ./ctl place
is "a file is written where it is" "$(tr '\n' ' ' <"$out")" "0 heap_v2/1024 1 1 "
like "what cannot be written is said" "$err" '^jeprobe: nowhere/x.heap: no such directory$'
like "a full disk, too" "$err" '^jeprobe: /dev/full: no space left on device$'
heaps lg_prof_sample:10 ./ctl thread
like "threads have their names" named.heap '^  t[0-9]+: [1-9][0-9]*: [0-9]+ \[0: 0\] a worker$'

heaps lg_prof_sample:10,prof_sys_thread_name:true ./ctl system
is "prof_sys_thread_name: the system's, which cannot be set" "$(cat "$out")" \
    "2 by?system"
like "and are those at the time of a sample" system.heap \
    '^  t[0-9]+: [1-9][0-9]*: [0-9]+ \[0: 0\] renamed$'
heaps lg_prof_sample:10 ./ctl system
is "without it: the program's" "$(cat "$out")" "0 mine"

heaps lg_prof_sample:0,prof_stats:true ./ctl classes
is "prof_stats: by size class" "$(cat "$out")" \
"0 1 6000 60; 0 1 10000 100; 0 1 200000 10; 0 1 200000 10
0 1 0 0; 0 1 0 0; 0 1 0 0; 0 1 0 0
0 1 300 3; 0 1 300 3; 0 1 0 0; 0 1 0 0"
heaps lg_prof_sample:0 ./ctl classes
is "not unless asked for" "$(sort -u "$out")" \
    "2 2 7 7; 2 2 7 7; 2 2 7 7; 2 2 7 7"

heaps lg_prof_sample:10 ./ctl hooks
sed 's/\.[0-9]*\.0\.m0/.PID/' "$out" >told
is "the program is told of profiles" "$(cat told)" "1 0
told of hooked.heap
told of jeprof.PID.heap"
is "stacks are the program's own" "$(grep '^@' hooked.heap | sort -u | grep -c '^@ 0x1234 0x5678$')" 1
like "which may begin with ours" "$(ls jeprof.*.m0.heap)" '^@ 0x[0-9a-f]{6}.* 0x9abc$'

# ---- profiles that come by themselves --------------------------------------------

heaps lg_prof_interval:24 ./ctl interval
n=$(files 'jeprof.*.i[0-9].heap')
ok "64 MiB at an interval of 16 MiB: 3 to 5 ($n)" test "$n" -ge 3 -a "$n" -le 5
heaps prof_gdump:true ./ctl gdump
n=$(files 'jeprof.*.u*.heap')
ok "eight new highs ($n)" test "$n" -ge 8 -a "$n" -le 12
heaps lg_prof_sample:12,prof_log:true ./ctl interval
n=$(cat jeprof.*.0.json | grep -o '"usize":1024' | wc -l)
# 14,496 are expected, and 106 are a standard deviation
ok "a log of 64 MiB that were freed, at exit ($n events)" \
    test "$n" -gt 13700 -a "$n" -lt 15300
rm -f ./*.json
heaps lg_prof_sample:12,prof_log:true,prof_prefix: ./ctl interval
is "none without a prefix" "$(files '*.json')" 0
heaps prof_gdump:true ./ctl gdump no
is "none once prof.gdump is off" "$(files 'jeprof.*.u*.heap')" 0
heaps "" ./ctl gdump yes
n=$(files 'jeprof.*.u*.heap')
ok "and some once it is on ($n)" test "$n" -ge 8 -a "$n" -le 12
heaps "" ./ctl grow
n=$(files 'jeprof.*.u*.heap')
ok "as many as an object moves ($n)" test "$n" -ge 3 -a "$n" -le 8
heaps "" ./ctl interval
is "none unless asked for" "$(files '*.heap') $(files '*.json')" '0 0'

heaps lg_prof_sample:12,prof_leak:true "$samples/leak"
like "leaks are summed up" "$err" \
    '^jealloc: Leak approximation summary: ~2[0-9]{7} bytes, ~[0-9]+ objects, >= [4-9] contexts$'
is "and are no error" "$status" 0
heaps lg_prof_sample:12,prof_leak:true,prof_leak_error:true "$samples/leak"
is "but can be" "$status" 1
run env LD_PRELOAD="$preload" MALLOC_CONF=prof_leak:true,lg_prof_sample:12 "$samples/leak"
like "prof_leak turns profiling on" "$err" 'Leak approximation summary'

done_testing
