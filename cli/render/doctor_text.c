/* jeprobe doctor for people: the machine, the control groups, the process and
 * its allocator, then what is wrong. */
#include "cli/render/doctor.h"

#include "cli/render/cell.h"
#include "cli/render/text.h"
#include "cli/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_COLUMNS = 16, SIZE_COLUMNS = 12, LINE_MAX_LENGTH = 4096 };

/* Where a line of the report is put together. */
struct line {
    out_t *out;
    const struct jep_fact *facts;
    size_t count;
    char text[LINE_MAX_LENGTH];
};

const char *
doctor_loaded(enum jep_loaded loaded)
{
    static const char *const texts[] = {
        [JEP_LOADED_PROGRAM] = "in the program itself",
        [JEP_LOADED_PRELOAD] = "preloaded by LD_PRELOAD",
        [JEP_LOADED_SYSTEM] = "preloaded by /etc/ld.so.preload",
        [JEP_LOADED_LINKED] = "linked to the program",
        [JEP_LOADED_OTHERWISE] = "needed by another library, or loaded later"};

    return texts[loaded];
}

const char *
doctor_verdict(enum jep_option_verdict verdict)
{
    static const char *const words[] = {[JEP_OPTION_FINE] = "fine",
                                        [JEP_OPTION_UNKNOWN] = "unknown",
                                        [JEP_OPTION_VERSION] = "other-version",
                                        [JEP_OPTION_VALUE] = "bad-value",
                                        [JEP_OPTION_MALFORMED] = "malformed",
                                        [JEP_OPTION_UNREAD] = "not-read"};

    return words[verdict];
}

const char *
doctor_fact_text(char text[DOCTOR_FACT_MAX], const struct jep_fact *fact)
{
    char number[TEXT_NUMBER_MAX];
    double value = (double)fact->figure.value;

    if (fact->is_unlimited)
        return "unlimited";
    if (fact->kind == JEP_FACT_TEXT)
        return fact->text != NULL ? fact->text : "-";
    if (!fact->figure.known)
        return "-";
    if (fact->kind == JEP_FACT_BYTES)
        text_size(number, value);
    else if (fact->kind == JEP_FACT_MS)
        text_age(number, value / 1000.0);
    else if (fact->kind == JEP_FACT_PRESSURE)
        snprintf(number, sizeof(number), "%.2f %%", value / 100.0);
    else if (fact->kind == JEP_FACT_SIGNED)
        snprintf(number, sizeof(number), "%lld", (long long)fact->figure.value);
    else
        text_count(number, value);
    snprintf(text, DOCTOR_FACT_MAX, "%s", number);
    return text;
}

/* ---- lines of facts ------------------------------------------------------ */

static const struct jep_fact *
get(const struct line *line, const char *name)
{
    return jep_fact_find(line->facts, line->count, name);
}

/* Add "FORMAT" with one fact in it, if it is known. */

static void
say(struct line *line, const char *name, const char *format)
{
    char value[DOCTOR_FACT_MAX], text[DOCTOR_FACT_MAX + 128];
    const char *mark = strstr(format, "%s");
    const struct jep_fact *fact = get(line, name);

    if (!jep_fact_is_known(fact) || mark == NULL)
        return;
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - format), format,
             doctor_fact_text(value, fact), mark + 2);
    text_add(line->text, sizeof(line->text), "%s", text);
}

/* Print what was added behind its label, if anything was. */
static void
end(struct line *line, const char *label)
{
    char first[64], indent[64];

    if (line->text[0] != '\0') {
        snprintf(first, sizeof(first), "  %-*s", LABEL_COLUMNS - 2, label);
        snprintf(indent, sizeof(indent), "%*s", LABEL_COLUMNS, "");
        cell_hanging(line->out, line->text, first, indent,
                     out_prose_width(line->out));
    }
    line->text[0] = '\0';
}

static void
heading(out_t *out, const char *text)
{
    cell_style(out, CELL_BOLD);
    cell_paragraph(out, text, "", out_prose_width(out));
    cell_style(out, CELL_PLAIN);
}

