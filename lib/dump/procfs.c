/* Reader of what the kernel says of a process and of the machine, pasted:
 * /proc/PID/smaps, smaps_rollup, status, maps and limits, /proc/meminfo, the
 * memory.stat of a cgroup, sysctl's vm.* and the choices of huge pages.
 *
 * All of it makes one document until something comes a second time.  Figures of
 * smaps are summed over the mappings, and by kind of mapping; a smaps_rollup in
 * the same paste is believed instead, and status fills what neither has.  Of a
 * smaps that is cut off nothing is added up. */
#include "dump/document.h"
#include "dump/procfs_line.h"
#include "dump/procfs_map.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX_LENGTH 48

enum part {
    PART_NONE,
    PART_MAPS, /* of maps or smaps */
    PART_ROLLUP,
    PART_STATUS,
    PART_LIMITS,
    PART_MEMINFO,
    PART_STAT /* memory.stat */
};

_Static_assert(MACHINE_COUNT <= 32, "a bit each in seen_meminfo");

struct procfs {
    struct document doc;
    enum part part;
    unsigned parts; /* that were seen, a bit each */
    struct procfs_map map, before;
    uint64_t maps;
    unsigned lines; /* below the heading of the first mapping */
    bool is_smaps, is_cut, has_program;
    bool has_stack, has_vdso; /* the mappings at the end */
    bool has_locked;          /* the line at the end of smaps_rollup */
    struct jep_figure sums[ROLLUP_COUNT];   /* over the mappings */
    struct jep_figure rollup[ROLLUP_COUNT]; /* of smaps_rollup */
    struct jep_figure status[ROLLUP_COUNT]; /* of status, as a rollup */
    uint32_t seen_status, seen_meminfo;     /* fields, a bit each */
    char thp[16];                           /* huge pages; empty = not said */
    bool has_own_thp;                       /* said of those of 2 MiB alone */
    uint64_t thp_line;
};

/* Too much for a number stays more than there can be. */
static void
sum_add(struct procfs *p, int field, uint64_t value)
{
    struct jep_figure *sum = &p->sums[field];

    if (__builtin_add_overflow(sum->value, value, &sum->value))
        sum->value = UINT64_MAX;
    sum->known = true;
}

/* ---- mappings ---------------------------------------------------------- */

/* Whether the mapping before is one; `behind` may be NULL. */
static void
count_glibc_heap(struct procfs *p, const struct procfs_map *behind)
{
    if (!procfs_map_is_glibc_heap(&p->before, behind))
        return;
    sum_add(p, ROLLUP_GLIBC_HEAPS, 1);
    if (p->is_smaps)
        sum_add(p, ROLLUP_GLIBC_HEAP, p->before.rss);
}

/* The last mapping is complete: count it by its kind. */
static void
map_close(struct procfs *p)
{
    static const int fields[] = {[MAP_ANONYMOUS] = ROLLUP_ANONYMOUS_MAPS,
                                 [MAP_HEAP] = ROLLUP_HEAP,
                                 [MAP_STACK] = ROLLUP_STACK,
                                 [MAP_FILE] = ROLLUP_FILE,
                                 [MAP_SHARED] = ROLLUP_SHMEM,
                                 [MAP_SPECIAL] = ROLLUP_FILE};
    struct procfs_map *map = &p->map;
    bool is_file = map->kind >= MAP_FILE;
    uint64_t copies = map->anonymous < map->rss ? map->anonymous : map->rss;

    if (p->maps == 0)
        return;
    if (p->is_smaps) {
        sum_add(p, fields[map->kind], map->rss - (is_file ? copies : 0));
        if (is_file)
            sum_add(p, ROLLUP_FILE_COPIES, copies);
    }
    count_glibc_heap(p, map);
    if (p->maps == 1)
        p->lines = map->lines;
    p->is_cut |= map->lines != p->lines;
    p->before = *map;
}

/* ---- the document ------------------------------------------------------ */

static jep_status_t
emit_rollup(struct procfs *p)
{
    jep_status_t status = JEP_OK;

    for (int i = 0; i < ROLLUP_COUNT && status == JEP_OK; i++) {
        const struct jep_figure *best = &p->rollup[i];

        if (!best->known && !p->is_cut)
            best = &p->sums[i];
        if (!best->known)
            best = &p->status[i];
        p->doc.line = best->line;
        if (best->known)
            status = document_number(&p->doc, DUMP_ROLLUP, i, best->value);
    }
    return status;
}

