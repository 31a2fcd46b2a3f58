# The ledger against a second opinion from inside the process.
check_PROGRAMS += t/ledger/compare
t_ledger_compare_SOURCES = t/ledger/compare.c
t_ledger_compare_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
t_ledger_compare_LDADD = $(JANSSON_LIBS)
check_PROGRAMS += t/ledger/holder
t_ledger_holder_SOURCES = t/ledger/holder.c
t_ledger_holder_CFLAGS = $(AM_CFLAGS) -fno-builtin-malloc
t_ledger_holder_LDADD = -lpthread
check_LTLIBRARIES += t/ledger/spy.la
t_ledger_spy_la_SOURCES = t/ledger/spy.c
t_ledger_spy_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere
t_ledger_spy_la_LIBADD = -lpthread -ldl
TESTS += t/ledger/ledger.t
EXTRA_DIST += t/ledger/ledger.t
