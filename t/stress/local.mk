# Long-running programs in short: threads against a shadow, forks, no memory,
# start-up and end, loading and unloading. They speak TAP themselves.
#   t/stress/random --seconds 600 --threads 8     t/stress/forks --count 10000
JE_STRESS_TESTS = \
	t/stress/early \
	t/stress/faults \
	t/stress/forks \
	t/stress/random
JE_STRESS_SHELL = \
	t/stress/dlopen.t \
	t/stress/options-objects.t \
	t/stress/options-pages.t \
	t/stress/options-slabs.t
check_PROGRAMS += $(JE_STRESS_TESTS)
TESTS += $(JE_STRESS_TESTS) $(JE_STRESS_SHELL)
EXTRA_DIST += $(JE_STRESS_SHELL) \
	t/stress/dl_host.c \
	t/stress/dl_plugin.c \
	t/stress/options.sh \
	t/stress/stress.h
t_stress_early_LDADD = lib/libjealloc-core.la -lpthread
t_stress_faults_LDADD = lib/libjealloc-core.la -lpthread
t_stress_forks_LDADD = lib/libjealloc-core.la -lpthread
t_stress_random_LDADD = lib/libjealloc-core.la -lpthread

# Misuse: each program must die with the line in its first comment.
TESTS += t/fatal/fatal.t
EXTRA_DIST += t/fatal/fatal.t \
	t/fatal/double_free_large.c \
	t/fatal/double_free_large_cached.c \
	t/fatal/double_free_slab_gone.c \
	t/fatal/double_free_small.c \
	t/fatal/double_free_thread.c \
	t/fatal/free_behind_last_labelled.c \
	t/fatal/free_inside_first_page.c \
	t/fatal/free_inside_labelled.c \
	t/fatal/free_inside_large.c \
	t/fatal/free_inside_small.c \
	t/fatal/free_libc.c \
	t/fatal/free_not_canonical.c \
	t/fatal/free_null_page.c \
	t/fatal/free_stack.c \
	t/fatal/free_static.c \
	t/fatal/free_tagged.c \
	t/fatal/realloc_freed_large.c \
	t/fatal/realloc_freed_small.c \
	t/fatal/realloc_tagged.c \
	t/fatal/sized_aligned.c \
	t/fatal/sized_large.c \
	t/fatal/sized_small.c \
	t/fatal/sized_tagged.c \
	t/fatal/usable_size_tagged.c
