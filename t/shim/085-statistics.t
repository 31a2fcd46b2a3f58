#!/bin/sh
# What malloc_stats_print() prints, held against what libjemalloc 5.3.0 prints
# for the same program, and against dumps of it where there are some
# ($JEPROBE_DUMPS or ../shared/dumps): members and their types in JSON, sections
# and columns in text; and that the report says the same of both forms.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

for theirs in /usr/lib/*/libjemalloc.so.2; do :; done
need python3

# prints PREFIX FORM...: statistics in each form, - for no letters, of one instant
# as near as can be. ARENAS=more: with more arenas; ARENAS=ended: one has ended.
compiled prints <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
out(void *file, const char *text)
{
    fputs(text, file);
}

static void
more_arenas(void)
{
    int (*ctl)(const char *, void *, size_t *, void *, size_t);
    void *found = dlsym(RTLD_DEFAULT, "mallctl");
    unsigned ind, own = 0;
    size_t size = sizeof(ind);
    char name[64];

    memcpy(&ctl, &found, sizeof(ctl));
    for (int i = 0; i < 2; i++) {
        ctl("arenas.create", &ind, &size, NULL, 0);
        ctl("thread.arena", &own, &size, &ind, sizeof(ind));
        free(malloc(100000));
        ctl("thread.arena", NULL, NULL, &own, sizeof(own));
    }
    snprintf(name, sizeof(name), "arena.%u.destroy", ind);
    if (strcmp(getenv("ARENAS"), "ended") == 0 &&
        ctl(name, NULL, NULL, NULL, 0) != 0)
        abort();
}

int
main(int argc, char **argv)
{
    void (*print)(void (*)(void *, const char *), void *, const char *);
    static FILE *files[100];
    void *found = dlsym(RTLD_DEFAULT, "malloc_stats_print");
    void *volatile kept[2000];

    memcpy(&print, &found, sizeof(print));
    if (argc < 3 || argc > 100 || print == NULL)
        return 77;
    for (int i = 2; i < argc; i++) {
        char name[200];
        snprintf(name, sizeof(name), "%s.%s.txt", argv[1], argv[i]);
        files[i] = fopen(name, "w");
        setvbuf(files[i], malloc(1 << 20), _IOFBF, 1 << 20);
    }
    if (getenv("ARENAS") != NULL)
        more_arenas();
    for (int i = 0; i < 2000; i++)
        kept[i] = malloc((size_t)i * 97 % 40000);
    for (int i = 0; i < 2000; i += 2)
        free(kept[i]);
    for (int i = 2; i < argc; i++)
        print(out, files[i], strcmp(argv[i], "-") == 0 ? "" : argv[i]);
    for (int i = 2; i < argc; i++)
        fclose(files[i]);
    return 0;
}
END

forms='- J g Jg m Jm a Ja b Jb l Jl x Jx e Je h Jh d Jd'
# shellcheck disable=SC2086
run env LD_PRELOAD="$preload" ./prints ours $forms
is "ours prints" "$status" 0

cat >paths.py <<'END'
import json, re, sys

def walk(value, path, out):
    if isinstance(value, dict):
        out.add((path, "object"))
        for key, member in value.items():
            # arenas of any number are alike
            walk(member, path + "/" + ("#" if key.isdigit() else key), out)
    elif isinstance(value, list):
        out.add((path, "array"))
        for member in value:
            walk(member, path + "/[]", out)
    else:
        kind = {bool: "boolean", str: "string"}.get(type(value), "number")
        out.add((path, kind))

def titles(text):
    """Sections, labels and column headings, without figures."""
    out = []
    for line in text.splitlines():
        line = re.sub(r'"[^"]*"', '""', line)
        line = re.sub(r"^arenas\[\d+\]", "arenas[#]", line)
        if re.match(r"^\s*(\d|---$)", line):
            continue
        words = re.sub(r"(?<![\w.])-?\d[\d.]*(?![\w.])", "#", line).split()
        out.append(" ".join(w for w in words if w not in ("#", "N/A")))
    return out

def wanted(line):
    # values of settings are their owner's
    return re.sub(r"^((config|opt|prof)\.[\w.]+:).*", r"\1", line)

# THEIRS OURS FORM: what the second file lacks.
bad = 0
for theirs, ours, form in (line.split() for line in sys.stdin):
    a, b = (open(name).read() for name in (theirs, ours))
    if "J" in form:
        want, have = set(), set()
        walk(json.loads(a), "", want)
        walk(json.loads(b), "", have)
    else:
        want = set(wanted(l) for l in titles(a))
        have = set(wanted(l) for l in titles(b))
    for item in sorted(want - have):
        print("%r lacks %s" % (form, item))
        bad += 1
    # letters leave out: no section of ours where theirs has none
    sections = set(i for i in have if "J" in form and i[1] in ("object", "array")
                   and "/labels" not in i[0])
    for item in sorted(sections - want):
        print("%r has %s" % (form, item))
        bad += 1
sys.exit(bad > 0)
END

# lacks: of all forms that were printed by both.
lacks()
{
    for form in $forms; do
        echo "theirs.$form.txt ours.$form.txt $form"
    done | python3 paths.py
}

if [ -f "$theirs" ]; then
    # shellcheck disable=SC2086
    run env LD_PRELOAD="$theirs" ./prints theirs $forms
    is "libjemalloc prints" "$status" 0
    run lacks
    is "nothing is missing, nothing has another type" "$(cat "$out")" ""
    is "and that was looked at" "$status" 0
    cp ours.J.txt saved
    sed 's/"curregs":/"curreg":/g' saved >ours.J.txt
    run lacks
    like "a member that is missing would be found" "$out" 'bins/\[\]/curregs'
    sed 's/"nthreads":[0-9]*/"nthreads":"1"/' saved >ours.J.txt
    run lacks
    like "one of another type, too" "$out" "nthreads', 'number'"
    cp saved ours.J.txt
    cp ours.-.txt saved
    sed 's/nonfull_slabs/nonfull/' saved >ours.-.txt
    run lacks
    like "a heading that is missing would be found" "$out" \
        'lacks bins:.*nonfull_slabs'
    cp saved ours.-.txt
