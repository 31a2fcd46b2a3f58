/* Lines that a terminal or a mail program has wrapped, put together again.
 *
 * A heading goes on in a line of nothing but column names, a row in figures
 * that its table still lacks, the totals in the labels that follow them.  So
 * it is what the lines say that decides, not how long they are: pasted text
 * has lost its trailing blanks, and some lines may have been joined by hand. */
#include "dump/jetext.h"

#include "dump/repair.h"

#include <ctype.h>
#include <string.h>

void
jetext_hold(struct jetext *t, enum jetext_held kind)
{
    t->held = HELD_NONE;
    if (t->length > JETEXT_HELD_MAX || !t->line_ended)
        return;
    memmove(t->text, t->start, t->length);
    t->text[t->length] = '\0';
    t->text_length = t->length;
    t->held = kind;
    t->held_line = t->line;
}

jep_status_t
jetext_flush(struct jetext *t)
{
    const uint64_t line = t->line;
    const bool line_ended = t->line_ended;
    jep_status_t status;

    if (t->held != HELD_ROW) {
        t->held = HELD_NONE;
        return JEP_OK;
    }
    t->held = HELD_NONE;
    t->line = t->held_line;
    t->line_ended = true;
    t->is_final = true;
    status = jetext_read(t, t->text, t->text_length);
    t->is_final = false;
    t->line = line;
    t->line_ended = line_ended;
    return status;
}

/* Put `text` behind what is held.  False: it is too long. */
static bool
append(struct jetext *t, const char *text, size_t length, bool with_space)
{
    if (t->text_length + with_space + length > JETEXT_HELD_MAX)
        return false;
    if (with_space)
        t->text[t->text_length++] = ' ';
    memcpy(t->text + t->text_length, text, length);
    t->text_length += length;
    t->text[t->text_length] = '\0';
    return true;
}

static bool
is_digit(char c)
{
    return isdigit((unsigned char)c) != 0;
}

/* The last word of what is held, empty if blanks follow it. */
static token_t
last_word(const struct jetext *t)
{
    size_t start = t->text_length;

    while (start > 0 && t->text[start - 1] != ' ' && t->text[start - 1] != '\t')
        start--;
    return (token_t){t->text + start, t->text_length - start};
}

/* Whether the last word of what is held and the first of the next line are
 * the halves of a column's name, although "total" is a name, too. */
static bool
is_cut_name(const struct jetext *t, token_t head, token_t tail)
{
    char name[64];

    if (head.length == 0 || head.length + tail.length > sizeof(name) ||
        (jetext_is_column(t, head) && jetext_is_column(t, tail)))
        return false;
    memcpy(name, head.text, head.length);
    memcpy(name + head.length, tail.text, tail.length);
    return jetext_is_column(t, (token_t){name, head.length + tail.length});
}

/* A heading goes on if every word is the name of a column, but for the first,
 * which may be half of one, and the last. */
static bool
join_heading(struct jetext *t, const char *text, size_t length)
{
    token_t tokens[TOKENS_MAX];
    size_t count, blanks = 0;
    bool is_cut;

    while (blanks < length && (text[blanks] == ' ' || text[blanks] == '\t'))
        blanks++;
    /* A row or a gap, as most are; or the same heading again. */
    if (blanks == length || is_digit(text[blanks]) ||
        strncmp(text + blanks, "---", 3) == 0 ||
        (length == t->text_length && memcmp(text, t->text, length) == 0))
        return false;
    count = token_split(text, length, tokens, TOKENS_MAX);
    if (count == 0 || count > TOKENS_MAX || is_digit(tokens[0].text[0]))
        return false;
    is_cut = tokens[0].text == text && is_cut_name(t, last_word(t), tokens[0]);
    if (!is_cut && !jetext_is_column(t, tokens[0]))
        return false;
    for (size_t i = 1; i < count; i++) {
        if (is_digit(tokens[i].text[0]) || token_ends(tokens[i], ':') ||
            (i + 1 < count && !jetext_is_column(t, tokens[i])))
            return false;
    }
    return append(t, text, length, !is_cut);
}

/* Of a number, with a point in utilisations. */
static bool
is_numeric(char c)
{
    return is_digit(c) || c == '.';
}

static bool
is_figure(token_t token)
{
    return is_digit(token.text[0]) || token_is(token, "race") ||
           token_is(token, "N/A");
}

/* How far up the ladder of size classes `size` stands, four steps for each
 * doubling; false: it is none, for a size class has three significant bits. */
static bool
size_step(uint64_t size, unsigned *step)
{
    unsigned log = 0;

    while (log < 63 && size >> (log + 1) != 0)
        log++;
    if (log < 2 || size != size >> (log - 2) << (log - 2))
        return false;
    *step = 4 * log + (unsigned)(size >> (log - 2) & 3);
    return true;
}

