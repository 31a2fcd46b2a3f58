/* The engine: runs the rules of rules.def and applies what they share. */
#include "analyse/rules.h"

#include <stdlib.h>
#include <string.h>

#define FLOOR_BYTES  ((uint64_t)10 << 20)
#define FLOOR_SHARE  0.01 /* of RSS */
#define HIGH_BYTES   ((uint64_t)1 << 30)
#define HIGH_SHARE   0.25
#define MEDIUM_SHARE 0.10

#define RULE(function, ...)                                                    \
    bool rule_##function(const struct rule_input *in, struct finding *finding);
#include "analyse/rules.def"
#undef RULE

const struct rule rules[] = {
#define RULE(function, id, section, gate, ...)                                 \
    {id, section, gate, rule_##function, __VA_ARGS__},
#include "analyse/rules.def"
#undef RULE
};

const size_t rule_count = JE_ARRAY_LEN(rules);

/* What makes the figures meaningless: nothing else may be concluded then but
 * what says why. */
static const char *const stops[] = {"impossible-counters", "stats-disabled"};

/* One cause gives one finding: where the first is found, the second is what it
 * looks like to somebody who knows less. */
static const struct {
    const char *cause, *look;
} looks[] = {
    /* They compare with mapped, or the RSS with resident, and both lack memory
     * of the huge page allocator. */
    {"hpa-stats-blind-spot", "retained-benign"},
    {"hpa-stats-blind-spot", "thp-always-inflates-rss"},
    {"hpa-stats-blind-spot", "khugepaged-regrowth"},
    {"hpa-stats-blind-spot", "metadata-edata-fragmented-vm"},
    {"hpa-stats-blind-spot", "metadata-rtree-va-driven"},
    {"hpa-stats-blind-spot", "rss-above-allocator"},
    {"hpa-stats-blind-spot", "two-allocators"},
    /* Why the RSS is above resident. */
    {"thp-always-inflates-rss", "rss-above-allocator"},
    {"khugepaged-regrowth", "rss-above-allocator"},
    {"two-allocators", "rss-above-allocator"},
    {"redis-rss-overhead", "rss-above-allocator"},
    {"thp-always-inflates-rss", "redis-rss-overhead"},
    {"khugepaged-regrowth", "redis-rss-overhead"},
    {"two-allocators", "redis-rss-overhead"},
    /* Why Redis' ratios are high. */
    {"redis-allocator-frag", "redis-tiny-ratio"},
    {"redis-allocator-frag", "slab-waste-high"},
    {"redis-allocator-rss", "redis-tiny-ratio"},
    {"redis-rss-overhead", "redis-tiny-ratio"},
    {"dirty-idle-no-bgthread", "redis-allocator-rss"},
    {"dirty-working-cache", "redis-allocator-rss"},
    {"decay-disabled", "redis-allocator-rss"},
    {"metadata-edata-fragmented-vm", "redis-allocator-rss"},
    {"metadata-edata-idle", "redis-allocator-rss"},
    {"redis-5.3.0-maps", "max-map-count"},
    {"redis-5.3.0-maps", "retained-vs-limit"},
    {"redis-5.3.0-maps", "retained-benign"},
    {"swapped-out", "untouched-active"},
    /* Programs that are known for it. */
    {"skynet-gc-frag", "frag-after-shrink"},
    {"skynet-gc-frag", "slab-waste-high"},
    {"rocksdb-block-padding", "cache-oblivious-padding"},
    {"olap-dirty-budget", "dirty-working-cache"},
    {"ruby-python-arenas", "glibc-arena-bloat"},
    {"jvm-native", "glibc-arena-bloat"},
};

const struct rule *
rule_find(const char *id)
{
    for (size_t i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].id, id) == 0)
            return &rules[i];
    }
    return NULL;
}

static enum jep_severity
severity_by_bytes(uint64_t bytes, uint64_t rss)
{
    double share = rss > 0 ? (double)bytes / (double)rss : 0.0;

    if (bytes >= HIGH_BYTES || share >= HIGH_SHARE)
        return JEP_HIGH;
    return share >= MEDIUM_SHARE ? JEP_MEDIUM : JEP_LOW;
}

