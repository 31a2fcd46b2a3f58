#!/bin/sh
# Real programs as fixed work for t/bench/runner.
#
#   real.sh make NAME FOLDER SCALE    write what it works on into FOLDER
#   real.sh run NAME FOLDER           do the work; what it prints is dropped
#   real.sh origin NAME FOLDER        do it, print the files malloc came from
#
# `make` prints nothing, or which program is missing. Nothing is read but what it
# wrote: the work is the same at every place and time. `run` becomes the program
# (exec) where it is one, so that the shell is not measured. `origin` fails if
# the output is another than that of the first time.
set -u

# What the user has configured changes nothing.
GIT_CONFIG_NOSYSTEM=1
GIT_CONFIG_GLOBAL=/dev/null
export GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL

# need COMMAND...
need() {
    for command; do
        command -v "$command" >/dev/null || {
            echo "no $command"
            exit 0
        }
    done
}

# scaled N: so many of N as the scale says, but one at least.
scaled() {
    awk -v n="$1" -v scale="$scale" \
        'BEGIN { n = int(n * scale); print n < 1 ? 1 : n }'
}

# Random numbers for awk programs, the same everywhere: below(N).
random='
function below(n) {
    seed = (seed * 69069 + 1) % 4294967296
    return int(seed / 4294967296 * n)
}
function word(    i, w) {
    w = ""
    for (i = 3 + below(8); i > 0; i--)
        w = w substr("etaoinshrdlucmfwypvbgk", 1 + below(22), 1)
    return w
}
'

# A database in memory: rows, indices, groups, a join, changes.
make_sqlite() {
    need sqlite3
    awk -v rows="$(scaled 12000)" "$random"'
    BEGIN {
        print "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT,"
        print " town TEXT, born INTEGER);"
        print "CREATE TABLE visit(person INTEGER, day INTEGER, note TEXT);"
        print "BEGIN;"
        for (i = 1; i <= rows; i++) {
            printf "INSERT INTO person VALUES(%d, \"%s %s\", \"%s\", %d);\n",
                i, word(), word(), substr(word(), 1, 3), 1900 + below(120)
            printf "INSERT INTO visit VALUES(%d, %d, \"%s\"),",
                1 + below(rows), below(9999), word()
            printf "(%d, %d, \"%s %s\");\n",
                1 + below(rows), below(9999), word(), word()
        }
        print "COMMIT;"
        print "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        printf " WHERE i < %d) INSERT INTO visit SELECT i %% %d,\n",
            rows * 12, rows
        print " i * 7919 % 9999, printf(\"visit %d of many\", i) FROM n;"
        print "CREATE INDEX by_town ON person(town, born);"
        print "CREATE INDEX by_person ON visit(person, day);"
        print "CREATE INDEX by_note ON visit(note);"
        print "SELECT town, count(*), avg(born), group_concat(name, \"; \")"
        print " FROM person GROUP BY town ORDER BY 2 DESC, 1;"
        print "SELECT name, count(*), max(day), group_concat(DISTINCT note)"
        print " FROM person JOIN visit ON person.id = visit.person"
        print " GROUP BY id ORDER BY count(*) DESC, lower(name) LIMIT 5000;"
        print "UPDATE visit SET note = upper(note) || day WHERE day % 3 = 0;"
        print "DELETE FROM visit WHERE person % 5 = 1;"
        print "SELECT count(DISTINCT note), sum(length(note)) FROM visit;"
    }' | sed "s/\"/'/g" >"$folder/input.sql"
}

run_sqlite() {
    exec sqlite3 -batch -bail -init /dev/null :memory: \
        ".read $folder/input.sql"
}