else
    skip "what theirs prints" "there is no libjemalloc"
fi

# ---- dumps ----------------------------------------------------------------------

dumps=${JEPROBE_DUMPS:-$top_srcdir/../shared/dumps}/gen

# dumped NAME: those of its forms that have letters, and their number.
dumped()
{
    arenas=more
    [ "$1" = je530_destroyed ] && arenas=ended
    forms=
    : >pairs
    for dumped_file in "$dumps/$1".*; do
        form=${dumped_file#"$dumps/$1".}
        form=${form%.*}
        case $form in
            none) form=- ;;
            *[!Jgmdablxeh]*) continue ;;
        esac
        forms="$forms $form"
        echo "$dumped_file ours.$form.txt $form" >>pairs
    done
    # shellcheck disable=SC2086
    run env ARENAS=$arenas LD_PRELOAD="$preload" ./prints ours $forms
    python3 paths.py <pairs >lacking 2>&1
}

if [ -f "$dumps/je530_destroyed.J.json" ]; then
    for name in je530_churn_n4 je530_destroyed je530_hpa je530_notcache; do
        dumped $name
        is "$name: nothing is missing" "$(cat lacking)" ""
        ok "$name: that were $(wc -l <pairs) forms" test -s pairs
    done
    dumped je530_destroyed
    sed 's/"destroyed":/"gone":/' ours.J.txt >other
    mv other ours.J.txt
    python3 paths.py <pairs >lacking
    like "the sum of arenas that ended would be missed" lacking \
        "'J' lacks .*stats.arenas/destroyed'"
    sed 's/^Destroyed arenas stats:/Arenas:/' ours.-.txt >other
    mv other ours.-.txt
    python3 paths.py <pairs >lacking
    like "in text, too" lacking "'-' lacks Destroyed arenas stats:"
else
    skip "dumps of theirs" "there are none"
fi

# The same instant, but for what printing itself did: nothing.
cat >same.py <<'END'
import json
a, b = (json.load(open(f)) for f in ("text.json", "json.json"))
assert a["summary"]["allocated"] > 1000000 and a["bins"]
for part in ("summary", "attribution", "bins"):
    x, y = (json.dumps(d[part], sort_keys=True) for d in (a, b))
    print(part, "same" if x == y else "%s\n%s" % (x, y))
END
for arenas in more ended; do
    run env ARENAS=$arenas LD_PRELOAD="$preload" ./prints ours - J
    "$jeprobe" report --format json ours.-.txt >text.json
    "$jeprobe" report --format json ours.J.txt >json.json
    run python3 same.py
    is "$arenas: the report of text and of JSON says the same" "$(cat "$out")" \
        "summary same
attribution same
bins same"
done

done_testing
