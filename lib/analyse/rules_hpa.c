/* Section E: huge pages that the allocator makes, and pinned memory. */
#include "analyse/rules_common.h"

#define HPA_BLIND_RELEASE 50300
#define HPA_DIRTY_SHARE   0.10 /* of active pages */
#define HPA_SPARSE_FILL   0.50 /* of a slab's pages */
#define HPA_SPARSE_SHARE  0.25 /* of the slabs */

bool
rule_hpa_stats_blind_spot(const struct rule_input *in, struct finding *finding)
{
    const struct jep_summary *s = &in->view->summary;
    bool is_below =
        s->mapped.known && s->active.known && s->mapped.value < s->active.value;

    if (!rule_option_is(in, "hpa", "true") ||
        !(is_below ||
          rule_release_in(in, HPA_BLIND_RELEASE, HPA_BLIND_RELEASE)))
        return false;
    finding_severity(finding, JEP_INFO);
    finding_title(finding, "%s",
                  rule_release_in(in, 1, HPA_BLIND_RELEASE)
                      ? "The huge page allocator is on: mapped leaves its "
                        "memory out, resident and dirty its dirty pages"
                      : "The huge page allocator is on: mapped leaves its "
                        "memory out");
    finding_text(finding, "opt.hpa", rule_option(in, "hpa"), 0);
    finding_size(finding, "mapped", s->mapped);
    finding_size(finding, "active", s->active);
    finding_size(finding, "resident", s->resident);
    finding_size(finding, "RSS", s->rss);
    return true;
}

/* Slabs of the huge page allocator by how full they are. */
struct hpa_slabs {
    uint64_t all, sparse;
    uint64_t idle_pages; /* of sparse slabs that are huge, dirty ones aside */
};

static uint64_t
cell(const struct table *table, size_t row, size_t field)
{
    uint64_t value = 0;

    return table_get(table, row, field, &value) ? value : 0;
}

/* `pages` is how many a slab has. */
static struct hpa_slabs
hpa_count(const struct table *table, uint64_t pages)
{
    struct hpa_slabs slabs = {0};

    for (size_t row = HPA_ROW_FULL; row < table->rows; row++) {
        uint64_t huge = cell(table, row, HPA_SLAB_NPAGESLABS_HUGE);
        uint64_t count = huge + cell(table, row, HPA_SLAB_NPAGESLABS);
        uint64_t active_huge = cell(table, row, HPA_SLAB_NACTIVE_HUGE);
        uint64_t active = active_huge + cell(table, row, HPA_SLAB_NACTIVE);
        uint64_t used = active_huge + cell(table, row, HPA_SLAB_NDIRTY_HUGE);

        slabs.all += count;
        if (row < HPA_ROW_NONFULL ||
            (double)active >= HPA_SPARSE_FILL * (double)(count * pages))
            continue;
        slabs.sparse += count;
        if (huge * pages > used)
            slabs.idle_pages += huge * pages - used;
    }
    return slabs;
}

bool
rule_hpa_dirty_or_sparse(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    uint64_t page = snapshot_page(in->snapshot), bytes = 0;
    struct jep_figure dirty, active, cache;
    struct hpa_slabs slabs;
    bool fires = false;

    if (subject == NULL || page == 0 || page > UINT32_MAX)
        return false;
    dirty = figure_times(subject->hpa[HPA_NDIRTY], page);
    active = figure_times(subject->hpa[HPA_NACTIVE], page);
    cache = subject->hpa[HPA_SEC_BYTES];
    /* A page table of pages: 2 MiB with pages of 4 KiB. */
    slabs = hpa_count(&subject->hpa_slabs, page / sizeof(uint64_t));
    if (rule_ratio(dirty, active) >= HPA_DIRTY_SHARE) {
        bytes += dirty.value;
        fires = true;
    }
    if (slabs.all > 0 &&
        (double)slabs.sparse >= HPA_SPARSE_SHARE * (double)slabs.all) {
        bytes += slabs.idle_pages * page;
        fires = true;
    }
    /* The floor of all findings is that of this one, too. */
    if (cache.known && cache.value > 0) {
        bytes += cache.value;
        fires = true;
    }
    if (!fires)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, bytes);
    finding_title(finding,
                  "The huge page allocator holds %s that no object uses",
                  SIZE_TEXT(bytes));
    finding_size(finding, "dirty pages of the shards", dirty);
    finding_size(finding, "active pages of the shards", active);
    finding_count(finding, "slabs", figure_derived(slabs.all));
    finding_count(finding, "slabs less than half active",
                  figure_derived(slabs.sparse));
    finding_size(finding, "small extent cache", cache);
    return true;
}

bool
rule_pinned_memory(const struct rule_input *in, struct finding *finding)
{
    const struct snapshot_arena *subject = in->snapshot->subject;
    struct jep_figure pinned = in->snapshot->total[TOTAL_PINNED];

    if (!pinned.known && subject != NULL)
        pinned = subject->figures[ARENA_PINNED];
    if (!pinned.known || pinned.value == 0)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, pinned.value);
    finding_title(finding, "%s is unused and pinned: it cannot be purged",
                  SIZE_TEXT(pinned.value));
    finding_size(finding, "pinned", pinned);
    finding_size(finding, "resident", in->view->summary.resident);
    return true;
}