/* ---- the machine --------------------------------------------------------- */

/* What several facts come to; unknown if one of them is. */
static struct jep_figure
sum(const struct line *line, const char *plus, const char *and,
    const char *minus)
{
    struct jep_figure a = get(line, plus)->figure;
    struct jep_figure b = get(line, and)->figure;
    struct jep_figure c = get(line, minus)->figure;

    a.known =
        a.known && (*and == '\0' || b.known) && (*minus == '\0' || c.known);
    a.value += (*and != '\0' ? b.value : 0);
    if (*minus != '\0' && c.value > a.value)
        a.known = false;
    a.value -= *minus != '\0' ? c.value : 0;
    return a;
}

static void
memory_row(struct line *line, const char *label,
           const struct jep_figure *figures, size_t count)
{
    out_printf(line->out, "  %-*s", LABEL_COLUMNS - 2, label);
    for (size_t i = 0; i < count; i++) {
        if (figures[i].known)
            cell_figure(line->out, figures[i], SIZE_COLUMNS);
        else
            out_printf(line->out, "%*s", SIZE_COLUMNS, "-");
    }
    out_puts(line->out, "\n");
}

/* As free(1) has it. */
static void
print_free(struct line *line)
{
    struct jep_figure cache = sum(line, "buffers", "cached", "");
    struct jep_figure slab = get(line, "slab_reclaimable")->figure;
    const struct jep_figure memory[] = {
        get(line, "mem_total")->figure,
        sum(line, "mem_total", "", "mem_available"),
        get(line, "mem_free")->figure,
        {.value = cache.value + slab.value, .known = cache.known && slab.known},
        get(line, "mem_available")->figure};
    const struct jep_figure swap[] = {get(line, "swap_total")->figure,
                                      sum(line, "swap_total", "", "swap_free"),
                                      get(line, "swap_free")->figure};

    if (!memory[0].known)
        return;
    out_printf(line->out, "%*s%*s%*s%*s%*s%*s\n", LABEL_COLUMNS, "",
               SIZE_COLUMNS, "total", SIZE_COLUMNS, "used", SIZE_COLUMNS,
               "free", SIZE_COLUMNS, "buff/cache", SIZE_COLUMNS, "available");
    memory_row(line, "memory", memory, JE_ARRAY_LEN(memory));
    if (swap[0].known && swap[0].value == 0)
        out_printf(line->out, "  %-*s%*s\n", LABEL_COLUMNS - 2, "swap",
                   SIZE_COLUMNS, "none");
    else
        memory_row(line, "swap", swap, JE_ARRAY_LEN(swap));
}

static void
print_overcommit(struct line *line)
{
    static const char *const modes[] = {"0, by a heuristic",
                                        "1, all is allowed", "2, strict"};
    struct jep_figure mode = get(line, "overcommit_memory")->figure;

    if (mode.known && mode.value < JE_ARRAY_LEN(modes))
        text_add(line->text, sizeof(line->text), "%s", modes[mode.value]);
    else
        say(line, "overcommit_memory", "%s");
    say(line, "committed_as", "%s promised");
    if (mode.known && mode.value == 2) {
        say(line, "commit_limit", "limit %s");
        say(line, "overcommit_ratio", "ratio %s %");
    }
    end(line, "overcommit");
}

