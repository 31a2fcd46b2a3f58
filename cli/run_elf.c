/*
 * Can this file be executed, and can something be preloaded into it?
 *
 * The loader ignores LD_PRELOAD without a word in the cases that matter (set
 * user id, static), so the file is read before it is started and the reason is
 * given instead of an empty dump.
 */
#include "cli/run.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    HEAD_SIZE = 256,   /* of a file: what the kernel looks at, too */
    SCRIPT_DEPTH = 4,  /* interpreters that are scripts: the kernel's limit */
    SCRIPT_WORDS = 32, /* on an `env -S` line */
    PHDR_MAX = 1024
};

/* The beginning of a file; returns its length, or -1 with errno. */
static ssize_t
run_read_head(const char *path, char head[HEAD_SIZE + 1])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, head, HEAD_SIZE);
    int error = errno;
    close(fd);
    errno = error;
    if (n >= 0)
        head[n] = '\0';
    return n;
}

static const char *
run_machine_name(unsigned machine, unsigned class)
{
    static char other[48];

    static const struct {
        unsigned machine;
        unsigned class;
        const char *name;
    } names[] = {
        {EM_386, ELFCLASS32, "a 32-bit x86 program (i386)"},
        {EM_X86_64, ELFCLASS32, "an x32 program"},
        {EM_X86_64, ELFCLASS64, "an x86-64 program"},
        {EM_ARM, ELFCLASS32, "a 32-bit ARM program"},
        {EM_AARCH64, ELFCLASS64, "a 64-bit ARM program (aarch64)"},
        {EM_RISCV, ELFCLASS64, "a 64-bit RISC-V program"},
        {EM_PPC64, ELFCLASS64, "a 64-bit POWER program"},
        {EM_S390, ELFCLASS64, "an s390x program"},
        {EM_MIPS, ELFCLASS32, "a 32-bit MIPS program"},
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].machine == machine && names[i].class == class)
            return names[i].name;
    }
    snprintf(other, sizeof(other), "a %s-bit program of machine %u",
             class == ELFCLASS32 ? "32" : "64", machine);
    return other;
}

/* Class, byte order and machine must be those of jeprobe itself: the preload
 * object was built with it. */
static void
run_check_machine(const char *path, const char head[HEAD_SIZE])
{
    char own[HEAD_SIZE + 1];
    Elf64_Ehdr mine;
    Elf64_Ehdr its; /* up to e_machine the same in both classes */
    if (run_read_head("/proc/self/exe", own) < (ssize_t)sizeof(mine))
        return;
    memcpy(&mine, own, sizeof(mine));
    memcpy(&its, head, sizeof(its));
    if (its.e_ident[EI_CLASS] == mine.e_ident[EI_CLASS] &&
        its.e_ident[EI_DATA] == mine.e_ident[EI_DATA] &&
        its.e_machine == mine.e_machine)
        return;
    unsigned machine = its.e_machine;
    if (its.e_ident[EI_DATA] != mine.e_ident[EI_DATA])
        machine = (machine >> 8 | machine << 8) & 0xffff;
    die_advise(EXIT_LAUNCH,
               "profile it with a jeprobe that was built for its machine",
               "%s: is %s; this jeprobe can profile only what is like itself",
               path, run_machine_name(machine, its.e_ident[EI_CLASS]));
}

/* The loader that the program asks for, into `interp`; false: none. */
static bool
run_read_interp(int fd, const Elf64_Ehdr *header, char interp[PATH_MAX])
{
    unsigned count = header->e_phnum < PHDR_MAX ? header->e_phnum : PHDR_MAX;
    for (unsigned i = 0; i < count; i++) {
        Elf64_Phdr ph;
        off_t at = (off_t)(header->e_phoff + i * sizeof(ph));
        if (pread(fd, &ph, sizeof(ph), at) != (ssize_t)sizeof(ph))
            return false;
        if (ph.p_type != PT_INTERP)
            continue;
        size_t size = ph.p_filesz < PATH_MAX ? ph.p_filesz : PATH_MAX - 1;
        ssize_t n = pread(fd, interp, size, (off_t)ph.p_offset);
        interp[n > 0 ? n : 0] = '\0';
        return n > 0;
    }
    return false;
}

/* The loader itself may be called as a program and then does preload. */
static bool
run_is_loader(const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return false;
    const char *base = strrchr(real, '/') + 1;
    return strncmp(base, "ld-linux", 8) == 0 || strncmp(base, "ld-2", 4) == 0 ||
           strncmp(base, "ld.so", 5) == 0 || strncmp(base, "ld64.so", 7) == 0;
}

static void
run_check_loader(const char *path, const char head[HEAD_SIZE])
{
    char interp[PATH_MAX];
    Elf64_Ehdr header;
    memcpy(&header, head, sizeof(header));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    bool is_dynamic = run_read_interp(fd, &header, interp);
    close(fd);
    if (!is_dynamic && !run_is_loader(path))
        die_advise(
            EXIT_LAUNCH, "link it dynamically, or link libjealloc.a into it",
            "%s: is statically linked, nothing can be preloaded into it", path);
    if (!is_dynamic)
        return;
    if (access(interp, F_OK) != 0)
        die(EXIT_NOTFOUND, "%s: the loader that it asks for is missing: %s",
            path, interp);
    if (strstr(interp, "/ld-musl") != NULL)
        die(EXIT_LAUNCH,
            "%s: uses the musl C library, the preload object needs glibc",
            path);
}

/* Would the kernel give it other rights than ours? Then the loader does not
 * let anything be preloaded. */