# An interpreter: dictionaries, lists, strings, objects, JSON.
make_python() {
    need python3
    # What is in the path may be a script that starts another one.
    python3 -c 'import sys; print(sys.executable)' >"$folder/python"
    scaled 8 >"$folder/rounds"
    cat >"$folder/work.py" <<'EOF'
import json
import re
import sys


class Node:
    def __init__(self, key, left, right):
        self.key, self.left, self.right = key, left, right

    def total(self):
        left = self.left.total() if self.left else 0
        return left + len(self.key) + (self.right.total() if self.right else 0)


def tree(words):
    if not words:
        return None
    at = len(words) // 2
    return Node(words[at], tree(words[:at]), tree(words[at + 1:]))


def one(turn):
    seed, words = turn, []
    for i in range(6000):
        seed = (seed * 69069 + 1) % 4294967296
        words.append("w%x" % (seed >> 12))
    counts = {}
    for word in words:
        for length in range(1, 6):
            start = word[:length]
            counts[start] = counts.get(start, 0) + 1
    rows = [{"id": i, "name": word, "tags": [word[:2], word[-2:]],
             "size": {"x": i * 0.5, "y": len(word)}}
            for i, word in enumerate(words)]
    text = json.dumps(rows)
    back = json.loads(text)
    back.sort(key=lambda row: (row["tags"][1], row["name"]))
    parts = re.sub(r"[0-9]+", lambda found: found.group() * 2,
                   " ".join(words)).split()
    unique = {(row["tags"][0], len(row["name"])) for row in back}
    lines = "".join("%s=%d\n" % item for item in sorted(counts.items()))
    return (len(text) + len(lines) + len(unique) + tree(words).total() +
            sum(map(len, parts)))


# Or PYTHONMALLOC would be ignored.
assert not sys.flags.ignore_environment
print(sum(one(turn) for turn in range(int(sys.argv[1]))))
EOF
}

# Python's own allocator for small objects gives way to malloc.
run_python() {
    read -r python <"$folder/python"
    read -r rounds <"$folder/rounds"
    PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=1
    export PYTHONMALLOC PYTHONDONTWRITEBYTECODE PYTHONHASHSEED
    exec "$python" -s -S "$folder/work.py" "$rounds"
}

# A compiler: its driver starts cc1 and as.
make_gcc() {
    need gcc
    awk -v functions="$(scaled 35)" "$random"'
    function expression(depth) {
        if (depth == 0)
            return below(3) ? substr("abcxyz", 1 + below(6), 1) : below(999)
        return "(" expression(depth - 1) " " \
            substr("+-*^&|", 1 + below(6), 1) " " expression(depth - 1) ")"
    }
    BEGIN {
        print "struct item { struct item *next; long key; int count[8]; };"
        print "static long table[256];"
        for (i = 0; i < functions; i++) {
            printf "\nlong\nfunction_%d(struct item *item, long a, long b)\n",
                i
            print "{\n    long c = 1, x = 2, y = 3, z = 4;\n"
            print "    for (; item; item = item->next) {"
            printf "        switch ((item->key + %s) & 15) {\n", expression(1)
            for (j = 0; j < 10; j++) {
                printf "        case %d:\n", j
                printf "            %s = %s;\n",
                    substr("abcxyz", 1 + below(6), 1), expression(3)
                printf "            item->count[%d] += (int)%s;\n",
                    below(8), expression(2)
                print "            break;"
            }
            print "        default:"
            print "            for (int i = 0; i < 8; i++)"
            printf "                table[i * %d] += item->count[i] * x;\n",
                1 + below(30)
            print "        }"
            printf "        if (%s > %s)\n", expression(2), expression(2)
            printf "            z += function_%d(item->next, b, a);\n",
                below(i)
            print "    }"
            print "    return a ^ b ^ c ^ x ^ y ^ z;\n}"
        }
    }' >"$folder/input.c"
}

run_gcc() {
    exec gcc -O2 -w -c -o "$folder/output.o" "$folder/input.c"
}

# A history of changes: shown as patches, then packed anew.
make_git() {
    need git
    git -c init.defaultBranch=main init -q --bare "$folder/repository" ||
        exit
    awk -v commits="$(scaled 550)" "$random"'
    function line() {
        return word() " " word() " = " below(1000) " " word()
    }
    BEGIN {
        for (i = 0; i < 40; i++)
            for (j = 0; j < 300; j++)
                text[i, j] = line()
        for (n = 1; n <= commits; n++) {
            print "commit refs/heads/main"
            printf "committer A U Thor <author@example.org> %d +0000\n",
                1700000000 + n * 60
            message = "change " n ": " word() " " word()
            printf "data %d\n%s\n", length(message), message
            for (k = n == 1 ? 40 : 3; k > 0; k--) {
                file = n == 1 ? k - 1 : below(40)
                for (j = 0; j < 12; j++)
                    text[file, below(300)] = line()
                all = ""
                for (j = 0; j < 300; j++)
                    all = all text[file, j] "\n"
                printf "M 100644 inline folder%d/file%d.txt\n", file % 7, file
                printf "data %d\n%s\n", length(all), all
            }
        }
    }' | git -C "$folder/repository" fast-import --quiet
}

