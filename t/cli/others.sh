# Statistics of other allocators, written from the figures that count.

# tcmalloc IN-USE PAGE-HEAP CENTRAL THREADS METADATA RELEASED, in MiB
tcmalloc()
{
    awk -v u="$1" -v p="$2" -v c="$3" -v t="$4" -v m="$5" -v r="$6" '
        function row(sign, mib, label) {
            printf "MALLOC: %s %12.0f (%7.1f MiB) %s\n", sign, mib * 1048576,
                mib, label
        }
        BEGIN {
            print "------------------------------------------------"
            row(" ", u, "Bytes in use by application")
            row("+", p, "Bytes in page heap freelist")
            row("+", c, "Bytes in central cache freelist")
            row("+", 1, "Bytes in transfer cache freelist")
            row("+", t, "Bytes in thread cache freelists")
            row("+", m, "Bytes in malloc metadata")
            row("=", u + p + c + t + m + 1, \
                "Actual memory used (physical + swap)")
            row("+", r, "Bytes released to OS (aka unmapped)")
            row("=", u + p + c + t + m + 1 + r, "Virtual address space used")
            print "MALLOC:           8192              Tcmalloc page size"
        }'
}

# glibc SYSTEM IN-USE MAPPED, in MiB, of heaps without what is mapped
glibc()
{
    awk -v s="$1" -v u="$2" -v m="$3" 'BEGIN { M = 1048576
        printf "Arena 0:\nsystem bytes     = %10.0f\n", s * M
        printf "in use bytes     = %10.0f\n", u * M
        printf "Total (incl. mmap):\nsystem bytes     = %10.0f\n", (s + m) * M
        printf "in use bytes     = %10.0f\n", (u + m) * M
        printf "max mmap regions =          9\nmax mmap bytes   = %10.0f\n", 99 * M
    }'
}
