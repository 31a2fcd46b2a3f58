# Manual pages.
dist_man_MANS += \
	man/jealloc.3 \
	man/jeprobe-dump.5 \
	man/jeprobe-report.5 \
	man/jeprobe.1

# jeprobe-rules(7) comes from the lists that jeprobe explain is made of.
noinst_PROGRAMS += man/mkrules
man_mkrules_SOURCES = man/mkrules.c lib/analyse/explain.c
man_mkrules_CFLAGS = $(AM_CFLAGS)
nodist_man_MANS = man/jeprobe-rules.7
CLEANFILES += man/jeprobe-rules.7
man/jeprobe-rules.7: man/mkrules$(EXEEXT)
	$(AM_V_GEN)man/mkrules$(EXEEXT) >$@.tmp && mv -f $@.tmp $@
