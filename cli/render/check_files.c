/* The outcome of checks as files that CI systems read: SARIF 2.1.0, JUnit's
 * XML, and GitLab's code quality report. */
#include "cli/render/check.h"

#include "cli/render/render.h"
#include "cli/render/value.h"
#include "cli/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- SARIF ------------------------------------------------------------- */

/* A file name as a relative URI reference. */
static json_t *
uri(const char *file)
{
    char text[4096 * 3];
    size_t at = 0;

    for (const char *c = file; *c != '\0' && at + 4 < sizeof(text); c++) {
        unsigned char byte = (unsigned char)*c;

        if (isalnum(byte) || strchr("-._~/", byte) != NULL)
            text[at++] = (char)byte;
        else
            at += (size_t)snprintf(text + at, 4, "%%%02X", byte);
    }
    text[at] = '\0';
    return value_text(text);
}

static json_t *
message(const char *text)
{
    json_t *object = value_need(json_object());

    value_set(object, "text", value_text(text));
    return object;
}

static json_t *
location(const struct jep_check *check)
{
    json_t *object = value_need(json_object());
    json_t *physical = value_need(json_object());
    json_t *artifact = value_need(json_object());
    json_t *region = value_need(json_object());
    json_t *array = value_need(json_array());

    value_set(artifact, "uri", uri(check->view->source.file));
    value_set(region, "startLine", value_whole(check_line(check)));
    value_set(physical, "artifactLocation", artifact);
    value_set(physical, "region", region);
    value_set(object, "physicalLocation", physical);
    value_append(array, object);
    return array;
}

/* Results refer to rules by their place in the list, so each is there once. */
static size_t
sarif_rule(json_t *rules, const struct jep_check *check)
{
    json_t *rule;
    size_t i;

    json_array_foreach(rules, i, rule)
    {
        const char *id = json_string_value(json_object_get(rule, "id"));

        if (id != NULL && strcmp(id, check->name) == 0)
            return i;
    }
    rule = value_need(json_object());
    value_set(rule, "id", value_text(check->name));
    if (check->finding != NULL && check->finding->causes != NULL)
        value_set(rule, "fullDescription", message(check->finding->causes));
    value_append(rules, rule);
    return i;
}

static json_t *
sarif_result(const struct check_set *set, const struct jep_check *check,
             json_t *rules)
{
    json_t *result = value_need(json_object());
    json_t *prints = value_need(json_object());
    char text[CHECK_SENTENCE_MAX], fingerprint[17];

    check_sentence(text, sizeof(text), check);
    check_fingerprint(fingerprint, set, check);
    value_set(result, "ruleId", value_text(check->name));
    value_set(result, "ruleIndex", value_whole(sarif_rule(rules, check)));
    value_set(result, "level", value_text(check_level(check)));
    value_set(result, "message", message(text));
    value_set(result, "locations", location(check));
    value_set(prints, "jeprobe/v1", value_text(fingerprint));
    value_set(result, "partialFingerprints", prints);
    if (check->outcome == JEP_SUPPRESSED) {
        json_t *one = value_need(json_object());
        json_t *array = value_need(json_array());

        value_set(one, "kind", value_text("external"));
        value_set(one, "justification", value_text(check->reason));
        value_append(array, one);
        value_set(result, "suppressions", array);
    }
    return result;
}

void
check_sarif(out_t *out, const struct check_set *set)
{
    json_t *root = value_need(json_object()), *run = value_need(json_object());
    json_t *tool = value_need(json_object());
    json_t *driver = value_need(json_object());
    json_t *rules = value_need(json_array());
    json_t *results = value_need(json_array());
    json_t *runs = value_need(json_array());

    for (size_t i = 0; i < set->count; i++) {
        if (set->checks[i].outcome != JEP_PASS)
            value_append(results, sarif_result(set, &set->checks[i], rules));
    }
    value_set(driver, "name", value_text("jeprobe"));
    value_set(driver, "version", value_text(PACKAGE_VERSION));
    value_set(driver, "rules", rules);
    value_set(tool, "driver", driver);
    value_set(run, "tool", tool);
    value_set(run, "results", results);
    value_append(runs, run);
    value_set(root, "$schema",
              value_text("https://json.schemastore.org/sarif-2.1.0.json"));
    value_set(root, "version", value_text("2.1.0"));
    value_set(root, "runs", runs);
    value_print(out, root);
}

