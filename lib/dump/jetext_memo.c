/* What headings and labels of jemalloc's text were found to be.
 *
 * A dump of thousands of arenas has the same lines for each of them, so what a
 * line is need be found out only once.  Only what depends on nothing but the
 * text is kept. */
#include "dump/jetext.h"

#include <stdlib.h>
#include <string.h>

#define HEADINGS    8 /* more than an arena has */
#define HEADING_MAX 1024
#define LABELS      128
#define LABEL_MAX   40

enum kind { KIND_NONE, KIND_FIGURE, KIND_HPA };

struct label {
    char text[LABEL_MAX];
    uint8_t length;
    uint8_t kind;
    uint16_t tokens; /* of a line with it */
    enum dump_scope scope;
    int number; /* the field, or which line about slabs it is */
};

struct heading {
    char text[HEADING_MAX];
    size_t length;
    struct jetext_grid grid;
    struct jetext_alike alike; /* its rows */
};

struct jetext_memo {
    struct heading headings[HEADINGS];
    unsigned next; /* heading that is forgotten */
    struct label labels[LABELS];
};

struct jetext_memo *
jetext_memo_new(void)
{
    return calloc(1, sizeof(struct jetext_memo));
}

void
jetext_memo_free(struct jetext_memo *memo)
{
    free(memo);
}

const struct jetext_grid *
jetext_recall_heading(const struct jetext *t)
{
    if (t->memo == NULL || t->is_joined || t->length == 0)
        return NULL;
    for (unsigned i = 0; i < HEADINGS; i++) {
        const struct heading *heading = &t->memo->headings[i];

        if (heading->length == t->length &&
            memcmp(heading->text, t->start, t->length) == 0)
            return &heading->grid;
    }
    return NULL;
}

void
jetext_keep_heading(struct jetext *t)
{
    struct heading *heading;

    if (t->memo == NULL || t->length == 0 || t->length > HEADING_MAX)
        return;
    heading = &t->memo->headings[t->memo->next++ % HEADINGS];
    memcpy(heading->text, t->start, t->length);
    heading->length = t->length;
    t->heading_lengths |= UINT64_C(1) << t->length % 64;
    heading->alike.shape.count = 0;
    t->grid.alike = &heading->alike;
    heading->grid = t->grid;
}

/* The label of a line: up to its first colon.  *words: how many it has. */
static token_t
label_of(const token_t *tokens, size_t count, size_t *words)
{
    const char *start = tokens[0].text;

    for (size_t i = 0; i + 1 < count; i++) {
        if (token_ends(tokens[i], ':')) {
            *words = i + 1;
            return (token_t){start, (size_t)(tokens[i].text - start) +
                                        tokens[i].length};
        }
    }
    return (token_t){start, 0};
}

static bool
is_label(const struct label *known, token_t label, size_t tokens)
{
    return known->length == label.length && known->tokens == tokens &&
           memcmp(known->text, label.text, label.length) == 0;
}

/* Where a label is kept, or is to be. */
static struct label *
label_at(struct jetext_memo *memo, token_t label, size_t tokens)
{
    size_t hash = label.length * 31 + tokens;

    hash = hash * 31 + (unsigned char)label.text[0];
    hash = hash * 31 + (unsigned char)label.text[label.length / 2];
    hash = hash * 31 + (unsigned char)label.text[label.length - 2];
    /* One of two places: another label may have the first. */
    if (memo->labels[hash % LABELS].kind != KIND_NONE &&
        !is_label(&memo->labels[hash % LABELS], label, tokens))
        hash++;
    return &memo->labels[hash % LABELS];
}

jep_status_t
jetext_recall(struct jetext *t, const token_t *tokens, size_t count,
              bool *is_read)
{
    const struct label *known;
    size_t words = 0;
    token_t label;
    uint64_t value;
    jep_status_t status;

    *is_read = false;
    if (t->memo == NULL || !t->is_open || !t->line_ended || t->is_joined)
        return JEP_OK;
    label = label_of(tokens, count, &words);
    if (label.length < 2 || label.length > LABEL_MAX)
        return JEP_OK;
    known = label_at(t->memo, label, count);
    if (known->kind == KIND_NONE || !is_label(known, label, count))
        return JEP_OK;
    *is_read = true;
    if (known->kind == KIND_HPA)
        return jetext_slabs(t, (size_t)known->number, tokens, count);
    *is_read = (words + 1 == count || tokens[words + 1].text[0] == '(') &&
               token_number(tokens[words], &value);
    if (!*is_read)
        return JEP_OK;
    status = known->scope == DUMP_ARENA ? jetext_need_arena(t, known->number)
                                        : jetext_need(t, TEXT_WEAK);
    return status != JEP_OK
               ? status
               : jetext_emit(t, known->scope, known->number, value);
}

static void
keep(struct jetext *t, token_t line, enum kind kind, enum dump_scope scope,
     int number)
{
    token_t tokens[16];
    size_t count, words = 0;
    struct label *known;
    token_t label;

    count = token_split(line.text, line.length, tokens, JE_ARRAY_LEN(tokens));
    if (t->memo == NULL || count < 2 || count > JE_ARRAY_LEN(tokens))
        return;
    label = label_of(tokens, count, &words);
    if (label.length < 2 || label.length > LABEL_MAX)
        return;
    known = label_at(t->memo, label, count);
    *known = (struct label){.length = (uint8_t)label.length,
                            .kind = (uint8_t)kind,
                            .tokens = (uint16_t)count,
                            .scope = scope,
                            .number = number};
    memcpy(known->text, label.text, label.length);
}

void
jetext_keep_figure(struct jetext *t, token_t line, enum dump_scope scope,
                   int field)
{
    keep(t, line, KIND_FIGURE, scope, field);
}

void
jetext_keep_slabs(struct jetext *t, token_t line, size_t kind)
{
    keep(t, line, KIND_HPA, DUMP_SCOPES, (int)kind);
}