bool
rule_is_worth(const struct rule_input *in, uint64_t bytes)
{
    return bytes >= FLOOR_BYTES &&
           (double)bytes >= FLOOR_SHARE * (double)in->rss;
}

/* Bytes before ratios; what only informs wins nothing and needs none. */
static bool
passes(const struct rule *rule, const struct rule_input *in,
       const struct jep_finding *out)
{
    if (rule->gate == RULE_FREE || out->severity == JEP_INFO)
        return true;
    return out->bytes.known && rule_is_worth(in, out->bytes.value);
}

/* Run one rule.  *fires says whether there is a finding in *out; false = out
 * of memory. */
static bool
run_one(const struct rule *rule, const struct rule_input *in,
        struct intern_text *texts, struct jep_finding *out, bool *fires)
{
    struct finding finding = {.texts = texts};

    finding.out.rule = rule->id;
    finding.out.title = rule->symptom;
    finding.out.causes = rule->causes;
    finding.out.action = rule->action;
    finding.out.confirm = rule->confirm;
    finding.out.false_alarm = rule->false_alarm;
    *fires = rule->fires(in, &finding);
    if (finding.is_failed)
        return false;
    if (!finding.has_severity)
        finding.out.severity =
            severity_by_bytes(finding.out.bytes.value, in->rss);
    *fires = *fires && passes(rule, in, &finding.out);
    *out = finding.out;
    return true;
}

static size_t
rule_index(const struct jep_finding *finding)
{
    return (size_t)(rule_find(finding->rule) - rules);
}

static int
finding_order(const void *a, const void *b)
{
    const struct jep_finding *x = a, *y = b;
    size_t ix = rule_index(x), iy = rule_index(y);

    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->bytes.value != y->bytes.value)
        return x->bytes.value > y->bytes.value ? -1 : 1;
    return (ix > iy) - (ix < iy);
}

bool
rule_is_stop(const char *id)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(stops); i++) {
        if (strcmp(stops[i], id) == 0)
            return true;
    }
    return false;
}

/* Keep only what says that the figures mean nothing, if something does. */
static size_t
keep_stops(struct jep_finding *findings, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (rule_is_stop(findings[i].rule))
            findings[kept++] = findings[i];
    }
    return kept > 0 ? kept : count;
}

/* Whether one of the findings says why this rule fires. */
static bool
is_look(const struct jep_finding *findings, size_t count, const char *rule)
{
    for (size_t i = 0; i < JE_ARRAY_LEN(looks); i++) {
        if (strcmp(looks[i].look, rule) != 0)
            continue;
        for (size_t k = 0; k < count; k++) {
            if (strcmp(findings[k].rule, looks[i].cause) == 0)
                return true;
        }
    }
    return false;
}

static size_t
drop_looks(struct jep_finding *findings, size_t count)
{
    bool drop[JE_ARRAY_LEN(rules)];
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        drop[i] = is_look(findings, count, findings[i].rule);
    for (size_t i = 0; i < count; i++) {
        if (!drop[i])
            findings[kept++] = findings[i];
    }
    return kept;
}

bool
rules_run(const struct rule_input *in, struct intern_text *texts,
          struct jep_finding **findings, size_t *count)
{
    size_t n = 0;

    *count = 0;
    *findings = calloc(rule_count, sizeof(**findings));
    if (*findings == NULL)
        return false;
    for (size_t i = 0; i < rule_count; i++) {
        bool fires;

        if (!run_one(&rules[i], in, texts, &(*findings)[n], &fires)) {
            free(*findings);
            *findings = NULL;
            return false;
        }
        n += fires;
    }
    n = keep_stops(*findings, n);
    n = drop_looks(*findings, n);
    qsort(*findings, n, sizeof(**findings), finding_order);
    if (n == 0) {
        free(*findings);
        *findings = NULL;
    }
    *count = n;
    return true;
}