static void
run_check_rights(const char *path)
{
    static const char advice[] =
        "run jeprobe as that user, or profile a copy without these rights";
    struct stat st;
    struct statvfs vfs;
    if (stat(path, &st) != 0)
        return;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return;
    if (statvfs(path, &vfs) == 0 && (vfs.f_flag & ST_NOSUID) != 0)
        return;
    if ((st.st_mode & S_ISUID) != 0 && st.st_uid != getuid())
        die_advise(EXIT_LAUNCH, advice,
                   "%s: is setuid, the loader preloads nothing into it", path);
    if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
        st.st_gid != getgid())
        die_advise(EXIT_LAUNCH, advice,
                   "%s: is setgid, the loader preloads nothing into it", path);
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        die_advise(EXIT_LAUNCH, advice,
                   "%s: has file capabilities, the loader preloads nothing "
                   "into it",
                   path);
}

/* Split at blanks, in place. */
static unsigned
run_split(char *text, char *words[], unsigned limit)
{
    unsigned n = 0;
    char *rest = NULL;
    for (char *w = strtok_r(text, " \t", &rest); w != NULL && n < limit;
         w = strtok_r(NULL, " \t", &rest))
        words[n++] = w;
    return n;
}

/* Put `count` words before the arguments, the path in place of the name. */
static void
run_prepend(run_program_t *program, const char *const *words, unsigned count)
{
    unsigned argc = 0;
    while (program->argv[argc] != NULL)
        argc++;
    char **argv = calloc(count + argc + 2, sizeof(*argv));
    char *script = strdup(program->path);
    if (argv == NULL || script == NULL)
        die(EXIT_LAUNCH, "out of memory");
    for (unsigned i = 0; i < count; i++) {
        argv[i] = strdup(words[i]);
        if (argv[i] == NULL)
            die(EXIT_LAUNCH, "out of memory");
    }
    argv[count] = script;
    for (unsigned i = 1; i < argc; i++)
        argv[count + i] = program->argv[i];
    if (program->has_own_argv) { /* a script of a script */
        free(program->argv[0]);
        free(program->argv);
    }
    program->argv = argv;
    program->has_own_argv = true;
}

/*
 * `#!/usr/bin/env python3` would start env, which then executes python3 with
 * an environment from which the preload object has removed itself. So what env
 * does is done here: the interpreter is looked up in PATH. Lines that do more
 * than name it (variables, options, quotes) are left to env.
 */
static bool
run_skip_env(char **words, unsigned *count)
{
    const char *base = strrchr(words[0], '/');
    unsigned first = 1;
    if (base == NULL || strcmp(base, "/env") != 0)
        return false;
    if (*count > 1 && strcmp(words[1], "-S") == 0)
        first = 2;
    if (*count <= first || words[first][0] == '-')
        return false;
    for (unsigned i = first; i < *count; i++) {
        if (strpbrk(words[i], "=\"'\\$#") != NULL)
            return false;
    }
    for (unsigned i = first; i < *count; i++)
        words[i - first] = words[i];
    *count -= first;
    return true;
}

/* A script without an interpreter's name is the shell's, as for a shell. */
static void
run_take_shell(run_program_t *program)
{
    const char *const shell[] = {"/bin/sh"};
    run_prepend(program, shell, 1);
    run_find(shell[0], program->path);
}

/* Replace a script by its interpreter; `line` is its first one, from after
 * the "#!" on. */
static void
run_take_interpreter(run_program_t *program, char *line)
{
    char copy[HEAD_SIZE + 1];
    char *words[SCRIPT_WORDS];
    char *interp = line + strspn(line, " \t");
    char *end = interp + strcspn(interp, " \t");
    char *arg = end + strspn(end, " \t");

    snprintf(copy, sizeof(copy), "%s", interp);
    unsigned count = run_split(copy, words, SCRIPT_WORDS);
    if (count == 0) {
        run_take_shell(program);
        return;
    }
    if (run_skip_env(words, &count)) {
        run_prepend(program, (const char *const *)words, count);
        run_find(words[0], program->path);
        return;
    }
    /* As the kernel does it: all after the interpreter is one argument. */
    for (size_t n = strlen(arg); n > 0 && strchr(" \t", arg[n - 1]); n--)
        arg[n - 1] = '\0';
    *end = '\0';
    words[0] = interp;
    words[1] = arg;
    if (access(interp, F_OK) != 0)
        die(EXIT_NOTFOUND, "%s: its interpreter does not exist: %s",
            program->name, interp);
    run_prepend(program, (const char *const *)words, arg[0] != '\0' ? 2 : 1);
    run_find(interp, program->path);
}

/* Whether a shell would take a file without "#!" as a script of its own. */
static bool
run_is_text(const char *head, ssize_t n)
{
    size_t line = strcspn(head, "\n");
    return line == (size_t)n || head[line] == '\n';
}

void
run_check_program(run_program_t *program)
{
    char head[HEAD_SIZE + 1];
    for (unsigned depth = 0;; depth++) {
        ssize_t n = run_read_head(program->path, head);
        if (n < 0) { /* may be executed and not read: then it is tried */
            run_check_rights(program->path);
            return;
        }
        if (n >= (ssize_t)sizeof(Elf64_Ehdr) &&
            memcmp(head, ELFMAG, SELFMAG) == 0) {
            run_check_machine(program->path, head);
            run_check_loader(program->path, head);
            run_check_rights(program->path);
            return;
        }
        if (n > 2 && memcmp(head, "#!", 2) == 0) {
            head[strcspn(head, "\n")] = '\0';
            run_take_interpreter(program, head + 2);
        } else if (run_is_text(head, n)) {
            run_take_shell(program);
        } else {
            die(EXIT_NOEXEC, "%s: is not a program", program->path);
        }
        if (depth == SCRIPT_DEPTH)
            die(EXIT_NOEXEC, "%s: its interpreter is a script of a script",
                program->name);
    }
}
