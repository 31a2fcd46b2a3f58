#!/bin/sh
# BIND: a name server with arenas of its own for each memory context.
. "${0%/*}/../lib.sh"
. "${0%/*}/clients.sh"
client named
need dig rndc rndc-confgen

port=$(free_port)
control=$(free_port)
awk 'BEGIN { print "$TTL 60\n@ SOA ns.test. root.test. 1 60 60 60 60\n@ NS ns"
    print "ns A 127.0.0.1"
    for (i = 0; i < 20000; i++)
        printf "h%d A 10.%d.%d.%d\nh%d TXT \"%s\"\n", i, i / 65536,
            i / 256 % 256, i % 256, i, substr("abcdefghijklmnopqrstuvwxyz",
            1, i % 26 + 1) }' >zone
awk 'BEGIN { for (i = 0; i < 3000; i++) print "h" i * 7 % 20000 ".test" }' >names
sed 's/^h//; s/\..*//' names |
    awk '{ printf "10.%d.%d.%d\n", $1 / 65536, $1 / 256 % 256, $1 % 256 }' >wanted
rndc-confgen -k key -p "$control" >rndc.conf.all 2>/dev/null
sed '/^# Use with/,$d' rndc.conf.all >rndc.conf
key=$(sed -n '/^key /,/^};/p' rndc.conf)
cat >named.conf <<END
$key
controls { inet 127.0.0.1 port $control allow { any; } keys { "key"; }; };
options { directory "$tmp"; listen-on port $port { 127.0.0.1; };
    listen-on-v6 { none; }; pid-file none; recursion no;
    dnssec-validation no; notify no; session-keyfile "$tmp/session.key";
    statistics-file "$tmp/stats"; };
zone "test" { type primary; file "$tmp/zone"; allow-update { any; }; };
END

query()
{
    dig "@127.0.0.1" -p "$port" +short +tries=10 +time=5 "$@"
}

control()
{
    rndc -c rndc.conf -s 127.0.0.1 -p "$control" "$@"
}

for mode in $modes; do
    rm -f zone.jnl stats
    on "$mode" abort_conf:true named -g -n 4 -c "$tmp/named.conf"
    until_ok sh -c "dig @127.0.0.1 -p $port +short +tries=1 +time=1 ns.test |
        grep -q ^127" || bail "named does not start: $(tail -n 20 "$mode.log")"
    is_ours "$mode" "$pid"
    is "$mode: an answer" "$(query h300.test)" 10.0.1.44
    query -f names >answers
    same_file "$mode: 3000 of them" answers wanted
    is "$mode: by TCP" "$(query +tcp h25.test TXT)" \
        '"abcdefghijklmnopqrstuvwxyz"'
    is "$mode: the zone as a whole" \
        "$(dig @127.0.0.1 -p "$port" +tcp test AXFR | grep -c 'TXT')" 20000
    ok "$mode: reload" control reload
    ok "$mode: flush" control flush
    is "$mode: still an answer" "$(query h1.test)" 10.0.0.1
    ok "$mode: statistics" control stats
    ok "$mode: stop" control stop
    ended "$mode" "$pid"
    # it checks its own memory contexts when it ends
    quiet "$mode" "$mode.log"
done
done_testing
