# libjemalloc.so.2 and its header: programs that are written for jemalloc.
JE_DROPIN_TESTS = \
	t/dropin/010-library.t \
	t/dropin/020-header.t \
	t/dropin/030-messages.t \
	t/dropin/050-operators.t \
	t/dropin/060-moments.t
TESTS += $(JE_DROPIN_TESTS)
EXTRA_DIST += $(JE_DROPIN_TESTS) \
	t/dropin/dropin.sh \
	t/dropin/header.c \
	t/dropin/messages.c \
	t/dropin/moments.c \
	t/dropin/prefix.c