run_git() {
    cd "$folder/repository" || exit
    git --no-pager log -p -M --stat main &&
        git -c pack.threads=1 repack -a -d -f -q
}

# A server of data structures and its own benchmark as the client, which runs on
# the malloc it is linked with. Debian links the server with jemalloc: where no
# allocator is preloaded, the libc is, to have its malloc.
make_redis() {
    need redis-server redis-benchmark
    scaled 40000 >"$folder/requests"
}

run_redis() {
    # The path of a socket must be short.
    cd "$folder" || exit
    read -r count <requests
    rm -f socket
    LD_PRELOAD=${LD_PRELOAD:-libc.so.6} redis-server --port 0 \
        --unixsocket socket --save '' --appendonly no \
        --dir . --loglevel warning >/dev/null &
    server=$!
    trap 'kill $server' EXIT
    trap 'exit 1' HUP INT TERM
    for _ in $(seq 500); do
        [ ! -S socket ] || break
        sleep 0.01
    done
    client="env -u LD_PRELOAD -u LD_DEBUG redis-benchmark -q -P 16 -r 100000"
    $client -s socket -n "$count" \
        -t set,get,incr,lpush,sadd,hset,zadd,mset >/dev/null &&
        $client -s socket -n "$count" \
            lpush a 1 2 3 4 5 lrange a 1 5 >/dev/null || exit
    trap - EXIT
    kill "$server"
    wait "$server"
}

# Text into fields, counts by word, sorting.
make_gawk() {
    need gawk
    awk -v lines="$(scaled 80000)" "$random"'
    BEGIN {
        for (i = 0; i < lines; i++)
            print i, word(), word(), below(1000) / 8, word() ":" word()
    }' >"$folder/input.txt"
    cat >"$folder/work.awk" <<'EOF'
{
    count[$2]++
    sum[substr($3, 1, 3)] += $4
    n = split($5, part, ":")
    for (i = 1; i <= n; i++)
        last[part[i]] = last[part[i]] "," NR
    gsub(/[aeiou]+/, "<&>", $3)
    line[NR] = toupper($3) " " $2
}
END {
    n = asort(line)
    for (i = 1; i <= n; i += 100)
        print line[i]
    PROCINFO["sorted_in"] = "@ind_str_asc"
    for (key in sum)
        print key, sum[key]
    for (key in last)
        bytes += length(last[key])
    print length(count), bytes
}
EOF
}

run_gawk() {
    exec gawk -f "$folder/work.awk" "$folder/input.txt"
}

# A big JSON document: read, grouped, written.
make_jq() {
    need jq
    awk -v rows="$(scaled 28000)" "$random"'
    BEGIN {
        printf "["
        for (i = 0; i < rows; i++) {
            printf "%s\n{\"id\":%d,\"name\":\"%s %s\",\"kind\":\"%s\",",
                (i ? "," : ""), i, word(), word(), substr(word(), 1, 2)
            printf "\"size\":{\"x\":%d,\"y\":%.2f},\"tags\":[\"%s\",\"%s\"]}",
                below(5000), below(100000) / 64, word(), word()
        }
        print "]"
    }' >"$folder/input.json"
}

run_jq() {
    exec jq '[.[] | select(.size.x % 3 != 0)] | group_by(.kind) |
        map({kind: .[0].kind, count: length, x: (map(.size.x) | add),
            names: map(.name | ascii_upcase), tags: (map(.tags) | add)})' \
        "$folder/input.json"
}