static void
print_machine(out_t *out, const struct jep_doctor_view *view)
{
    struct line line = {out, view->machine, view->machine_count, ""};
    char title[LINE_MAX_LENGTH];

    say(&line, "host", "%s");
    say(&line, "kernel", "Linux %s");
    say(&line, "processors", "processors %s");
    say(&line, "container", "in a container (%s)");
    snprintf(title, sizeof(title), "Machine%s%s",
             line.text[0] != '\0' ? ": " : "", line.text);
    heading(out, title);
    line.text[0] = '\0';
    print_free(&line);
    say(&line, "thp_enabled", "%s");
    say(&line, "thp_defrag", "defrag %s");
    say(&line, "huge_page_size", "of %s");
    say(&line, "thp_huge_enabled", "%s itself");
    say(&line, "anon_huge_pages", "%s in use");
    end(&line, "huge pages");
    say(&line, "thp_sizes", "%s");
    end(&line, "smaller ones");
    say(&line, "khugepaged_defrag", "defrag %s");
    say(&line, "max_ptes_none", "fills in up to %s missing pages");
    say(&line, "pages_to_scan", "scans %s pages");
    say(&line, "scan_sleep", "every %s");
    end(&line, "khugepaged");
    print_overcommit(&line);
    say(&line, "max_map_count", "%s mappings a process");
    end(&line, "address space");
    say(&line, "swappiness", "swappiness %s");
    if (get(&line, "zswap_enabled")->text != NULL)
        text_add(line.text, sizeof(line.text), "zswap %s",
                 get(&line, "zswap_enabled")->text[0] == 'Y' ? "on" : "off");
    end(&line, "swapping");
    say(&line, "pressure_some", "some threads waited %s of the last 10 s");
    say(&line, "pressure_full", "all %s");
    end(&line, "pressure");
    out_puts(out, "\n");
}

/* ---- control groups ------------------------------------------------------ */

static void
group_size(struct line *line, const char *name)
{
    const struct jep_fact *fact = get(line, name);
    char text[DOCTOR_FACT_MAX];

    out_printf(line->out, "%*s", SIZE_COLUMNS,
               fact->is_unlimited ? "max" : doctor_fact_text(text, fact));
}

/* What is not the case everywhere: only what there is. */
static void
print_group_more(struct line *line)
{
    static const char *const names[] = {"swap_usage", "limit_hits", "oom_kills",
                                        "pressure_some", "pressure_full"};
    static const char *const texts[] = {
        "swap %s", "limit reached %s times", "%s killed for it",
        "some threads waited %s of the last 10 s", "all %s"};

    if (get(line, "high")->figure.known)
        say(line, "high", "slowed down from %s");
    if (get(line, "swap_limit")->figure.known)
        say(line, "swap_limit", "swap limit %s");
    for (size_t i = 0; i < JE_ARRAY_LEN(names); i++) {
        if (get(line, names[i])->figure.value > 0)
            say(line, names[i], texts[i]);
    }
    end(line, "");
}

static void
print_groups(out_t *out, const struct jep_doctor_view *view)
{
    unsigned name = out_prose_width(out) - 3 * SIZE_COLUMNS;

    if (view->group_count == 0)
        return;
    cell_style(out, CELL_BOLD);
    cell_text(out,
              view->pid.known ? "Control groups, innermost first"
                              : "Control groups of this command",
              name, false);
    out_printf(out, "%*s%*s%*s\n", SIZE_COLUMNS, "usage", SIZE_COLUMNS,
               "droppable", SIZE_COLUMNS, "limit");
    cell_style(out, CELL_PLAIN);
    for (size_t i = 0; i < view->group_count; i++) {
        const struct jep_group *group = &view->groups[i];
        struct line line = {out, group->facts, group->fact_count, ""};

        out_puts(out, group->is_tightest ? "> " : "  ");
        cell_text(out, group->path, name - 2, true);
        group_size(&line, "usage");
        group_size(&line, "inactive_file");
        group_size(&line, "limit");
        out_puts(out, "\n");
        print_group_more(&line);
    }
    out_puts(out, "\n");
}

/* ---- the process --------------------------------------------------------- */

static void
print_limits(struct line *line, const struct jep_doctor_view *view)
{
    const struct line machine = {line->out, view->machine, view->machine_count,
                                 ""};
    struct jep_figure most = get(&machine, "max_map_count")->figure;
    struct jep_figure maps = get(line, "maps")->figure;
    char count[TEXT_NUMBER_MAX];

    say(line, "vm_size", "%s");
    say(line, "vm_peak", "%s at the peak");
    say(line, "limit_as", "limit %s");
    say(line, "vm_pte", "page tables %s");
    end(line, "address space");
    say(line, "maps", "%s");
    if (maps.known && most.known && most.value > 0)
        text_add(line->text, sizeof(line->text), "%.1f %% of %s",
                 (double)maps.value / (double)most.value * 100.0,
                 text_count(count, (double)most.value));
    end(line, "mappings");
    say(line, "threads", "%s");
    say(line, "limit_stack", "stacks of up to %s");
    say(line, "limit_nproc", "limit %s");
    say(line, "cpus_allowed", "on processors %s");
    end(line, "threads");
    say(line, "limit_data", "data %s");
    say(line, "limit_memlock", "locked %s");
    say(line, "limit_nofile", "open files %s");
    end(line, "limits");
    say(line, "oom_score", "score %s");
    say(line, "oom_score_adj", "adjusted by %s");
    end(line, "oom");
}

