/*
 * libFuzzer's side: JE_FUZZ_TARGET says which target of the table it drives.
 */
#include "t/fuzz/fuzz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fuzz_target *target;

int
LLVMFuzzerInitialize(int *argc JE_UNUSED, char ***argv JE_UNUSED)
{
    const char *name = getenv("JE_FUZZ_TARGET");

    target = name != NULL ? fuzz_find(name) : NULL;
    if (target == NULL) {
        fprintf(stderr, "JE_FUZZ_TARGET has to be one of");
        for (unsigned i = 0; i < fuzz_target_count; i++)
            fprintf(stderr, " %s", fuzz_targets[i].name);
        fprintf(stderr, "\n");
        exit(1);
    }
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target->one((const char *)data, size);
    return 0;
}