# Another interpreter: hashes, strings, closures, patterns.
make_perl() {
    need perl
    scaled 5 >"$folder/rounds"
    cat >"$folder/work.pl" <<'EOF'
use strict;
use warnings;

my $seed = 1;

sub word {
    $seed = ($seed * 69069 + 1) % 4294967296;
    return sprintf("%x", $seed >> 10);
}

my $total = 0;
for my $round (1 .. $ARGV[0]) {
    my (%count, @rows, %groups);
    for my $i (1 .. 8000) {
        my $name = word() . "-" . word();
        push @rows, {id => $i, name => $name, parts => [split /-/, $name]};
        $count{substr($name, 0, $_)}++ for 1 .. 4;
    }
    push @{$groups{substr($_->{name}, 0, 2)}}, $_ for @rows;
    my @sorted = sort { $a->{parts}[1] cmp $b->{parts}[1] } @rows;
    my $text = join("\n", map { "$_->{id}: $_->{name}" } @sorted);
    $text =~ s/([0-9]+)/<$1>/g;
    my @calls = map { my $row = $_; sub { length($row->{name}) } } @sorted;
    $total += $_->() for @calls;
    $total += length($text) + keys(%count) + keys(%groups);
}
print "$total\n";
EOF
}

# Perl's hash function is seeded at random else.
run_perl() {
    read -r rounds <"$folder/rounds"
    PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0
    export PERL_HASH_SEED PERL_PERTURB_KEYS
    exec perl "$folder/work.pl" "$rounds"
}

# A document as a tree of nodes, made and freed 100 times.
make_xmllint() {
    need xmllint
    awk -v rows="$(scaled 1800)" "$random"'
    BEGIN {
        print "<?xml version=\"1.0\"?>\n<list>"
        for (i = 0; i < rows; i++) {
            printf "<item id=\"i%d\" kind=\"%s\"><name>%s %s</name>",
                i, substr(word(), 1, 2), word(), word()
            printf "<size x=\"%d\" y=\"%d\"/><!-- %s --><p>%s <b>%s</b> %s",
                below(999), below(999), word(), word(), word(), word()
            print " &amp; more</p></item>"
        }
        print "</list>"
    }' >"$folder/input.xml"
}

run_xmllint() {
    exec xmllint --noout --repeat "$folder/input.xml"
}

# Pages of text and curves, painted.
make_gs() {
    need gs
    awk -v pages="$(scaled 160)" "$random"'
    BEGIN {
        print "%!PS-Adobe-3.0"
        for (i = 1; i <= pages; i++) {
            printf "%%%%Page: %d %d\n", i, i
            printf "/Times-Roman findfont %d scalefont setfont\n", 8 + i % 9
            for (y = 780; y > 40; y -= 14) {
                printf "30 %d moveto (%s %s %s %s %s %s) show\n", y,
                    word(), word(), word(), word(), word(), word()
                printf "%d %d moveto %d %d %d %d %d %d curveto stroke\n",
                    below(600), y, below(600), below(800), below(600),
                    below(800), below(600), below(800)
            }
            print "0 1 2000 { dup 10 string cvs dup length dict begin"
            print "  /text exch def /number exch def"
            print "  /list [ number text number 1 add ] def end } for"
            print "showpage"
        }
    }' >"$folder/input.ps"
}

run_gs() {
    exec gs -q -dBATCH -dNOPAUSE -dSAFER -sDEVICE=pdfwrite \
        -sOutputFile="$folder/output.pdf" "$folder/input.ps"
}

verb=${1-}
name=${2-}
folder=${3-}
[ -d "$folder" ] || {
    echo "usage: real.sh make|run|origin NAME FOLDER [SCALE]" >&2
    exit 2
}
case $verb in
    make)
        scale=$4
        "make_$name"
        ;;
    run)
        "run_$name" >/dev/null
        ;;
    origin)
        # ld.so tells where it finds each function, one file a process.
        (
            LD_DEBUG=bindings LD_DEBUG_OUTPUT=$folder/bindings
            export LD_DEBUG LD_DEBUG_OUTPUT
            "run_$name"
        ) >"$folder/output" || exit
        # What the preloaded file itself finds does not matter.
        awk -v preloaded="${LD_PRELOAD:-}" '/symbol `malloc\047/ {
            file = $7
            sub(".*/", "", file)
            if ($4 != preloaded && !seen[file]++)
                print file
        }' "$folder"/bindings.*
        rm -f "$folder"/bindings.*
        if [ -f "$folder/expected" ]; then
            cmp "$folder/output" "$folder/expected" >&2
        else
            mv "$folder/output" "$folder/expected"
        fi
        ;;
    *) exit 2 ;;
esac
