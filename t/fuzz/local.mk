# Fuzzing: t/fuzz/README.md. The tests replay the corpora; configured with
# --enable-fuzz there is a program for libFuzzer too, which `make fuzz` runs.

# What holds for any input: also for the mangled dumps of t/parse/mangle.t.
check_LTLIBRARIES += t/fuzz/libalways.la
t_fuzz_libalways_la_CPPFLAGS = $(cli_jeprobe_CPPFLAGS)
t_fuzz_libalways_la_LIBADD = lib/libjeprobe.la $(JANSSON_LIBS) -lm
t_fuzz_libalways_la_SOURCES = \
	cli/die.c \
	cli/out.c \
	cli/render/cell.c \
	cli/render/json.c \
	cli/render/markdown.c \
	cli/render/names.c \
	cli/render/text.c \
	cli/render/text_findings.c \
	cli/render/text_foreign.c \
	cli/render/text_ledger.c \
	cli/render/text_nested.c \
	cli/render/text_owners.c \
	cli/render/text_sites.c \
	cli/render/value.c \
	cli/text.c \
	t/fuzz/always.c \
	t/fuzz/always.h \
	t/fuzz/always_print.c

JE_TARGET_SOURCES = \
	cli/check_baseline.c \
	cli/check_config.c \
	cli/render/check_files.c \
	cli/render/check_text.c \
	cli/render/check_words.c \
	t/fuzz/fuzz.h \
	t/fuzz/fuzz_check.c \
	t/fuzz/fuzz_options.c \
	t/fuzz/targets.c
JE_TARGET_LIBS = t/fuzz/libalways.la lib/libjealloc-core.la
JE_TARGET_LINK = $(AM_LDFLAGS) -Wl,--wrap=calloc -Wl,--wrap=exit \
	-Wl,--wrap=free -Wl,--wrap=write

check_PROGRAMS += t/fuzz/replay
TESTS += t/fuzz/replay
t_fuzz_replay_CPPFLAGS = $(cli_jeprobe_CPPFLAGS)
t_fuzz_replay_LDFLAGS = $(JE_TARGET_LINK)
t_fuzz_replay_LDADD = $(JE_TARGET_LIBS)
t_fuzz_replay_SOURCES = t/fuzz/replay.c $(JE_TARGET_SOURCES)

if JE_FUZZ
check_PROGRAMS += t/fuzz/fuzz
t_fuzz_fuzz_CPPFLAGS = $(cli_jeprobe_CPPFLAGS)
t_fuzz_fuzz_LDFLAGS = $(JE_TARGET_LINK) -fsanitize=fuzzer
t_fuzz_fuzz_LDADD = $(JE_TARGET_LIBS)
t_fuzz_fuzz_SOURCES = t/fuzz/fuzz.c $(JE_TARGET_SOURCES)
endif

# make fuzz FUZZ='-s 60 redis': a minute of one of them.
fuzz: all
	$(MAKE) $(AM_MAKEFLAGS) t/fuzz/fuzz
	$(SHELL) $(srcdir)/t/fuzz/run $(FUZZ)
.PHONY: fuzz
EXTRA_DIST += \
	t/fuzz/README.md \
	t/fuzz/corpus \
	t/fuzz/dict \
	t/fuzz/run
