/* What a logger writes before each line, and who wrote the line.
 *
 * Loggers are too many to list.  Their prefixes have in common that they are
 * the same on every line but for the time and other numbers; one line whose
 * content is beyond doubt shows where the prefix ends. */
#ifndef JE_DUMP_REPAIR_PREFIX_H
#define JE_DUMP_REPAIR_PREFIX_H

#include "base/macros.h"

#include "dump/text.h"

#define PREFIX_MAX 200

enum prefix_match {
    PREFIX_NONE,
    PREFIX_OTHER, /* the same logger, another process */
    PREFIX_SAME
};

struct prefix {
    char text[PREFIX_MAX]; /* as it was learnt */
    size_t length;
    bool is_varying[PREFIX_MAX]; /* digits there may be any */
    bool is_widened[PREFIX_MAX]; /* of them: those that a later line showed */
    bool is_fixed[PREFIX_MAX];   /* digits there name the process */
    bool is_number;              /* it is but one, perhaps that of the line */
    bool has_widened;
    bool has_come_back; /* the numbers as learnt, after others had come */
    uint64_t learnt;    /* line number */
    uint64_t key;  /* of what a log says of the process elsewhere; 0 = none */
    uint64_t used; /* line number of its last line */
};

/* Learn from the first `length` bytes of a line.  False: too long. */
bool prefix_learn(struct prefix *prefix, const struct text_line *line,
                  size_t length, uint64_t key);

/* What a line without its prefix is to the readers. */
enum prefix_says {
    PREFIX_SAYS_NOTHING,
    PREFIX_SAYS_SOMETHING,
    PREFIX_SAYS_BEGIN, /* a dump begins */
    PREFIX_SAYS_END
};

struct prefix_content {
    enum prefix_says (*says)(const void *context, const char *text,
                             size_t length);
    const void *context;
    bool is_amid; /* the first dump to begin does so before any has ended */
};

/* See in some text of the same log which of its numbers come back after others
 * and have a document each: those name the process, and lines in which they
 * differ are of another one. */
void prefix_study(struct prefix *prefix, const char *text, size_t length,
                  const struct prefix_content *content);

/* Compare the start of a line; *end: where its content begins, unless there is
 * no match. */
enum prefix_match prefix_match(const struct prefix *prefix, const char *text,
                               size_t length, uint64_t key, size_t *end);

/* The numbers in which the line differs do not name a process. */
void prefix_widen(struct prefix *prefix, const char *text, size_t length);

/* Whether `line`, which has the prefix and begins a dump, shows that they do:
 * its numbers are others, and those before came back or have just begun.  Then
 * they may not differ any more.  Also to be called for all other lines. */
bool prefix_narrow(struct prefix *prefix, const struct text_line *line,
                   bool is_begin);

#endif