static jep_status_t
emit_thp(struct procfs *p)
{
    p->doc.line = p->thp_line;
    return p->thp[0] == '\0' ? JEP_OK
                             : document_text(&p->doc, "process.thp.enabled",
                                             (token_t){p->thp, strlen(p->thp)});
}

static jep_status_t
finish(struct procfs *p)
{
    uint64_t line = p->doc.line;
    bool is_complete;
    jep_status_t status = JEP_OK;

    if (!p->doc.is_open)
        return JEP_OK;
    map_close(p);
    count_glibc_heap(p, NULL);
    is_complete = p->doc.line_ended && !p->is_cut;
    if (p->is_smaps && p->is_cut)
        status = document_warn(&p->doc, 0,
                               "mappings have not as many lines as the first: "
                               "something is missing or was put between, so "
                               "nothing is added up");
    else if (p->is_smaps && p->maps > 0 && !p->has_stack)
        status = document_warn(&p->doc, 0,
                               "the mapping of the stack is missing: there may "
                               "be more than these mappings");
    if (status == JEP_OK && p->maps > 0 && !p->is_cut)
        status = document_number(&p->doc, DUMP_MACHINE, MACHINE_MAPS, p->maps);
    if (status == JEP_OK)
        status = emit_rollup(p);
    if (status == JEP_OK)
        status = emit_thp(p);
    p->doc.line = line;
    if (status == JEP_OK)
        status = document_end(&p->doc, is_complete);
    *p = (struct procfs){.doc = p->doc};
    return status;
}

/* A line of that part was understood. */
static jep_status_t
need(struct procfs *p, enum part part, unsigned evidence)
{
    p->part = part;
    p->parts |= 1u << part;
    return document_need(&p->doc, evidence);
}

/* ---- lines ------------------------------------------------------------- */

static bool
is_rollup_heading(const char *path)
{
    return strcmp(path, "[rollup]") == 0;
}

/* Libraries by which a program is known, whatever it is called. */
static bool
is_runtime(token_t file)
{
    static const char *const starts[] = {"libjvm.", "librocksdb", "libruby",
                                         "libpython"};

    for (size_t i = 0; i < JE_ARRAY_LEN(starts); i++) {
        size_t length = strlen(starts[i]);

        if (file.length >= length && memcmp(file.text, starts[i], length) == 0)
            return true;
    }
    return false;
}

/* Code of the program itself comes before that of its libraries. */
static jep_status_t
read_code(struct procfs *p, const char *path)
{
    const char *slash = strrchr(path, '/');
    token_t whole = {path, strlen(path)}, file;
    char name[LABEL_MAX_LENGTH * 2];

    if (slash == NULL)
        return JEP_OK;
    file = (token_t){slash + 1, strlen(slash + 1)};
    if (!p->has_program && strstr(slash, ".so") == NULL) {
        p->has_program = true;
        return document_text(&p->doc, "process.exe", whole);
    }
    if (!is_runtime(file))
        return JEP_OK;
    snprintf(name, sizeof(name), "process.mapped.%.*s", (int)file.length,
             file.text);
    return document_text(&p->doc, name, whole);
}

static jep_status_t
read_map(struct procfs *p, const struct procfs_map *map, const char *path)
{
    bool is_rollup = is_rollup_heading(path);
    /* Addresses rise: otherwise it is another process, or the same again. */
    bool again = is_rollup ? (p->parts & 1u << PART_ROLLUP) != 0
                           : p->maps > 0 && map->start < p->map.end;
    jep_status_t status = again ? finish(p) : JEP_OK;

    if (status == JEP_OK)
        status = need(p, is_rollup ? PART_ROLLUP : PART_MAPS, TEXT_SURE);
    if (status != JEP_OK || is_rollup)
        return status;
    map_close(p);
    p->map = *map;
    p->maps++;
    p->has_stack |= map->kind == MAP_STACK;
    p->has_vdso |= map->kind == MAP_SPECIAL;
    return map->kind == MAP_FILE && map->is_executable ? read_code(p, path)
                                                       : JEP_OK;
}

