/* Readable names of C++ and Rust functions, where the machine can make them. */
#ifndef JE_MODEL_DEMANGLE_H
#define JE_MODEL_DEMANGLE_H

#include "base/macros.h"

#include "model/intern.h"

/* The readable form of `name`, or `name` itself; NULL when out of memory. */
const char *demangle(const char *name, struct intern_text *texts);

#endif
