/* jeprobe doctor for pasting into an issue. */
#include "cli/render/doctor.h"

#include "cli/render/markdown.h"

static void
print_facts(out_t *out, const char *heading, const struct jep_fact *facts,
            size_t count)
{
    char text[DOCTOR_FACT_MAX];

    out_printf(out, "| %s | | read from |\n| --- | --- | --- |\n", heading);
    for (size_t i = 0; i < count; i++) {
        if (!jep_fact_is_known(&facts[i]))
            continue;
        out_printf(out, "| %s | ", facts[i].name);
        markdown_prose(out, doctor_fact_text(text, &facts[i]));
        out_puts(out, " | ");
        markdown_code(out, facts[i].file != NULL ? facts[i].file : "");
        out_puts(out, " |\n");
    }
    out_puts(out, "\n");
}

static void
print_folded(out_t *out, const char *summary, const struct jep_fact *facts,
             size_t count)
{
    out_printf(out, "<details><summary>%s</summary>\n\n", summary);
    print_facts(out, summary, facts, count);
    out_puts(out, "</details>\n\n");
}

static void
print_groups(out_t *out, const struct jep_doctor_view *view)
{
    for (size_t i = 0; i < view->group_count; i++) {
        const struct jep_group *group = &view->groups[i];

        out_puts(out, "<details><summary>control group ");
        markdown_prose(out, group->path);
        out_printf(out, "%s</summary>\n\n",
                   group->is_tightest ? ", the tightest" : "");
        print_facts(out, "control group", group->facts, group->fact_count);
        out_puts(out, "</details>\n\n");
    }
}

static void
print_allocators(out_t *out, const struct jep_doctor_view *view)
{
    if (view->allocator_count == 0)
        return;
    out_puts(out, "| allocator | version | malloc | how | reads | file |\n"
                  "| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < view->allocator_count; i++) {
        const struct jep_allocator_seen *one = &view->allocators[i];

        out_printf(out, "| %s | ", one->name);
        markdown_prose(out, one->version != NULL ? one->version : "");
        out_printf(out, " | %s | %s | ", one->serves_malloc ? "yes" : "no",
                   doctor_loaded(one->loaded));
        markdown_prose(out, one->variable != NULL ? one->variable : "");
        out_puts(out, " | ");
        markdown_code(out, one->path);
        out_puts(out, " |\n");
    }
    out_puts(out, "\n");
}

static void
print_variables(out_t *out, const struct jep_doctor_view *view)
{
    for (size_t i = 0; i < view->variable_count; i++) {
        out_puts(out, "- ");
        markdown_code(out, view->variables[i].name);
        out_puts(out, " = ");
        markdown_code(out, view->variables[i].value);
        out_puts(out, "\n");
    }
    for (size_t i = 0; i < view->unread_count; i++) {
        out_puts(out, "- not read: ");
        markdown_code(out, view->unread[i].file);
        out_puts(out, ": ");
        markdown_prose(out, view->unread[i].why);
        out_puts(out, "\n");
    }
    if (view->variable_count + view->unread_count > 0)
        out_puts(out, "\n");
}

void
doctor_markdown(out_t *out, const struct jep_doctor_view *view)
{
    out_puts(out, "### jeprobe doctor");
    if (view->pid.known)
        out_printf(out, " %llu", (unsigned long long)view->pid.value);
    out_puts(out, "\n\n");
    print_allocators(out, view);
    print_variables(out, view);
    if (view->finding_count == 0)
        out_puts(out, "No check finds anything to act on.\n\n");
    for (size_t i = 0; i < view->finding_count; i++) {
        markdown_finding(out, &view->findings[i]);
        out_puts(out, "\n");
    }
    print_folded(out, "machine", view->machine, view->machine_count);
    if (view->process_count > 0)
        print_folded(out, "process", view->process, view->process_count);
    print_groups(out, view);
}
