/* Which allocator is in a program or library, from its ELF file.
 *
 * Symbols tell it where there are any, texts where the file is stripped.  The
 * version and the environment variable come from the texts alone: they are what
 * the code itself uses. */
#ifndef JE_MODEL_LIVEELF_H
#define JE_MODEL_LIVEELF_H

#include "base/macros.h"

#include "jeprobe.h"

#define LIVEELF_TEXT_MAX   96
#define LIVEELF_NEEDED_MAX 256

struct liveelf {
    enum jep_allocator kind;
    const char *name; /* NULL = no allocator is in it */
    bool exports_malloc;
    bool has_prefix;
    char prefix[LIVEELF_TEXT_MAX];   /* of jemalloc's functions */
    char version[LIVEELF_TEXT_MAX];  /* "" = cannot be told */
    char variable[LIVEELF_TEXT_MAX]; /* "" = none is in the texts */
    char soname[LIVEELF_TEXT_MAX];
    char needed[LIVEELF_NEEDED_MAX][LIVEELF_TEXT_MAX];
    unsigned needed_count;
};

/* Look into the file at `fd`; `is_program` says that its texts decide where it
 * has no symbols.  False: it is no ELF file, or broken. */
bool liveelf_read(int fd, bool is_program, struct liveelf *elf);

/* "5.3.0-0-g54eaed…": jemalloc's way of naming its versions. */
bool liveelf_is_version(const char *text);

#endif
