/* Reader of what the kernel logs when it kills a process for want of memory:
 * the process and its memory, the cgroup's usage and limit, and which process
 * of the table above it was the largest.
 *
 *   memory: usage 524288kB, limit 524288kB, failcnt 91
 *   [  pid  ]   uid  tgid total_vm      rss … oom_score_adj name
 *   [   4711]  1000  4711   900000   300000 …             0 java
 *   Killed process 4711 (java) total-vm:3600000kB, anon-rss:1190000kB, …
 *
 * Columns are found by their names: kernels differ.  A document a kill. */
#include "base/macros.h"
#include "dump/document.h"

#include <stdlib.h>
#include <string.h>

/* The table counts pages, and does not say how large they are. */
#define PAGE_BYTES  4096
#define COLUMNS_MAX 24
#define NAME_BYTES  64

struct task {
    uint64_t pid, rss, adj; /* adj as a signed number */
    char name[NAME_BYTES];
    uint64_t line;
    bool is_known;
};

struct oomlog {
    struct document document;
    bool is_killed, is_table;
    uint64_t pid;                           /* that was killed */
    size_t rss_column, adj_column, columns; /* behind the process's number */
    struct task largest;
};

/* ---- words -------------------------------------------------------------- */

static bool
read_signed(token_t token, uint64_t *value)
{
    bool is_negative = token.length > 1 && token.text[0] == '-';

    if (is_negative)
        token = (token_t){token.text + 1, token.length - 1};
    if (!token_number(token, value))
        return false;
    if (is_negative)
        *value = -*value;
    return true;
}

/* The number behind `name`, and its unit of kB in bytes. */
static bool
read_size(const char *text, const char *name, uint64_t *bytes)
{
    const char *at = strstr(text, name);
    size_t digits;

    if (at == NULL)
        return false;
    at += strlen(name);
    digits = strspn(at, "0123456789");
    return strncmp(at + digits, "kB", 2) == 0 &&
           token_number((token_t){at, digits}, bytes) &&
           !__builtin_mul_overflow(*bytes, (uint64_t)1024, bytes) &&
           *bytes <= INT64_MAX;
}

/* What is behind "[   4711]"; a time in brackets has a point.  NULL = no such
 * thing. */
static const char *
behind_pid(const char *text, uint64_t *pid)
{
    for (; (text = strchr(text, '[')) != NULL; text++) {
        size_t blanks = strspn(text + 1, " ");
        token_t digits = {text + 1 + blanks,
                          strspn(text + 1 + blanks, "0123456789")};
        const char *end = digits.text + digits.length;

        if (digits.length > 0 && end[strspn(end, " ")] == ']' &&
            token_number(digits, pid))
            return strchr(end, ']') + 1;
    }
    return NULL;
}

static const char *
behind_heading(const char *text)
{
    const char *at = strstr(text, "pid");

    if (at == NULL || at == text || (at[-1] != ' ' && at[-1] != '[') ||
        strstr(at, " rss") == NULL || strstr(at, "oom_score_adj name") == NULL)
        return NULL;
    at = strchr(at, ']');
    return at != NULL ? at + 1 : NULL;
}

/* ---- documents ------------------------------------------------------------
 */

/* Someone larger was spared. */
static jep_status_t
emit_largest(struct oomlog *o)
{
    const struct task *task = &o->largest;
    uint64_t line = o->document.line;
    jep_status_t status;

    if (!o->is_killed || !task->is_known || task->pid == o->pid)
        return JEP_OK;
    o->document.line = task->line;
    status = document_number(&o->document, DUMP_MACHINE, MACHINE_OOM_LARGEST,
                             task->rss);
    if (status == JEP_OK)
        status = document_number(&o->document, DUMP_MACHINE,
                                 MACHINE_OOM_LARGEST_ADJ, task->adj);
    if (status == JEP_OK)
        status = document_text(&o->document, "process.oom.largest",
                               (token_t){task->name, strlen(task->name)});
    o->document.line = line;
    return status;
}

