# Two libraries that never link each other: the allocator and the analysis.

# Every object of the allocator, names hidden: for libjealloc, for the preload
# object and for unit tests.
noinst_LTLIBRARIES += lib/libjealloc-core.la
lib_libjealloc_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUNWIND_CFLAGS)
lib_libjealloc_core_la_CFLAGS = $(AM_CFLAGS) $(JE_CORE_CFLAGS)
lib_libjealloc_core_la_SOURCES = \
	lib/base/assert.c \
	lib/base/assert.h \
	lib/base/macros.h

# Shared only: libtool's idea of a static library would export every helper.
lib_LTLIBRARIES += lib/libjealloc.la
lib_libjealloc_la_SOURCES =
lib_libjealloc_la_LIBADD = lib/libjealloc-core.la
lib_libjealloc_la_LDFLAGS = $(AM_LDFLAGS) -shared -no-undefined \
	-version-info 0:0:0 -Wl,-Bsymbolic-functions \
	-Wl,--version-script=$(top_srcdir)/lib/jealloc.map
lib_libjealloc_la_DEPENDENCIES = lib/libjealloc-core.la lib/jealloc.map
EXTRA_DIST += lib/jealloc.map

# The static library is one object in which only the public names are global.
libstaticdir = $(libdir)
libstatic_DATA = lib/libjealloc.a
CLEANFILES += lib/libjealloc.a lib/libjealloc.o
lib/libjealloc.a: lib/libjealloc-core.la
	$(AM_V_GEN)rm -f $@ lib/libjealloc.o && \
	$(LD) -r -o lib/libjealloc.o \
	  --whole-archive lib/.libs/libjealloc-core.a && \
	$(OBJCOPY) --wildcard --keep-global-symbol='jea_*' lib/libjealloc.o && \
	$(AR) cr $@ lib/libjealloc.o && $(RANLIB) $@

pkgconfig_DATA = lib/jealloc.pc

# Reading, modelling and analysing dumps.
noinst_LTLIBRARIES += lib/libjeprobe.la
lib_libjeprobe_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBDW_CFLAGS) \
	$(LIBELF_CFLAGS) $(ZLIB_CFLAGS) $(YAJL_CFLAGS)
lib_libjeprobe_la_LIBADD = $(JANSSON_LIBS) $(LIBDW_LIBS) $(LIBELF_LIBS) \
	$(ZLIB_LIBS) $(YAJL_LIBS) -lm
lib_libjeprobe_la_SOURCES = \
	lib/analyse/bins.c \
	lib/analyse/interval.c \
	lib/analyse/interval.h \
	lib/analyse/ledger.c \
	lib/analyse/report.c \
	lib/analyse/report.h \
	lib/analyse/sites.c \
	lib/analyse/summary.c \
	lib/analyse/unbias.c \
	lib/analyse/unbias.h \
	lib/analyse/wrapper.c \
	lib/base/assert.c \
	lib/base/assert.h \
	lib/base/macros.h \
	lib/dump/detect.c \
	lib/dump/field.c \
	lib/dump/field.h \
	lib/dump/jejson.c \
	lib/dump/jeprobe.c \
	lib/dump/jetext.c \
	lib/dump/json.c \
	lib/dump/json.h \
	lib/dump/perr.c \
	lib/dump/perr.h \
	lib/dump/reader.c \
	lib/dump/reader.h \
	lib/dump/sink.h \
	lib/dump/token.c \
	lib/dump/token.h \
	lib/jeprobe.h \
	lib/model/demangle.c \
	lib/model/demangle.h \
	lib/model/dwarf.c \
	lib/model/dwarf.h \
	lib/model/elfsym.c \
	lib/model/elfsym.h \
	lib/model/intern.c \
	lib/model/intern.h \
	lib/model/load.c \
	lib/model/load.h \
	lib/model/profile.c \
	lib/model/profile.h \
	lib/model/snapshot.c \
	lib/model/snapshot.h \
	lib/model/symbols.c \
	lib/model/symbols.h \
	lib/model/table.c \
	lib/model/table.h
