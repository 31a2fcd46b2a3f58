# The table and the pictures of a day, from the lines that day.sh has gathered:
#   allocator,seconds,live,rss,peak_rss,processor_s,threads,late_ms
# Lines that do not have these are passed over (the head, and what it says of
# the machine). All allocators have the same live bytes at the same time.
BEGIN {
    FS = ","
    MIB = 1048576
    WIDTH = 72
    HEIGHT = 8
    LATE_MS = 1000
}

/^#/ || $2 !~ /^[0-9.]+$/ || NF != 8 { next }

!($1 in count) { names[++allocators] = $1 }

{
    i = ++count[$1]
    at[$1, i] = $2
    live[$1, i] = $3
    rss[$1, i] = $4
    # The kernel brings its peak up to date less often than the RSS.
    if ($5 > peak[$1])
        peak[$1] = $5
    if ($4 > peak[$1])
        peak[$1] = $4
    processor[$1] = $6
    if ($8 > late[$1])
        late[$1] = $8
    if ($4 > most_rss)
        most_rss = $4
}

# Means, and what RSS is of the live bytes.
function means(name, i, n) {
    n = count[name]
    for (i = 1; i <= n; i++) {
        mean_live[name] += live[name, i] / n
        mean_rss[name] += rss[name, i] / n
        mean_ratio[name] += rss[name, i] / live[name, i] / n
    }
}

# A trough: live bytes in the lowest tenth of their range, after a crest.
function troughs(name, i, low, high, crest) {
    low = high = live[name, 1]
    for (i = 1; i <= count[name]; i++) {
        if (live[name, i] < low)
            low = live[name, i]
        if (live[name, i] > high)
            high = live[name, i]
    }
    for (i = 1; i <= count[name]; i++) {
        crest = crest || live[name, i] > (low + high) / 2
        if (!crest || live[name, i] > low + (high - low) / 10)
            continue
        trough_count[name]++
        trough_live[name] += live[name, i]
        trough_rss[name] += rss[name, i]
    }
}

# How alike are RSS and what was live `shift` samples before?
function correlation(name, shift, i, n, x, y, sx, sy, sxx, syy, sxy, den) {
    n = count[name] - shift
    for (i = 1; i <= n; i++) {
        x = live[name, i] / MIB
        y = rss[name, i + shift] / MIB
        sx += x
        sy += y
        sxx += x * x
        syy += y * y
        sxy += x * y
    }
    den = (sxx - sx * sx / n) * (syy - sy * sy / n)
    return den > 0 ? (sxy - sx * sy / n) / sqrt(den) : 0
}

# The time by which RSS is behind, or "-" if it does not follow at all. Half
# of a wave later is the opposite.
function lag(name, shift, best, best_shift, r) {
    for (shift = 0; shift <= count[name] / 8; shift++) {
        r = correlation(name, shift)
        if (r > best) {
            best = r
            best_shift = shift
        }
    }
    if (best < 0.5)
        return "-"
    return sprintf("%.1f", at[name, best_shift + 1] - at[name, 1])
}

function row(name, n) {
    n = count[name]
    means(name)
    troughs(name)
    printf "%-10.10s%7.1f%7.1f%7.2f", name, peak[name] / MIB, \
        mean_rss[name] / MIB, mean_ratio[name]
    if (trough_count[name] > 0)
        printf "%9.2f%8.1f", trough_rss[name] / trough_live[name], \
            (trough_rss[name] - trough_live[name]) / trough_count[name] / MIB
    else
        printf "%9s%8s", "-", "-"
    printf "%7s%9.2f%8.1f%7.1f\n", lag(name), rss[name, n] / live[name, n], \
        (rss[name, n] - live[name, n]) / MIB, processor[name]
}

# One picture, of the same height for the same bytes in each.
function picture(name, column, level, i, from, to, n, a, b, line, unit) {
    n = count[name]
    unit = most_rss / HEIGHT
    printf "\n%s: live █, RSS beyond it ░; %.0f MiB high, %.0f s wide\n", \
        name, most_rss / MIB, at[name, n]
    for (column = 0; column < WIDTH; column++) {
        from = int(column * n / WIDTH) + 1
        to = int((column + 1) * n / WIDTH)
        if (to < from)
            to = from
        a = b = 0
        for (i = from; i <= to; i++) {
            a += live[name, i] / (to - from + 1)
            b += rss[name, i] / (to - from + 1)
        }
        held[column] = a / unit
        resident[column] = b / unit
    }
    for (level = HEIGHT - 0.5; level > 0; level--) {
        line = ""
        for (column = 0; column < WIDTH; column++)
            line = line (held[column] > level ? "█" : \
                resident[column] > level ? "░" : " ")
        sub(/ +$/, "", line)
        print "   │" line
    }
    line = ""
    for (column = 0; column < WIDTH; column++)
        line = line "─"
    print "   └" line
}

# Figures of unequal work are not to be compared.
function notes(i, name, first, apart) {
    first = names[1]
    for (i = 1; i <= allocators; i++) {
        name = names[i]
        apart = mean_live[name] / mean_live[first]
        if (late[name] > LATE_MS)
            printf "note: %s was up to %.1f s behind\n", name, \
                late[name] / 1000
        if (apart < 0.99 || apart > 1.01)
            printf "note: live bytes of %s were %.3f times those of %s\n", \
                name, apart, first
    }
}

END {
    if (allocators == 0) {
        print "day.awk: no measurement" | "cat 1>&2"
        exit 1
    }
    print "               RSS, MiB   RSS/   in the troughs behind" \
        "       at the end    CPU"
    print "allocator    peak   mean   live RSS/live  excess      s" \
        " RSS/live  excess      s"
    for (i = 1; i <= allocators; i++)
        row(names[i])
    notes()
    for (i = 1; i <= allocators; i++)
        picture(names[i])
}
