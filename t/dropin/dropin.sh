# What the tests of the drop-in library share.

need_preload
dropin=$top_builddir/shim/libjemalloc.so.2
[ -f "$dropin" ] || bail "$dropin is not built"

# A directory in which -ljemalloc is ours.
mkdir "$tmp/lib"
ln -s "$dropin" "$tmp/lib/libjemalloc.so"
ln -s "$dropin" "$tmp/lib/libjemalloc.so.2"

# on OUTPUT SOURCE [FLAG...]: build with our header, link with our library.
on()
{
    on_out=$1
    on_source=$2
    shift 2
    $CC -std=gnu11 -g -O1 -w -I"$top_builddir/shim" "$@" -o "$on_out" "$on_source" \
        -L"$tmp/lib" -ljemalloc -Wl,-rpath,"$tmp/lib" 2>"$on_out.log" ||
        bail "$on_source cannot be built: $(cat "$on_out.log")"
}
