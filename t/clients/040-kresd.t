#!/bin/sh
# Knot Resolver: a Lua program around a cache, answering by itself.
. "${0%/*}/../lib.sh"
. "${0%/*}/clients.sh"
client kresd
need dig

port=$(free_port)
cat >kresd.conf <<END
net.listen('127.0.0.1', $port, { kind = 'dns' })
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
modules = { 'hints > iterate', 'stats' }
cache.open(20 * MB, 'lmdb://$tmp/cache')
hints.use_nodata(true)
for i = 0, 4999 do
    hints.set('h' .. i .. '.acme.corp 10.0.' .. math.floor(i / 256) .. '.' ..
        i % 256)
end
policy.add(policy.suffix(policy.DENY, { todname('nowhere.corp') }))
END

query()
{
    dig "@127.0.0.1" -p "$port" +short +tries=10 +time=5 "$@"
}

for mode in $modes; do
    rm -rf cache
    mkdir cache
    on "$mode" abort_conf:true kresd -n -q -c "$tmp/kresd.conf" "$tmp"
    until_ok sh -c "dig @127.0.0.1 -p $port +short +tries=1 +time=1 h1.acme.corp |
        grep -q ^10" || bail "kresd does not start: $(tail -n 20 "$mode.log")"
    is_ours "$mode" "$pid"
    is "$mode: an answer" "$(query h300.acme.corp)" 10.0.1.44
    awk 'BEGIN { for (i = 0; i < 3000; i++) print "h" i * 7 % 5000 ".acme.corp" }' \
        >names
    query -f names >answers
    is "$mode: 3000 of them" "$(grep -c '^10\.' answers)" 3000
    is "$mode: by TCP" "$(query +tcp h25.acme.corp)" 10.0.0.25
    is "$mode: what is denied" \
        "$(dig "@127.0.0.1" -p "$port" x.nowhere.corp | grep -c NXDOMAIN)" 1
    kill -TERM "$pid"
    ended "$mode" "$pid"
    quiet "$mode" "$mode.log"
done
done_testing
