# Tests of reading and analysing dumps: unit tests of lib/dump, lib/model and
# lib/analyse, the cases of t/parse, and jeprobe report (t/cli/1xx and 2xx).
JE_REPORT_UNIT_TESTS = \
	t/unit/check_ahead \
	t/unit/check_alike \
	t/unit/check_diff \
	t/unit/check_fit \
	t/unit/check_fleet \
	t/unit/check_foreign \
	t/unit/check_intern \
	t/unit/check_interval \
	t/unit/check_jetext \
	t/unit/check_json \
	t/unit/check_kernfile \
	t/unit/check_owners \
	t/unit/check_ledger \
	t/unit/check_limits \
	t/unit/check_moment \
	t/unit/check_profile \
	t/unit/check_reader \
	t/unit/check_region \
	t/unit/check_repair \
	t/unit/check_scan \
	t/unit/check_series \
	t/unit/check_summary \
	t/unit/check_table \
	t/unit/check_tables \
	t/unit/check_token \
	t/unit/check_torture \
	t/unit/check_trend \
	t/unit/check_unbias \
	t/unit/check_verdict
check_PROGRAMS += $(JE_REPORT_UNIT_TESTS)
t_unit_check_alike_LDADD = $(JE_PROBE_TEST)
t_unit_check_diff_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_fit_LDADD = $(JE_PROBE_TEST)
t_unit_check_fleet_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_foreign_LDADD = $(JE_PROBE_TEST)
t_unit_check_intern_LDADD = $(JE_PROBE_TEST)
t_unit_check_interval_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_jetext_LDADD = $(JE_PROBE_TEST)
t_unit_check_json_LDADD = $(JE_PROBE_TEST)
t_unit_check_kernfile_LDADD = $(JE_PROBE_TEST)
t_unit_check_owners_LDADD = $(JE_PROBE_TEST)
t_unit_check_ledger_LDADD = $(JE_PROBE_TEST)
t_unit_check_limits_LDADD = $(JE_PROBE_TEST)
t_unit_check_moment_LDADD = $(JE_PROBE_TEST)
t_unit_check_profile_LDADD = $(JE_PROBE_TEST)
t_unit_check_ahead_LDADD = $(JE_PROBE_TEST) $(ZLIB_LIBS)
t_unit_check_reader_LDADD = $(JE_PROBE_TEST) $(ZLIB_LIBS)
t_unit_check_region_LDADD = $(JE_PROBE_TEST)
t_unit_check_repair_LDADD = $(JE_PROBE_TEST)
t_unit_check_scan_LDADD = $(JE_PROBE_TEST)
t_unit_check_series_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_summary_LDADD = $(JE_PROBE_TEST)
t_unit_check_table_LDADD = $(JE_PROBE_TEST)
t_unit_check_tables_LDADD = $(JE_PROBE_TEST)
t_unit_check_token_LDADD = $(JE_PROBE_TEST)
t_unit_check_torture_LDADD = $(JE_PROBE_TEST)
t_unit_check_torture_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
t_unit_check_trend_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_unbias_LDADD = $(JE_PROBE_TEST) -lm
t_unit_check_verdict_LDADD = $(JE_PROBE_TEST)

JE_REPORT_TESTS = \
	t/cli/100-report-input.t \
	t/cli/200-report-text.t \
	t/cli/205-report-width.t \
	t/cli/210-report-ledger.t \
	t/cli/220-report-symbols.t \
	t/cli/230-report-escape.t \
	t/cli/240-report-jemalloc.t \
	t/cli/250-report-markdown.t \
	t/cli/260-report-series.t \
	t/cli/265-report-series-real.t \
	t/cli/267-report-series-others.t \
	t/cli/270-report-fleet.t \
	t/cli/275-report-borders.t \
	t/cli/280-report-owners.t \
	t/cli/400-check-limits.t \
	t/cli/410-check-ci.t \
	t/cli/420-check-baseline.t \
	t/cli/430-diff.t \
	t/cli/435-diff-others.t \
	t/parse/between.t \
	t/parse/damage.t \
	t/parse/expected.t \
	t/parse/foreign.t \
	t/parse/fresh.t \
	t/parse/mangle.t \
	t/parse/parse.t
check_PROGRAMS += t/parse/mangle
t_parse_mangle_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
t_parse_mangle_LDADD = t/fuzz/libalways.la $(ZLIB_LIBS)
TESTS += $(JE_REPORT_UNIT_TESTS) $(JE_REPORT_TESTS)
EXTRA_DIST += $(JE_REPORT_TESTS) \
	t/cli/200-report-text \
	t/cli/dump_prog.c \
	t/parse/foreign_prog.c \
	t/parse/invalid \
	t/parse/valid \
	t/unit/by_hand.h \
	t/unit/dumps.h \
	t/unit/figures.h