/* Whether a size class of `after` bytes can stand `rows` rows below one of
 * `before`.  Classes that are missing among the smallest make steps wider. */
static bool
is_class_below(uint64_t before, uint64_t after, uint64_t rows)
{
    unsigned first, second;

    return size_step(before, &first) && size_step(after, &second) &&
           second >= first + rows && second <= first + 4 * rows;
}

/* Whether the first words of two lines stand below each other. */
static bool
is_aligned(token_t above, const char *above_line, token_t below,
           const char *below_line)
{
    size_t start = (size_t)(above.text - above_line),
           other = (size_t)(below.text - below_line);

    return start == other || start + above.length == other + below.length;
}

/* Whether tokens[0…] of the line `text` start a row that follows the held one:
 * it stands below, its number is a little higher, and so is its size, which is
 * next to it. */
static bool
is_next_row(const struct jetext *t, const token_t *held, size_t held_count,
            const char *text, const token_t *tokens, size_t count)
{
    size_t index = (size_t)t->grid.index, size = index > 0 ? index - 1 : 1;
    uint64_t before, after, from, to;

    return t->grid.index >= 0 && index < held_count && index < count &&
           is_aligned(held[0], t->text, tokens[0], text) &&
           token_number(held[index], &before) &&
           token_number(tokens[index], &after) && after > before &&
           after - before < 16 && size < held_count && size < count &&
           token_number(held[size], &from) && token_number(tokens[size], &to) &&
           is_class_below(from, to, after - before);
}

/* A row goes on in figures, as many as it lacks at most. */
static bool
join_row(struct jetext *t, const char *text, size_t length)
{
    token_t held[TOKENS_MAX], tokens[TOKENS_MAX];
    const char held_last = t->text[t->text_length - 1];
    size_t held_count, count, total, wanted;
    bool is_cut;

    held_count = token_split(t->text, t->text_length, held, TOKENS_MAX);
    count = token_split(text, length, tokens, TOKENS_MAX);
    if (count == 0 || count > TOKENS_MAX || held_count > TOKENS_MAX ||
        is_next_row(t, held, held_count, text, tokens, count))
        return false;
    is_cut = is_numeric(held_last) && is_numeric(text[0]);
    for (size_t i = is_cut ? 1 : 0; i < count; i++) {
        if (!is_figure(tokens[i]))
            return false;
    }
    wanted = t->grid.count + (is_figure(held[0]) ? 0 : 1);
    total = held_count + count;
    /* A number that reaches the width of the terminal may go on. */
    is_cut = is_cut && (total != wanted || held_last == '.' || text[0] == '.' ||
                        (t->wrap_width > 0 && t->piece >= t->wrap_width));
    if (is_cut)
        total--;
    return total <= wanted && append(t, text, length, !is_cut);
}

/* The totals go on if they do not end in the last label of all. */
static bool
join_totals(struct jetext *t, const char *text, size_t length)
{
    token_t tokens[TOKENS_MAX], last = last_word(t);
    size_t count = token_split(text, length, tokens, TOKENS_MAX);
    bool is_number = is_digit(t->text[t->text_length - 1]);

    if (count == 0 || count > TOKENS_MAX)
        return false;
    /* "…, resident: 121" and "73312, mapped: …" or "73312" */
    if (is_number && is_digit(text[0]) &&
        (count == 1 || token_ends(tokens[0], ',')))
        return append(t, text, length, false);
    if (is_number && text[0] == ',')
        return append(t, text, length, false);
    /* "…," and "mapped: …"; "… (n_thp" and "0), …"; "ma" and "pped: …" */
    if (token_ends(last, ',') || token_ends(last, ':') || last.text[0] == '(')
        return append(t, text, length, true);
    if (!is_number && !token_ends(last, ')') && count > 1 &&
        token_ends(tokens[0], ':'))
        return append(t, text, length, false);
    return false;
}

jep_status_t
jetext_join(struct jetext *t, const char *text, size_t length)
{
    const enum jetext_held kind = t->held;
    jep_status_t status;
    bool is_joined;

    is_joined = (kind == HELD_HEADING && join_heading(t, text, length)) ||
                (kind == HELD_ROW && join_row(t, text, length)) ||
                (kind == HELD_TOTALS && join_totals(t, text, length));
    if (!is_joined) {
        status = jetext_flush(t);
        return status != JEP_OK ? status : jetext_read(t, text, length);
    }
    t->evidence += TEXT_WEAK;
    if (t->wrap_width < t->piece)
        t->wrap_width = t->piece;
    status = t->sink->repaired(t->sink->context, t->line, 1u << REPAIR_WRAP);
    /* A row may be complete and its last figure not. */
    if (status != JEP_OK || kind == HELD_ROW)
        return status;
    t->held = HELD_NONE;
    t->is_joined = true;
    status = jetext_read(t, t->text, t->text_length);
    t->is_joined = false;
    return status;
}
