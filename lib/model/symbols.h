/* What addresses mean: function, file, line, and what was inlined.
 *
 * Files are found by the mappings of the dump and trusted only if their build
 * id is the one in the dump.  An address without a file still has its module
 * and offset.  Nothing is fetched from a network. */
#ifndef JE_MODEL_SYMBOLS_H
#define JE_MODEL_SYMBOLS_H

#include "base/macros.h"

#include "model/profile.h"

typedef struct symbols symbols_t;

#define SYMBOL_INLINE_MAX 32 /* functions inlined into one another */

/* Text is put into `texts`.  `sysroot` is put before the mappings' paths;
 * `debug_dir` is searched for separate debug files.  Both may be NULL.
 * Returns NULL when out of memory. */
symbols_t *symbols_new(const struct profile *profile, const char *debug_dir,
                       const char *sysroot, struct intern_text *texts);
void symbols_free(symbols_t *symbols);

/* Resolve the return address `address`: the innermost function first, each
 * `inlined` into the next.  Returns how many frames were written, at least
 * one, or 0 when out of memory. */
size_t symbols_resolve(symbols_t *symbols, uint64_t address,
                       struct jep_frame frames[SYMBOL_INLINE_MAX]);

/* Modules whose file is not the one that ran; NULL after the last. */
const char *symbols_mismatch(const symbols_t *symbols, size_t index);

#endif