struct label {
    const char *name;
    enum dump_scope scope;
    int field;
};

static const struct label *
label_find(const struct label *labels, size_t count, token_t name)
{
    for (size_t i = 0; i < count; i++) {
        if (token_is(name, labels[i].name))
            return &labels[i];
    }
    return NULL;
}

/* "Rss:    1234 kB" of smaps or of smaps_rollup. */
static jep_status_t
read_smaps_line(struct procfs *p, token_t name, uint64_t bytes, bool *is_one)
{
    static const struct label labels[] = {
        {"Rss", DUMP_ROLLUP, ROLLUP_RSS},
        {"Pss", DUMP_ROLLUP, ROLLUP_PSS},
        {"Anonymous", DUMP_ROLLUP, ROLLUP_ANONYMOUS},
        {"AnonHugePages", DUMP_ROLLUP, ROLLUP_ANON_HUGE_PAGES},
        {"LazyFree", DUMP_ROLLUP, ROLLUP_LAZY_FREE},
        {"Swap", DUMP_ROLLUP, ROLLUP_SWAP},
        {"Private_Dirty", DUMP_ROLLUP, ROLLUP_PRIVATE_DIRTY}};
    const struct label *label = label_find(labels, JE_ARRAY_LEN(labels), name);
    jep_status_t status;

    /* meminfo has lines of the same name. */
    *is_one = label != NULL && p->part != PART_MEMINFO;
    if (!*is_one)
        return JEP_OK;
    status = document_need(&p->doc, TEXT_WEAK);
    if (p->part == PART_ROLLUP) {
        p->rollup[label->field] = (struct jep_figure){
            .value = bytes, .line = (uint32_t)p->doc.line, .known = true};
        return status;
    }
    p->is_smaps = true;
    sum_add(p, label->field, bytes);
    if (label->field == ROLLUP_RSS)
        p->map.rss = bytes;
    else if (label->field == ROLLUP_ANONYMOUS)
        p->map.anonymous = bytes;
    return status;
}

/* "VmRSS:    1234 kB" */
static jep_status_t
read_status_line(struct procfs *p, token_t name, uint64_t bytes, bool *is_one)
{
    static const struct label labels[] = {
        {"VmPeak", DUMP_STATUS, STATUS_VM_PEAK},
        {"VmSize", DUMP_STATUS, STATUS_VM_SIZE},
        {"VmHWM", DUMP_STATUS, STATUS_VM_HWM},
        {"VmRSS", DUMP_STATUS, STATUS_VM_RSS},
        {"VmPTE", DUMP_STATUS, STATUS_VM_PTE},
        {"VmLck", DUMP_STATUS, STATUS_VM_LCK},
        {"RssAnon", DUMP_ROLLUP, ROLLUP_ANONYMOUS},
        {"RssFile", DUMP_ROLLUP, ROLLUP_FILE},
        {"RssShmem", DUMP_ROLLUP, ROLLUP_SHMEM},
        {"VmSwap", DUMP_ROLLUP, ROLLUP_SWAP}};
    const struct label *label = label_find(labels, JE_ARRAY_LEN(labels), name);
    uint32_t bit;
    jep_status_t status;

    *is_one = label != NULL;
    if (label == NULL)
        return JEP_OK;
    bit = 1u << (label - labels);
    status = (p->seen_status & bit) != 0 ? finish(p) : JEP_OK;
    if (status == JEP_OK)
        status = need(p, PART_STATUS, TEXT_SURE);
    p->seen_status |= bit;
    if (status == JEP_OK && label->scope == DUMP_STATUS)
        return document_number(&p->doc, DUMP_STATUS, label->field, bytes);
    p->status[label->field] = (struct jep_figure){
        .value = bytes, .line = (uint32_t)p->doc.line, .known = true};
    return status;
}

/* The field of MACHINE with that label in any case. */
static int
machine_field(token_t name)
{
    char label[LABEL_MAX_LENGTH];

    if (name.length == 0 || name.length >= sizeof(label))
        return FIELD_NONE;
    for (size_t i = 0; i < name.length; i++)
        label[i] = (char)tolower((unsigned char)name.text[i]);
    return field_by_text(DUMP_MACHINE, label, name.length);
}

