/* Lines of /proc and of sysfs that pastes have and live files, too. */
#include "dump/procfs_line.h"

#include <stdlib.h>
#include <string.h>

/* "Max open files   1024   1048576   files": the limit in force. */
bool
procfs_limit(const char *text, size_t length, int *field, uint64_t *value,
             bool *is_unlimited)
{
    static const struct {
        const char *name;
        int field;
    } labels[] = {{"Max address space", RLIMIT_AS},
                  {"Max data size", RLIMIT_DATA},
                  {"Max stack size", RLIMIT_STACK},
                  {"Max open files", RLIMIT_NOFILE},
                  {"Max locked memory", RLIMIT_MEMLOCK},
                  {"Max processes", RLIMIT_NPROC}};

    for (size_t i = 0; i < JE_ARRAY_LEN(labels); i++) {
        size_t n = strlen(labels[i].name);
        token_t words[4];

        if (strncmp(text, labels[i].name, n) != 0 || text[n] != ' ' ||
            token_split(text + n, length - n, words, 4) < 3)
            continue;
        *field = labels[i].field;
        *value = 0;
        *is_unlimited = token_is(words[0], "unlimited");
        return *is_unlimited || token_number(words[0], value);
    }
    return false;
}

bool
procfs_chosen(const char *text, size_t length, token_t *chosen)
{
    static const char *const words[] = {"always", "inherit", "madvise",
                                        "never",  "defer",   "defer+madvise"};
    token_t found[JE_ARRAY_LEN(words)];
    size_t count = token_split(text, length, found, JE_ARRAY_LEN(words));
    bool is_chosen = false;

    if (count < 3 || count > JE_ARRAY_LEN(words))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;

        if (found[i].text[0] == '[' && token_ends(found[i], ']')) {
            found[i] = (token_t){found[i].text + 1, found[i].length - 2};
            *chosen = found[i];
            is_chosen = true;
        }
        for (size_t k = 0; k < JE_ARRAY_LEN(words); k++)
            is_known |= token_is(found[i], words[k]);
        if (!is_known)
            return false;
    }
    return is_chosen;
}

/* Only single sizes inherit, and only of defrag there is something to defer. */
static enum procfs_choice
choice_by_words(const char *text, size_t length)
{
    if (memmem(text, length, "defer", 5) != NULL)
        return CHOICE_DEFRAG;
    return memmem(text, length, "inherit", 7) != NULL ? CHOICE_SIZE
                                                      : CHOICE_ALL;
}

enum procfs_choice
procfs_choice(const char *text, size_t length, token_t *chosen)
{
    static const char directory[] = "/transparent_hugepage/";

    static const struct {
        const char *file;
        enum procfs_choice choice;
    } files[] = {{"enabled", CHOICE_ALL},
                 {"defrag", CHOICE_DEFRAG},
                 {"hugepages-2048kB/enabled", CHOICE_HUGE}};

    const char *at = memmem(text, length, directory, sizeof(directory) - 1);
    const char *end = text + length, *colon;
    token_t file;

    if (at == NULL)
        return procfs_chosen(text, length, chosen)
                   ? choice_by_words(text, length)
                   : CHOICE_NONE;
    at += sizeof(directory) - 1;
    colon = memchr(at, ':', (size_t)(end - at));
    if (colon == NULL ||
        !procfs_chosen(colon + 1, (size_t)(end - colon - 1), chosen))
        return CHOICE_NONE;
    file = (token_t){at, (size_t)(colon - at)};
    for (size_t i = 0; i < JE_ARRAY_LEN(files); i++) {
        if (token_is(file, files[i].file))
            return files[i].choice;
    }
    return CHOICE_SIZE;
}

bool
procfs_pressure(const char *text, bool *is_full, uint64_t *hundredths)
{
    const char *at = strstr(text, "avg10=");
    token_t whole, part;

    *is_full = strncmp(text, "full ", 5) == 0;
    if ((!*is_full && strncmp(text, "some ", 5) != 0) || at == NULL)
        return false;
    whole = (token_t){at + 6, strspn(at + 6, "0123456789")};
    part = (token_t){whole.text + whole.length + 1, 2};
    if (whole.length == 0 || whole.length > 3 || part.text[-1] != '.' ||
        strspn(part.text, "0123456789") != 2)
        return false;
    *hundredths =
        strtoull(whole.text, NULL, 10) * 100 + strtoull(part.text, NULL, 10);
    return true;
}
