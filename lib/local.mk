# Two libraries that never link each other: the allocator and the analysis.

# Every object of the allocator, names hidden: for libjealloc, for the preload
# object and for unit tests.
noinst_LTLIBRARIES += lib/libjealloc-core.la
lib_libjealloc_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUNWIND_CFLAGS)
lib_libjealloc_core_la_CFLAGS = $(AM_CFLAGS) $(JE_CORE_CFLAGS) $(JE_LTO)
# To link it into a shared library, and into one object.
JE_CORE_LDFLAGS = $(JE_SANITIZE) $(JE_LTO)
JE_JOIN = $(CC) $(CFLAGS) -r -nostdlib $(JE_LTO) $(JE_LTO_JOIN)
lib_libjealloc_core_la_SOURCES = \
	lib/alloc/api.c \
	lib/alloc/api_je.c \
	lib/alloc/arena.c \
	lib/alloc/arena.h \
	lib/alloc/arena_choice.c \
	lib/alloc/arena_choice.h \
	lib/alloc/arena_reset.c \
	lib/alloc/arena_set.c \
	lib/alloc/background.c \
	lib/alloc/background.h \
	lib/alloc/balance.c \
	lib/alloc/balance.h \
	lib/alloc/bin.c \
	lib/alloc/bin.h \
	lib/alloc/bin_gaps.c \
	lib/alloc/bin_internal.h \
	lib/alloc/cache_bin.h \
	lib/alloc/conf.c \
	lib/alloc/conf.def \
	lib/alloc/conf.h \
	lib/alloc/conf_source.c \
	lib/alloc/conf_source.h \
	lib/alloc/conf_text.c \
	lib/alloc/conf_words.c \
	lib/alloc/conf_words.h \
	lib/alloc/ctl.c \
	lib/alloc/ctl.h \
	lib/alloc/ctl_arena.c \
	lib/alloc/ctl_deferred.c \
	lib/alloc/ctl_experimental.c \
	lib/alloc/ctl_label.c \
	lib/alloc/ctl_leaf.h \
	lib/alloc/ctl_opt.c \
	lib/alloc/ctl_prof.c \
	lib/alloc/ctl_stats.c \
	lib/alloc/ctl_table.c \
	lib/alloc/ctl_thread.c \
	lib/alloc/decay.c \
	lib/alloc/decay.h \
	lib/alloc/ecache.c \
	lib/alloc/ecache.h \
	lib/alloc/deferred.c \
	lib/alloc/deferred.h \
	lib/alloc/emap.c \
	lib/alloc/emap.h \
	lib/alloc/environment.c \
	lib/alloc/environment.h \
	lib/alloc/extent.h \
	lib/alloc/fork.c \
	lib/alloc/fork.h \
	lib/alloc/init.c \
	lib/alloc/init.h \
	lib/alloc/label.c \
	lib/alloc/label.h \
	lib/alloc/label_fast.h \
	lib/alloc/label_name.c \
	lib/alloc/label_print.c \
	lib/alloc/label_print.h \
	lib/alloc/late.c \
	lib/alloc/late.h \
	lib/alloc/mallinfo.c \
	lib/alloc/mallinfo.h \
	lib/alloc/malloc.c \
	lib/alloc/malloc.h \
	lib/alloc/malloc_fast.h \
	lib/alloc/mallocx.c \
	lib/alloc/mallocx.h \
	lib/alloc/meta.c \
	lib/alloc/meta.h \
	lib/alloc/pac.c \
	lib/alloc/pac.h \
	lib/alloc/pac_break.c \
	lib/alloc/pac_decay.c \
	lib/alloc/pac_guard.c \
	lib/alloc/pac_hooks.c \
	lib/alloc/pac_internal.h \
	lib/alloc/pac_join.c \
	lib/alloc/pac_move.c \
	lib/alloc/percpu.c \
	lib/alloc/percpu.h \
	lib/alloc/procinfo.c \
	lib/alloc/procinfo.h \
	lib/alloc/procinfo_machine.c \
	lib/alloc/procinfo_machine.h \
	lib/alloc/procinfo_read.c \
	lib/alloc/procinfo_read.h \
	lib/alloc/prof.c \
	lib/alloc/prof.h \
	lib/alloc/prof_bt.c \
	lib/alloc/prof_bt.h \
	lib/alloc/prof_bt_lib.c \
	lib/alloc/prof_bt_lib.h \
	lib/alloc/prof_cfi.c \
	lib/alloc/prof_cfi.h \
	lib/alloc/prof_copy.c \
	lib/alloc/prof_copy.h \
	lib/alloc/prof_dump.c \
	lib/alloc/prof_dump.h \
	lib/alloc/prof_file.c \
	lib/alloc/prof_file.h \
	lib/alloc/prof_exp.h \
	lib/alloc/prof_heap.c \
	lib/alloc/prof_heap.h \
	lib/alloc/prof_heap_write.c \
	lib/alloc/prof_heap_write.h \
	lib/alloc/prof_trace.c \
	lib/alloc/prof_trace.h \
	lib/alloc/prof_hook.c \
	lib/alloc/prof_hook.h \
	lib/alloc/prof_ln.h \
	lib/alloc/prof_log.c \
	lib/alloc/prof_log.h \
	lib/alloc/prof_maps.c \
	lib/alloc/prof_maps.h \
	lib/alloc/prof_name.c \
	lib/alloc/prof_name.h \
	lib/alloc/prof_recent.c \
	lib/alloc/prof_recent.h \
	lib/alloc/prof_signal.c \
	lib/alloc/prof_signal.h \
	lib/alloc/prof_status.c \
	lib/alloc/prof_status.h \
	lib/alloc/prof_table.c \
	lib/alloc/prof_table.h \
	lib/alloc/residency.c \
	lib/alloc/residency.h \
	lib/alloc/special.c \
	lib/alloc/special.h \
	lib/alloc/stats.c \
	lib/alloc/stats.h \
	lib/alloc/stats_interval.c \
	lib/alloc/stats_interval.h \
	lib/alloc/stats_print.c \
	lib/alloc/stats_print.h \
	lib/alloc/stats_print_arena.c \
	lib/alloc/sweep.c \
	lib/alloc/sweep.h \
	lib/alloc/sz.c \
	lib/alloc/sz.h \
	lib/alloc/tcache.c \
	lib/alloc/tcache.h \
	lib/alloc/tcache_limits.c \
	lib/alloc/tcache_count.c \
	lib/alloc/tcache_count.h \
	lib/alloc/tcache_read.c \
	lib/alloc/tcaches.c \
	lib/alloc/tcaches.h \
	lib/alloc/tsd.c \
	lib/alloc/tsd.h \
	lib/alloc/types.h \
	lib/base/assert.c \
	lib/base/assert.h \
	lib/base/atomic.h \
	lib/base/bits.h \
	lib/base/emit.c \
	lib/base/emit.h \
	lib/base/heap.c \
	lib/base/heap.h \
	lib/base/list.h \
	lib/base/macros.h \
	lib/os/brk.c \
	lib/os/brk.h \
	lib/os/clock.c \
	lib/os/clock.h \
	lib/os/cpu.c \
	lib/os/cpu.h \
	lib/os/file.c \
	lib/os/file.h \
	lib/os/mutex.c \
	lib/os/mutex.h \
	lib/os/pages.c \
	lib/os/pages.h \
	lib/os/rseq.c \
	lib/os/rseq.h \
	lib/os/thread.c \
	lib/os/thread.h

