/* Checks of the machine: huge pages, overcommit, memory that is left. */
#include "analyse/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HUGE_SHARE       0.10 /* of the RSS */
#define COMMIT_SHARE     0.90 /* of CommitLimit */
#define MAPS_DEFAULT     65530
#define AVAILABLE_LOW    0.10 /* of MemTotal */
#define AVAILABLE_LEAST  0.05
#define FULL_LOW         100 /* hundredths of a per cent */
#define FULL_HIGH        1000
#define SOME_LOW         1000
#define SWAP_SHARE       0.80
#define HUGETLB_SHARE    0.10 /* of MemTotal */
#define OVERCOMMIT_NEVER 2

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* What decides about huge pages: kernels from 6.8 on have a setting for each
 * size, which may leave it to that of all. */
static const struct jep_fact *
thp_setting(const struct doctor_input *in)
{
    const struct jep_fact *own = doctor_fact(in, LIVE_MACHINE_THP_HUGE_ENABLED);

    return own->text != NULL && !doctor_text_is(own, "inherit")
               ? own
               : doctor_fact(in, LIVE_MACHINE_THP_ENABLED);
}

/* Whether the process has turned them off for itself. */
static bool
is_refused(const struct doctor_input *in)
{
    return doctor_text_is(doctor_fact(in, LIVE_PROCESS_THP_ALLOWED), "0");
}

/* Whether the kernel makes huge pages of everything here. */
static bool
is_always(const struct doctor_input *in)
{
    return doctor_text_is(thp_setting(in), "always") && !is_refused(in);
}

/* The setting as evidence; both where a size has its own. */
static void
show_thp_setting(const struct doctor_input *in, struct finding *finding)
{
    finding_fact(finding, "transparent_hugepage/enabled",
                 doctor_fact(in, LIVE_MACHINE_THP_ENABLED));
    finding_fact(finding, "of huge pages alone",
                 doctor_fact(in, LIVE_MACHINE_THP_HUGE_ENABLED));
}

bool
check_thp_always(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *huge = doctor_fact(in, LIVE_PROCESS_ANON_HUGE_PAGES);
    double share = doctor_share(huge, doctor_fact(in, LIVE_PROCESS_RSS));

    if (!is_always(in))
        return false;
    finding_severity(finding,
                     share >= 0.0 && share < HUGE_SHARE ? JEP_LOW : JEP_MEDIUM);
    if (share >= 0.0)
        finding_title(finding,
                      "Every process gets huge pages unasked; they are %.1f %% "
                      "of the RSS of this one",
                      share * 100.0);
    else
        finding_title(finding, "Every process gets huge pages unasked");
    doctor_write(finding, "madvise", thp_setting(in)->file);
    show_thp_setting(in, finding);
    finding_fact(finding, "AnonHugePages", huge);
    finding_fact(finding, "Rss", doctor_fact(in, LIVE_PROCESS_RSS));
    finding_fact(finding, "AnonHugePages of the machine",
                 doctor_fact(in, LIVE_MACHINE_ANON_HUGE_PAGES));
    return true;
}

#define THP_SIZE THP "hugepages-%skB/enabled"

/* The commands for each of the sizes in "16 kB, 64 kB". */
static void
write_sizes(struct finding *finding, const char *sizes)
{
    char list[512] = "";
    size_t used = 0;

    while (*sizes != '\0' && used < sizeof(list)) {
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%s%llu",
                             used > 0 ? " " : "", strtoull(sizes, NULL, 10));
        sizes += strcspn(sizes, ",");
        sizes += strspn(sizes, ", ");
    }
    finding_now(finding, "for k in %s; do echo madvise > " THP_SIZE "; done",
                list, "${k}");
    finding_keep(finding,
                 "for k in %s; do echo \"w " THP_SIZE
                 " - - - - madvise\"; done > "
                 "/etc/tmpfiles.d/jeprobe-hugepages.conf",
                 list, "${k}");
}

bool
check_thp_sizes_always(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *sizes =
        doctor_fact(in, LIVE_MACHINE_THP_SIZES_UNASKED);

    if (sizes->text == NULL || is_refused(in))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding, "Every process gets larger pages unasked, of %s",
                  sizes->text);
    write_sizes(finding, sizes->text);
    finding_fact(finding, "hugepages-*/enabled",
                 doctor_fact(in, LIVE_MACHINE_THP_SIZES));
    finding_fact(finding, "transparent_hugepage/enabled",
                 doctor_fact(in, LIVE_MACHINE_THP_ENABLED));
    finding_fact(finding, "Rss", doctor_fact(in, LIVE_PROCESS_RSS));
    return true;
}

