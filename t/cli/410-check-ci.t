#!/bin/sh
# check for CI systems: what each reads is well-formed, and no name from a dump
# or a file becomes a command, a tag or a property.
. "${0%/*}/../lib.sh"

cat >dump.json <<'END'
{"jeprobe":{"schema":1,"complete":true},
"process":{"pid":1,"exe":"/bin/x"},
"jemalloc":{"version":"5.3.0-0-g\n::error::boo<b>&\u001b[0Ksection_end:1:x","stats":{"allocated":104857600,"active":209715200,"resident":314572800,"mapped":314572800}}}
END
file=$(printf 'a,title=b::warning::c %%0A<i>"&\033[0K.json')
cp dump.json "$file"
check="$jeprobe check --fail-on never --max-internal 10 --max-metadata 5"

run $check --annotate github "$file"
is "github: status" "$status" 1
is "github: two commands" "$(grep -c '^::' "$out")" 2
is "github: no other line begins with one" \
    "$(grep '^::' "$out" | grep -vcE '^::(error|warning) file=[^:,]*,line=[0-9]+,title=[a-z-]+::[^:]')" 0
is "github: the name is escaped" "$(grep -c '^::.*a%2Ctitle=b%3A%3Awarning' "$out")" 2
is "github: no control character" "$(tr -d '\n' <"$out" | LC_ALL=C tr -d ' -~' | wc -c | tr -d ' ')" 0

# Fifteen alerts: ten are shown, which is all that GitHub would show.
set --
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    cp dump.json "$i.json"
    set -- "$@" "$i.json"
done
run "$jeprobe" check --fail-on never --max-internal 10 --annotate github "$@"
is "github: no more than ten" "$(grep -c '^::error' "$out")" 10
is "all fifteen are in the log" "$(grep -c '^ALERT' "$out")" 15

run $check --annotate gitlab "$file"
is "gitlab: one section is opened and closed" \
    "$(grep -c 'section_start:[0-9]*:jeprobe_check' "$out") $(grep -c 'section_end:[0-9]*:jeprobe_check' "$out")" "1 1"
is "gitlab: no other escape" "$(grep -c "$(printf '\033')" "$out")" 2

run $check --sarif s.json --junit j.xml --code-quality q.json "$file" dump.json
is "files: status" "$status" 1
cat >verify.py <<'END'
import json, sys, os
import xml.etree.ElementTree as xml
sarif = json.load(open("s.json"))
# Findings that are no more than notes come besides.
mine = ("internal-fragmentation", "metadata")
results = [r for r in sarif["runs"][0]["results"] if r["ruleId"] in mine]
rules = sarif["runs"][0]["tool"]["driver"]["rules"]
assert len(results) == 4, len(results)
for r in results:
    assert rules[r["ruleIndex"]]["id"] == r["ruleId"]
    uri = r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert all(c.isalnum() or c in "-._~/%" for c in uri), uri
    assert r["message"]["text"].isprintable()
