/* Checks of the process: its mappings, limits, and where its memory is. */
#include "analyse/doctor.h"

#include <stdio.h>

#define MAPS_SHARE     0.80 /* of vm.max_map_count */
#define MAPS_DEFAULT   65530
#define MAPS_MANY      20000
#define MAPS_ROOM      1048576
#define ADDRESS_SHARE  0.90 /* of the limit */
#define FLOOR          ((uint64_t)10 << 20)
#define SWAP_SHARE     0.05 /* of the RSS */
#define LAZY_SHARE     0.10 /* of the RSS */
#define KILLED_FIRST   500
#define TABLES_FLOOR   ((uint64_t)64 << 20)
#define TABLES_SHARE   0.10 /* of the RSS */
#define LOCKED_SHARE   0.50 /* of the RSS */
#define STACKS_SHARE   0.25 /* of the limit */
#define OVERCOMMIT_OFF 2

bool
check_maps_near_limit(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *maps = doctor_fact(in, LIVE_PROCESS_MAPS);
    const struct jep_fact *limit = doctor_fact(in, LIVE_MACHINE_MAX_MAP_COUNT);
    uint64_t count, most;
    bool is_near;

    if (!doctor_number(maps, &count))
        return false;
    if (!doctor_number(limit, &most))
        most = MAPS_DEFAULT;
    is_near = (double)count >= (double)most * MAPS_SHARE;
    if (!is_near && count < MAPS_MANY)
        return false;
    finding_severity(finding, is_near ? JEP_HIGH : JEP_MEDIUM);
    finding_title(finding, "The process has %llu of %llu mappings",
                  (unsigned long long)count, (unsigned long long)most);
    if (most < MAPS_ROOM)
        doctor_sysctl(finding, "vm.max_map_count", MAPS_ROOM);
    finding_fact(finding, "mappings", maps);
    finding_fact(finding, "vm.max_map_count", limit);
    finding_fact(finding, "vm.overcommit_memory",
                 doctor_fact(in, LIVE_MACHINE_OVERCOMMIT_MEMORY));
    finding_fact(finding, "VmSize", doctor_fact(in, LIVE_PROCESS_VM_SIZE));
    return true;
}

bool
check_address_limit(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *limit = doctor_fact(in, LIVE_PROCESS_LIMIT_AS);
    const struct jep_fact *size = doctor_fact(in, LIVE_PROCESS_VM_SIZE);
    const struct jep_fact *peak = doctor_fact(in, LIVE_PROCESS_VM_PEAK);
    bool is_there = doctor_share(size, limit) >= ADDRESS_SHARE;
    bool was_there = doctor_share(peak, limit) >= ADDRESS_SHARE;

    if (!limit->figure.known)
        return false;
    finding_severity(finding, is_there    ? JEP_HIGH
                              : was_there ? JEP_MEDIUM
                                          : JEP_LOW);
    if (is_there)
        finding_title(finding, "The process fills %.1f %% of its address space",
                      doctor_share(size, limit) * 100.0);
    else if (was_there)
        finding_title(finding,
                      "The process has filled %.1f %% of its address space",
                      doctor_share(peak, limit) * 100.0);
    else
        finding_title(finding,
                      "The address space of the process is limited to "
                      "%s",
                      DOCTOR_SIZE(limit->figure.value));
    finding_now(finding, "prlimit --pid %llu --as=unlimited",
                (unsigned long long)in->live->pid);
    finding_keep(finding, "systemctl edit UNIT    # [Service] "
                          "LimitAS=infinity\n"
                          "ulimit -v unlimited     # before it is started by "
                          "hand");
    finding_fact(finding, "Max address space", limit);
    finding_fact(finding, "VmSize", size);
    finding_fact(finding, "VmPeak", peak);
    return true;
}

bool
check_swapped(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *swap = doctor_fact(in, LIVE_PROCESS_SWAP);
    const struct jep_fact *rss = doctor_fact(in, LIVE_PROCESS_RSS);

    if (!swap->figure.known || swap->figure.value < FLOOR ||
        (double)swap->figure.value <
            (double)(rss->figure.known ? rss->figure.value : 0) * SWAP_SHARE)
        return false;
    finding_severity(finding, JEP_HIGH);
    finding_title(finding, "%s of the process are swapped out",
                  DOCTOR_SIZE(swap->figure.value));
    doctor_sysctl(finding, "vm.swappiness", 10);
    finding_fact(finding, "Swap", swap);
    finding_fact(finding, "Rss", rss);
    finding_fact(finding, "vm.swappiness",
                 doctor_fact(in, LIVE_MACHINE_SWAPPINESS));
    finding_fact(finding, "zswap", doctor_fact(in, LIVE_MACHINE_ZSWAP_ENABLED));
    finding_fact(finding, "SwapFree", doctor_fact(in, LIVE_MACHINE_SWAP_FREE));
    return true;
}

