/* From a file to snapshots: one for each document in it. */
#ifndef JE_MODEL_LOAD_H
#define JE_MODEL_LOAD_H

#include "base/macros.h"

#include "model/snapshot.h"

struct jep_dumps {
    char *path;
    struct snapshot **snapshots;
    size_t count, capacity;
    size_t begun; /* documents */
};

#endif