static void
print_process(out_t *out, const struct jep_doctor_view *view)
{
    struct line line = {out, view->process, view->process_count, ""};
    char title[LINE_MAX_LENGTH];

    if (!view->pid.known)
        return;
    say(&line, "name", "%s");
    say(&line, "exe", "%s");
    say(&line, "state", "%s");
    snprintf(title, sizeof(title), "Process %llu%s%s",
             (unsigned long long)view->pid.value,
             line.text[0] != '\0' ? ": " : "", line.text);
    heading(out, title);
    line.text[0] = '\0';
    if (!view->has_memory)
        cell_paragraph(out,
                       "It has no memory of its own: it is a thread of the "
                       "kernel, or it has ended and waits to be collected.",
                       "  ", out_prose_width(out));
    if (!view->has_memory)
        return;
    say(&line, jep_fact_is_known(get(&line, "rss")) ? "rss" : "vm_rss",
        "RSS %s");
    say(&line, "vm_hwm", "%s at the peak");
    say(&line, "pss", "PSS %s");
    end(&line, "memory");
    say(&line, "anonymous", "%s anonymous");
    say(&line, "anon_huge_pages", "%s in huge pages");
    say(&line, "lazy_free", "%s lazily freed");
    say(&line, "file", "%s files");
    say(&line, "shmem", "%s shared");
    end(&line, "of it");
    say(&line, "swap", "%s");
    end(&line, "swapped out");
    print_limits(&line, view);
}

/* ---- its allocator ------------------------------------------------------- */

static void
print_allocator(out_t *out, const struct jep_allocator_seen *one)
{
    struct line line = {out, NULL, 0, ""};
    char name[256];

    /* The number says enough, the commit behind it is long. */
    snprintf(name, sizeof(name), "%s%s%.*s", one->name,
             one->version != NULL ? " " : "",
             one->version != NULL ? (int)strcspn(one->version, "-") : 0,
             one->version != NULL ? one->version : "");
    text_add(line.text, sizeof(line.text), "%s", name);
    text_add(line.text, sizeof(line.text), "%s", doctor_loaded(one->loaded));
    text_add(line.text, sizeof(line.text), "%s", one->path);
    if (one->prefix != NULL && one->prefix[0] != '\0')
        text_add(line.text, sizeof(line.text), "its malloc is %smalloc",
                 one->prefix);
    if (one->variable != NULL)
        text_add(line.text, sizeof(line.text), "reads %s", one->variable);
    end(&line, one->serves_malloc ? "malloc" : "also mapped");
}

