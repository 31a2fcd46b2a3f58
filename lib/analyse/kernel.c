/* What the kernel alone says of a process: its RSS by kind of mapping.
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

void
kernel_ledger(const struct snapshot *snapshot, const struct jep_summary *s,
              struct ledger *ledger, struct jep_ledger *out)
{
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
    const struct jep_figure *rollup = snapshot->rollup;

    if (!s->rss.known)
        return;
    out->total_name = "RSS";
    out->total = s->rss.value;
    if (rollup[ROLLUP_ANONYMOUS_MAPS].known) {
        /* A process may lack the other kinds. */
        add_parts(rollup, kinds, JE_ARRAY_LEN(kinds), ledger);
    } else if (is_known(rollup, sums, JE_ARRAY_LEN(sums))) {
        add_parts(rollup, sums, JE_ARRAY_LEN(sums), ledger);
    } else if (rollup[ROLLUP_ANONYMOUS].known &&
               rollup[ROLLUP_ANONYMOUS].value <= s->rss.value) {
        add_parts(rollup, sums, 1, ledger);
        ledger_add(ledger, "file_and_shmem", "files and shared memory",
                   (int64_t)(s->rss.value - rollup[ROLLUP_ANONYMOUS].value),
                   "Rss - Anonymous", 0);
    } else {
        ledger_add(ledger, "resident_pages", "resident pages",
                   (int64_t)s->rss.value, "VmRSS", 0);
    }
    ledger_close(ledger, out, false);
}
