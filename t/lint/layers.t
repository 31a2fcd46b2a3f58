#!/bin/sh
# Which folder may include which; each header stands alone; own header first.
. "${0%/*}/lint.sh"

lint_layers() (
    files=$(sources "$1" lib cli shim samples)
    [ -n "$files" ] || exit 0
    cd "$1" || exit
    # shellcheck disable=SC2086
    awk '
    BEGIN {
        may["lib/base"] = "base/"
        may["lib/os"] = "base/ os/"
        may["lib/alloc"] = "base/ os/ alloc/ jealloc.h"
        may["lib/dump"] = "base/ dump/ jeprobe.h"
        may["lib/model"] = "base/ dump/ model/ jeprobe.h"
        may["lib/analyse"] = "base/ model/ analyse/ jeprobe.h"
        may["cli"] = "base/macros.h cli/ jeprobe.h"
        may["shim"] = "base/ alloc/conf.h alloc/conf_source.h alloc/malloc_fast.h shim/ jealloc.h"
    }
    FNR == 1 {
        folder = FILENAME
        while (folder != "" && !(folder in may) && folder ~ "/")
            sub("/[^/]*$", "", folder)
        allowed = folder in may ? may[folder] : ""
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, part, "\"")
        n = split(allowed, list, " ")
        for (i = 1; i <= n; i++)
            if (list[i] == part[2] ||
                (list[i] ~ "/$" && index(part[2], list[i]) == 1))
                next
        if (FILENAME == "lib/base/macros.h" && part[2] == "config.h")
            next
        # The public header is in parts.
        if (FILENAME ~ /^lib\/jeprobe(_compare|_doctor|_several)?\.h$/ &&
            part[2] ~ /^(base\/macros|jeprobe(_compare|_doctor|_several)?)\.h$/)
            next
        print FILENAME ":" FNR ": may not include " part[2]
    }' $files
)

lint_own_header() (
    files=$(sources "$1" lib cli shim)
    cd "$1" || exit
    for file in $files; do
        stem=${file%.c}
        [ "$stem" != "$file" ] && [ -f "$stem.h" ] || continue
        first=$(sed -n 's/^#include *["<]\(.*\)[">].*/\1/p' "$file" | head -n 1)
        [ "$first" = "${stem#lib/}.h" ] ||
            echo "$file: includes $first before its own header"
    done
)

# config.h comes from the build tree.
lint_alone() (
    files=$(sources "$1" lib cli shim t | grep '\.h$')
    cd "$1" || exit
    for file in $files; do
        echo "#include \"$file\"" |
            $CC -std=gnu11 -fsyntax-only -x c -I. -Ilib -I"$top_srcdir/lib" \
                -I"$top_builddir" - >"$tmp/cc.log" 2>&1 ||
            echo "$file: does not compile alone:" \
                "$(grep -m 1 error "$tmp/cc.log")"
    done
)

clean lint_layers "includes respect the layers"
planted lint_layers lib/base/bad.c 'lib/base/bad.c:1: may not include os/x.h' \
    "base that includes os" <<'END'
#include "os/x.h"
END
planted lint_layers cli/render/bad.c 'bad.c:2: may not include alloc/arena.h' \
    "a command that includes the allocator" <<'END'
#include "cli/out.h"
# include "alloc/arena.h"
END
planted lint_layers lib/jealloc.h 'may not include base/bits.h' \
    "a public header that includes another" <<'END'
#include "base/bits.h"
END

clean lint_own_header "the own header is the first"
mkdir -p "$tmp/own/lib/os"
echo '#include <stdio.h>' >"$tmp/own/lib/os/x.c"
: >"$tmp/own/lib/os/x.h"
has_line "finds a header in front of the own one" \
    "$(lint_own_header "$tmp/own")" 'lib/os/x.c: includes stdio.h'

clean lint_alone "each header compiles alone"
planted lint_alone lib/os/bad.h 'lib/os/bad.h: does not' \
    "a header that needs another" <<'END'
size_t bad(void);
END
done_testing