prints = [r["partialFingerprints"]["jeprobe/v1"] for r in results]
# The same trouble in two files of one program is the same trouble.
assert prints[0] == prints[2] and prints[0] != prints[1], prints
root = xml.parse("j.xml").getroot()
suite = root.find("testsuite")
assert suite.get("failures") == "2" and suite.get("errors") == "2"
cases = suite.findall("testcase")
assert len(cases) == int(suite.get("tests"))
assert len(suite.findall(".//failure")) == 2
quality = json.load(open("q.json"))
assert len(quality) == 4
for q in quality:
    assert q["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert q["location"]["lines"]["begin"] >= 1 and q["fingerprint"]
schema = sys.argv[1]
if os.path.exists(schema):
    import jsonschema
    jsonschema.validate(sarif, json.load(open(schema)))
    print("validated")
END
run python3 verify.py none
is "files: what readers need is there" "$status $(cat "$err")" "0 "
schema=$top_srcdir/../shared/schemas/sarif-schema-2.1.0.json
if [ -f "$schema" ] && python3 -c 'import jsonschema' 2>/dev/null; then
    run python3 verify.py "$schema"
    is "SARIF is valid" "$(cat "$out")" validated
else
    skip "SARIF is valid" "no schema of SARIF, or no jsonschema"
fi

# What GitLab says of a code quality report: one array without a byte order
# mark; which members each violation has; a path from the root of the project
# without "./" before it.  There are names of every kind: paths with quotes, line
# feeds, tags, escapes, commands, bytes that are no UTF-8, and characters beyond
# 16 bits; a version and a program likewise.
mkdir -p "sub"
cat >sub/hostile.json <<'END'
{"jeprobe":{"schema":1,"complete":true},
"process":{"pid":1,"exe":"/bin/\"},{\"severity\":\"blocker\"}\n::error::\u001b[0K\u2028\ud83d\ude00"},
"jemalloc":{"version":"5.3.0-0-g\"]</script>","stats":{"allocated":104857600,"active":209715200,"resident":314572800,"mapped":314572800}}}
END
set -- dump.json "$file" ./dump.json .//sub/hostile.json
for name in 'q"],{}.json' 'back\slash.json' "$(printf 'line\nfeed.json')" \
    "$(printf 'no\377utf8.json')" "$(printf 'smile\360\237\230\200.json')" \
    '$(touch pwned).json' '-dash.json'; do
    cp sub/hostile.json "./$name"
    set -- "$@" "./$name"
done
cat >schema.py <<'END'
import json

text = {"type": str, "least": 1}
schema = {
    "type": list,
    "items": {
        "type": dict,
        "members": {
            "description": text,
            "check_name": text,
            "fingerprint": text,
            "severity": {
                "type": str,
                "enum": ("info", "minor", "major", "critical", "blocker"),
            },
            "location": {
                "type": dict,
                "members": {
                    "path": text,
                    "lines": {
                        "type": dict,
                        "members": {"begin": {"type": int, "least": 1}},
                    },
                },
            },
        },
    },
}


def validate(value, by, at):
    assert type(value) is by["type"], (at, value)
    if "enum" in by:
        assert value in by["enum"], (at, value)
    size = value if type(value) is int else len(value)
    assert size >= by.get("least", 0), (at, value)
    if "members" in by:
        assert set(value) == set(by["members"]), (at, sorted(value))
        for name in value:
            validate(value[name], by["members"][name], at + "." + name)
    for i, item in enumerate(value if "items" in by else ()):
        validate(item, by["items"], "%s[%d]" % (at, i))


whole = open("g.json", "rb").read()
assert not whole.startswith(b"\xef\xbb\xbf")
report = json.loads(whole.decode("utf-8"))
validate(report, schema, "report")
for one in report:
    path = one["location"]["path"]
    assert not path.startswith(("./", "/")), path
    assert one["description"].isprintable(), one
    assert one["check_name"].replace("-", "").isalnum(), one
prints = {(o["fingerprint"], o["check_name"]) for o in report}
assert len(prints) == len({p for p, _ in prints}), prints
paths = [o["location"]["path"] for o in report]
print(len(report), paths.count("dump.json"), paths.count("sub/hostile.json"),
      paths.count("back\\slash.json"), paths.count('q"],{}.json'))
END
run $check --code-quality g.json "$@"
is "GitLab: status" "$status" 1
run python3 schema.py
is "GitLab: the report is as documented" "$status $(cat "$out" "$err")" \
    "0 22 4 2 2 2"
ok "GitLab: no name is a command" test ! -e pwned
printf '{"jemalloc":{"stats":{"allocated":1,"active":1,"resident":1}}}' >fine.json
run "$jeprobe" check --max-internal 99 --code-quality g.json fine.json
is "GitLab: a report without violations" "$status $(tr -d '\n ' <g.json)" "0 []"

run $check --sarif /nonexistent/s.json dump.json
is "a file that cannot be written" "$status" 4

done_testing