/* "MemTotal:    16384 kB" */
static jep_status_t
read_meminfo_line(struct procfs *p, token_t name, uint64_t bytes, bool *is_one)
{
    int field = machine_field(name);
    bool is_sure = token_is(name, "MemTotal") || token_is(name, "MemAvailable");
    uint32_t bit;
    jep_status_t status;

    *is_one = field != FIELD_NONE && (is_sure || p->part == PART_MEMINFO);
    if (!*is_one)
        return JEP_OK;
    bit = 1u << field;
    status = (p->seen_meminfo & bit) != 0 ? finish(p) : JEP_OK;
    if (status == JEP_OK)
        status = need(p, PART_MEMINFO, TEXT_SURE);
    p->seen_meminfo |= bit;
    return status != JEP_OK
               ? status
               : document_number(&p->doc, DUMP_MACHINE, field, bytes);
}

/* "Label:   NUMBER kB": false if the line is another one. */
static bool
split_size(const char *text, size_t length, token_t *name, uint64_t *bytes)
{
    const char *colon = memchr(text, ':', length);
    token_t words[3];
    size_t count;

    if (colon == NULL || colon == text)
        return false;
    *name = (token_t){text, (size_t)(colon - text)};
    count = token_split(colon + 1, length - name->length - 1, words, 3);
    return count == 2 && token_is(words[1], "kB") &&
           memchr(text, ' ', name->length) == NULL &&
           token_number(words[0], bytes) &&
           !__builtin_mul_overflow(*bytes, (uint64_t)1024, bytes) &&
           *bytes <= INT64_MAX;
}

static jep_status_t
read_size(struct procfs *p, token_t name, uint64_t bytes)
{
    jep_status_t status;
    bool is_one;

    status = read_status_line(p, name, bytes, &is_one);
    if (status == JEP_OK && !is_one)
        status = read_meminfo_line(p, name, bytes, &is_one);
    if (status == JEP_OK && !is_one)
        status = read_smaps_line(p, name, bytes, &is_one);
    /* Others of them say nothing that is asked here. */
    if (status == JEP_OK && p->doc.is_open)
        document_says(&p->doc, TEXT_WEAK);
    p->map.lines += p->part == PART_MAPS;
    p->has_locked |= p->part == PART_ROLLUP && token_is(name, "Locked");
    return status;
}

/* Lines of status that are no sizes: "Threads:\t4". */
static jep_status_t
read_status_word(struct procfs *p, const char *text, size_t length)
{
    static const struct label numbers[] = {
        {"Pid", DUMP_PROCESS, PROCESS_PID},
        {"PPid", DUMP_PROCESS, PROCESS_PPID},
        {"Threads", DUMP_PROCESS, PROCESS_THREADS}};

    static const struct {
        const char *name, *setting;
    } texts[] = {{"Name", "process.comm"},
                 {"State", "process.state"},
                 {"NSpid", "process.nspid"},
                 {"Cpus_allowed_list", "process.cpus_allowed_list"},
                 {"THP_enabled", "process.thp.allowed"}};

    const char *tab = memchr(text, '\t', length);
    token_t name, value;
    const struct label *label;
    uint64_t number;
    jep_status_t status;

    if (tab == NULL || tab == text || tab[-1] != ':')
        return JEP_OK;
    name = (token_t){text, (size_t)(tab - text) - 1};
    value = (token_t){tab + 1, length - (size_t)(tab + 1 - text)};
    label = label_find(numbers, JE_ARRAY_LEN(numbers), name);
    if (label != NULL && token_number(token_trim(value), &number)) {
        status = need(p, PART_STATUS, TEXT_WEAK);
        return status != JEP_OK ? status
                                : document_number(&p->doc, label->scope,
                                                  label->field, number);
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(texts); i++) {
        if (!token_is(name, texts[i].name))
            continue;
        /* Its first line: it says whose it is. */
        status = i == 0 && p->seen_status != 0 ? finish(p) : JEP_OK;
        if (status == JEP_OK)
            status = need(p, PART_STATUS, TEXT_WEAK);
        return status != JEP_OK
                   ? status
                   : document_text(&p->doc, texts[i].setting, value);
    }
    return JEP_OK;
}