# Shared only: libtool's idea of a static library would export every helper.
lib_LTLIBRARIES += lib/libjealloc.la
lib_libjealloc_la_SOURCES =
lib_libjealloc_la_LIBADD = lib/libjealloc-core.la
lib_libjealloc_la_LDFLAGS = $(JE_CORE_LDFLAGS) -shared -no-undefined \
	-version-info 0:0:0 -Wl,-Bsymbolic-functions -Wl,-z,nodelete \
	-Wl,--version-script=$(top_srcdir)/lib/jealloc.map
lib_libjealloc_la_DEPENDENCIES = lib/libjealloc-core.la lib/jealloc.map
EXTRA_DIST += lib/jealloc.map

# The static library is one object in which only the public names are global.
libstaticdir = $(libdir)
libstatic_DATA = lib/libjealloc.a
CLEANFILES += lib/libjealloc.a lib/libjealloc.o
lib/libjealloc.a: lib/libjealloc-core.la
	$(AM_V_GEN)rm -f $@ lib/libjealloc.o && \
	$(JE_JOIN) -o lib/libjealloc.o \
	  -Wl,--whole-archive lib/.libs/libjealloc-core.a && \
	$(OBJCOPY) --wildcard --keep-global-symbol='jea_*' lib/libjealloc.o && \
	$(AR) cr $@ lib/libjealloc.o && $(RANLIB) $@

