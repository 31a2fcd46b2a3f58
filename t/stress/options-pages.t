#!/bin/sh
# The core under options that change where pages come from and go to.
. "${0%/*}/options.sh"

under_options unit/check_malloc unit/check_arena unit/check_pac <<'END'
background_thread:true,dirty_decay_ms:50
cache_oblivious:true,retain:false,dirty_decay_ms:0,san_guard_large:3
dirty_decay_ms:-1
dirty_decay_ms:0,muzzy_decay_ms:0
dirty_decay_ms:100,muzzy_decay_ms:100,narenas:2
dss:primary
dss:primary,retain:false,dirty_decay_ms:0,cache_oblivious:true
dss:secondary,dirty_decay_ms:100,muzzy_decay_ms:100
retain:false
san_guard_large:1,san_guard_small:1
san_guard_large:3,san_guard_small:2,dirty_decay_ms:0
thp:always,lg_extent_max_active_fit:0
END
done_testing
