# Benchmarks: `make bench BENCH_FLAGS='--quick -n 3'`. They are built and
# tried by `make check` too (t/bench/smoke.t), but never timed there.
JE_BENCHES = \
	t/bench/bench_barnes \
	t/bench/bench_batch \
	t/bench/bench_cache \
	t/bench/bench_cfrac \
	t/bench/bench_churn \
	t/bench/bench_espresso \
	t/bench/bench_large \
	t/bench/bench_larson \
	t/bench/bench_liveset \
	t/bench/bench_mstress \
	t/bench/bench_pair \
	t/bench/bench_phases \
	t/bench/bench_prodcons \
	t/bench/bench_realloc \
	t/bench/bench_rptest \
	t/bench/bench_server \
	t/bench/bench_shbench \
	t/bench/bench_smallobj \
	t/bench/bench_workset \
	t/bench/bench_xmalloc
check_PROGRAMS += $(JE_BENCHES) t/bench/runner
TESTS += t/bench/smoke.t
EXTRA_DIST += t/bench/README.md t/bench/real.sh t/bench/smoke.t

# The compiler must not see through malloc and leave a pair of calls out.
BENCH_CFLAGS = $(AM_CFLAGS) -fno-builtin-malloc -fno-builtin-calloc \
	-fno-builtin-realloc -fno-builtin-free
BENCH_COMMON = t/bench/bench.c t/bench/bench.h
BENCH_LIBS = -lpthread -ldl -lm

t_bench_bench_barnes_SOURCES = t/bench/bench_barnes.c $(BENCH_COMMON)
t_bench_bench_barnes_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_barnes_LDADD = $(BENCH_LIBS)
t_bench_bench_batch_SOURCES = t/bench/bench_batch.c $(BENCH_COMMON)
t_bench_bench_batch_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_batch_LDADD = $(BENCH_LIBS)
t_bench_bench_cache_SOURCES = t/bench/bench_cache.c $(BENCH_COMMON)
t_bench_bench_cache_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_cache_LDADD = $(BENCH_LIBS)
t_bench_bench_cfrac_SOURCES = t/bench/bench_cfrac.c \
	t/bench/number.c t/bench/number.h $(BENCH_COMMON)
t_bench_bench_cfrac_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_cfrac_LDADD = $(BENCH_LIBS)
t_bench_bench_churn_SOURCES = t/bench/bench_churn.c $(BENCH_COMMON)
t_bench_bench_churn_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_churn_LDADD = $(BENCH_LIBS)
t_bench_bench_espresso_SOURCES = t/bench/bench_espresso.c $(BENCH_COMMON)
t_bench_bench_espresso_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_espresso_LDADD = $(BENCH_LIBS)
t_bench_bench_large_SOURCES = t/bench/bench_large.c $(BENCH_COMMON)
t_bench_bench_large_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_large_LDADD = $(BENCH_LIBS)
t_bench_bench_larson_SOURCES = t/bench/bench_larson.c $(BENCH_COMMON)
t_bench_bench_larson_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_larson_LDADD = $(BENCH_LIBS)
t_bench_bench_liveset_SOURCES = t/bench/bench_liveset.c $(BENCH_COMMON)
t_bench_bench_liveset_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_liveset_LDADD = $(BENCH_LIBS)
t_bench_bench_mstress_SOURCES = t/bench/bench_mstress.c $(BENCH_COMMON)
t_bench_bench_mstress_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_mstress_LDADD = $(BENCH_LIBS)
t_bench_bench_pair_SOURCES = t/bench/bench_pair.c $(BENCH_COMMON)
t_bench_bench_pair_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_pair_LDADD = $(BENCH_LIBS)
t_bench_bench_phases_SOURCES = t/bench/bench_phases.c $(BENCH_COMMON)
t_bench_bench_phases_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_phases_LDADD = $(BENCH_LIBS)
t_bench_bench_prodcons_SOURCES = t/bench/bench_prodcons.c $(BENCH_COMMON)
t_bench_bench_prodcons_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_prodcons_LDADD = $(BENCH_LIBS)
t_bench_bench_realloc_SOURCES = t/bench/bench_realloc.c $(BENCH_COMMON)
t_bench_bench_realloc_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_realloc_LDADD = $(BENCH_LIBS)
t_bench_bench_rptest_SOURCES = t/bench/bench_rptest.c $(BENCH_COMMON)
t_bench_bench_rptest_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_rptest_LDADD = $(BENCH_LIBS)
t_bench_bench_server_SOURCES = t/bench/bench_server.c $(BENCH_COMMON)
t_bench_bench_server_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_server_LDADD = $(BENCH_LIBS)
t_bench_bench_shbench_SOURCES = t/bench/bench_shbench.c $(BENCH_COMMON)
t_bench_bench_shbench_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_shbench_LDADD = $(BENCH_LIBS)
t_bench_bench_smallobj_SOURCES = t/bench/bench_smallobj.c $(BENCH_COMMON)
t_bench_bench_smallobj_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_smallobj_LDADD = $(BENCH_LIBS)
t_bench_bench_workset_SOURCES = t/bench/bench_workset.c $(BENCH_COMMON)
t_bench_bench_workset_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_workset_LDADD = $(BENCH_LIBS)
t_bench_bench_xmalloc_SOURCES = t/bench/bench_xmalloc.c $(BENCH_COMMON)
t_bench_bench_xmalloc_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_xmalloc_LDADD = $(BENCH_LIBS)

