/*
 * The thread-exit hook and the creation of helper threads.
 */
#ifndef JE_OS_THREAD_H
#define JE_OS_THREAD_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Call `hook` with the value given to os_thread_exit_arm when a thread that
 * armed it ends. May allocate through the ordinary entry points, so call it
 * only once the allocator serves them. errors: false, no hook. */
bool os_thread_exit_boot(void (*hook)(void *));
/* May allocate, as above. errors: false, this thread's end is not noticed. */
bool os_thread_exit_arm(void *value);

/* Start a detached-by-join helper thread named `name` (at most 15 bytes) with
 * all signals blocked. *handle receives the argument of os_thread_join. */
bool os_thread_start(uint64_t *handle, const char *name, void *(*run)(void *),
                     void *arg);
void os_thread_join(uint64_t handle);

/* Kernel thread id, from the kernel: right after fork and raw clone, too. */
pid_t os_thread_id(void);

enum { OS_THREAD_NAME_MAX = 16 };

/* The calling thread's name as the kernel has it, with its end; "" on failure.
 */
void os_thread_name(char out[OS_THREAD_NAME_MAX]);

/* Wait on *word while it is `value`, at most `ns` (UINT64_MAX = for ever);
 * wake every waiter. errno is preserved. */
void os_thread_wait(uint32_t *word, uint32_t value, uint64_t ns);
void os_thread_wake(uint32_t *word);

#endif
