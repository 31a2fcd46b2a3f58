# Tests. A .t file is a shell script, anything else a program built with Check;
# both speak TAP.
TEST_EXTENSIONS = .t
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	JE_SANITIZERS='$(JE_SANITIZERS)'; export JE_SANITIZERS; \
	CC='$(CC)'; export CC;
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/t/run
T_LOG_DRIVER = $(LOG_DRIVER)
T_LOG_COMPILER = $(LOG_COMPILER)
EXTRA_DIST += t/lib.sh t/run t/util.h

# The longest come first, so that nothing waits for them at the end.
include $(top_srcdir)/t/stress/local.mk

# Unit tests: a program a module. Beside the line here, one that says which
# half it is linked with:
#   t_unit_check_x_LDADD = $(JE_CORE_TEST)     or $(JE_PROBE_TEST)
# t/unit/check_x.env, if there is one, holds its environment.
JE_CORE_TEST = lib/libjealloc-core.la $(CHECK_LIBS)
JE_PROBE_TEST = lib/libjeprobe.la $(CHECK_LIBS)
JE_UNIT_TESTS = \
	t/unit/check_assert \
	t/unit/check_ctl \
	t/unit/check_emit \
	t/unit/check_mallocx \
	t/unit/check_stats
check_PROGRAMS += $(JE_UNIT_TESTS)
TESTS += $(JE_UNIT_TESTS)
t_unit_check_assert_LDADD = $(JE_CORE_TEST)
t_unit_check_ctl_LDADD = $(JE_CORE_TEST)
t_unit_check_emit_LDADD = $(JE_CORE_TEST)
t_unit_check_mallocx_LDADD = $(JE_CORE_TEST)
t_unit_check_stats_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_unit_check_stats_LDADD = $(JE_CORE_TEST) $(JANSSON_LIBS)

# What depends on the sources and not on the build that is tested: make check
# JE_LINTS= is without.
JE_LINTS = \
	t/dropin/040-prefix.t \
	t/lint/banned.t \
	t/lint/exports.t \
	t/lint/format.t \
	t/lint/layers.t \
	t/lint/manpage.t \
	t/lint/size.t
TESTS += $(JE_LINTS)
EXTRA_DIST += $(JE_LINTS) t/lint/lint.sh t/lint/strip.awk

# Warnings of clang-tidy are errors; the list of checks is in .clang-tidy.
CLANG_TIDY = clang-tidy
tidy: config.h
	cd $(top_srcdir) && $(CLANG_TIDY) --quiet \
	  `find lib cli shim samples -name '*.c' | sort` -- -std=gnu11 \
	  -I'$(abs_top_builddir)' -Ilib -I. -DJE_LIBDIR='"$(libdir)"' \
	  $(JANSSON_CFLAGS) $(LIBDW_CFLAGS) $(LIBUNWIND_CFLAGS) $(YAJL_CFLAGS)

# Compilers, switches and options that make check alone does not cover. Long.
check-matrix:
	$(SHELL) $(top_srcdir)/t/matrix '$(abs_top_srcdir)' matrix
EXTRA_DIST += t/matrix
.PHONY: check-matrix tidy

# The command line: 0 the frame, 3 jeprobe run, 5 explain, 6 doctor, 9 the
# manual pages.
JE_CLI_TESTS = \
	t/cli/001-frame-help.t \
	t/cli/002-frame-output.t \
	t/cli/300-run-status.t \
	t/cli/310-run-refuse.t \
	t/cli/315-run-scripts.t \
	t/cli/320-run-environment.t \
	t/cli/330-run-signals.t \
	t/cli/340-run-tty.t \
	t/cli/360-run-real.t \
	t/cli/500-explain.t \
	t/cli/600-doctor-machine.t \
	t/cli/610-doctor-group.t \
	t/cli/620-doctor-process.t \
	t/cli/630-doctor-alloc.t \
	t/cli/901-man-examples.t \
	t/cli/910-man-tables.t
TESTS += $(JE_CLI_TESTS)
check_PROGRAMS += t/unit/check_cli_text
TESTS += t/unit/check_cli_text
t_unit_check_cli_text_SOURCES = t/unit/check_cli_text.c \
	cli/die.c \
	cli/out.c \
	cli/text.c
t_unit_check_cli_text_LDADD = $(CHECK_LIBS) -lm
EXTRA_DIST += $(JE_CLI_TESTS) \
	t/cli/500-explain \
	t/cli/doctor.sh \
	t/cli/preload_stub.c \
	t/cli/signal_prog.c \
	t/cli/others.sh \
	t/cli/stub.sh \
	t/cli/tty_shell.c

include $(top_srcdir)/t/bench/local.mk
include $(top_srcdir)/t/calibrate/local.mk
include $(top_srcdir)/t/clients/local.mk
include $(top_srcdir)/t/ctl/local.mk
include $(top_srcdir)/t/dropin/local.mk
include $(top_srcdir)/t/fuzz/local.mk
include $(top_srcdir)/t/ledger/local.mk
include $(top_srcdir)/t/options/local.mk
include $(top_srcdir)/t/parse/local.mk
include $(top_srcdir)/t/rules/local.mk
include $(top_srcdir)/t/shim/local.mk
include $(top_srcdir)/t/unit/core.mk