t_bench_runner_SOURCES = \
	t/bench/runner.c \
	t/bench/runner.h \
	t/bench/runner_csv.c \
	t/bench/runner_insns.c \
	t/bench/runner_peers.c \
	t/bench/runner_programs.c \
	t/bench/runner_real.c \
	t/bench/runner_start.c \
	t/bench/runner_table.c \
	t/bench/runner_text.c
t_bench_runner_LDADD = -ldl -lm
t_bench_runner_CPPFLAGS = $(AM_CPPFLAGS) \
	-DREAL_SCRIPT='"$(abs_top_srcdir)/t/bench/real.sh"'

# Owner labels against none: `make bench-labels`.
check_PROGRAMS += t/bench/bench_label
t_bench_bench_label_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_label_LDADD = lib/libjealloc.la

# Reading dumps, beside other programs: `make bench-read`.
check_PROGRAMS += t/bench/bench_read t/bench/readers
t_bench_bench_read_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_bench_bench_read_LDADD = lib/libjeprobe.la $(JANSSON_LIBS)
t_bench_bench_read_LDFLAGS = $(JE_SANITIZE) $(JE_LTO) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=free \
	-Wl,--wrap=mmap -Wl,--wrap=munmap
t_bench_readers_SOURCES = \
	t/bench/readers.c \
	t/bench/runner.h \
	t/bench/runner_csv.c \
	t/bench/runner_insns.c \
	t/bench/runner_peers.c \
	t/bench/runner_start.c \
	t/bench/runner_table.c \
	t/bench/runner_text.c
t_bench_readers_LDADD = -ldl -lm

# A day of a service under each allocator at once: `make bench-day`.
check_PROGRAMS += t/bench/bench_day t/bench/peers
EXTRA_DIST += t/bench/day.awk t/bench/day.sh
t_bench_bench_day_SOURCES = t/bench/bench_day.c t/bench/day.h \
	t/bench/day_shard.c $(BENCH_COMMON)
t_bench_bench_day_CFLAGS = $(BENCH_CFLAGS)
t_bench_bench_day_LDADD = $(BENCH_LIBS) -lm
t_bench_peers_SOURCES = t/bench/peers.c t/bench/runner.h \
	t/bench/runner_csv.c t/bench/runner_peers.c t/bench/runner_text.c

# Redis under each allocator: `make bench-redis`.
check_PROGRAMS += t/bench/tabulate
EXTRA_DIST += t/bench/peers.sh t/bench/redis.sh
t_bench_tabulate_SOURCES = t/bench/tabulate.c t/bench/runner.h \
	t/bench/runner_peers.c t/bench/runner_table.c t/bench/runner_text.c
t_bench_tabulate_LDADD = -lm

BENCH_DAY_FLAGS =
BENCH_FLAGS =
BENCH_LABELS_FLAGS =
BENCH_READ_FLAGS =
BENCH_REDIS_FLAGS =
bench: $(JE_BENCHES) t/bench/runner shim/libjeprobe-preload.la
	commit=`git -C '$(top_srcdir)' describe --always --dirty 2>/dev/null`; \
	t/bench/runner --commit="$${commit:-$(VERSION)}" $(BENCH_FLAGS)
	$(MAKE) bench-read
bench-read: t/bench/bench_read t/bench/readers samples/arenas
	commit=`git -C '$(top_srcdir)' describe --always --dirty 2>/dev/null`; \
	t/bench/readers --commit="$${commit:-$(VERSION)}" $(BENCH_READ_FLAGS)
bench-labels: t/bench/bench_label
	t/bench/bench_label $(BENCH_LABELS_FLAGS)
bench-day: t/bench/bench_day t/bench/peers shim/libjeprobe-preload.la
	commit=`git -C '$(top_srcdir)' describe --always --dirty 2>/dev/null`; \
	$(SHELL) $(srcdir)/t/bench/day.sh \
		--commit="$${commit:-$(VERSION)}" $(BENCH_DAY_FLAGS)
bench-redis: t/bench/peers t/bench/tabulate shim/libjeprobe-preload.la
	commit=`git -C '$(top_srcdir)' describe --always --dirty 2>/dev/null`; \
	$(SHELL) $(srcdir)/t/bench/redis.sh \
		--commit="$${commit:-$(VERSION)}" $(BENCH_REDIS_FLAGS)
CLEANFILES += bench-day.csv bench-redis.csv bench-results.csv
.PHONY: bench bench-day bench-labels bench-read bench-redis
