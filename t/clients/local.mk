# Programs that distributions link with jemalloc: start, load, end, on
# libjemalloc.so.2. Skipped where they are not installed.
JE_CLIENT_TESTS = \
	t/clients/010-redis.t \
	t/clients/020-varnish.t \
	t/clients/030-bind.t \
	t/clients/040-kresd.t \
	t/clients/050-nghttp2.t
TESTS += $(JE_CLIENT_TESTS)
EXTRA_DIST += $(JE_CLIENT_TESTS) t/clients/clients.sh
