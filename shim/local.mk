# libc's names and jemalloc's, and C++'s operators: exceptions pass through.
JE_SHIM_SOURCES = shim/shim.c $(JE_SHIM_CXX)
JE_SHIM_CXX = \
	shim/new.c \
	shim/new.h \
	shim/new_array.c \
	shim/new_forms.c
JE_SHIM_CFLAGS = $(AM_CFLAGS) $(JE_CORE_CFLAGS) -fexceptions

# The object that is preloaded into other programs. It stays mapped for ever:
# memory outlives whoever opened it.
lib_LTLIBRARIES += shim/libjeprobe-preload.la
shim_libjeprobe_preload_la_CFLAGS = $(JE_SHIM_CFLAGS)
shim_libjeprobe_preload_la_SOURCES = $(JE_SHIM_SOURCES)
shim_libjeprobe_preload_la_LIBADD = lib/libjealloc-core.la
# Functions are called here, whoever else defines them; but operators of C++ and
# variables are the program's, if it has them.
JE_SHIM_LDFLAGS = -Wl,-z,nodelete -Wl,-z,now -Wl,-Bsymbolic-functions \
	-Wl,--dynamic-list-cpp-new -Wl,--dynamic-list-data
shim_libjeprobe_preload_la_LDFLAGS = $(JE_CORE_LDFLAGS) -module -avoid-version \
	-shared -no-undefined $(JE_SHIM_LDFLAGS) \
	-Wl,--version-script=$(top_srcdir)/shim/shim.map
shim_libjeprobe_preload_la_DEPENDENCIES = lib/libjealloc-core.la shim/shim.map
EXTRA_DIST += shim/shim.map

# The same for programs that are linked with jemalloc, under its file name.
# With --with-jemalloc-prefix=P every exported name gets it, and libc's malloc
# stays; as the allocator has functions je_free and the like inside, all its
# names are made local before. Always built, so that the tests have it.
noinst_LTLIBRARIES += shim/libjemalloc-parts.la
shim_libjemalloc_parts_la_CFLAGS = $(JE_SHIM_CFLAGS)
shim_libjemalloc_parts_la_SOURCES = shim/shim.c
if JE_JEMALLOC_PREFIX
shim_libjemalloc_parts_la_SOURCES += shim/prefix.c
else
shim_libjemalloc_parts_la_SOURCES += $(JE_SHIM_CXX)
endif
shim_libjemalloc_parts_la_LIBADD = lib/libjealloc-core.la
EXTRA_DIST += shim/prefix.c
JE_JEMALLOC_SO = shim/libjemalloc.so.$(JE_JEMALLOC_MAJOR)
JE_JEMALLOC_MAJOR = 2
noinst_DATA += $(JE_JEMALLOC_SO)
CLEANFILES += shim/libjemalloc.o shim/libjemalloc.map shim/libjemalloc.keep \
	shim/libjemalloc.rename $(JE_JEMALLOC_SO)

# Names of the version script, without the patterns: C++'s, and those of libc
# and jemalloc.
shim/libjemalloc.map: shim/shim.map Makefile
	$(AM_V_GEN)$(MKDIR_P) shim && p='$(JE_PREFIX)' && \
	if test -n "$$p"; then \
	  $(SED) -e '/ _Z/d' -e '/jea_/!s/^ *\([a-z0-9_]*;\)$$/'"$$p"'\1/' \
	    $(top_srcdir)/shim/shim.map; \
	else cat $(top_srcdir)/shim/shim.map; fi >$@
shim/libjemalloc.keep: shim/shim.map Makefile
	$(AM_V_GEN)$(MKDIR_P) shim && \
	$(SED) -n 's/^ *\([A-Za-z0-9_][A-Za-z0-9_]*\*\{0,1\}\);$$/\1/p' \
	  $(top_srcdir)/shim/shim.map >$@
shim/libjemalloc.rename: shim/libjemalloc.keep Makefile
	$(AM_V_GEN)$(SED) -n '/^_Z\|^jea_/!s/.*/& $(JE_PREFIX)&/p' \
	  shim/libjemalloc.keep >$@
shim/libjemalloc.o: shim/libjemalloc-parts.la shim/libjemalloc.keep \
		shim/libjemalloc.rename
	$(AM_V_GEN)$(JE_JOIN) -o $@ \
	  -Wl,--whole-archive shim/.libs/libjemalloc-parts.a && \
	$(OBJCOPY) --wildcard --keep-global-symbols=shim/libjemalloc.keep $@ && \
	$(OBJCOPY) --redefine-syms=shim/libjemalloc.rename $@
$(JE_JEMALLOC_SO): shim/libjemalloc.o shim/libjemalloc.map
	$(AM_V_CCLD)$(CC) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -shared -o $@ \
	  shim/libjemalloc.o -Wl,-soname,$(@F) $(JE_SHIM_LDFLAGS) \
	  -Wl,--version-script=shim/libjemalloc.map $(LIBS)

if JE_JEMALLOC
jemallocdir = $(includedir)/jemalloc
nodist_jemalloc_HEADERS = shim/jemalloc/jemalloc.h
pkgconfig_DATA += shim/jemalloc.pc
install-exec-local: $(JE_JEMALLOC_SO)
	$(MKDIR_P) '$(DESTDIR)$(libdir)'
	$(INSTALL_PROGRAM) $(JE_JEMALLOC_SO) '$(DESTDIR)$(libdir)'
	cd '$(DESTDIR)$(libdir)' && $(LN_S) -f libjemalloc.so.$(JE_JEMALLOC_MAJOR) \
	  libjemalloc.so
uninstall-local:
	cd '$(DESTDIR)$(libdir)' && rm -f libjemalloc.so \
	  libjemalloc.so.$(JE_JEMALLOC_MAJOR)
endif
