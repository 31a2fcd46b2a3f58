#!/bin/sh
# The core under options that change what becomes of single objects.
. "${0%/*}/options.sh"

under_options unit/check_malloc <<'END'
cache_oblivious:true,sample:4096,narenas:1,zero:true
junk:true
sample:1
sample:4096,narenas:1
tcache:false
tcache_max:0,tcache_thread_max:4096
tcache_max:8388608
tcache_max:8388608,tcache_nslots_large:2048,tcache_thread_max:1073741824
tcache_ncached_max:1-64:1|65-200:0|16384-99999:3,tcache_max:65536
zero:true
END
done_testing
