/* How a rule writes its finding. */
#include "analyse/finding.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SENTENCE_MAX 1024
#define VALUE_MAX    96

const char *
finding_size_text(char text[FINDING_SIZE_MAX], double bytes)
{
    static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    unsigned unit = 0;

    /* 1023.96 would round up to four digits: it belongs to the next unit. */
    while (fabs(bytes) >= 1023.95 && unit + 1 < JE_ARRAY_LEN(units)) {
        bytes /= 1024.0;
        unit++;
    }
    snprintf(text, FINDING_SIZE_MAX, "%.*f %s",
             unit == 0 || (unit == 1 && fabs(bytes) >= 99.95) ? 0
             : unit >= 3 && fabs(bytes) < 99.995              ? 2
                                                              : 1,
             bytes, units[unit]);
    return text;
}

static const char *
keep(struct finding *finding, const char *text)
{
    const char *own = intern_text(finding->texts, text);

    finding->is_failed |= own == NULL;
    return own;
}

/* What a dump says of itself may hold anything; a sentence is one line. */
static const char *
keep_line(struct finding *finding, const char *text)
{
    char line[SENTENCE_MAX];

    snprintf(line, sizeof(line), "%s", text);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            *c = ' ';
    }
    return keep(finding, line);
}

/* A sentence that does not fit is cut, never overrun. */
static const char *keep_format(struct finding *finding, const char *format,
                               va_list args)
    __attribute__((format(printf, 2, 0)));

static const char *
keep_format(struct finding *finding, const char *format, va_list args)
{
    char text[SENTENCE_MAX];

    vsnprintf(text, sizeof(text), format, args);
    return keep_line(finding, text);
}

void
finding_title(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding->out.title = keep_format(finding, format, args);
    va_end(args);
}

void
finding_action(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding->out.action = keep_format(finding, format, args);
    va_end(args);
}

void
finding_now(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding->out.now = keep_format(finding, format, args);
    va_end(args);
}

void
finding_keep(struct finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding->out.keep = keep_format(finding, format, args);
    va_end(args);
}

void
finding_bytes(struct finding *finding, uint64_t bytes)
{
    finding->out.bytes =
        (struct jep_figure){.value = bytes, .known = true, .derived = true};
}

void
finding_severity(struct finding *finding, enum jep_severity severity)
{
    finding->out.severity = severity;
    finding->has_severity = true;
}

/* What does not fit is left out: the first figures are the ones that count. */
static struct jep_evidence *
evidence_new(struct finding *finding, const char *name, const char *text,
             uint32_t line)
{
    struct jep_finding *out = &finding->out;
    struct jep_evidence *one;

    if (out->evidence_count == JEP_EVIDENCE_MAX)
        return NULL;
    one = &out->evidence[out->evidence_count];
    *one = (struct jep_evidence){.line = line};
    one->name = keep(finding, name);
    one->text = keep_line(finding, text);
    if (one->name == NULL || one->text == NULL)
        return NULL;
    out->evidence_count++;
    return one;
}

static void
evidence_number(struct finding *finding, const char *name, const char *text,
                double value, uint32_t line)
{
    struct jep_evidence *one;

    if (!isfinite(value))
        return;
    one = evidence_new(finding, name, text, line);
    if (one == NULL)
        return;
    one->value = value;
    one->is_number = true;
}

void
finding_size(struct finding *finding, const char *name, struct jep_figure bytes)
{
    char size[FINDING_SIZE_MAX], text[VALUE_MAX];

    if (!bytes.known)
        return;
    if (bytes.value < 1024)
        snprintf(text, sizeof(text), "%llu B", (unsigned long long)bytes.value);
    else
        snprintf(text, sizeof(text), "%llu (%s)",
                 (unsigned long long)bytes.value,
                 finding_size_text(size, (double)bytes.value));
    evidence_number(finding, name, text, (double)bytes.value,
                    bytes.derived ? 0 : bytes.line);
}

void
finding_count(struct finding *finding, const char *name,
              struct jep_figure count)
{
    char text[VALUE_MAX];

    if (!count.known)
        return;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)count.value);
    evidence_number(finding, name, text, (double)count.value,
                    count.derived ? 0 : count.line);
}

void
finding_share(struct finding *finding, const char *name, double fraction)
{
    char text[VALUE_MAX];

    snprintf(text, sizeof(text), "%.1f %%", fraction * 100.0);
    evidence_number(finding, name, text, fraction, 0);
}

void
finding_ratio(struct finding *finding, const char *name, double ratio)
{
    char text[VALUE_MAX];

    snprintf(text, sizeof(text), "%.1f", ratio);
    evidence_number(finding, name, text, ratio, 0);
}

void
finding_text(struct finding *finding, const char *name, const char *text,
             uint32_t line)
{
    if (text != NULL)
        evidence_new(finding, name, text, line);
}

static void
fact_value(struct finding *finding, const char *name,
           const struct jep_fact *fact)
{
    char text[VALUE_MAX];
    double value = (double)fact->figure.value;

    if (fact->is_unlimited) {
        finding_text(finding, name, "unlimited", 0);
    } else if (fact->kind == JEP_FACT_TEXT) {
        finding_text(finding, name, fact->text, 0);
    } else if (fact->kind == JEP_FACT_BYTES) {
        finding_size(finding, name, fact->figure);
    } else if (!fact->figure.known) {
        return;
    } else if (fact->kind == JEP_FACT_PRESSURE) {
        snprintf(text, sizeof(text), "%.2f %% of the last 10 s", value / 100.0);
        evidence_number(finding, name, text, value / 10000.0,
                        fact->figure.line);
    } else if (fact->kind == JEP_FACT_SIGNED) {
        snprintf(text, sizeof(text), "%lld", (long long)fact->figure.value);
        evidence_number(finding, name, text,
                        (double)(int64_t)fact->figure.value, 0);
    } else {
        finding_count(finding, name, fact->figure);
    }
}

void
finding_fact(struct finding *finding, const char *name,
             const struct jep_fact *fact)
{
    size_t before = finding->out.evidence_count;

    fact_value(finding, name, fact);
    if (finding->out.evidence_count > before && fact->file != NULL)
        finding->out.evidence[before].file = keep(finding, fact->file);
}