static jep_status_t
finish(struct oomlog *o, bool is_complete)
{
    jep_status_t status = emit_largest(o);

    if (status == JEP_OK)
        status = document_end(&o->document, is_complete);
    *o = (struct oomlog){.document = o->document};
    return status;
}

/* ---- lines ----------------------------------------------------------------
 */

static jep_status_t
read_heading(struct oomlog *o, const char *text)
{
    token_t names[COLUMNS_MAX];
    jep_status_t status =
        o->is_table || o->is_killed ? finish(o, true) : JEP_OK;
    size_t count = token_split(text, strlen(text), names, COLUMNS_MAX);

    if (status != JEP_OK || count > COLUMNS_MAX)
        return status;
    for (size_t i = 0; i < count; i++) {
        if (token_is(names[i], "rss"))
            o->rss_column = i;
        else if (token_is(names[i], "oom_score_adj"))
            o->adj_column = i;
    }
    o->columns = count;
    o->is_table = true;
    return document_need(&o->document, TEXT_SURE);
}

static jep_status_t
read_task(struct oomlog *o, const char *text, uint64_t pid)
{
    token_t words[COLUMNS_MAX];
    size_t count = token_split(text, strlen(text), words, COLUMNS_MAX);
    struct task task = {.pid = pid, .line = o->document.line, .is_known = true};
    size_t length;

    if (count < o->columns || !token_number(words[o->rss_column], &task.rss) ||
        !read_signed(words[o->adj_column], &task.adj) ||
        __builtin_mul_overflow(task.rss, (uint64_t)PAGE_BYTES, &task.rss) ||
        task.rss > INT64_MAX)
        return JEP_OK;
    length = words[o->columns - 1].length;
    length = length < NAME_BYTES ? length : NAME_BYTES - 1;
    memcpy(task.name, words[o->columns - 1].text, length);
    if (!o->largest.is_known || task.rss > o->largest.rss)
        o->largest = task;
    return document_need(&o->document, TEXT_SURE);
}

/* The parts of the RSS, and their sum if all are there. */
static jep_status_t
read_rss(struct oomlog *o, const char *text)
{
    static const struct {
        const char *name;
        enum rollup_field field;
    } parts[] = {{" anon-rss:", ROLLUP_ANONYMOUS},
                 {" file-rss:", ROLLUP_FILE},
                 {" shmem-rss:", ROLLUP_SHMEM}};

    jep_status_t status = JEP_OK;
    uint64_t sum = 0, bytes;
    bool is_whole = true;

    for (size_t i = 0; i < JE_ARRAY_LEN(parts) && status == JEP_OK; i++) {
        if (read_size(text, parts[i].name, &bytes) &&
            !__builtin_add_overflow(sum, bytes, &sum))
            status = document_number(&o->document, DUMP_ROLLUP, parts[i].field,
                                     bytes);
        else
            is_whole = false;
    }
    if (status == JEP_OK && is_whole && sum <= INT64_MAX)
        status = document_number(&o->document, DUMP_ROLLUP, ROLLUP_RSS, sum);
    return status;
}

static jep_status_t
read_adj(struct oomlog *o, const char *text)
{
    static const char name[] = "oom_score_adj:";
    const char *at = strstr(text, name);
    uint64_t adj;

    if (at == NULL)
        return JEP_OK;
    at += sizeof(name) - 1;
    if (!read_signed((token_t){at, strspn(at, "-0123456789")}, &adj))
        return JEP_OK;
    return document_number(&o->document, DUMP_PROCESS, PROCESS_OOM_SCORE_ADJ,
                           adj);
}

