/* What the kernel says of a process: its RSS by kind of mapping, alone or above
 * what an allocator said of itself in the same paste.
 *
 * smaps tells all kinds apart; status and our own roll-up know anonymous pages,
 * files and shared memory; smaps_rollup anonymous pages only. */
#include "analyse/report.h"

struct part {
    const char *id, *what, *derived_from;
    enum rollup_field field;
};

static bool
is_known(const struct jep_figure *rollup, const struct part *parts,
         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!rollup[parts[i].field].known)
            return false;
    }
    return true;
}

static void
add_parts(const struct jep_figure *rollup, const struct part *parts,
          size_t count, struct ledger *ledger)
{
    for (size_t i = 0; i < count; i++) {
        if (rollup[parts[i].field].value != 0)
            ledger_add(ledger, parts[i].id, parts[i].what,
                       (int64_t)rollup[parts[i].field].value,
                       parts[i].derived_from, 0);
    }
}

static const struct part kinds[] = {
    {"anonymous_maps", "anonymous mappings", "Rss of maps without a name",
     ROLLUP_ANONYMOUS_MAPS},
    {"brk_heap", "heap (brk)", "Rss of [heap]", ROLLUP_HEAP},
    {"stacks", "stack of the main thread", "Rss of [stack]", ROLLUP_STACK},
    {"file_copies", "written pages of files", "Anonymous of file maps",
     ROLLUP_FILE_COPIES},
    {"file", "files (program, libraries)", "Rss - Anonymous of file maps",
     ROLLUP_FILE},
    {"shmem", "shared memory", "Rss of shared maps", ROLLUP_SHMEM}};

static const struct part sums[] = {
    {"anonymous", "anonymous pages", "RssAnon", ROLLUP_ANONYMOUS},
    {"file", "files (program, libraries)", "RssFile", ROLLUP_FILE},
    {"shmem", "shared memory", "RssShmem", ROLLUP_SHMEM}};

/* The kinds of mappings, as finely as they are told apart; the first of them,
 * the anonymous ones, only on request.  False: they are not told apart. */
static bool
add_kinds(const struct snapshot *snapshot, uint64_t rss, bool with_anonymous,
          struct ledger *ledger)
{
    const struct jep_figure *rollup = snapshot->rollup;
    size_t first = with_anonymous ? 0 : 1;

    if (rollup[ROLLUP_ANONYMOUS_MAPS].known) {
        /* A process may lack the other kinds. */
        add_parts(rollup, kinds + first, JE_ARRAY_LEN(kinds) - first, ledger);
    } else if (is_known(rollup, sums, JE_ARRAY_LEN(sums))) {
        add_parts(rollup, sums + first, JE_ARRAY_LEN(sums) - first, ledger);
    } else if (rollup[ROLLUP_ANONYMOUS].known &&
               rollup[ROLLUP_ANONYMOUS].value <= rss) {
        add_parts(rollup, sums, 1 - first, ledger);
        ledger_add(ledger, "file_and_shmem", "files and shared memory",
                   (int64_t)(rss - rollup[ROLLUP_ANONYMOUS].value),
                   "Rss - Anonymous", 0);
    } else {
        return false;
    }
    return true;
}

void
kernel_ledger(const struct snapshot *snapshot, const struct jep_summary *s,
              struct ledger *ledger, struct jep_ledger *out)
{
    if (!s->rss.known)
        return;
    out->total_name = "RSS";
    out->total = s->rss.value;
    if (!add_kinds(snapshot, s->rss.value, true, ledger))
        ledger_add(ledger, "resident_pages", "resident pages",
                   (int64_t)s->rss.value, "VmRSS", 0);
    ledger_close(ledger, out, false);
}

/* Huge pages hold whole 2 MiB: what they back beyond the allocator's pages
 * filled free ranges.  Those outside the allocator only make it less. */
static void
add_huge_page_fill(const struct snapshot *snapshot, uint64_t counted,
                   struct ledger *ledger)
{
    struct jep_figure huge = snapshot->rollup[ROLLUP_ANON_HUGE_PAGES];

    if (huge.known && huge.value > counted)
        ledger_add(ledger, "huge_page_fill",
                   "free, filled by huge pages, at least",
                   (int64_t)(huge.value - counted),
                   "AnonHugePages - resident - muzzy", 0);
}

void
kernel_beyond(const struct snapshot *snapshot, const struct jep_summary *s,
              struct jep_figure muzzy, struct ledger *ledger)
{
    const struct jep_figure *rollup = snapshot->rollup;
    struct jep_figure lazy = rollup[ROLLUP_LAZY_FREE];
    struct jep_figure glibc = rollup[ROLLUP_GLIBC_HEAP];
    struct jep_figure swap = rollup[ROLLUP_SWAP];
    bool is_taken = muzzy.known && lazy.known && lazy.value < muzzy.value;

    if (is_taken)
        muzzy = lazy;
    if (muzzy.known && muzzy.value > 0)
        ledger_add(ledger, "muzzy", "muzzy pages still resident",
                   (int64_t)muzzy.value,
                   is_taken ? "LazyFree" : "pmuzzy * page", 0);
    add_huge_page_fill(
        snapshot, s->resident.value + (muzzy.known ? muzzy.value : 0), ledger);
    if (glibc.known && glibc.value > 0)
        ledger_add(ledger, "glibc_heaps", "heaps of glibc's malloc",
                   (int64_t)glibc.value, "Rss of maps at multiples of 64 MiB",
                   0);
    (void)add_kinds(snapshot, s->rss.value, false, ledger);
    if (swap.known && swap.value > 0)
        ledger_add(ledger, "swapped_out", "of it swapped out",
                   -(int64_t)swap.value, "Swap", 0);
}
