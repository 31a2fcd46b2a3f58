#!/bin/sh
# The core under options that change slabs, and which of them a thread uses.
. "${0%/*}/options.sh"

under_options unit/check_malloc unit/check_arena <<'END'
bin_shards:1-99999:3
bin_shards:1-512:64|96-256:2,narenas:1,tcache:false
cache_oblivious:true
narenas:1
retain:false,dirty_decay_ms:0,narenas:1,slab_sizes:1-4096:17|100-200:1|128-128:2
slab_sizes:1-14336:1,narenas:1
slab_sizes:1-14336:512
slab_sizes:1-14336:7,sample:4096
END
done_testing
