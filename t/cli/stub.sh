# shellcheck shell=sh
# For tests of `jeprobe run` that do not need the real preload object.
JEPROBE_PRELOAD=$tmp/stub.so
export JEPROBE_PRELOAD
$CC -shared -D_GNU_SOURCE -fPIC -w -o "$JEPROBE_PRELOAD" "$here/preload_stub.c" ||
    skip_all "the stub cannot be built"