pkgconfig_DATA = lib/jealloc.pc

# Reading, modelling and analysing dumps.
noinst_LTLIBRARIES += lib/libjeprobe.la
lib_libjeprobe_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBDW_CFLAGS) \
	$(LIBELF_CFLAGS) $(ZLIB_CFLAGS) $(YAJL_CFLAGS) \
	$(EXPAT_CFLAGS)
lib_libjeprobe_la_CFLAGS = $(AM_CFLAGS) $(JE_LTO)
lib_libjeprobe_la_LIBADD = $(JANSSON_LIBS) $(LIBDW_LIBS) $(LIBELF_LIBS) \
	$(ZLIB_LIBS) $(YAJL_LIBS) $(EXPAT_LIBS) -lm
lib_libjeprobe_la_SOURCES = \
	lib/analyse/account.c \
	lib/analyse/bins.c \
	lib/analyse/check.c \
	lib/analyse/diff.c \
	lib/analyse/diff_owners.c \
	lib/analyse/diff_stacks.c \
	lib/analyse/doctor.c \
	lib/analyse/doctor.def \
	lib/analyse/doctor.h \
	lib/analyse/doctor_alloc.c \
	lib/analyse/doctor_conf.c \
	lib/analyse/doctor_group.c \
	lib/analyse/doctor_machine.c \
	lib/analyse/doctor_process.c \
	lib/analyse/explain.c \
	lib/analyse/explain.def \
	lib/analyse/explain_ctl.def \
	lib/analyse/explain_foreign.def \
	lib/analyse/explain_option.def \
	lib/analyse/explain_process.def \
	lib/analyse/explain_stat.def \
	lib/analyse/finding.c \
	lib/analyse/finding.h \
	lib/analyse/fleet.c \
	lib/analyse/follow.c \
	lib/analyse/foreign.c \
	lib/analyse/foreign_tables.c \
	lib/analyse/interval.c \
	lib/analyse/interval.h \
	lib/analyse/kernel.c \
	lib/analyse/ledger.c \
	lib/analyse/metadata.c \
	lib/analyse/missing.c \
	lib/analyse/owners.c \
	lib/analyse/moment.c \
	lib/analyse/notes.c \
	lib/analyse/redis.c \
	lib/analyse/report.c \
	lib/analyse/report.h \
	lib/analyse/rules.c \
	lib/analyse/rules.def \
	lib/analyse/rules.h \
	lib/analyse/rules_active.c \
	lib/analyse/rules_app.c \
	lib/analyse/rules_app.def \
	lib/analyse/rules_arena.c \
	lib/analyse/rules_around.def \
	lib/analyse/rules_ask.c \
	lib/analyse/rules_build.c \
	lib/analyse/rules_churn.c \
	lib/analyse/rules_common.c \
	lib/analyse/rules_common.h \
	lib/analyse/rules_conf.c \
	lib/analyse/rules_decay.c \
	lib/analyse/rules_glibc.c \
	lib/analyse/rules_hpa.c \
	lib/analyse/rules_inside.def \
	lib/analyse/rules_large.c \
	lib/analyse/rules_leak.c \
	lib/analyse/rules_lock.c \
	lib/analyse/rules_metadata.c \
	lib/analyse/rules_mimalloc.c \
	lib/analyse/rules_other.def \
	lib/analyse/rules_other.h \
	lib/analyse/rules_outside.c \
	lib/analyse/rules_outside.def \
	lib/analyse/rules_outside.h \
	lib/analyse/rules_redis.c \
	lib/analyse/rules_rss.c \
	lib/analyse/rules_tcache.c \
	lib/analyse/rules_tcmalloc.c \
	lib/analyse/rules_thp.c \
	lib/analyse/rules_trust.c \
	lib/analyse/rules_vm.c \
	lib/analyse/series.c \
	lib/analyse/several.c \
	lib/analyse/several.h \
	lib/analyse/sites.c \
	lib/analyse/summary.c \
	lib/analyse/trend.c \
	lib/analyse/trend.h \
	lib/analyse/unbias.c \
	lib/analyse/unbias.h \
	lib/analyse/verdict.c \
	lib/analyse/verdict.h \
	lib/analyse/verdict_foreign.c \
	lib/analyse/verdict_foreign.h \
	lib/analyse/wrapper.c \
	lib/base/assert.c \
	lib/base/assert.h \
	lib/base/macros.h \
	lib/dump/ahead.c \
	lib/dump/ahead.h \
	lib/dump/amount.c \
	lib/dump/amount.h \
	lib/dump/detect.c \
	lib/dump/document.c \
	lib/dump/document.h \
	lib/dump/field.c \
	lib/dump/field.h \
	lib/dump/field_foreign.h \
	lib/dump/field_kernel.h \
	lib/dump/field_lock.h \
	lib/dump/glibc.c \
	lib/dump/glibc_tag.c \
	lib/dump/glibc_tag.h \
	lib/dump/glibc_xml.c \
	lib/dump/heapprof.c \
	lib/dump/jejson.c \
	lib/dump/jeprobe.c \
	lib/dump/jetext.c \
	lib/dump/jetext.h \
	lib/dump/jetext_join.c \
	lib/dump/jetext_labels.c \
	lib/dump/jetext_memo.c \
	lib/dump/jetext_row.c \
	lib/dump/jetext_table.c \
	lib/dump/jetext_words.c \
	lib/dump/json.c \
	lib/dump/json.h \
	lib/dump/json_map.c \
	lib/dump/json_fit.c \
	lib/dump/json_fit.h \
	lib/dump/json_wrap.c \
	lib/dump/json_wrap.h \
	lib/dump/jsonline.c \
	lib/dump/kernfile.c \
	lib/dump/kernfile.h \
	lib/dump/mimalloc.c \
	lib/dump/oomlog.c \
	lib/dump/owner.c \
	lib/dump/owner.h \
	lib/dump/perr.c \
	lib/dump/perr.h \
	lib/dump/procfs.c \
	lib/dump/procfs_line.c \
	lib/dump/procfs_line.h \
	lib/dump/procfs_map.c \
	lib/dump/procfs_map.h \
	lib/dump/reader.c \
	lib/dump/reader.h \
	lib/dump/redis.c \
	lib/dump/repair.c \
	lib/dump/repair.h \
	lib/dump/repair_clean.c \
	lib/dump/repair_clean.h \
	lib/dump/repair_early.c \
	lib/dump/repair_early.h \
	lib/dump/repair_log.c \
	lib/dump/repair_log.h \
	lib/dump/repair_prefix.c \
	lib/dump/repair_prefix.h \
	lib/dump/repair_stream.c \
	lib/dump/repair_stream.h \
	lib/dump/rocksdb.c \
	lib/dump/scan.c \
	lib/dump/scan.h \
	lib/dump/sink.h \
	lib/dump/skynet.c \
	lib/dump/tcmalloc.c \
	lib/dump/text.h \
	lib/dump/token.c \
	lib/dump/token.h \
	lib/jeprobe.h \
	lib/jeprobe_compare.h \
	lib/jeprobe_doctor.h \
	lib/jeprobe_several.h \
	lib/model/complete.c \
	lib/model/complete.h \
	lib/model/demangle.c \
	lib/model/demangle.h \
	lib/model/dwarf.c \
	lib/model/dwarf.h \
	lib/model/elfeach.c \
	lib/model/elfeach.h \
	lib/model/elfsym.c \
	lib/model/elfsym.h \
	lib/model/intern.c \
	lib/model/intern.h \
	lib/model/join.c \
	lib/model/join.h \
	lib/model/live.c \
	lib/model/live.def \
	lib/model/live.h \
	lib/model/live_alloc.c \
	lib/model/live_conf.c \
	lib/model/live_facts.c \
	lib/model/live_group.c \
	lib/model/live_huge.c \
	lib/model/liveconf.c \
	lib/model/liveconf.h \
	lib/model/liveelf.c \
	lib/model/liveelf.h \
	lib/model/load.c \
	lib/model/load.h \
	lib/model/locks.c \
	lib/model/locks.h \
	lib/model/owners.c \
	lib/model/owners.h \
	lib/model/profile.c \
	lib/model/profile.h \
	lib/model/region.c \
	lib/model/region.h \
	lib/model/sane.c \
	lib/model/sane.h \
	lib/model/snapshot.c \
	lib/model/snapshot.h \
	lib/model/symbols.c \
	lib/model/symbols.h \
	lib/model/table.c \
	lib/model/table.h

include_HEADERS += lib/jealloc.h
