/* Writes jeprobe-rules(7) to standard output, from the lists that jeprobe
 * explain has its texts from. */
#include "base/macros.h"

#include "jeprobe.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 78

/* One word; what roff would take for a request or an escape is none. */
static void
put_word(const char *word, size_t length, bool is_first)
{
    if (is_first && (word[0] == '.' || word[0] == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '\\')
            fputs("\\e", stdout);
        else
            putchar(word[i]);
    }
}

/* Prose: each sentence begins a line. */
static void
put_text(const char *text)
{
    size_t column = 0;
    bool ends = false;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (column > 0 && (ends || column + 1 + length > COLUMNS)) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
            column++;
        }
        put_word(text, length, column == 0);
        column += length;
        ends =
            length > 1 && (text[length - 1] == '.' || text[length - 1] == '?');
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* A heading of a list; the name may be of several words. */
static void
put_item(const char *macro, const char *name)
{
    printf(".It %s \"", macro);
    put_word(name, strlen(name), false);
    fputs("\"\n", stdout);
}

static void
put_part(const char *label, const char *text)
{
    if (text == NULL)
        return;
    printf(".It \\&%s\n", label);
    put_text(text);
}

static void
put_rule(const struct jep_topic *topic)
{
    put_item("Sy", topic->name);
    put_text(topic->text);
    puts(".Bl -tag -width Fires_if -compact");
    put_part("Fires if", topic->evidence);
    put_part("Why so", topic->threshold);
    put_part("Likely", topic->causes);
    put_part("Matters", topic->why);
    put_part("Do", topic->action);
    put_part("Then", topic->confirm);
    put_part("Unless", topic->false_alarm);
    put_part("Source", topic->source);
    puts(".El");
}

static void
put_rules(const struct jep_topic *topics, size_t count)
{
    char section = '\0';

    puts(".Sh RULES");
    puts("Each rule has what one notices, when it fires and why there, the "
         "likely causes,\nwhat to do, how one sees that it helped, and what "
         "would make it a false alarm.\nThose of section M are not of dumps: "
         "they are what\n.Ql jeprobe doctor\nlooks for, with why it matters "
         "to an allocator instead of causes.");
    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind != JEP_TOPIC_RULE)
            continue;
        if (topics[i].section != section) {
            if (section != '\0')
                puts(".El");
            section = topics[i].section;
            printf(".Ss %c. %s\n", section, jep_rule_section(section));
            puts(".Bl -tag -width indent");
        }
        put_rule(&topics[i]);
    }
    if (section != '\0')
        puts(".El");
}

static void
put_names(const char *heading, const char *intro, enum jep_topic_kind kind)
{
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    printf(".Sh %s\n", heading);
    put_text(intro);
    puts(".Bl -tag -width indent");
    for (size_t i = 0; i < count; i++) {
        if (topics[i].kind != kind)
            continue;
        put_item("Cm", topics[i].name);
        printf(".Pq ");
        put_word(topics[i].facts, strlen(topics[i].facts), false);
        puts("\n.br");
        put_text(topics[i].text);
    }
    puts(".El");
}

int
main(void)
{
    size_t count;
    const struct jep_topic *topics = jep_topics(&count);

    fputs(".Dd November 24, 2026\n"
          ".Dt JEPROBE-RULES 7\n"
          ".Os\n"
          ".Sh NAME\n"
          ".Nm jeprobe-rules\n"
          ".Nd what jeprobe looks for in a dump, and what its names mean\n"
          ".Sh DESCRIPTION\n"
          "The rules that the findings of\n"
          ".Xr jeprobe 1\n"
          "come from, and the names of options, statistics and controls in "
          "dumps.\n"
          ".Ql jeprobe explain NAME\n"
          "prints one of them.\n"
          ".Pp\n"
          "A finding that is more than a note is shown only if acting on it "
          "can win 10 MiB\n"
          "and 1 % of the RSS, unless it is about time or limits.\n"
          "Where a rule does not say how severe it is, 25 % of the RSS or 1 "
          "GiB is high,\n"
          "10 % medium, and less low.\n",
          stdout);
    put_rules(topics, count);
    put_names("OPTIONS",
              "Options go into the environment variable MALLOC_CONF as "
              "name:value without opt., with commas between them.",
              JEP_TOPIC_OPTION);
    put_names("STATISTICS",
              "Names with stats. and prof. are also those of mallctl.",
              JEP_TOPIC_STATISTIC);
    put_names("CONTROLS", "Names of mallctl that are no statistics.",
              JEP_TOPIC_MALLCTL);
    fputs(".Sh SEE ALSO\n"
          ".Xr jeprobe 1 ,\n"
          ".Xr jealloc 3 ,\n"
          ".Xr jeprobe-dump 5 ,\n"
          ".Xr jeprobe-report 5\n",
          stdout);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
