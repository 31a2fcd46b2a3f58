# The printed confidence intervals against a program of known sites:
#   make calibrate CALIBRATE_FLAGS='30 32768'     runs, sampling interval
# `make check` pools a few runs, which shows a wrong factor, not a wrong digit.
check_PROGRAMS += t/calibrate/sites t/calibrate/pool
t_calibrate_sites_SOURCES = t/calibrate/sites.c
t_calibrate_sites_CFLAGS = $(AM_CFLAGS) -g -fno-builtin-malloc \
	-fno-optimize-sibling-calls
t_calibrate_pool_SOURCES = t/calibrate/pool.c
t_calibrate_pool_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_calibrate_pool_LDADD = $(JANSSON_LIBS) -lm
TESTS += t/calibrate/calibrate.t
EXTRA_DIST += t/calibrate/calibrate.t t/calibrate/run.sh

CALIBRATE_FLAGS =
calibrate: all $(check_PROGRAMS)
	JEPROBE=cli/jeprobe CALIBRATE=t/calibrate \
	  $(SHELL) $(top_srcdir)/t/calibrate/run.sh $(CALIBRATE_FLAGS)
.PHONY: calibrate