static bool
is_variable(const struct jep_doctor_view *view, const char *name)
{
    for (size_t i = 0; i < view->variable_count; i++) {
        if (strcmp(view->variables[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Options that come from elsewhere than the environment, a line for each place.
 */
static void
print_configured(out_t *out, const struct jep_doctor_view *view)
{
    struct line line = {out, NULL, 0, ""};
    const char *title = "configured";

    for (size_t i = 0; i < view->option_count; i++) {
        const struct jep_option_seen *one = &view->options[i];

        if (is_variable(view, one->source))
            continue;
        if (line.text[0] == '\0')
            snprintf(line.text, sizeof(line.text), "%s=%s%s%s", one->source,
                     one->name, one->value[0] != '\0' ? ":" : "", one->value);
        else
            text_add(line.text, sizeof(line.text), "%s%s%s", one->name,
                     one->value[0] != '\0' ? ":" : "", one->value);
        if (i + 1 < view->option_count &&
            strcmp(view->options[i + 1].source, one->source) == 0)
            continue;
        end(&line, title);
        title = "";
    }
}

static void
print_options(out_t *out, const struct jep_doctor_view *view)
{
    struct line line = {out, NULL, 0, ""};

    for (size_t i = 0; i < view->variable_count; i++) {
        snprintf(line.text, sizeof(line.text), "%s=%s", view->variables[i].name,
                 view->variables[i].value);
        end(&line, i == 0 ? "environment" : "");
    }
    print_configured(out, view);
    for (size_t i = 0; i < view->option_count; i++) {
        const struct jep_option_seen *one = &view->options[i];

        if (one->verdict != JEP_OPTION_FINE)
            text_add(line.text, sizeof(line.text), "%s%s%s (%s)", one->name,
                     one->value[0] != '\0' ? ":" : "", one->value,
                     doctor_verdict(one->verdict));
    }
    end(&line, "not in force");
}

static void
print_allocators(out_t *out, const struct jep_doctor_view *view)
{
    for (size_t i = 0; i < view->allocator_count; i++)
        print_allocator(out, &view->allocators[i]);
    print_options(out, view);
    if (view->pid.known)
        out_puts(out, "\n");
}

static void
print_unread(out_t *out, const struct jep_doctor_view *view)
{
    bool is_denied = false;

    if (view->unread_count == 0)
        return;
    heading(out, "Not read");
    for (size_t i = 0; i < view->unread_count; i++) {
        char text[LINE_MAX_LENGTH];

        snprintf(text, sizeof(text), "%s: %s", view->unread[i].file,
                 view->unread[i].why);
        cell_hanging(out, text, "  ", "    ", out_prose_width(out));
        is_denied |= strcmp(view->unread[i].why, strerror(EACCES)) == 0;
    }
    if (is_denied)
        cell_paragraph(out,
                       "The user of the process may read more, and root all "
                       "of it.",
                       "  ", out_prose_width(out));
    out_puts(out, "\n");
}

/* The answer comes first. */
static void
print_answer(out_t *out, const struct jep_doctor_view *view)
{
    char text[LINE_MAX_LENGTH];

    if (view->finding_count == 0)
        snprintf(text, sizeof(text),
                 "Nothing stands in an allocator's way, as far as can be seen "
                 "here.");
    else if (view->finding_count == 1)
        snprintf(text, sizeof(text), "One finding: %s.",
                 view->findings[0].title);
    else
        snprintf(text, sizeof(text), "%zu findings, the first: %s.",
                 view->finding_count, view->findings[0].title);
    heading(out, text);
    out_puts(out, "\n");
}

/* /proc/sys and /sys are read-only there. */
static void
print_where(out_t *out, const struct jep_doctor_view *view)
{
    const struct jep_fact *container =
        jep_fact_find(view->machine, view->machine_count, "container");

    if (container->text == NULL || view->finding_count == 0)
        return;
    cell_paragraph(out,
                   "There is a container: commands that change the machine "
                   "have to be given on its host.",
                   "", out_prose_width(out));
    out_puts(out, "\n");
}

static void
print_next(out_t *out, const struct jep_doctor_view *view)
{
    if (view->finding_count > 0)
        out_printf(out, "Next: jeprobe explain %s\n", view->findings[0].rule);
    else if (view->pid.known)
        out_puts(out, "Next: jeprobe run --report -- PROGRAM    (who "
                      "allocates it)\n");
    else
        out_puts(out, "Next: jeprobe doctor PID    (a process)\n");
}

void
doctor_text(out_t *out, const struct jep_doctor_view *view)
{
    print_answer(out, view);
    print_machine(out, view);
    print_groups(out, view);
    print_process(out, view);
    print_allocators(out, view);
    print_unread(out, view);
    print_where(out, view);
    for (size_t i = 0; i < view->finding_count; i++)
        text_finding(out, &view->findings[i], out_prose_width(out));
    print_next(out, view);
}