bool
check_thp_defrag_stalls(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *defrag = doctor_fact(in, LIVE_MACHINE_THP_DEFRAG);
    const struct jep_fact *sizes = doctor_fact(in, LIVE_MACHINE_THP_SIZES);
    bool has_sizes = sizes->text != NULL && !doctor_text_is(sizes, "never");

    if (!doctor_text_is(defrag, "always") ||
        (doctor_text_is(thp_setting(in), "never") && !has_sizes))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding, "A page fault may wait until memory is compacted");
    doctor_write(finding, "defer+madvise", THP "defrag");
    finding_fact(finding, "transparent_hugepage/defrag", defrag);
    show_thp_setting(in, finding);
    return true;
}

bool
check_khugepaged_fills_holes(const struct doctor_input *in,
                             struct finding *finding)
{
    const struct jep_fact *none = doctor_fact(in, LIVE_MACHINE_MAX_PTES_NONE);
    const struct jep_fact *defrag =
        doctor_fact(in, LIVE_MACHINE_KHUGEPAGED_DEFRAG);
    uint64_t holes;

    if (!is_always(in) || !doctor_number(none, &holes) || holes == 0 ||
        (defrag->figure.known && defrag->figure.value == 0))
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "khugepaged may fill in up to %llu missing pages to make a "
                  "huge one",
                  (unsigned long long)holes);
    doctor_write(finding, "0", THP "khugepaged/max_ptes_none");
    finding_fact(finding, "khugepaged/max_ptes_none", none);
    finding_fact(finding, "khugepaged/pages_to_scan",
                 doctor_fact(in, LIVE_MACHINE_PAGES_TO_SCAN));
    finding_fact(finding, "khugepaged/scan_sleep_millisecs",
                 doctor_fact(in, LIVE_MACHINE_SCAN_SLEEP));
    show_thp_setting(in, finding);
    return true;
}

bool
check_overcommit_strict(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *mode =
        doctor_fact(in, LIVE_MACHINE_OVERCOMMIT_MEMORY);
    const struct jep_fact *used = doctor_fact(in, LIVE_MACHINE_COMMITTED_AS);
    const struct jep_fact *limit = doctor_fact(in, LIVE_MACHINE_COMMIT_LIMIT);
    double share = doctor_share(used, limit);

    if (!mode->figure.known || mode->figure.value != OVERCOMMIT_NEVER)
        return false;
    finding_severity(finding, share >= COMMIT_SHARE ? JEP_HIGH : JEP_MEDIUM);
    if (share >= 0.0)
        finding_title(finding,
                      "Address space is limited: %.1f %% of what may be "
                      "promised is",
                      share * 100.0);
    else
        finding_title(finding, "Address space is limited for all processes");
    doctor_sysctl(finding, "vm.overcommit_memory", 0);
    finding_fact(finding, "vm.overcommit_memory", mode);
    finding_fact(finding, "vm.overcommit_ratio",
                 doctor_fact(in, LIVE_MACHINE_OVERCOMMIT_RATIO));
    finding_fact(finding, "Committed_AS", used);
    finding_fact(finding, "CommitLimit", limit);
    finding_fact(finding, "VmSize", doctor_fact(in, LIVE_PROCESS_VM_SIZE));
    return true;
}

bool
check_map_limit_low(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *limit = doctor_fact(in, LIVE_MACHINE_MAX_MAP_COUNT);
    uint64_t most;

    if (!doctor_number(limit, &most) || most >= MAPS_DEFAULT)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "A process may have %llu mappings, fewer than the kernel "
                  "allows by default",
                  (unsigned long long)most);
    doctor_sysctl(finding, "vm.max_map_count", MAPS_DEFAULT);
    finding_fact(finding, "vm.max_map_count", limit);
    finding_fact(finding, "mappings", doctor_fact(in, LIVE_PROCESS_MAPS));
    return true;
}

