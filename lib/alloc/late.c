/*
 * Constructor and destructor of the library: see late.h.
 *
 * The destructor runs after the program's own atexit handlers, since those of
 * objects come last; other objects' destructors may still allocate after it, so
 * nothing is torn down.
 */
#include "alloc/late.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "alloc/background.h"
#include "alloc/conf.h"
#include "alloc/deferred.h"
#include "alloc/environment.h"
#include "alloc/malloc.h"
#include "alloc/prof.h"
#include "alloc/prof_dump.h"
#include "alloc/prof_heap.h"
#include "alloc/prof_log.h"
#include "alloc/prof_name.h"
#include "alloc/prof_signal.h"
#include "alloc/prof_status.h"
#include "alloc/stats.h"

static bool is_booted;

__attribute__((constructor)) void
je_boot_late(void)
{
    if (is_booted || !je_boot()) {
        return;
    }
    is_booted = true;
    prof_name_boot();
    prof_boot_late();
    prof_status_boot(conf.follow);
    prof_status_start();
    /* only `jeprobe run` names the dump so; who sets LD_PRELOAD by hand gets
     * what that always means */
    if (environment_get("JEPROBE_DUMP_PATH") != NULL && !conf.follow) {
        environment_clean();
    }
    prof_signal_boot();
    if (conf.background_thread) {
        (void)background_set(true);
    }
}

__attribute__((destructor)) static void
late_exit(void)
{
    if (!is_booted) {
        return;
    }
    (void)deferred_flush();
    if (conf.stats_print) {
        je_stats_print(NULL, NULL, conf.stats_print_opts);
    }
    if (conf.dump_exit) {
        (void)je_dump(NULL, "exit");
    }
    if (prof_log_is_on) {
        (void)prof_log_stop();
    }
    if (prof_heap_exit()) {
        _exit(1);
    }
}
