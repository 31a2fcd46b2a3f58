# Under libc's names, and C++'s operators: exceptions pass through these.
JE_SHIM_SOURCES = \
	shim/new.c \
	shim/new.h \
	shim/new_array.c \
	shim/new_forms.c \
	shim/shim.c
JE_SHIM_CFLAGS = -fexceptions

# The object that is preloaded into other programs. It stays mapped for ever:
# memory outlives whoever opened it.
lib_LTLIBRARIES += shim/libjeprobe-preload.la
shim_libjeprobe_preload_la_CFLAGS = $(AM_CFLAGS) $(JE_CORE_CFLAGS) \
	$(JE_SHIM_CFLAGS)
shim_libjeprobe_preload_la_SOURCES = $(JE_SHIM_SOURCES)
shim_libjeprobe_preload_la_LIBADD = lib/libjealloc-core.la
shim_libjeprobe_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-shared -no-undefined -Wl,-z,nodelete -Wl,-z,now \
	-Wl,-Bsymbolic-functions -Wl,--dynamic-list-cpp-new \
	-Wl,--version-script=$(top_srcdir)/shim/shim.map
shim_libjeprobe_preload_la_DEPENDENCIES = lib/libjealloc-core.la shim/shim.map
EXTRA_DIST += shim/shim.map
