# Unit tests of the allocator's core, a program a module; t/unit/<name>.env is
# its environment, if there is one.
JE_CORE_UNITS = \
	t/unit/check_arena \
	t/unit/check_background \
	t/unit/check_balance \
	t/unit/check_bin \
	t/unit/check_bits \
	t/unit/check_break \
	t/unit/check_conf \
	t/unit/check_count \
	t/unit/check_cpu \
	t/unit/check_decay \
	t/unit/check_deferred \
	t/unit/check_ecache \
	t/unit/check_emap \
	t/unit/check_experimental \
	t/unit/check_group \
	t/unit/check_heap \
	t/unit/check_holes \
	t/unit/check_holes_away \
	t/unit/check_hooks \
	t/unit/check_idle \
	t/unit/check_label \
	t/unit/check_large \
	t/unit/check_leaves \
	t/unit/check_list \
	t/unit/check_locks \
	t/unit/check_malloc \
	t/unit/check_meta \
	t/unit/check_moves \
	t/unit/check_mutex \
	t/unit/check_pac \
	t/unit/check_remap \
	t/unit/check_remap_refused \
	t/unit/check_percpu \
	t/unit/check_percpu_load \
	t/unit/check_reset \
	t/unit/check_rseq \
	t/unit/check_shards \
	t/unit/check_special \
	t/unit/check_stretch \
	t/unit/check_sz \
	t/unit/check_tcache \
	t/unit/check_tcaches \
	t/unit/check_trace \
	t/unit/check_tsd
check_PROGRAMS += $(JE_CORE_UNITS)
TESTS += $(JE_CORE_UNITS)
EXTRA_DIST += \
	t/unit/check_balance.env \
	t/unit/check_count.env \
	t/unit/check_group.env \
	t/unit/check_holes.env \
	t/unit/check_holes_away.env \
	t/unit/check_hooks.env \
	t/unit/check_idle.env \
	t/unit/check_large.env \
	t/unit/check_leaves.env \
	t/unit/check_moves.env \
	t/unit/check_percpu.env \
	t/unit/check_percpu_load.env \
	t/unit/check_shards.env \
	t/unit/check_stretch.env \
	t/unit/check_tcache.env \
	t/unit/check_tcaches.env \
	t/unit/check_tsd.env \
	t/unit/holes.h \
	t/unit/moves.h \
	t/unit/percpu.h \
	t/unit/stderr.h \
	t/unit/tcache.h
t_unit_check_arena_LDADD = $(JE_CORE_TEST)
t_unit_check_background_LDADD = $(JE_CORE_TEST)
t_unit_check_balance_LDADD = $(JE_CORE_TEST)
t_unit_check_bin_LDADD = $(JE_CORE_TEST)
t_unit_check_bits_LDADD = $(JE_CORE_TEST)
t_unit_check_break_LDADD = $(JE_CORE_TEST) -ldl
t_unit_check_conf_LDADD = $(JE_CORE_TEST)
t_unit_check_count_LDADD = $(JE_CORE_TEST) -lm
t_unit_check_cpu_LDADD = $(JE_CORE_TEST)
t_unit_check_decay_LDADD = $(JE_CORE_TEST) -lm
t_unit_check_deferred_LDADD = $(JE_CORE_TEST) -ldl
t_unit_check_ecache_LDADD = $(JE_CORE_TEST)
t_unit_check_emap_LDADD = $(JE_CORE_TEST)
t_unit_check_experimental_LDADD = $(JE_CORE_TEST)
t_unit_check_group_LDADD = $(JE_CORE_TEST)
t_unit_check_heap_LDADD = $(JE_CORE_TEST)
t_unit_check_holes_LDADD = $(JE_CORE_TEST)
t_unit_check_holes_away_LDADD = $(JE_CORE_TEST)
t_unit_check_hooks_LDADD = $(JE_CORE_TEST)
t_unit_check_idle_LDADD = $(JE_CORE_TEST)
t_unit_check_label_LDADD = $(JE_CORE_TEST)
t_unit_check_large_LDADD = $(JE_CORE_TEST)
t_unit_check_leaves_LDADD = $(JE_CORE_TEST)
t_unit_check_list_LDADD = $(JE_CORE_TEST)
t_unit_check_locks_LDADD = $(JE_CORE_TEST)
t_unit_check_malloc_LDADD = $(JE_CORE_TEST)
t_unit_check_meta_LDADD = $(JE_CORE_TEST)
t_unit_check_moves_LDADD = $(JE_CORE_TEST)
t_unit_check_mutex_LDADD = $(JE_CORE_TEST)
t_unit_check_percpu_LDADD = $(JE_CORE_TEST)
t_unit_check_percpu_load_LDADD = $(JE_CORE_TEST)
t_unit_check_pac_LDADD = $(JE_CORE_TEST)
t_unit_check_remap_LDADD = $(JE_CORE_TEST)
t_unit_check_remap_refused_LDADD = $(JE_CORE_TEST)
t_unit_check_rseq_LDADD = $(JE_CORE_TEST)
t_unit_check_reset_LDADD = $(JE_CORE_TEST)
t_unit_check_shards_LDADD = $(JE_CORE_TEST)
t_unit_check_special_LDADD = $(JE_CORE_TEST)
t_unit_check_stretch_LDADD = $(JE_CORE_TEST)
t_unit_check_sz_LDADD = $(JE_CORE_TEST)
t_unit_check_tcache_LDADD = $(JE_CORE_TEST)
t_unit_check_tcaches_LDADD = $(JE_CORE_TEST)
t_unit_check_trace_LDADD = $(JE_CORE_TEST)
t_unit_check_tsd_LDADD = $(JE_CORE_TEST)
