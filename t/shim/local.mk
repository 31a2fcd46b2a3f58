# The preload object under real programs; the sanitizers cannot be preloaded.
JE_SHIM_TESTS = \
	t/shim/010-programs.t \
	t/shim/020-calibration.t \
	t/shim/030-place.t \
	t/shim/040-threads.t \
	t/shim/050-unwind.t \
	t/shim/060-signals.t \
	t/shim/070-errors.t \
	t/shim/080-environment.t \
	t/shim/085-statistics.t \
	t/shim/090-heap.t \
	t/shim/095-operators.t
TESTS += $(JE_SHIM_TESTS)
EXTRA_DIST += $(JE_SHIM_TESTS) t/shim/shim.sh \
	t/shim/operators.cc \
	t/shim/operators_own.cc \
	t/shim/operators_plugin.cc
check_PROGRAMS += t/shim/dumpq
t_shim_dumpq_SOURCES = t/shim/dumpq.c
t_shim_dumpq_LDADD = $(JANSSON_LIBS) -lm

# The same modules by themselves.
JE_PROF_TESTS = \
	t/unit/check_prof \
	t/unit/check_prof_bt \
	t/unit/check_prof_file \
	t/unit/check_prof_log \
	t/unit/check_prof_recent \
	t/unit/check_residency
check_PROGRAMS += $(JE_PROF_TESTS)
TESTS += $(JE_PROF_TESTS)
t_unit_check_prof_LDADD = $(JE_CORE_TEST) -lm
t_unit_check_prof_bt_LDADD = $(JE_CORE_TEST)
t_unit_check_prof_file_LDADD = $(JE_CORE_TEST)
t_unit_check_prof_log_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_check_prof_log_LDADD = $(JE_CORE_TEST) $(JANSSON_LIBS) -lpthread
t_unit_check_prof_recent_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_check_prof_recent_LDADD = $(JE_CORE_TEST) $(JANSSON_LIBS)
EXTRA_DIST += t/unit/check_prof_log.env t/unit/check_prof_recent.env
t_unit_check_residency_LDADD = $(JE_CORE_TEST)
