#!/bin/sh
# What malloc_stats_print() prints, held against what libjemalloc 5.3.0 prints
# for the same program: members and their types in JSON, sections and columns in
# text; and that the report says the same of both forms.
. "${0%/*}/../lib.sh"
. "${0%/*}/shim.sh"

for theirs in /usr/lib/*/libjemalloc.so.2; do :; done
need python3

# prints PREFIX: statistics in every form, of one instant as near as can be.
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

int
main(int argc, char **argv)
{
    static const char *const forms[] = {"",  "J",  "g",  "Jg", "m",  "Jm", "a",
                                        "Ja", "b", "Jb", "l",  "Jl", "x",  "Jx",
                                        "e", "Je", "h",  "Jh", "d",  "Jd"};
    void (*print)(void (*)(void *, const char *), void *, const char *);
    FILE *files[20];
    void *found = dlsym(RTLD_DEFAULT, "malloc_stats_print");
    void *volatile kept[2000];

    memcpy(&print, &found, sizeof(print));
    if (argc != 2 || print == NULL)
        return 77;
    for (int i = 0; i < 20; i++) {
        char name[200];
        snprintf(name, sizeof(name), "%s.%s.txt", argv[1], forms[i]);
        files[i] = fopen(name, "w");
        setvbuf(files[i], malloc(1 << 20), _IOFBF, 1 << 20);
    }
    for (int i = 0; i < 2000; i++)
        kept[i] = malloc((size_t)i * 97 % 40000);
    for (int i = 0; i < 2000; i += 2)
        free(kept[i]);
    for (int i = 0; i < 20; i++)
        print(out, files[i], forms[i]);
    for (int i = 0; i < 20; i++)
        fclose(files[i]);
    return 0;
}
END

run env LD_PRELOAD="$preload" ./prints ours
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

forms = ["", "J", "g", "Jg", "m", "Jm", "a", "Ja", "b", "Jb", "l", "Jl", "x",
         "Jx", "e", "Je", "h", "Jh", "d", "Jd"]
bad = 0
for form in forms:
    a, b = (open("%s.%s.txt" % (who, form)).read() for who in ("theirs", "ours"))
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
sys.exit(bad > 0)
END

if [ -f "$theirs" ]; then
    run env LD_PRELOAD="$theirs" ./prints theirs
    is "libjemalloc prints" "$status" 0
    run python3 paths.py
    is "nothing is missing, nothing has another type" "$(cat "$out")" ""
    is "and that was looked at" "$status" 0
    cp ours.J.txt saved
    sed 's/"curregs":/"curreg":/g' saved >ours.J.txt
    run python3 paths.py
    like "a member that is missing would be found" "$out" 'bins/\[\]/curregs'
    sed 's/"nthreads":[0-9]*/"nthreads":"1"/' saved >ours.J.txt
    run python3 paths.py
    like "one of another type, too" "$out" "nthreads', 'number'"
    cp saved ours.J.txt
    cp ours..txt saved
    sed 's/nonfull_slabs/nonfull/' saved >ours..txt
    run python3 paths.py
    like "a heading that is missing would be found" "$out" \
        'lacks bins:.*nonfull_slabs'
    cp saved ours..txt
else
    skip 8 "there is no libjemalloc"
fi

# The same instant, but for what printing itself did: nothing.
"$jeprobe" report --format json ours..txt >text.json
"$jeprobe" report --format json ours.J.txt >json.json
cat >same.py <<'END'
import json
a, b = (json.load(open(f)) for f in ("text.json", "json.json"))
def summary(d):
    return d["summary"]
x, y = summary(a), summary(b)
print(json.dumps(x, sort_keys=True) == json.dumps(y, sort_keys=True) and x != None)
if x != y:
    print(x)
    print(y)
END
run python3 same.py
is "the report of text and JSON has the same totals" "$(head -n1 "$out")" True

done_testing