/* ---- JUnit ------------------------------------------------------------- */

static void
xml(out_t *out, const char *text)
{
    char safe[8192];

    text_escape(safe, sizeof(safe), text);
    for (const char *c = safe; *c != '\0'; c++) {
        switch (*c) {
        case '<':
            out_puts(out, "&lt;");
            break;
        case '>':
            out_puts(out, "&gt;");
            break;
        case '&':
            out_puts(out, "&amp;");
            break;
        case '"':
            out_puts(out, "&quot;");
            break;
        default:
            out_write(out, c, 1);
        }
    }
}

static void
junit_case(out_t *out, const struct jep_check *check)
{
    char text[CHECK_SENTENCE_MAX];

    check_sentence(text, sizeof(text), check);
    out_puts(out, "  <testcase classname=\"");
    xml(out, check->view->source.file);
    out_puts(out, "\" name=\"");
    xml(out, check->name);
    if (check->outcome == JEP_PASS || check->outcome == JEP_NOTE) {
        out_puts(out, "\"/>\n");
        return;
    }
    out_printf(out, "\">\n    <%s message=\"",
               check->outcome == JEP_ALERT    ? "failure"
               : check->outcome == JEP_CANNOT ? "error"
                                              : "skipped");
    xml(out, check->outcome == JEP_SUPPRESSED ? check->reason : text);
    out_puts(out, "\"/>\n  </testcase>\n");
}

void
check_junit(out_t *out, const struct check_set *set)
{
    unsigned muted = 0;

    for (size_t i = 0; i < set->count; i++)
        muted += set->checks[i].outcome == JEP_SUPPRESSED;
    out_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<testsuites>\n <testsuite name=\"jeprobe check\" tests=\"%zu\" "
               "failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
               set->count, set->alerts, set->cannots, muted);
    for (size_t i = 0; i < set->count; i++)
        junit_case(out, &set->checks[i]);
    out_puts(out, " </testsuite>\n</testsuites>\n");
}

/* ---- GitLab ------------------------------------------------------------ */

static const char *
gitlab_severity(const struct jep_check *check)
{
    if (check->outcome != JEP_ALERT)
        return "info";
    if (check->finding == NULL)
        return "major";
    return check->finding->severity == JEP_HIGH     ? "critical"
           : check->finding->severity == JEP_MEDIUM ? "major"
                                                    : "minor";
}

/* A path as GitLab has it: from the root of the project, without "./". */
static const char *
gitlab_path(const char *file)
{
    while (file[0] == '.' && file[1] == '/')
        file += 1 + strspn(file + 1, "/");
    return file;
}

void
check_code_quality(out_t *out, const struct check_set *set)
{
    json_t *root = value_need(json_array());

    for (size_t i = 0; i < set->count; i++) {
        const struct jep_check *check = &set->checks[i];
        json_t *one = value_need(json_object());
        json_t *place = value_need(json_object());
        json_t *lines = value_need(json_object());
        char text[CHECK_SENTENCE_MAX], fingerprint[17];

        if (check->outcome != JEP_ALERT && check->outcome != JEP_CANNOT) {
            json_decref(one);
            json_decref(place);
            json_decref(lines);
            continue;
        }
        check_sentence(text, sizeof(text), check);
        check_fingerprint(fingerprint, set, check);
        value_set(lines, "begin", value_whole(check_line(check)));
        value_set(place, "path",
                  value_text(gitlab_path(check->view->source.file)));
        value_set(place, "lines", lines);
        value_set(one, "description", value_text(text));
        value_set(one, "check_name", value_text(check->name));
        value_set(one, "fingerprint", value_text(fingerprint));
        value_set(one, "severity", value_text(gitlab_severity(check)));
        value_set(one, "location", place);
        value_append(root, one);
    }
    value_print(out, root);
}