bool
check_lazy_free(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *lazy = doctor_fact(in, LIVE_PROCESS_LAZY_FREE);
    const struct jep_fact *rss = doctor_fact(in, LIVE_PROCESS_RSS);

    if (!lazy->figure.known || lazy->figure.value < FLOOR ||
        doctor_share(lazy, rss) < LAZY_SHARE)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "%s of the RSS are returned already and not yet taken",
                  DOCTOR_SIZE(lazy->figure.value));
    finding_fact(finding, "LazyFree", lazy);
    finding_fact(finding, "Rss", rss);
    return true;
}

bool
check_killed_first(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *adjust = doctor_fact(in, LIVE_PROCESS_OOM_SCORE_ADJ);
    long long value = (long long)(int64_t)adjust->figure.value;

    if (!adjust->figure.known || value < KILLED_FIRST)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(finding,
                  "The process is among the first to be killed: oom_score_adj "
                  "is %lld",
                  value);
    finding_now(finding, "choom -p %llu -n 0",
                (unsigned long long)in->live->pid);
    finding_keep(finding, "systemctl edit UNIT    # [Service] "
                          "OOMScoreAdjust=0");
    finding_fact(finding, "oom_score_adj", adjust);
    finding_fact(finding, "oom_score", doctor_fact(in, LIVE_PROCESS_OOM_SCORE));
    return true;
}

bool
check_page_tables(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *tables = doctor_fact(in, LIVE_PROCESS_VM_PTE);
    const struct jep_fact *rss = doctor_fact(in, LIVE_PROCESS_VM_RSS);

    if (!tables->figure.known || tables->figure.value < TABLES_FLOOR ||
        doctor_share(tables, rss) < TABLES_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding, "The page tables of the process take %s",
                  DOCTOR_SIZE(tables->figure.value));
    finding_fact(finding, "VmPTE", tables);
    finding_fact(finding, "VmRSS", rss);
    finding_fact(finding, "VmSize", doctor_fact(in, LIVE_PROCESS_VM_SIZE));
    return true;
}

bool
check_locked_memory(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *locked = doctor_fact(in, LIVE_PROCESS_VM_LCK);
    const struct jep_fact *rss = doctor_fact(in, LIVE_PROCESS_VM_RSS);

    if (!locked->figure.known || locked->figure.value < FLOOR ||
        doctor_share(locked, rss) < LOCKED_SHARE)
        return false;
    finding_severity(finding, JEP_MEDIUM);
    finding_title(finding,
                  "%s are locked into memory, which nothing can return",
                  DOCTOR_SIZE(locked->figure.value));
    finding_keep(finding, "systemctl edit UNIT    # [Service] "
                          "LimitMEMLOCK=64K, and no mlockall in the program");
    finding_fact(finding, "VmLck", locked);
    finding_fact(finding, "VmRSS", rss);
    finding_fact(finding, "Max locked memory",
                 doctor_fact(in, LIVE_PROCESS_LIMIT_MEMLOCK));
    return true;
}

bool
check_thread_stacks(const struct doctor_input *in, struct finding *finding)
{
    const struct jep_fact *limit = doctor_fact(in, LIVE_PROCESS_LIMIT_AS);
    const struct jep_fact *mode =
        doctor_fact(in, LIVE_MACHINE_OVERCOMMIT_MEMORY);
    const char *name = "Max address space";
    uint64_t threads, stack, most, all;

    if (!limit->figure.known && mode->figure.known &&
        mode->figure.value == OVERCOMMIT_OFF) {
        limit = doctor_fact(in, LIVE_MACHINE_COMMIT_LIMIT);
        name = "CommitLimit";
    }
    if (!doctor_number(doctor_fact(in, LIVE_PROCESS_THREADS), &threads) ||
        !doctor_number(doctor_fact(in, LIVE_PROCESS_LIMIT_STACK), &stack) ||
        !doctor_number(limit, &most) || threads < 2 ||
        __builtin_mul_overflow(threads - 1, stack, &all) ||
        (double)all < (double)most * STACKS_SHARE)
        return false;
    finding_severity(finding, JEP_LOW);
    finding_title(
        finding, "The stacks of %llu threads may take %s of a limit of %s",
        (unsigned long long)threads, DOCTOR_SIZE(all), DOCTOR_SIZE(most));
    finding_keep(finding, "systemctl edit UNIT    # [Service] LimitSTACK=1M\n"
                          "ulimit -s 1024          # before it is started by "
                          "hand");
    finding_fact(finding, "Threads", doctor_fact(in, LIVE_PROCESS_THREADS));
    finding_fact(finding, "Max stack size",
                 doctor_fact(in, LIVE_PROCESS_LIMIT_STACK));
    finding_fact(finding, name, limit);
    return true;
}
