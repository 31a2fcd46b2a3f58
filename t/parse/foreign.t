#!/bin/sh
# Dumps of other allocators and heap profiles from the field, which are not part
# of the project (see expected.t): figures copied from the files or computed from
# them by hand.
. "${0%/*}/../lib.sh"

dumps=${JEPROBE_DUMPS:-$top_srcdir/../shared/dumps}
[ -f "$dumps/EXPECTED.tsv" ] || skip_all "no dumps from the field"
need python3

# DOCUMENT PATH VALUE lines: a path leads through the report, "attribution.ID" is
# the bytes of a line, "warnings" their number.
cat >look.py <<'EOF'
import json, sys

def get(report, path):
    if path.startswith("attribution."):
        lines = report["attribution"]
        lines += [p for line in lines for p in line.get("parts", [])]
        return {l["what"]: l["bytes"] for l in lines}.get(path[12:])
    if path == "warnings":
        return len(report["source"]["warnings"])
    for key in path.split("."):
        report = report[int(key)] if isinstance(report, list) else report[key]
    return report

root = json.load(open(sys.argv[1]))
reports = root.get("reports", [root])
documents = set()
for line in open(sys.argv[2]):
    document, path, want = line.split(None, 2)
    want = json.loads(want)
    documents.add(int(document))
    have = get(reports[int(document) - 1], path)
    if have != want:
        print("%s %s is %s, wanted %s" % (document, path, have, want))
if len(reports) != max(documents):
    print("documents: %d" % len(reports))
EOF

# FILE: what standard input says is in its report.
expect()
{
    cat >want
    if [ ! -f "$dumps/other/$1" ]; then
        fail "$1 is there"
        return
    fi
    run "$jeprobe" report --format json "$dumps/other/$1"
    is "$1 is read" "$status" 0
    is "$1" "$(python3 look.py "$out" want 2>&1)" ""
}

expect gperftools_1268.txt <<'EOF'
1 source.allocator "gperftools"
1 source.complete true
1 summary.allocated 6406282016
1 summary.resident 94415585280
1 summary.mapped 94445256704
1 summary.retained 29671424
1 attribution.page_heap 86959882240
1 attribution.central_cache 398013080
1 attribution.transfer_cache 10408448
1 attribution.thread_caches 510976072
1 attribution.metadata 130023424
1 attribution.unexplained null
EOF

expect gperftools_1366.txt <<'EOF'
1 source.complete true
1 summary.allocated 72021680
1 summary.resident 7617257472
1 summary.retained 334692352
1 attribution.page_heap 7384039424
1 attribution.unexplained null
EOF

# The label of its last line is cut off.
expect gperftools_1135_ceph64k.txt <<'EOF'
1 source.allocator "gperftools"
1 source.complete false
1 summary.allocated 384500815376
1 summary.resident 387814129664
1 summary.page null
1 attribution.metadata 1612447744
1 attribution.unexplained null
EOF

expect gperftools210_mallocstats1.txt <<'EOF'
1 summary.allocated 32523672
1 summary.resident 59375616
2 summary.allocated 32527768
2 summary.resident 59375616
2 summary.page 8192
2 attribution.central_cache 20681752
EOF

# Class 2: 120 pages of 32768 bytes, 39942 free objects of 16.
expect google_tcmalloc_stats_sample.txt <<'EOF'
1 source.allocator "tcmalloc"
1 summary.allocated 10858234672
1 summary.metadata 51563074
1 summary.resident 12238113346
1 summary.mapped 12942756418
1 summary.retained 704643072
1 summary.rss 86880677888
1 attribution.cpu_caches 105330688
1 attribution.metadata_unallocated 629440
1 attribution.metadata_unavailable 1599704
1 attribution.unexplained null
1 classes.0.size 32
1 classes.0.unused 3432672
1 classes.3.size 16
1 classes.3.unused 639072
1 classes.3.in_use 3293088
EOF

expect glibc236_malloc_info.xml <<'EOF'
1 source.complete true
1 summary.mapped 61722624
1 attribution.fast_bins 44880
1 attribution.unexplained null
1 arenas.0.allocated 6496
1 arenas.1.mapped 10264576
1 arenas.1.allocated 5099658
EOF

# Arena 0 contradicts itself: 1350406144 + 2^32 at least.
expect glibc_rustlibc_3596_malloc_stats.txt <<'EOF'
1 source.complete true
1 warnings 2
1 summary.allocated null
1 summary.mapped null
1 arenas.0.mapped 1895907328
1 arenas.0.allocated 1653748608
EOF

expect mimalloc_440.txt <<'EOF'
1 source.complete true
1 warnings 1
1 summary.allocated null
1 summary.mapped 355886694
1 summary.retained 634073908
EOF

# malloc_stats of the idle glibc comes first.
expect mimalloc209_stats.txt <<'EOF'
1 source.allocator "glibc"
1 summary.mapped 0
2 source.allocator "mimalloc"
2 source.complete true
2 warnings 2
2 summary.mapped 109051904
2 summary.retained 125829120
EOF

expect mimalloc_824_rebranded.txt <<'EOF'
1 source.allocator "mimalloc"
1 source.complete false
1 warnings 2
1 summary.mapped 3113851290
1 summary.retained 107374182
EOF

expect mimalloc_565_collapsed.txt <<'EOF'
1 source.complete false
1 summary.mapped null
1 classes.0.size 32
1 classes.0.in_use 100045
1 classes.5.size 8
1 classes.5.in_use 7270
EOF

# 30 objects of 79763360 bytes: 2658778.67 bytes, 1 - e^(-x/524288) = 0.99372.
expect je_heap_v2_issue1461.heap <<'EOF'
1 source.allocator "jemalloc"
1 profile.sample_interval 524288
1 profile.live_samples 30
1 profile.live_bytes 80267017
1 profile.stacks.0.frames []
1 profile.stacks.0.alloc_bytes null
EOF

# Not sampled: exactly the sums of its head.
expect gperftools210_heapprofile.heap <<'EOF'
1 source.complete true
1 profile.sample_interval 1
1 profile.live_samples 15005
1 profile.samples_taken 360008
1 profile.live_bytes 30297976
1 profile.live_bytes_ci [30297976, 30297976]
1 profile.stacks.0.live_objects 15000
1 profile.stacks.0.alloc_bytes 726076415
1 profile.stacks.0.alloc_objects 360000
EOF

expect pprof_testdata_cppbench.heap <<'EOF'
1 profile.sample_interval 524288
1 profile.live_samples 144
EOF

# 9 objects of 528 bytes at 524288: 4752 / (1 - e^(-528/524288)).
expect pprof_testdata_java.heap <<'EOF'
1 source.complete true
1 profile.sample_interval 524288
1 profile.stacks.0.live_bytes 4720968
1 profile.stacks.0.frames.0.function "com.example.function02b"
1 profile.stacks.0.frames.0.file "Source02b.java"
1 profile.stacks.0.frames.0.line 12
EOF

done_testing