static jep_status_t
read_limit(struct procfs *p, const char *text, size_t length, bool *is_one)
{
    uint64_t value;
    bool is_unlimited;
    int field;
    jep_status_t status = JEP_OK;

    *is_one = procfs_limit(text, length, &field, &value, &is_unlimited);
    if (!*is_one)
        return JEP_OK;
    if (p->part != PART_LIMITS && (p->parts & 1u << PART_LIMITS) != 0)
        status = finish(p);
    if (status == JEP_OK)
        status = need(p, PART_LIMITS, TEXT_SURE);
    if (status == JEP_OK && !is_unlimited)
        status = document_number(&p->doc, DUMP_RLIMIT, field, value);
    return status;
}

/* "vm.max_map_count = 65530" */
static jep_status_t
read_sysctl(struct procfs *p, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    token_t name, value;
    uint64_t number;
    jep_status_t status;
    int field;

    if (equals == NULL)
        return JEP_OK;
    name = token_trim((token_t){text + 3, (size_t)(equals - text) - 3});
    value =
        token_trim((token_t){equals + 1, length - (size_t)(equals + 1 - text)});
    field = machine_field(name);
    if (field == FIELD_NONE || !token_number(value, &number))
        return JEP_OK;
    status = document_need(&p->doc, TEXT_SURE);
    return status != JEP_OK
               ? status
               : document_number(&p->doc, DUMP_MACHINE, field, number);
}

/* "inactive_file 123456" */
static jep_status_t
read_stat(struct procfs *p, const char *text, size_t length)
{
    token_t words[3];
    uint64_t value;
    jep_status_t status;
    int field;

    if (token_split(text, length, words, 3) != 2 ||
        !token_number(words[1], &value))
        return JEP_OK;
    field = field_by_text(DUMP_CGROUP, words[0].text, words[0].length);
    if (field == FIELD_NONE)
        return p->part == PART_STAT ? document_need(&p->doc, TEXT_WEAK)
                                    : JEP_OK;
    status = need(p, PART_STAT,
                  field == CGROUP_INACTIVE_FILE ? TEXT_SURE : TEXT_WEAK);
    return status != JEP_OK
               ? status
               : document_number(&p->doc, DUMP_CGROUP, field, value);
}

/* The choices of transparent huge pages.  What is said of all of them holds for
 * those of 2 MiB unless they have one of their own. */
static jep_status_t
read_choice(struct procfs *p, enum procfs_choice choice, token_t chosen)
{
    bool is_own = choice == CHOICE_HUGE && !token_is(chosen, "inherit");
    bool is_enabled = is_own || (choice == CHOICE_ALL && !p->has_own_thp);
    jep_status_t status;

    if (choice != CHOICE_DEFRAG && !is_enabled) {
        if (p->doc.is_open)
            document_says(&p->doc, TEXT_WEAK);
        return JEP_OK;
    }
    status = document_need(&p->doc, TEXT_WEAK);
    if (status != JEP_OK || choice == CHOICE_DEFRAG)
        return status != JEP_OK
                   ? status
                   : document_text(&p->doc, "process.thp.defrag", chosen);
    snprintf(p->thp, sizeof(p->thp), "%.*s", (int)chosen.length, chosen.text);
    p->thp_line = p->doc.line;
    p->has_own_thp |= is_own;
    return JEP_OK;
}

static jep_status_t
read_line(struct procfs *p, const char *text, size_t length)
{
    struct procfs_map map;
    const char *path;
    token_t name;
    uint64_t bytes;
    bool is_limit = false;
    enum procfs_choice choice;
    jep_status_t status;

    if (procfs_map_read(text, &map, &path))
        return read_map(p, &map, path);
    if (split_size(text, length, &name, &bytes))
        return read_size(p, name, bytes);
    if (strncmp(text, "VmFlags:", 8) == 0) {
        p->map.lines++;
        return p->maps > 0 ? document_need(&p->doc, TEXT_WEAK) : JEP_OK;
    }
    if (strncmp(text, "vm.", 3) == 0)
        return read_sysctl(p, text, length);
    choice = procfs_choice(text, length, &name);
    if (choice != CHOICE_NONE)
        return read_choice(p, choice, name);
    status = read_limit(p, text, length, &is_limit);
    if (status != JEP_OK || is_limit)
        return status;
    status = read_status_word(p, text, length);
    if (status == JEP_OK && p->doc.evidence == TEXT_NOTHING)
        status = read_stat(p, text, length);
    return status;
}

