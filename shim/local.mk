# The object that is preloaded into other programs. It stays mapped for ever:
# memory outlives whoever opened it.
lib_LTLIBRARIES += shim/libjeprobe-preload.la
shim_libjeprobe_preload_la_CFLAGS = $(AM_CFLAGS) $(JE_CORE_CFLAGS)
shim_libjeprobe_preload_la_SOURCES = shim/shim.c
shim_libjeprobe_preload_la_LIBADD = lib/libjealloc-core.la
shim_libjeprobe_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-shared -no-undefined -Wl,-z,nodelete -Wl,-z,now \
	-Wl,-Bsymbolic-functions \
	-Wl,--version-script=$(top_srcdir)/shim/shim.map
shim_libjeprobe_preload_la_DEPENDENCIES = lib/libjealloc-core.la shim/shim.map
EXTRA_DIST += shim/shim.map
