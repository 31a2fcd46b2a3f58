#!/bin/sh
# Hold the printed confidence intervals against a program of known sites:
# RUNS runs of `sites` under `jeprobe run`, pooled by `pool`. 80 (site, run)
# pairs a run. Uses JEPROBE, JEPROBE_PRELOAD and the two programs beside it.
set -eu
runs=${1:-30}
interval=${2:-32768}
jeprobe=${JEPROBE:-cli/jeprobe}
here=${CALIBRATE:-t/calibrate}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
i=0
while [ "$i" -lt "$runs" ]; do
    "$jeprobe" run --sample "$interval" -o "$work/$i.dump" -- \
        "$here/sites" "$interval" >"$work/truth" 2>"$work/log" || {
        cat "$work/log" >&2
        exit 1
    }
    "$jeprobe" report --format json --top 1000 "$work/$i.dump" \
        >"$work/$i.json"
    rm "$work/$i.dump"
    i=$((i + 1))
done
"$here/pool" "$work/truth" "$work"/*.json
