/* How the checks of doctor.def look at a live system. */
#ifndef JE_ANALYSE_DOCTOR_H
#define JE_ANALYSE_DOCTOR_H

#include "base/macros.h"

#include "analyse/finding.h"
#include "model/live.h"

struct doctor_input {
    struct live *live;
    const struct jep_option_seen *options;
    size_t option_count;
};

#define CHECK(function, ...)                                                   \
    bool check_##function(const struct doctor_input *in,                       \
                          struct finding *finding);
#include "analyse/doctor.def"
#undef CHECK

/* "11.82 GiB", valid to the end of the block. */
#define DOCTOR_SIZE(bytes)                                                     \
    finding_size_text((char[FINDING_SIZE_MAX]){0}, (double)(bytes))

/* A fact of the machine or of the process. */
const struct jep_fact *doctor_fact(const struct doctor_input *in,
                                   enum live_id id);
/* Of a control group. */
const struct jep_fact *doctor_group_fact(const struct live_group *group,
                                         enum live_id id);
bool doctor_text_is(const struct jep_fact *fact, const char *text);
/* Its number; false if it is not known or there is no limit. */
bool doctor_number(const struct jep_fact *fact, uint64_t *value);
/* part / whole; -1 if either is unknown or the whole is 0. */
double doctor_share(const struct jep_fact *part, const struct jep_fact *whole);

/* One line that writes `value` to a file of the machine, another that does it
 * at every start; and the same for sysctl. */
void doctor_write(struct finding *finding, const char *value, const char *file);
void doctor_sysctl(struct finding *finding, const char *name,
                   unsigned long long value);

/* Text as a shell takes it for one word; cut where it is very long. */
#define DOCTOR_WORD_MAX 1024
const char *doctor_word(char word[DOCTOR_WORD_MAX], const char *text);

/* doctor_conf.c: every option in the environment and what becomes of it.
 * *options is allocated; false = out of memory. */
bool doctor_options(struct live *live, struct jep_option_seen **options,
                    size_t *count) __attribute__((warn_unused_result));

#endif
