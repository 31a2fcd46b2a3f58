/* How a rule writes its finding.
 *
 * A rule says what it saw: figures with the line they come from.  Text is kept
 * in the report's pool.  Nothing here fails loudly: when memory runs out the
 * writer remembers, the engine drops the finding and reports it. */
#ifndef JE_ANALYSE_FINDING_H
#define JE_ANALYSE_FINDING_H

#include "base/macros.h"

#include "jeprobe.h"
#include "model/intern.h"

struct finding {
    struct jep_finding out;
    struct intern_text *texts;
    bool has_severity; /* the rule chose it: bytes do not decide */
    bool is_failed;    /* out of memory */
};

/* "11.82 GiB", for titles. */
#define FINDING_SIZE_MAX 32
const char *finding_size_text(char text[FINDING_SIZE_MAX], double bytes);

/* One sentence without a final period, with the figures of this dump. */
void finding_title(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The exact action for this allocator and version. */
void finding_action(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Commands that do it, one a line: until the next start, and for good. */
void finding_now(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void finding_keep(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What acting on it can win. */
void finding_bytes(struct finding *finding, uint64_t bytes);
/* Where bytes do not say how bad it is. */
void finding_severity(struct finding *finding, enum jep_severity severity);

/* Evidence.  An unknown figure adds nothing. */
void finding_size(struct finding *finding, const char *name,
                  struct jep_figure bytes);
void finding_count(struct finding *finding, const char *name,
                   struct jep_figure count);
/* A fraction, shown as per cent. */
void finding_share(struct finding *finding, const char *name, double fraction);
void finding_ratio(struct finding *finding, const char *name, double ratio);
/* A setting of the dump, as it is written there. */
void finding_text(struct finding *finding, const char *name, const char *text,
                  uint32_t line);
/* A fact of a live system, with its file.  One without a limit says so. */
void finding_fact(struct finding *finding, const char *name,
                  const struct jep_fact *fact);

#endif
