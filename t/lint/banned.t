#!/bin/sh
# Functions that a part of the program must not call, and words that must not
# be left in it.
. "${0%/*}/lint.sh"

heap='malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf'
heap="$heap|qsort|getline|getdelim|opendir|regcomp"
stdio='printf|fprintf|vprintf|vfprintf|dprintf|vdprintf|snprintf|vsnprintf|puts'
stdio="$stdio|fputs|fputc|putchar|fopen|fdopen|freopen|fclose|fread|fwrite"
stdio="$stdio|fflush|perror|syslog|strerror|setlocale"
environment='getenv|secure_getenv|setenv|putenv|unsetenv'
unsafe='strcpy|strcat|stpcpy|sprintf|vsprintf|gets|system|popen|strtok|tmpnam'
unsafe="$unsafe|tempnam|mktemp|atoi|atol|atoll|atof|alloca|rand|srand|strncpy"

# calls ROOT FUNCTIONS FILE...
calls() {
    calls_root=$1
    calls_what=$2
    shift 2
    code "$calls_root" "$@" |
        grep -E "^[^:]*:[0-9]+:(.*[^A-Za-z0-9_>.])?($calls_what)[[:blank:]]*\(" |
        sed 's/$/  <- banned/'
}

# The allocator serves malloc: what it calls must not need malloc, and must
# work before main() and in a signal handler. malloc_info is given a FILE.
lint_allocator() {
    # shellcheck disable=SC2046
    calls "$1" "$heap|$stdio|assert|exit" \
        $(sources "$1" lib/base lib/os lib/alloc) |
        grep -v '^lib/alloc/mallinfo\.c:.*fwrite(text, 1, n, out->file)'
    # shellcheck disable=SC2046
    calls "$1" "$environment" $(sources "$1" lib/base lib/os lib/alloc)
    # fork.c has to be told of forks; threads and locks are for lib/os.
    # shellcheck disable=SC2046
    calls "$1" 'pthread_[a-z_]*' $(sources "$1" lib/base lib/alloc) |
        grep -v '^lib/alloc/fork\.c:.*pthread_atfork'
}

# The shim defines malloc's family itself, but prints and asserts no more.
lint_shim() {
    # shellcheck disable=SC2046
    calls "$1" "$stdio|assert|exit" $(sources "$1" shim)
}

# A library hands back results; what is printed is for its caller to say.
lint_analysis() {
    # shellcheck disable=SC2046
    calls "$1" 'printf|vprintf|puts|putchar|perror|exit|abort|assert' \
        $(sources "$1" lib/dump lib/model lib/analyse)
}

lint_unsafe() {
    # shellcheck disable=SC2046
    calls "$1" "$unsafe" $(sources "$1" lib cli shim samples t)
}

# Marks of unfinished work. NEEDSWORK: explains an open choice and is fine.
lint_words() (
    files=$(texts "$1")
    cd "$1" || exit
    marks='TO''DO|FIX''ME|X''XX'
    # shellcheck disable=SC2086
    grep -InHwE "$marks" $files
)

clean lint_allocator "the allocator calls nothing that allocates"
planted lint_allocator lib/alloc/bad.c 'bad.c:2:.*strdup' \
    "strdup in the allocator" <<'END'
/* strdup() in a comment is fine, "malloc(" in a string too */
char *f(void) { g("malloc("); x->free(1); return strdup("a"); }
END
is "and nothing else" "$(lint_allocator "$tmp/tree" | wc -l)" 1
planted lint_allocator lib/base/bad.c 'bad.c:1:.*getenv' "getenv" <<'END'
const char *e = getenv("HOME");
END
planted lint_allocator lib/alloc/bad.h 'bad.h:1:.*pthread' "a mutex" <<'END'
static void f(void) { pthread_mutex_lock(&m); }
END

clean lint_shim "the shim does not print"
planted lint_shim shim/bad.c 'bad.c:1:.*printf' "printf in the shim" <<'END'
void f(void) { printf ("x"); }
END

clean lint_analysis "the analysis does not print"
planted lint_analysis lib/model/bad.c 'bad.c:1:.*exit' "exit in it" <<'END'
void f(void) { exit(1); }
END

clean lint_unsafe "no function that invites an overrun"
planted lint_unsafe cli/bad.c 'bad.c:1:.*strcpy' "strcpy" <<'END'
void f(char *a, char *b) { strcpy(a, b); }
END

clean lint_words "no mark of unfinished work"
echo "/* FIX""ME: later */" >"$tmp/in"
planted lint_words cli/bad.c 'bad.c:1:' "a mark" <"$tmp/in"
done_testing