/* "4711 (java) total-vm:3600000kB, …" */
static jep_status_t
read_kill(struct oomlog *o, const char *text, bool is_group)
{
    token_t digits = {text, strspn(text, "0123456789")};
    const char *open = strchr(text, '('), *close = strchr(text, ')');
    jep_status_t status = o->is_killed ? finish(o, true) : JEP_OK;
    uint64_t bytes;

    o->is_killed = token_number(digits, &o->pid);
    if (status == JEP_OK)
        status = document_need(&o->document, TEXT_SURE);
    if (status == JEP_OK && o->is_killed)
        status =
            document_number(&o->document, DUMP_PROCESS, PROCESS_PID, o->pid);
    if (status == JEP_OK && open != NULL && close > open)
        status = document_text(&o->document, "process.comm",
                               (token_t){open + 1, (size_t)(close - open) - 1});
    if (status == JEP_OK && read_size(text, " total-vm:", &bytes))
        status =
            document_number(&o->document, DUMP_STATUS, STATUS_VM_SIZE, bytes);
    if (status == JEP_OK)
        status = read_rss(o, text);
    if (status == JEP_OK)
        status = read_adj(o, text);
    if (status == JEP_OK && is_group)
        status =
            document_number(&o->document, DUMP_CGROUP, CGROUP_OOM_KILLS, 1);
    return status;
}

/* "memory: usage 524288kB, limit 524288kB, failcnt 91" */
static jep_status_t
read_group(struct oomlog *o, const char *text)
{
    jep_status_t status = o->is_killed ? finish(o, true) : JEP_OK;
    uint64_t bytes;

    if (status == JEP_OK)
        status = document_need(&o->document, TEXT_SURE);
    if (status == JEP_OK && read_size(text, " usage ", &bytes))
        status =
            document_number(&o->document, DUMP_CGROUP, CGROUP_USAGE, bytes);
    if (status == JEP_OK && read_size(text, " limit ", &bytes))
        status =
            document_number(&o->document, DUMP_CGROUP, CGROUP_LIMIT, bytes);
    return status;
}

static const char *
behind_kill(const char *text)
{
    static const char killed[] = "Killed process ";
    const char *at = strstr(text, killed);

    if (at == NULL || strstr(at, " anon-rss:") == NULL)
        return NULL;
    return at + sizeof(killed) - 1;
}

static const char *
behind_group(const char *text)
{
    const char *at = strstr(text, "memory: usage ");

    return at != NULL && strstr(at, "kB, limit ") != NULL ? at : NULL;
}

static jep_status_t
read_line(struct oomlog *o, const char *text)
{
    uint64_t pid;
    const char *at = behind_kill(text);

    if (at != NULL)
        return read_kill(o, at,
                         strstr(text, "Memory cgroup out of memory") != NULL);
    at = behind_group(text);
    if (at != NULL)
        return read_group(o, at);
    at = behind_heading(text);
    if (at != NULL)
        return read_heading(o, at);
    at = o->is_table && !o->is_killed ? behind_pid(text, &pid) : NULL;
    return at != NULL ? read_task(o, at, pid) : JEP_OK;
}

static unsigned
oomlog_probe(const struct text_line *line)
{
    return behind_kill(line->text) != NULL ||
                   behind_group(line->text) != NULL ||
                   behind_heading(line->text) != NULL
               ? TEXT_SURE
               : TEXT_NOTHING;
}

static void *
oomlog_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct oomlog *o = calloc(1, sizeof(*o));

    (void)error;
    if (o != NULL)
        o->document =
            (struct document){.sink = sink, .format = DUMP_FORMAT_PROC};
    return o;
}

static jep_status_t
oomlog_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct oomlog *o = state;
    jep_status_t status;

    document_line(&o->document, line);
    status = read_line(o, line->text);
    if (status == JEP_OK)
        status = document_warn_end(&o->document, line);
    *evidence = o->document.evidence;
    return status;
}

static jep_status_t
oomlog_close(void *state)
{
    struct oomlog *o = state;
    jep_status_t status = finish(o, o->document.line_ended);

    free(o);
    return status;
}

const struct text_format text_oomlog = {
    .name = "oomlog",
    .probe = oomlog_probe,
    .open = oomlog_open,
    .line = oomlog_line,
    .close = oomlog_close,
    .is_over = text_is_over,
};