bool
check_memory_low(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *left = doctor_fact(in, LIVE_MACHINE_MEM_AVAILABLE);
    const struct jep_fact *all = doctor_fact(in, LIVE_MACHINE_MEM_TOTAL);
    double share = doctor_share(left, all);

    if (share < 0.0 || share >= AVAILABLE_LOW)
        return false;
    finding_severity(finding, share < AVAILABLE_LEAST ? JEP_HIGH : JEP_MEDIUM);
    finding_title(finding, "%s of the machine's %s of memory can still be had",
                  DOCTOR_SIZE(left->figure.value),
                  DOCTOR_SIZE(all->figure.value));
    finding_now(finding, "ps -eo pid,rss,comm --sort=-rss | head");
    finding_fact(finding, "MemAvailable", left);
    finding_fact(finding, "MemTotal", all);
    finding_share(finding, "available", share);
    finding_fact(finding, "AnonPages",
                 doctor_fact(in, LIVE_MACHINE_ANON_PAGES));
    finding_fact(finding, "Shmem", doctor_fact(in, LIVE_MACHINE_SHMEM));
    finding_fact(finding, "SUnreclaim",
                 doctor_fact(in, LIVE_MACHINE_SLAB_UNRECLAIMABLE));
    return true;
}

/* How bad it is: JEP_INFO is fine. */
static enum jep_severity
pressure_severity(const struct jep_fact *some, const struct jep_fact *full)
{
    if (full->figure.known && full->figure.value >= FULL_HIGH)
        return JEP_HIGH;
    if ((full->figure.known && full->figure.value >= FULL_LOW) ||
        (some->figure.known && some->figure.value >= SOME_LOW))
        return JEP_MEDIUM;
    return JEP_INFO;
}

/* The machine's, or that of the group in which it is worst. */
bool
check_memory_pressure(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *some = doctor_fact(in, LIVE_MACHINE_PRESSURE_SOME);
    const struct jep_fact *full = doctor_fact(in, LIVE_MACHINE_PRESSURE_FULL);
    enum jep_severity worst = pressure_severity(some, full);
    const char *whose = "the machine";

    for (size_t i = 0; i < in->live->group_count; i++) {
        const struct live_group *group = &in->live->groups[i];
        const struct jep_fact *own_some =
            doctor_group_fact(group, LIVE_GROUP_PRESSURE_SOME);
        const struct jep_fact *own_full =
            doctor_group_fact(group, LIVE_GROUP_PRESSURE_FULL);

        if (pressure_severity(own_some, own_full) <= worst)
            continue;
        worst = pressure_severity(own_some, own_full);
        whose = group->out.path;
        some = own_some;
        full = own_full;
    }
    if (worst == JEP_INFO)
        return false;
    finding_severity(finding, worst);
    finding_title(finding, "Threads wait for memory, in %s", whose);
    finding_now(finding, "systemd-cgtop -m");
    finding_fact(finding, "some", some);
    finding_fact(finding, "full", full);
    return true;
}

bool
check_swap_full(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *all = doctor_fact(in, LIVE_MACHINE_SWAP_TOTAL);
    const struct jep_fact *left = doctor_fact(in, LIVE_MACHINE_SWAP_FREE);
    double share = doctor_share(left, all);

    if (share < 0.0 || 1.0 - share < SWAP_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding, "%.1f %% of the swap is in use",
                  (1.0 - share) * 100.0);
    finding_now(finding,
                "grep -H VmSwap /proc/[0-9]*/status | sort -k2 -n | tail");
    finding_fact(finding, "SwapFree", left);
    finding_fact(finding, "SwapTotal", all);
    finding_fact(finding, "vm.swappiness",
                 doctor_fact(in, LIVE_MACHINE_SWAPPINESS));
    finding_fact(finding, "zswap", doctor_fact(in, LIVE_MACHINE_ZSWAP_ENABLED));
    return true;
}

bool
check_hugetlb_reserved(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *reserved = doctor_fact(in, LIVE_MACHINE_HUGETLB);
    const struct jep_fact *all = doctor_fact(in, LIVE_MACHINE_MEM_TOTAL);

    if (doctor_share(reserved, all) < HUGETLB_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_bytes(finding, reserved->figure.value);
    finding_title(finding,
                  "%s are set aside for huge pages that malloc cannot "
                  "use",
                  DOCTOR_SIZE(reserved->figure.value));
    doctor_sysctl(finding, "vm.nr_hugepages", 0);
    finding_fact(finding, "Hugetlb", reserved);
    finding_fact(finding, "MemTotal", all);
    return true;
}
