#!/bin/sh
# Threads, forks, dlopen: no hang, no crash, a dump for each process.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

compiled forker -pthread <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int stop;

static void *
hammer(void *arg)
{
    void *held[64] = {0};
    for (unsigned i = 0; !stop; i++) {
        free(held[i % 64]);
        held[i % 64] = malloc(16 + i * 37 % 5000);
    }
    for (int i = 0; i < 64; i++)
        free(held[i]);
    return 0;
}

int
main(int argc, char **argv)
{
    int forks = atoi(argv[1]), bad = 0;
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], 0, hammer, 0);
    for (int i = 0; i < forks; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0; k < 2000; k++)
                free(malloc(100 + k));
            if (i < 3)
                exit(7);
            _exit(7);
        }
        int status;
        waitpid(pid, &status, 0);
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], 0);
    printf("%d bad\n", bad);
    return 0;
}
END
for unwind in auto libunwind; do
    no_dumps
    under sample:4096,unwind:$unwind ./forker 300
    is "unwind:$unwind: forks under load: status" "$status" 0
    like "unwind:$unwind: children end as they should" "$out" '^0 bad$'
done

no_dumps
run timeout 120 env LD_PRELOAD="$preload" \
    JEPROBE_CONF=dump_exit:true,sample:4096 \
    JEPROBE_DUMP_PATH="$dumps/plain.json" ./forker 5
is "a name without %p: status" "$status" 0
is "one dump for each process that exits" "$(ls "$dumps" | wc -l)" 4
pid=$("$dumpq" "$dumps/plain.json" get process/argv)
is "the plain name is the first process's" "$pid" 2
for file in "$dumps"/plain.*.json; do
    pid=${file#"$dumps"/plain.}
    is "a child's has its id in its name" \
        "$("$dumpq" "$file" get process/pid)" "${pid%.json}"
done

compiled churn -pthread <<'END'
#include <pthread.h>
#include <stdlib.h>
static void *
work(void *arg)
{
    for (int i = 0; i < 200; i++)
        free(malloc(1000));
    return malloc(100);
}
int
main(void)
{
    for (int i = 0; i < 500; i++) {
        pthread_t t[4];
        for (int k = 0; k < 4; k++)
            pthread_create(&t[k], 0, work, 0);
        for (int k = 0; k < 4; k++) {
            void *p;
            pthread_join(t[k], &p);
            free(p);
        }
    }
    return 0;
}
END
under sample:4096 ./churn
is "thread churn: status" "$status" 0
ok "thread churn: dump" query churn check

build plugin.so -shared -fPIC <<'END' || bail "plugin.so cannot be built"
#include <stdlib.h>
__attribute__((constructor)) static void
begin(void)
{
    for (int i = 0; i < 50; i++)
        free(malloc(2000));
}
void *
plugin(int n)
{
    void *p = 0;
    for (int i = 0; i < n; i++) {
        free(p);
        p = malloc(3000);
    }
    return p;
}
END
compiled storm -pthread -ldl <<'END'
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>

static int
visit(struct dl_phdr_info *info, size_t size, void *arg)
{
    free(malloc(5000));
    return 0;
}

/* Opens and closes, calls into what it opened, walks the list of objects. */
static void *
work(void *arg)
{
    for (int i = 0; i < 300; i++) {
        void *lib = dlopen("./plugin.so", RTLD_NOW);
        void *(*call)(int) = (void *(*)(int))dlsym(lib, "plugin");
        void *p = call(20);
        dlclose(lib);
        free(p);
        dl_iterate_phdr(visit, 0);
    }
    return 0;
}

int
main(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], 0, work, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], 0);
    return 0;
}
END
under sample:4096 ./storm
is "dlopen storm: status" "$status" 0
ok "dlopen storm: dump" query storm check

# What libc allocates for threads of ours is nobody's.
compiled labelled -ldl <<'END'
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static struct { uint64_t bytes, objects, total_bytes, total; } f;
int
main(void)
{
    void *self = dlopen(NULL, RTLD_NOW);
    unsigned (*label)(const char *) = (unsigned (*)(const char *))dlsym(self, "jea_label");
    unsigned (*swap)(unsigned) = (unsigned (*)(unsigned))dlsym(self, "jea_label_swap");
    void (*deferred)(void *) = (void (*)(void *))dlsym(self, "jea_free_deferred");
    bool (*figures)(unsigned, void *) = (bool (*)(unsigned, void *))dlsym(self, "jea_label_figures");
    int (*ctl)(const char *, void *, size_t *, void *, size_t) =
        (int (*)(const char *, void *, size_t *, void *, size_t))dlsym(self, "mallctl");
    unsigned own = label("own"), other = label("other");
    bool on = true;
    swap(own);
    deferred(malloc(3 << 20));
    swap(other);
    int status = ctl("background_thread", NULL, NULL, &on, sizeof(on));
    unsigned before = swap(0);
    figures(own, &f);
    printf("%d own %d total %lu\n", status, (int)before == (int)other, (unsigned long)f.total);
    figures(other, &f);
    printf("other total %lu\n", (unsigned long)f.total);
    return 0;
}
END
run env LD_PRELOAD="$preload" ./labelled
is "threads of ours: status" "$status" 0
is "no label has them" "$(cat "$out")" "0 own 1 total 1
other total 0"
done_testing
