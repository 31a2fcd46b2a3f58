/* The outcome of checks as lines, as JSON, and as commands of the CI system. */
#include "cli/render/check.h"

#include "cli/render/cell.h"
#include "cli/render/render.h"
#include "cli/render/value.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* GitHub shows no more than this of a kind in one step, and cuts messages. */
enum { GITHUB_MOST = 10, GITHUB_MESSAGE_MAX = 4000 };

static const char *
outcome_word(enum jep_outcome outcome)
{
    static const char *const words[] = {[JEP_PASS] = "ok",
                                        [JEP_ALERT] = "ALERT",
                                        [JEP_CANNOT] = "can't",
                                        [JEP_NOTE] = "note",
                                        [JEP_SUPPRESSED] = "muted"};

    return words[outcome];
}

static void
print_file(out_t *out, const struct jep_source *source)
{
    out_puts(out, "  ");
    out_text(out, source->file);
    if (source->documents > 1)
        out_printf(out, " (%u)", source->document);
}

void
check_text(out_t *out, const struct check_set *set)
{
    char sentence[CHECK_SENTENCE_MAX];

    for (size_t i = 0; i < set->count; i++) {
        const struct jep_check *check = &set->checks[i];

        check_sentence(sentence, sizeof(sentence), check);
        if (check->outcome == JEP_ALERT)
            cell_style(out, CELL_BOLD);
        out_printf(out, "%-7s%s", outcome_word(check->outcome), sentence);
        cell_style(out, CELL_PLAIN);
        if (check->outcome == JEP_SUPPRESSED) {
            out_puts(out, "  because: ");
            out_text(out, check->reason);
        }
        if (check->outcome != JEP_PASS)
            print_file(out, &check->view->source);
        out_puts(out, "\n");
    }
    if (set->alerts == 0 && set->cannots == 0)
        out_puts(out, "jeprobe: pass\n");
    else
        out_printf(out, "jeprobe: %u alert%s, %u not verifiable\n", set->alerts,
                   set->alerts == 1 ? "" : "s", set->cannots);
}

static json_t *
one(const struct check_set *set, const struct jep_check *check)
{
    static const char *const outcomes[] = {[JEP_PASS] = "pass",
                                           [JEP_ALERT] = "alert",
                                           [JEP_CANNOT] = "cannot-verify",
                                           [JEP_NOTE] = "note",
                                           [JEP_SUPPRESSED] = "suppressed"};
    json_t *object = value_need(json_object());
    bool has_values =
        check->kind != JEP_CHECK_FINDING && check->outcome != JEP_CANNOT;
    char text[CHECK_SENTENCE_MAX], fingerprint[17];

    check_sentence(text, sizeof(text), check);
    check_fingerprint(fingerprint, set, check);
    value_set(object, "check", value_text(check->name));
    value_set(object, "outcome", value_text(outcomes[check->outcome]));
    value_set(object, "file", value_text(check->view->source.file));
    value_set(object, "document", value_whole(check->view->source.document));
    value_set(object, "text", value_text(text));
    value_set(object, "value",
              has_values ? value_number(check->value) : json_null());
    value_set(object, "limit",
              has_values ? value_number(check->limit) : json_null());
    value_set(object, "bytes", value_figure(check->bytes));
    value_set(object, "fingerprint", value_text(fingerprint));
    value_set(object, "reason", value_text(check->reason));
    value_set(object, "finding",
              check->finding != NULL ? render_finding(check->finding)
                                     : json_null());
    return object;
}

void
check_json(out_t *out, const struct check_set *set)
{
    json_t *root = value_need(json_object());
    json_t *array = value_need(json_array());

    value_set(root, "schema", value_text("jeprobe.check/1"));
    value_set(root, "verdict",
              value_text(set->alerts > 0    ? "alert"
                         : set->cannots > 0 ? "cannot-verify"
                                            : "pass"));
    for (size_t i = 0; i < set->count; i++)
        value_append(array, one(set, &set->checks[i]));
    value_set(root, "checks", array);
    value_print(out, root);
}

/* A command ends at its line; in properties ":" and "," separate. */
static void
github_escape(out_t *out, const char *text, bool is_property)
{
    size_t length = 0;

    for (; *text != '\0' && length < GITHUB_MESSAGE_MAX; text++, length++) {
        unsigned char c = (unsigned char)*text;

        if (c == '%' || c == '\r' || c == '\n' ||
            (is_property && (c == ':' || c == ',')))
            out_printf(out, "%%%02X", c);
        else
            out_write(out, text, 1);
    }
}

void
check_github(out_t *out, const struct check_set *set)
{
    unsigned errors = 0, warnings = 0;
    char text[CHECK_SENTENCE_MAX], file[4096];

    for (size_t i = 0; i < set->count; i++) {
        const struct jep_check *check = &set->checks[i];
        const char *level = check_level(check);
        bool is_error = strcmp(level, "error") == 0;

        if (check->outcome != JEP_ALERT && check->outcome != JEP_CANNOT)
            continue;
        if ((is_error ? errors : warnings) == GITHUB_MOST)
            continue;
        errors += is_error;
        warnings += !is_error;
        check_sentence(text, sizeof(text), check);
        text_escape(file, sizeof(file), check->view->source.file);
        out_printf(out, "::%s file=", level);
        github_escape(out, file, true);
        out_printf(out, ",line=%u,title=", check_line(check));
        github_escape(out, check->name, true);
        out_puts(out, "::");
        github_escape(out, text, false);
        out_puts(out, "\n");
    }
}

/* GitLab folds what stands between two marks in its log. */
static void
gitlab_mark(out_t *out, const char *which, const char *title)
{
    out_printf(out, "\033[0Ksection_%s:%lld:jeprobe_check\r\033[0K%s\n", which,
               (long long)time(NULL), title);
}

void
check_gitlab_begin(out_t *out)
{
    gitlab_mark(out, "start", "jeprobe check");
}

void
check_gitlab_end(out_t *out)
{
    gitlab_mark(out, "end", "");
}
