# Manual pages.
dist_man_MANS += \
	man/jeprobe-dump.5 \
	man/jeprobe.1
