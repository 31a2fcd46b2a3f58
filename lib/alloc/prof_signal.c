/*
 * Signal, helper thread, dump: see prof_signal.h.
 */
#include "alloc/prof_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "alloc/conf.h"
#include "alloc/prof_dump.h"
#include "base/assert.h"
#include "base/atomic.h"
#include "os/thread.h"

static uint32_t requests; /* signals so far */
static uint32_t served;   /* of these, before the helper's last look */

static void
signal_handler(int sig)
{
    (void)sig;
    atomic_add_rlx(&requests, 1u);
    os_thread_wake(&requests);
}

static bool is_on;

static void *
signal_helper(void *arg)
{
    (void)arg;
    for (;;) {
        uint32_t seen = atomic_load_acq(&requests);
        if (seen == served) {
            os_thread_wait(&requests, seen, UINT64_MAX);
            continue;
        }
        served = seen; /* several that came at once are one */
        (void)je_dump(NULL, "signal");
    }
    return NULL;
}

static void
signal_helper_start(void)
{
    uint64_t handle;
    served = atomic_load_rlx(&requests);
    if (!os_thread_start(&handle, "jeprobe_dump", signal_helper, NULL)) {
        je_warn("no thread for dumps on signals could be started");
    }
}

void
prof_signal_boot(void)
{
    if (conf.dump_signal == 0) {
        return;
    }
    struct sigaction action = {.sa_handler = signal_handler,
                               .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction((int)conf.dump_signal, &action, NULL) != 0) {
        je_warn("signal %u cannot be caught", (unsigned)conf.dump_signal);
        return;
    }
    is_on = true;
    signal_helper_start();
}

void
prof_signal_fork_child(void)
{
    if (is_on) {
        signal_helper_start();
    }
}
