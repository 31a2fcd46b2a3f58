/* Reader of what RocksDB says of its memory: properties as programs log them,
 * "rocksdb.block-cache-usage: 1234", and what MyRocks prints of the same in
 * SHOW ENGINE ROCKSDB STATUS, "Cache Total: 1234".
 *
 * All of them make one document until a figure comes a second time. */
#include "base/macros.h"
#include "dump/document.h"

#include <stdlib.h>
#include <string.h>

struct rocksdb {
    struct document document;
    bool seen[ROCKSDB_COUNT];
};

/* The figure of a line, wherever in it the property begins: logs put time and
 * place in front. */
static int
read_figure(const struct text_line *line, uint64_t *value)
{
    static const char prefix[] = "rocksdb.";
    const char *end = line->text + line->length;
    const char *name = strstr(line->text, prefix), *stop;
    token_t word;
    int field;

    name = name != NULL ? name + sizeof(prefix) - 1
                        : line->text + strspn(line->text, " \t");
    for (stop = name; stop < end && *stop != ':' && *stop != '='; stop++)
        ;
    if (stop == end)
        return FIELD_NONE;
    word = token_trim((token_t){name, (size_t)(stop - name)});
    field = field_by_text(DUMP_ROCKSDB, word.text, word.length);
    if (field == FIELD_NONE)
        return FIELD_NONE;
    word = token_trim((token_t){stop + 1, (size_t)(end - stop) - 1});
    return token_number(word, value) ? field : FIELD_NONE;
}

static jep_status_t
emit(struct rocksdb *r, int field, uint64_t value)
{
    jep_status_t status = JEP_OK;

    if (r->seen[field]) {
        status = document_end(&r->document, true);
        memset(r->seen, 0, sizeof(r->seen));
    }
    r->seen[field] = true;
    if (status == JEP_OK)
        status = document_need(&r->document, TEXT_SURE);
    return status != JEP_OK
               ? status
               : document_number(&r->document, DUMP_ROCKSDB, field, value);
}

static unsigned
rocksdb_probe(const struct text_line *line)
{
    uint64_t value;

    return read_figure(line, &value) != FIELD_NONE ? TEXT_SURE : TEXT_NOTHING;
}

static void *
rocksdb_open(const struct dump_sink *sink, struct jep_error *error)
{
    struct rocksdb *r = calloc(1, sizeof(*r));

    (void)error;
    if (r != NULL)
        r->document =
            (struct document){.sink = sink, .format = DUMP_FORMAT_ROCKSDB};
    return r;
}

static jep_status_t
rocksdb_line(void *state, const struct text_line *line, unsigned *evidence)
{
    struct rocksdb *r = state;
    jep_status_t status = JEP_OK;
    uint64_t value;
    int field = read_figure(line, &value);

    document_line(&r->document, line);
    if (field != FIELD_NONE)
        status = emit(r, field, value);
    if (status == JEP_OK)
        status = document_warn_end(&r->document, line);
    *evidence = r->document.evidence;
    return status;
}

static jep_status_t
rocksdb_close(void *state)
{
    struct rocksdb *r = state;
    jep_status_t status = document_end(&r->document, r->document.line_ended);

    free(r);
    return status;
}

const struct text_format text_rocksdb = {
    .name = "rocksdb",
    .probe = rocksdb_probe,
    .open = rocksdb_open,
    .line = rocksdb_line,
    .close = rocksdb_close,
    .is_over = text_is_over,
};