/* "Pid:\t4711": nobody but status writes it so, and it stands above the
 * sizes. */
static bool
is_pid(const char *text)
{
    size_t digits;

    if (strncmp(text, "Pid:\t", 5) != 0)
        return false;
    digits = strspn(text + 5, "0123456789");
    return digits > 0 && text[5 + digits] == '\0';
}

static unsigned
procfs_probe(const struct text_line *line)
{
    static const char *const sure[] = {
        "Name:\t", "VmPeak:",   "VmSize:",
        "VmHWM:",  "VmRSS:",    "RssAnon:",
        "VmSwap:", "MemTotal:", "Max address space "};
    static const char *const weak[] = {"Rss:", "vm.", "anon "};
    const char *text = line->text + strspn(line->text, " \t"), *path;
    struct procfs_map map;
    token_t chosen;

    if (procfs_map_read(text, &map, &path) || is_pid(text))
        return TEXT_SURE;
    for (size_t i = 0; i < JE_ARRAY_LEN(sure); i++) {
        if (strncmp(text, sure[i], strlen(sure[i])) == 0)
            return TEXT_SURE;
    }
    for (size_t i = 0; i < JE_ARRAY_LEN(weak); i++) {
        if (strncmp(text, weak[i], strlen(weak[i])) == 0)
            return TEXT_WEAK;
    }
    return procfs_choice(text, strlen(text), &chosen) != CHOICE_NONE
               ? TEXT_WEAK
               : TEXT_NOTHING;
}

static void *
procfs_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct procfs *p = calloc(1, sizeof(*p));

    (void)error;
    if (p != NULL)
        p->doc = (struct document){.sink = sink, .format = DUMP_FORMAT_PROC};
    return p;
}

/* Whether a mapping behind something else is of the same smaps: addresses rise,
 * up to the stack.  That of another process begins with its program. */
static bool
map_goes_on(const struct procfs *p, const struct procfs_map *map,
            const char *path)
{
    bool is_program = map->is_start && strstr(path, ".so") == NULL;

    return p->part == PART_MAPS && map->start >= p->map.end &&
           !(p->has_stack && p->has_vdso) &&
           (map->start == p->map.end || !is_program);
}

/* Whether a line behind something else goes on with the mapping before that, or
 * with the file: others may be of another process, with which this one's file
 * is over. */
static bool
goes_on(const struct procfs *p, const char *text, size_t length)
{
    struct procfs_map map;
    const char *path;
    token_t name;
    uint64_t bytes;

    if (procfs_map_read(text, &map, &path))
        return map_goes_on(p, &map, path);
    if (p->part == PART_MAPS && p->maps > 1 && p->map.lines >= p->lines)
        return false;
    return strncmp(text, "VmFlags:", 8) == 0 ||
           split_size(text, length, &name, &bytes);
}

static jep_status_t
procfs_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct procfs *p = state;
    size_t indent = strspn(line->text, " \t");
    jep_status_t status;

    document_line(&p->doc, line);
    if (line->resumes &&
        !goes_on(p, line->text + indent, line->length - indent)) {
        *evidence = procfs_probe(line) == TEXT_SURE ? TEXT_OVER : TEXT_NOTHING;
        return JEP_OK;
    }
    status = read_line(p, line->text + indent, line->length - indent);
    *evidence = p->doc.evidence;
    return status;
}

static jep_status_t
procfs_close(void *state)
{
    struct procfs *p = state;
    jep_status_t status = finish(p);

    free(p);
    return status;
}

/* All of a file comes at once, but for the long ones: whether the last line was
 * in the midst of one. */
static bool
procfs_is_over(const void *state)
{
    const struct procfs *p = state;

    if (p->part == PART_ROLLUP)
        return p->has_locked;
    return p->part != PART_MAPS ||
           (p->has_stack && p->has_vdso && p->map.lines >= p->lines);
}

const struct text_format text_procfs = {
    .name = "proc",
    .probe = procfs_probe,
    .open = procfs_open,
    .line = procfs_line,
    .close = procfs_close,
    .is_over = procfs_is_over,
};
