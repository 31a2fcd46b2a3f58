/* What a check found, in one sentence, and what identifies it. */
#include "cli/render/check.h"

#include "cli/render/render.h"
#include "cli/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FNV_PRIME 0x100000001b3u

/* What the bytes of a ratio are. */
static const char *
bytes_phrase(const struct jep_check *check)
{
    if (strcmp(check->name, "internal-fragmentation") == 0)
        return "in active beyond allocated";
    if (strcmp(check->name, "external-fragmentation") == 0)
        return "beyond active";
    return "of it";
}

static void
ratio_sentence(char *text, size_t size, const struct jep_check *check)
{
    char bytes[TEXT_NUMBER_MAX], more[TEXT_NUMBER_MAX + 64] = "";

    if (check->bytes.known)
        snprintf(more, sizeof(more), " (%s %s)",
                 text_size(bytes, (double)check->bytes.value),
                 bytes_phrase(check));
    if (check->outcome == JEP_PASS && check->is_small)
        snprintf(text, size, "%s %.1f %% is above %.4g %%, but too few bytes%s",
                 check->title, check->value * 100.0, check->limit * 100.0,
                 more);
    else if (check->outcome == JEP_PASS)
        snprintf(text, size, "%s %.1f %% (limit %.4g %%)", check->title,
                 check->value * 100.0, check->limit * 100.0);
    else
        snprintf(text, size, "%s %.1f %% is above %.4g %%%s", check->title,
                 check->value * 100.0, check->limit * 100.0, more);
}

static void
size_sentence(char *text, size_t size, const struct jep_check *check)
{
    char value[TEXT_NUMBER_MAX], limit[TEXT_NUMBER_MAX];

    text_size(value, check->value);
    text_size(limit, check->limit);
    if (check->outcome == JEP_PASS)
        snprintf(text, size, "%s %s (limit %s)", check->title, value, limit);
    else
        snprintf(text, size, "%s %s is above %s", check->title, value, limit);
}

static void
growth_sentence(char *text, size_t size, const struct jep_check *check)
{
    char value[TEXT_NUMBER_MAX], before[TEXT_NUMBER_MAX];
    const char *name = check->title;
    char frame[512];

    if (check->site != NULL && check->site->frame_count > 0)
        name = render_frame(&check->site->frames[0], frame, sizeof(frame));
    text_size(value, check->value);
    text_size(before, check->before);
    if (check->outcome == JEP_PASS)
        snprintf(text, size, "%s %s (baseline %s)", name, value, before);
    else if (check->before > 0.0)
        snprintf(text, size, "%s %s has grown from %s (+%.1f %%)", name, value,
                 before, (check->value / check->before - 1.0) * 100.0);
    else
        snprintf(text, size, "%s %s is new since the baseline", name, value);
}

void
check_sentence(char *text, size_t size, const struct jep_check *check)
{
    char raw[CHECK_SENTENCE_MAX];
    const struct jep_source *source = &check->view->source;

    if (check->kind == JEP_CHECK_FINDING)
        snprintf(raw, sizeof(raw), "%s: %s", check->name, check->title);
    else if (check->outcome == JEP_CANNOT && check->kind == JEP_CHECK_BASELINE)
        snprintf(raw, sizeof(raw),
                 "%s: needs %s; --update-baseline makes a new one",
                 check->title, check->reason);
    else if (check->outcome == JEP_CANNOT && check->view->not_nested != NULL)
        snprintf(raw, sizeof(raw), "%s: %s", check->title, check->reason);
    else if (check->outcome == JEP_CANNOT)
        snprintf(
            raw, sizeof(raw), "%s: the dump has no %s (%s %s)", check->title,
            check->reason, render_allocator(source->allocator),
            source->version != NULL ? source->version : "of unknown version");
    else if (check->kind == JEP_CHECK_RATIO)
        ratio_sentence(raw, sizeof(raw), check);
    else if (check->kind == JEP_CHECK_SIZE)
        size_sentence(raw, sizeof(raw), check);
    else
        growth_sentence(raw, sizeof(raw), check);
    text_escape(text, size, raw);
}

uint32_t
check_line(const struct jep_check *check)
{
    if (check->finding != NULL) {
        for (size_t i = 0; i < check->finding->evidence_count; i++) {
            if (check->finding->evidence[i].line > 0)
                return check->finding->evidence[i].line;
        }
    }
    return 1;
}

static uint64_t
hash(uint64_t value, const char *text)
{
    for (; *text != '\0'; text++)
        value = (value ^ (unsigned char)*text) * FNV_PRIME;
    return (value ^ 0xff) * FNV_PRIME;
}

/* Who has no name is known by that of the file, but for numbers in it, which
 * may be the process's. */
static uint64_t
hash_file(uint64_t value, const char *path)
{
    const char *slash = strrchr(path, '/');

    for (path = slash != NULL ? slash + 1 : path; *path != '\0'; path++) {
        if (!isdigit((unsigned char)*path))
            value = (value ^ (unsigned char)*path) * FNV_PRIME;
    }
    return value;
}

static uint64_t
identity(const struct jep_check *check)
{
    const struct jep_view *view = check->view;
    uint64_t value = hash(0xcbf29ce484222325u, check->name);

    value = hash(value, render_allocator(view->source.allocator));
    value = view->process.exe != NULL ? hash(value, view->process.exe)
                                      : hash_file(value, view->source.file);
    if (check->site != NULL)
        value ^= jep_site_key(check->site);
    return value;
}

/* How many checks before are the same of other processes without a name. */
static unsigned
repeats(const struct check_set *set, const struct jep_check *check)
{
    uint64_t value = identity(check);
    unsigned count = 0;

    if (check->view->process.exe != NULL)
        return 0;
    for (const struct jep_check *c = set->checks; c < check; c++)
        count += c->view != check->view && strcmp(c->name, check->name) == 0 &&
                 identity(c) == value;
    return count;
}

/* Of what is wrong and with whom, and not of any figure: so a warning keeps
 * its identity while it gets worse or better.  Equal ones would be taken for
 * one, so those of processes without a name are counted. */
void
check_fingerprint(char text[17], const struct check_set *set,
                  const struct jep_check *check)
{
    uint64_t value = (identity(check) ^ repeats(set, check)) * FNV_PRIME;

    snprintf(text, 17, "%016" PRIx64, value);
}

const char *
check_level(const struct jep_check *check)
{
    if (check->outcome != JEP_ALERT)
        return check->outcome == JEP_CANNOT ? "warning" : "note";
    if (check->finding != NULL && check->finding->severity < JEP_HIGH)
        return "warning";
    return "error";
}
