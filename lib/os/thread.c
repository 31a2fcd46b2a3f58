/*
 * Threads by pthread keys and futexes: see thread.h.
 */
#include "os/thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

static pthread_key_t exit_key;
static bool has_exit_key;

bool
os_thread_exit_boot(void (*hook)(void *))
{
    has_exit_key = pthread_key_create(&exit_key, hook) == 0;
    return has_exit_key;
}

bool
os_thread_exit_arm(void *value)
{
    return has_exit_key && pthread_setspecific(exit_key, value) == 0;
}

bool
os_thread_start(uint64_t *handle, const char *name, void *(*run)(void *),
                void *arg)
{
    _Static_assert(sizeof(pthread_t) <= sizeof(*handle), "pthread_t fits");
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t t;
    int err = pthread_create(&t, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0) {
        return false;
    }
    (void)pthread_setname_np(t, name);
    *handle = (uint64_t)t;
    return true;
}

void
os_thread_join(uint64_t handle)
{
    (void)pthread_join((pthread_t)handle, NULL);
}

void
os_thread_name(char out[OS_THREAD_NAME_MAX])
{
    int saved = errno;
    if (prctl(PR_GET_NAME, out) != 0) {
        out[0] = '\0';
    }
    errno = saved;
}

pid_t
os_thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

void
os_thread_wait(uint32_t *word, uint32_t value, uint64_t ns)
{
    int saved = errno;
    struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value,
                  ns == UINT64_MAX ? NULL : &ts, NULL, 0);
    errno = saved;
}

void
os_thread_wake(uint32_t *word)
{
    int saved = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX,
                  NULL, NULL, 0);
    errno = saved;
}
