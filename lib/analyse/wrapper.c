/* Functions that only pass allocations on.
 *
 * "Who holds it" is answered by who called these, not by them.  The list has
 * what is wide-spread; a project's own wrapper that is not in it is shown with
 * its callers below it, so nothing is lost. */
#include "analyse/report.h"

#include <string.h>

/* A trailing '*' stands for any rest. */
static const char *const wrappers[] = {
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "strndup",
    "__strdup",
    "__strndup",
    "operator new*",
    "_Znwm*",
    "_Znam*",
    "mallocx",
    "rallocx",
    "jea_*",
    "zmalloc*",
    "zcalloc*",
    "zrealloc*",
    "ztrymalloc*",
    "ztrycalloc*",
    "ztryrealloc*",
    "zstrdup",
    "xmalloc*",
    "xcalloc*",
    "xrealloc*",
    "xzalloc*",
    "xstrdup",
    "xstrndup",
    "xmemdup*",
    "do_xmalloc*",
    "xnmalloc",
    "g_malloc*",
    "g_realloc*",
    "g_try_*",
    "g_slice_alloc*",
    "g_strdup",
    "PyMem_*",
    "_PyMem_*",
    "PyObject_Malloc",
    "PyObject_Calloc",
    "PyObject_Realloc",
    "_PyObject_Malloc",
    "_PyObject_Calloc",
    "_PyObject_Realloc",
    "sqlite3MemMalloc",
    "sqlite3MemRealloc",
    "sqlite3Malloc*",
    "sqlite3Realloc*",
    "sqlite3_malloc*",
    "sqlite3_realloc*",
    "sqlite3DbMalloc*",
    "sqlite3DbRealloc*",
    "mallocWithAlarm",
    "dbMallocRawFinish",
    "CRYPTO_malloc",
    "CRYPTO_zalloc",
    "CRYPTO_realloc",
    "apr_palloc",
    "__gnu_cxx::new_allocator<*",
    "std::__new_allocator<*",
    "std::allocator<*",
    "std::allocator_traits<*",
    "std::_Vector_base<*",
    "__rust_alloc*",
    "__rdl_alloc*",
    "__rg_alloc*",
    "alloc::alloc::*",
    "alloc::raw_vec::*",
};

bool
wrapper_is(const char *function)
{
    if (function == NULL)
        return false;
    for (size_t i = 0; i < JE_ARRAY_LEN(wrappers); i++) {
        size_t length = strlen(wrappers[i]);

        if (wrappers[i][length - 1] == '*'
                ? strncmp(function, wrappers[i], length - 1) == 0
                : strcmp(function, wrappers[i]) == 0)
            return true;
    }
    return false;
}
