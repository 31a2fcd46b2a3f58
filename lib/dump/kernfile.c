/* Lines of the kernel's files that nobody pastes. */
#include "dump/kernfile.h"

#include <string.h>

#define NUMBER_NONE                                                            \
    ((uint64_t)1 << 62) /* of v1: above it there is no limit                   \
                         */

/* Whether `name` is one of "a,b,c". */
static bool
has_word(const char *list, size_t length, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = list; at < list + length;) {
        size_t word = strcspn(at, ",: ");

        if (word == n && strncmp(at, name, n) == 0)
            return true;
        at += word + 1;
    }
    return false;
}

bool
kernfile_group(const char *text, struct kernfile_group *group)
{
    size_t digits = strspn(text, "0123456789");
    const char *names = text + digits + 1, *colon;

    if (digits == 0 || text[digits] != ':')
        return false;
    colon = strchr(names, ':');
    if (colon == NULL || colon[1] != '/')
        return false;
    group->is_v2 = digits == 1 && text[0] == '0' && colon == names;
    group->has_memory = has_word(names, (size_t)(colon - names), "memory");
    group->path = colon + 1;
    return true;
}

/* mountinfo writes blanks in paths as "\040". */
static bool
unescape(token_t word, char path[KERNFILE_PATH_MAX])
{
    size_t at = 0;

    for (size_t i = 0; i < word.length; i++) {
        const char *c = word.text + i;

        if (at + 1 == KERNFILE_PATH_MAX)
            return false;
        if (*c == '\\' && i + 3 < word.length &&
            strspn(c + 1, "01234567") >= 3) {
            path[at++] =
                (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
            i += 3;
        } else {
            path[at++] = *c;
        }
    }
    path[at] = '\0';
    return at > 0 && path[0] == '/';
}

bool
kernfile_mount(const char *text, size_t length, struct kernfile_mount *mount)
{
    token_t words[TOKENS_MAX];
    size_t count = token_split(text, length, words, TOKENS_MAX), dash = 6;

    if (count > TOKENS_MAX)
        return false;
    while (dash < count && !token_is(words[dash], "-"))
        dash++;
    if (dash + 3 >= count)
        return false;
    mount->is_v2 = token_is(words[dash + 1], "cgroup2");
    mount->has_memory =
        has_word(words[dash + 3].text, words[dash + 3].length, "memory");
    return (mount->is_v2 || token_is(words[dash + 1], "cgroup")) &&
           unescape(words[3], mount->root) && unescape(words[4], mount->point);
}

enum kernfile_number
kernfile_number(const char *text, size_t length, uint64_t *value)
{
    token_t word;

    *value = 0;
    if (token_split(text, length, &word, 1) != 1)
        return KERNFILE_BROKEN;
    if (token_is(word, "max"))
        return KERNFILE_MAX;
    if (word.text[0] == '-') {
        word = (token_t){word.text + 1, word.length - 1};
        if (!token_number(word, value))
            return KERNFILE_BROKEN;
        *value = -*value;
        return KERNFILE_NEGATIVE;
    }
    if (!token_number(word, value))
        return KERNFILE_BROKEN;
    return *value >= NUMBER_NONE ? KERNFILE_MAX : KERNFILE_NUMBER;
}

bool
kernfile_pair(const char *text, size_t length, token_t *name, uint64_t *value)
{
    token_t words[3];

    if (token_split(text, length, words, 3) != 2 ||
        !token_number(words[1], value))
        return false;
    *name = words[0];
    return true;
}
