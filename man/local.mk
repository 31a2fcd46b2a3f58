# Manual pages.
dist_man_MANS += \
	man/jealloc.3 \
	man/jeprobe-dump.5 \
	man/jeprobe-report.5 \
	man/jeprobe.1
