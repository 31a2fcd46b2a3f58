#!/bin/sh
# A short calibration: enough to see a wrong estimator, too little to see a
# digit; `make calibrate` pools the runs that it takes for that.
. "${0%/*}/../lib.sh"
need_preload

JEPROBE=$jeprobe
CALIBRATE=$top_builddir/t/calibrate
export JEPROBE CALIBRATE
run sh "$top_srcdir/t/calibrate/run.sh" 16 32768
sed 's/^/# /' "$out"
# an object above the interval can stay without a sample, and out of the report
like "all groups are there" "$out" '^huge +alloc_bytes +(29[0-9]|3[0-2][0-9]) pairs'
# 1,280 pairs: a coverage of 95 % is seen within 0.6 %, 91.5 % is 6 deviations off
ok "intervals cover about as often as they say" awk '
    $1 == "all" && $5 == "covered" { n++; bad += $6 < 91.5 || $6 > 100 }
    END { exit bad || n != 4 }' "$out"
# 320 pairs of 5 samples: their mean width strays by 0.012, from 0.92 on
ok "their width is that of theory" awk '
    $(NF - 1) == "width/theory" { n++; bad += $NF < 0.8 || $NF > 1.2 }
    END { exit bad || n != 12 }' "$out"
done_testing
