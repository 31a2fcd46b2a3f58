#!/bin/sh
# Stacks: the same by our rules as by libunwind, through signal frames and C++
# exceptions, and libunwind's names do not come before libgcc's.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

# frames UNWINDER PROGRAM: the stack of the site with the most samples, as
# function names.
compiled deep -rdynamic -fno-optimize-sibling-calls <<'END'
#include <signal.h>
#include <stdlib.h>
#include <stdalign.h>

void *keep[20000];

__attribute__((noinline)) int leaf(int n)
{
    for (int i = 0; i < n; i++)
        keep[i] = malloc(1000);
    return n;
}
__attribute__((noinline)) int aligned(int n)
{
    alignas(64) volatile char room[256];
    room[n % 256] = 1;
    return leaf(n) + room[0];
}
__attribute__((noinline)) int sized(int n)
{
    volatile char room[n];
    room[n - 1] = 1;
    return aligned(n) + room[0];
}
static void handler(int sig)
{
    sized(20000);
}
int main(void)
{
    signal(SIGUSR1, handler);
    return raise(SIGUSR1);
}
END

# The shared objects' part of a stack ends in main, whatever libc is.
stack_of()
{
    no_dumps
    through='setarch -R'
    under "sample:4096,unwind:$1" ./deep
    through=
    query deep json profile/stacks | sed 's/\], \[/\n/g' | tr -d '[]" ' |
        sort | uniq | tr ',' '\n' | sed 's/^0x5555/program 0x5555/'
}
if setarch -R true 2>/dev/null; then
    stack_of auto | grep program >rules
    is "rules: complete" "$(query deep get profile/unwinder)" call-frame-info
    depth=$(grep -c . rules)
    ok "rules: the program's frames" [ "$depth" -ge 5 ]
    if stack_of libunwind | grep program >lib &&
        [ "$(query deep get profile/unwinder)" = libunwind ]; then
        sort -u rules >rules.sorted
        sort -u lib >lib.sorted
        same_file "the same as libunwind's" rules.sorted lib.sorted
    else
        skip "the same as libunwind's" "there is no libunwind"
    fi
else
    skip "stacks" "addresses cannot be fixed"
fi
under sample:4096,unwind:none ./deep
is "unwind:none: samples without stacks" \
    "$(query deep json profile/stacks)" '[[]]'
under sample:4096,unwind:fp ./deep
is "unwind:fp: status" "$status" 0
is "unwind:fp: said" "$(query deep get profile/unwinder)" frame-pointer

cxx=${CXX:-c++}
if command -v "$cxx" >/dev/null; then
    cat >throw.cc <<'END'
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
static int compare(const void *a, const void *b)
{
    if (*(const int *)a == 7)
        throw std::runtime_error("through libc");
    return *(const int *)a - *(const int *)b;
}
static int down(int n)
{
    std::string s(200 + n, 'x');
    if (n == 0)
        throw std::runtime_error(s);
    return down(n - 1) + s.size();
}
int main()
{
    int caught = 0;
    for (int i = 0; i < 3000; i++) {
        try {
            down(i % 30);
        } catch (const std::exception &e) {
            caught++;
        }
    }
    printf("%d\n", caught);
}
END
    "$cxx" -w -O1 -o throw throw.cc || bail "throw.cc cannot be built"
    for unwind in auto libunwind; do
        under sample:4096,unwind:$unwind ./throw
        is "unwind:$unwind: exceptions: status" "$status" 0
        like "unwind:$unwind: exceptions: all caught" "$out" '^3000$'
        run env LD_PRELOAD="$preload" JEPROBE_CONF=unwind:$unwind \
            LD_DEBUG=bindings ./throw
        like "unwind:$unwind: exceptions go to libgcc" "$err" \
            'to .*libgcc_s.*_Unwind_RaiseException'
        unlike "unwind:$unwind: and not to libunwind" "$err" \
            'binding file .*/(libstdc|libgcc|throw|libc\.).* to .*libunwind.*_Unwind_'
    done
else
    skip "exceptions" "there is no C++ compiler"
fi

# A static program gets no second C library with libunwind.
if build fixed -static -I "$top_srcdir/lib" "$top_builddir/lib/libjealloc.a" \
    <<'END'
#include "jealloc.h"

int main(void)
{
    for (int i = 0; i < 20000; i++)
        jea_free(jea_malloc(1000));
    return 0;
}
END
then
    run ./fixed
    is "a static program: status" "$status" 0
else
    skip "a static program" "nothing can be linked statically"
fi

ldd "$preload" >libs
unlike "libunwind is not linked" libs libunwind
run readelf -lW "$preload"
tls=$(awk '$1 == "TLS" { print $6 }' "$out")
ok "static TLS stays small" [ "$((tls))" -lt 512 ]
run readelf -dW "$preload"
like "it stays loaded" "$out" NODELETE
done_testing
