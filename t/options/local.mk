# Options: their sources, their values, and for each what it does.
JE_OPTIONS_TESTS = \
	t/options/010-sources.t \
	t/options/020-effects.t \
	t/options/030-table.t
TESTS += $(JE_OPTIONS_TESTS)
EXTRA_DIST += $(JE_OPTIONS_TESTS) t/options/options.tsv
JE_OPTIONS_PROGS = \
	t/options/effect \
	t/options/show \
	t/options/show-built \
	t/options/show-harder \
	t/options/show-own
check_PROGRAMS += $(JE_OPTIONS_PROGS)
t_options_effect_LDADD = lib/libjealloc-core.la -lpthread
t_options_show_LDADD = lib/libjealloc-core.la
t_options_show_built_SOURCES = t/options/show.c
t_options_show_built_CPPFLAGS = $(AM_CPPFLAGS) \
	-DBUILT_IN='"dirty_decay_ms:1,narenas:3"'
t_options_show_built_LDADD = lib/libjealloc-core.la
t_options_show_own_SOURCES = t/options/show.c
t_options_show_own_CPPFLAGS = $(AM_CPPFLAGS) -DOWN='"dirty_decay_ms:2"'
t_options_show_own_LDADD = lib/libjealloc-core.la
t_options_show_harder_SOURCES = t/options/show.c
t_options_show_harder_CPPFLAGS = $(AM_CPPFLAGS) \
	-DOWN='"dirty_decay_ms:2"' -DHARDER='"dirty_decay_ms:5"'
t_options_show_harder_LDADD = lib/libjealloc-core.la
