/* Readable names of C++ and Rust functions, where the machine can make them.
 *
 * The C++ runtime has the one function that does it.  It is loaded when the
 * first such name appears and not linked, because jeprobe must run where
 * there is no C++. */
#include "model/demangle.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define MANGLED_MAX 4096 /* longer ones are names that nobody can read */

typedef char *demangle_fn(const char *name, char *buffer, size_t *size,
                          int *status);

static demangle_fn *
demangler(void)
{
    static demangle_fn *function;
    static bool is_tried;
    void *library;

    if (is_tried)
        return function;
    is_tried = true;
    library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    if (library != NULL)
        function = (demangle_fn *)dlsym(library, "__cxa_demangle");
    return function;
}

/* Older Rust puts a hash behind each name: "::h" and sixteen digits. */
static void
hash_cut(char *name)
{
    size_t length = strlen(name);
    char *tail;

    if (length < 20)
        return;
    tail = name + length - 19;
    if (strncmp(tail, "::h", 3) == 0 &&
        strspn(tail + 3, "0123456789abcdef") == 16)
        *tail = '\0';
}

const char *
demangle(const char *name, struct intern_text *texts)
{
    demangle_fn *function;
    const char *own;
    char *readable;
    int status;

    if (strncmp(name, "_Z", 2) != 0 || strlen(name) > MANGLED_MAX)
        return intern_text(texts, name);
    function = demangler();
    if (function == NULL)
        return intern_text(texts, name);
    readable = function(name, NULL, NULL, &status);
    if (readable == NULL)
        return intern_text(texts, name);
    hash_cut(readable);
    own = intern_text(texts, readable);
    free(readable);
    return own;
}
