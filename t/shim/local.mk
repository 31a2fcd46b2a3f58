# The preload object under real programs; the sanitizers cannot be preloaded.
JE_SHIM_TESTS = \
	t/shim/010-programs.t \
	t/shim/020-calibration.t \
	t/shim/030-place.t \
	t/shim/040-threads.t \
	t/shim/050-unwind.t \
	t/shim/060-signals.t \
	t/shim/070-errors.t \
	t/shim/080-environment.t
TESTS += $(JE_SHIM_TESTS)
EXTRA_DIST += $(JE_SHIM_TESTS) t/shim/shim.sh
check_PROGRAMS += t/shim/dumpq
t_shim_dumpq_SOURCES = t/shim/dumpq.c
t_shim_dumpq_LDADD = $(JANSSON_LIBS) -lm
