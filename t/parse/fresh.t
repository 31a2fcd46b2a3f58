#!/bin/sh
# Dumps that the allocators of this machine write now, of loads that no reader
# was written for: each is read completely, and its figures are those that a few
# lines of Python take from the text.
. "${0%/*}/../lib.sh"

need python3 perl sqlite3 redis-check-rdb redis-cli
python=$(python3 -c 'import sys; print(sys.executable)')

# library NAME: its path, or nothing.
library()
{
    for file in /usr/lib/*/"$1" /usr/lib/"$1" /usr/lib64/"$1"; do
        [ ! -f "$file" ] || { echo "$file" && return; }
    done
}

# The loads: threads, many sizes, holes; `print` is what to print in the end.
cat >load.py <<'EOF'
import ctypes, sys, threading

def work(n):
    keep = [bytearray(40 + i * 37 % 6000) for i in range(n)]
    keep += [bytearray(3000000 + n), {i: str(i) for i in range(n)}]
    del keep[::3]
    return keep

held = []
threads = [threading.Thread(target=lambda n=n: held.append(work(n)))
           for n in (3000, 4000, 5500)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
if "info" in sys.argv:
    libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
if "stats" in sys.argv:
    libc.malloc_stats()
libc.fflush(None)
for name in sys.argv[1:]:
    if name in ("smaps", "smaps_rollup", "status"):
        sys.stdout.write(open("/proc/self/" + name).read())
EOF
cat >load.pl <<'EOF'
my (%h, @a);
for my $i (1 .. 60000) { $h{"key $i"} = "x" x ($i % 700); push @a, [1 .. $i % 9] }
delete $h{"key $_"} for grep { $_ % 4 } 1 .. 60000;
splice @a, 100, 50000;
EOF
sql="create table t (a integer primary key, b text, c blob);
    insert into t with recursive n(i) as (select 1 union all select i + 1 from n
        where i < 60000) select i, 'text ' || i * 7919, zeroblob(i % 400) from n;
    create index b on t (b); delete from t where a % 3 > 0;
    select count(*) from t where b like '%9%';"

# check.py KIND DUMP REPORT: what the report says otherwise than the dump.
cat >check.py <<'EOF'
import json, re, sys
import xml.etree.ElementTree as ElementTree

kind, dump, report = sys.argv[1], open(sys.argv[2], errors="replace").read(), \
    json.load(open(sys.argv[3]))
report = report.get("reports", [report])[-1]
want = {}

def number(pattern, text=dump):
    return int(re.findall(pattern, text, re.M)[-1])

def jemalloc_text():
    for name in "allocated active metadata resident mapped retained".split():
        want["summary." + name] = number(r"(?i)\b%s: (\d+)" % name)
    part = dump[dump.rfind("Begin jemalloc"):]
    part = part[part.find("Merged arenas"):] if "Merged arenas" in part else ""
    rows = re.search(r"^bins:(.*\n)((?:.*\n)*?)large:", part, re.M)
    if rows:
        head = rows[1].split()
        holes = 0
        for row in rows[2].split("\n"):
            cells = row.split()
            if len(cells) == len(head):
                size, regs, slabs, each = (int(cells[head.index(c)]) for c in
                    ("size", "curregs", "curslabs", "regs"))
                holes += (slabs * each - regs) * size
        want["summary.slab_holes"] = holes

def jemalloc_json():
    stats = json.loads(dump[dump.rfind('{"jemalloc":'):])["jemalloc"]["stats"]
    for name in "allocated active metadata resident mapped retained".split():
        want["summary." + name] = stats[name]

def jeprobe():
    root = json.loads(dump)
    for name, value in root["jemalloc"]["stats"].items():
        if name in report["summary"]:
            want["summary." + name] = value
    want["summary.rss"] = root["process"]["smaps_rollup"]["rss"]
    want["process.pid"] = root["process"]["pid"]

def tcmalloc():
    for path, words in (("summary.allocated", "in use by application"),
                        ("attribution.page_heap", "in page heap freelist"),
                        ("attribution.central_cache", "in central cache"),
                        ("attribution.transfer_cache", "in transfer cache"),
                        ("attribution.thread_caches", "in thread cache"),
                        ("attribution.metadata", "in malloc metadata"),
                        ("summary.retained", "released to OS")):
        want[path] = number(r"^MALLOC: \+? +(\d+) .*Bytes " + words)
    want["summary.resident"] = number(r"^MALLOC: = +(\d+) .*Actual memory")
    want["summary.mapped"] = number(r"^MALLOC: = +(\d+) .*Virtual address")
    want["summary.page"] = number(r"^MALLOC: +(\d+) +Tcmalloc page")

def mimalloc():
    units = {"KiB": 2 ** 10, "MiB": 2 ** 20, "GiB": 2 ** 30, "": 1}
    def current(name):
        row = re.findall(r"^ *%s:(.*)$" % name, dump, re.M)[-1]
        cell = re.findall(r"([\d.]+)(?: ([KMG]iB))?", row)[3]
        return int(round(float(cell[0]) * units[cell[1]]))
    want["summary.mapped"] = current("committed")
    want["summary.retained"] = current("reserved") - current("committed")

def glibc_info():
    root = ElementTree.fromstring(dump)
    total = {e.get("type"): int(e.get("size")) for e in root.findall("total")}
    system = {e.get("type"): int(e.get("size")) for e in root.findall("system")}
    want["summary.mapped"] = system["current"] + total["mmap"]
    want["summary.allocated"] = system["current"] + total["mmap"] - \
        total["fast"] - total["rest"]
    if total["fast"] > 0:
        want["attribution.fast_bins"] = total["fast"]
    want["arenas"] = len(root.findall("heap"))

def glibc_stats():
    want["summary.mapped"] = number(r"^system bytes += +(\d+)")
    want["summary.allocated"] = number(r"^in use bytes += +(\d+)")
    want["arenas"] = len(re.findall(r"^Arena \d+:", dump, re.M))

def heap_v2():
    interval, count, size = re.search(
        r"^heap_v2/(\d+)\n +t\*: (\d+): (\d+)", dump).groups()
    want["profile.sample_interval"] = int(interval)
    want["profile.live_samples"] = int(count)

def proc():
    rss = [int(n) for n in re.findall(r"^Rss: +(\d+) kB", dump, re.M)]
    want["process.rss"] = 1024 * sum(rss)
    if "VmHWM" in dump:
        want["process.peak_rss"] = 1024 * number(r"^VmHWM:\s+(\d+) kB")

def redis_info():
    for path, name in (("summary.rss", "used_memory_rss"),
                       ("summary.allocated", "allocator_allocated"),
                       ("summary.active", "allocator_active"),
                       ("summary.resident", "allocator_resident")):
        want[path] = number(r"^%s:(\d+)" % name)

def redis_stats():
    for path, name in (("summary.allocated", "allocator.allocated"),
                       ("summary.active", "allocator.active"),
                       ("summary.resident", "allocator.resident")):
        want[path] = number(r"^%s\n(\d+)" % name)

def get(path):
    if path.startswith("attribution."):
        lines = {l["what"]: l["bytes"] for l in report["attribution"]}
        return lines.get(path[12:])
    if path == "arenas":
        return len([a for a in report["arenas"] if a["index"].isdigit()])
    value = report
    for key in path.split("."):
        value = value[key] if value else None
    return value

globals()[kind]()
assert want
for path, value in want.items():
    near = 1 if kind == "mimalloc" else 0
    if get(path) is None or abs(get(path) - value) > near:
        print("%s is %s, wanted %s" % (path, get(path), value))
if not report["source"]["complete"]:
    print("not complete")
# Of mimalloc they are many: its threads count below zero.
if kind != "mimalloc" and report["source"]["warnings"]:
    print(report["source"]["warnings"])
EOF

# NAME KIND: the file NAME is read, and says the same.
same()
{
    run "$jeprobe" report --format json "$1"
    if [ "$status" != 0 ]; then
        fail "$1 is read" "$(cat "$err")" "$(head -n 20 "$1")"
        return
    fi
    is "$1" "$(python3 check.py "$2" "$1" "$out" 2>&1)" ""
}

# loads NAME VARIABLE=VALUE...: what each load prints, in NAME.LOAD. No shell
# and no script around a load, because each process prints.
loads()
{
    name=$1
    shift
    env "$@" "$python" load.py >/dev/null 2>"$name.python" </dev/null
    env "$@" perl load.pl >/dev/null 2>"$name.perl" </dev/null
    env "$@" sqlite3 :memory: "$sql" >/dev/null 2>"$name.sqlite" </dev/null
    env "$@" "$samples/frag" >/dev/null 2>"$name.frag" </dev/null
}

# Whether library $1 is there; otherwise $2 is skipped.
has()
{
    found=$(library "$1")
    [ -n "$found" ] || skip "$2" "there is no $1"
    [ -n "$found" ]
}

if has libjemalloc.so.2 "jemalloc"; then
    i=0
    # Letters of stats_print_opts leave out: g general, m merged, d destroyed,
    # a arenas, b bins, l large, x mutexes, e extents, h huge pages.
    for conf in opts: opts:a,narenas:1 opts:gblxe,narenas:7 \
        opts:mdablxe,tcache:false \
        opts:ax,muzzy_decay_ms:-1,background_thread:true \
        opts:J,dirty_decay_ms:0 opts:Jmdae,narenas:2,metadata_thp:always; do
        kind=jemalloc_text
        case $conf in opts:J*) kind=jemalloc_json ;; esac
        i=$((i + 1))
        loads jemalloc$i LD_PRELOAD="$found" PYTHONMALLOC=malloc \
            MALLOC_CONF=stats_print:true,stats_print_$conf
        for load in python perl sqlite frag; do
            same jemalloc$i.$load $kind
        done
    done
    env LD_PRELOAD="$found" PYTHONMALLOC=malloc \
        MALLOC_CONF=prof:true,prof_final:true,lg_prof_sample:14,prof_prefix:p \
        "$python" load.py 2>/dev/null
    for file in p.*.heap; do
        if [ -f "$file" ]; then
            mv "$file" heap_v2
            same heap_v2 heap_v2
        else
            skip "heap_v2" "this jemalloc has no profiling"
        fi
    done
fi

if has libtcmalloc_minimal.so.4 "tcmalloc"; then
    loads tcmalloc LD_PRELOAD="$found" PYTHONMALLOC=malloc MALLOCSTATS=1
    for load in python perl sqlite frag; do
        same tcmalloc.$load tcmalloc
    done
fi

if has libmimalloc.so.2 "mimalloc"; then
    loads mimalloc LD_PRELOAD="$found" PYTHONMALLOC=malloc MIMALLOC_SHOW_STATS=1
    for load in python perl sqlite frag; do
        same mimalloc.$load mimalloc
    done
fi

if "$python" -c 'import ctypes; ctypes.CDLL(None).malloc_info' 2>/dev/null; then
    PYTHONMALLOC=malloc "$python" load.py info >glibc_info
    same glibc_info glibc_info
    MALLOC_ARENA_MAX=2 "$python" load.py info >glibc_info.arenas
    same glibc_info.arenas glibc_info
    PYTHONMALLOC=malloc "$python" load.py stats 2>glibc_stats
    same glibc_stats glibc_stats
    MALLOC_MMAP_THRESHOLD_=4096 "$python" load.py stats 2>glibc_stats.mmap
    same glibc_stats.mmap glibc_stats
else
    skip "glibc" "another libc"
fi

for files in smaps "smaps_rollup status"; do
    # shellcheck disable=SC2086
    "$python" load.py $files >"proc.${files%% *}"
    same "proc.${files%% *}" proc
done

# The server is redis-check-rdb by another name.
ln -s "$(command -v redis-check-rdb)" redis-server
./redis-server --port 0 --unixsocket "$tmp/socket" --save '' \
    --appendonly no >server.log 2>&1 &
server=$!
ask() { redis-cli -s "$tmp/socket" "$@"; }
tries=0
until ask ping >/dev/null 2>&1 || [ $((tries += 1)) -gt 600 ]; do
    sleep 0.1
done
ask debug populate 30000 key 100 >/dev/null
ask eval 'for i = 1, 30000 do
    if i % 4 > 0 then redis.call("del", "key:" .. i) end
    redis.call("set", "more" .. i % 3000, string.rep("x", i % 900)) end' 0 \
    >/dev/null
ask --no-raw memory malloc-stats >redis.escaped
ask memory malloc-stats >redis.malloc-stats
ask info memory >redis.info
ask memory stats >redis.stats
kill "$server"
wait "$server" 2>/dev/null
if grep -q '^___ Begin jemalloc' redis.malloc-stats; then
    same redis.malloc-stats jemalloc_text
    same redis.escaped jemalloc_text
else
    skip "redis.malloc-stats" "this Redis is not on jemalloc"
fi
same redis.info redis_info
same redis.stats redis_stats

# Ours last: it needs what sanitizers forbid.
case $JE_SANITIZERS in
    *address* | *thread* | *leak* | *memory*)
        skip "jeprobe" "sanitizer: $JE_SANITIZERS" ;;
    *)
        for load in "$python load.py" "perl load.pl" "$samples/frag"; do
            # shellcheck disable=SC2086
            "$jeprobe" run -o ours.json -- $load >/dev/null 2>&1
            same ours.json jeprobe
        done ;;
esac

done_testing
