/* Cells of a text table: text cut and padded to a width, numbers aligned. */
#include "cli/render/cell.h"

#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CELL_TEXT_MAX 4096

void
cell_style(out_t *out, enum cell_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m"};

    if (out_is_colour(out))
        out_puts(out, codes[style]);
}

void
cell_repeat(out_t *out, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        out_puts(out, text);
}

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Characters of UTF-8 text; all count as one column wide. */
static unsigned
columns(const char *text)
{
    unsigned count = 0;

    for (; *text != '\0'; text++)
        count += !is_continuation(*text);
    return count;
}

/* The rest of `text` after `count` characters. */
static const char *
skip(const char *text, unsigned count)
{
    while (*text != '\0' && count > 0) {
        text++;
        while (is_continuation(*text))
            text++;
        count--;
    }
    return text;
}

void
cell_text(out_t *out, const char *text, unsigned width, bool keep_end)
{
    char safe[CELL_TEXT_MAX];
    unsigned have;

    text_escape(safe, sizeof(safe), text != NULL ? text : "");
    have = columns(safe);
    if (width == 0 || have <= width) {
        out_puts(out, safe);
        if (width > 0)
            cell_repeat(out, " ", width - have);
        return;
    }
    if (width < 4)
        return;
    if (keep_end) {
        out_puts(out, "..");
        out_puts(out, skip(safe, have - (width - 2)));
        return;
    }
    out_write(out, safe, (size_t)(skip(safe, width - 2) - safe));
    out_puts(out, "..");
}

/* As wide as `text` is printed. */
static unsigned
columns_printed(const char *text)
{
    char safe[CELL_TEXT_MAX];

    text_escape(safe, sizeof(safe), text);
    return columns(safe);
}

void
cell_line(out_t *out, const char *text, unsigned indent)
{
    unsigned width = JE_MIN(columns_printed(text), out_width(out) - indent);

    cell_repeat(out, " ", indent);
    cell_text(out, text, width, false);
    out_puts(out, "\n");
}

void
cell_name(out_t *out, const char *text, unsigned indent, unsigned width)
{
    if (columns_printed(text) <= width - indent) {
        cell_repeat(out, " ", indent);
        cell_text(out, text, width - indent, false);
        return;
    }
    cell_line(out, text, indent);
    cell_repeat(out, " ", width);
}

/* Where it would touch the column before, "1003.0 MiB" is "1003 MiB". */
static const char *
fit(char *text, unsigned width)
{
    char *point = strchr(text, '.'), *unit = strchr(text, ' ');

    if (strlen(text) >= width && point != NULL && unit != NULL && unit > point)
        memmove(point, unit, strlen(unit) + 1);
    return text;
}

void
cell_size(out_t *out, double bytes, unsigned width)
{
    char text[TEXT_NUMBER_MAX];

    text_size(text, bytes);
    out_printf(out, "%*s", (int)width, fit(text, width));
}

void
cell_marked_size(out_t *out, double bytes, unsigned width)
{
    char text[TEXT_NUMBER_MAX], marked[TEXT_NUMBER_MAX + 1];

    text_size(text, bytes);
    snprintf(marked, sizeof(marked), "*%s", fit(text, width - 1));
    cell_style(out, CELL_BOLD);
    out_printf(out, "%*s", (int)width, marked);
    cell_style(out, CELL_PLAIN);
}

void
cell_change(out_t *out, double bytes, unsigned width)
{
    char size[TEXT_NUMBER_MAX], text[TEXT_NUMBER_MAX + 2];

    snprintf(text, sizeof(text), "%s%s", bytes > 0.0 ? "+" : "",
             text_size(size, bytes));
    out_printf(out, "%*s", (int)width, text);
}

void
cell_figure(out_t *out, struct jep_figure figure, unsigned width)
{
    if (figure.known)
        cell_size(out, (double)figure.value, width);
    else
        cell_repeat(out, " ", width);
}

void
cell_count(out_t *out, double count, unsigned width)
{
    char text[TEXT_NUMBER_MAX];

    out_printf(out, "%*s", (int)width, text_count(text, count));
}

void
cell_share(out_t *out, double share, unsigned width)
{
    char text[TEXT_NUMBER_MAX];

    snprintf(text, sizeof(text), "%.1f %%", share * 100.0);
    out_printf(out, "%*s", (int)width, text);
}

void
cell_bar(out_t *out, double share, unsigned width)
{
    static const char *const eighths[] = {"",  "▏", "▎", "▍",
                                          "▌", "▋", "▊", "▉"};
    double length = share * (double)width;
    unsigned parts;

    if (!(length > 0.0))
        return;
    if (length > (double)width)
        length = (double)width;
    /* The smallest part is drawn, so that a line with a share has a bar. */
    if (!out_is_utf8(out)) {
        cell_repeat(out, "#", length < 1.0 ? 1 : (unsigned)lround(length));
        return;
    }
    parts = (unsigned)lround(length * 8.0);
    if (parts == 0)
        parts = 1;
    cell_repeat(out, "█", parts / 8);
    out_puts(out, eighths[parts % 8]);
}

void
cell_paragraph(out_t *out, const char *text, const char *indent, unsigned width)
{
    cell_hanging(out, text, indent, indent, width);
}

/* How much of `text` is " %" or a unit of bytes, which stay with their number.
 */
static size_t
unit_length(const char *text)
{
    static const char *const units[] = {"%",   "B",   "KiB", "MiB",
                                        "GiB", "TiB", "PiB", "EiB"};
    size_t length = strcspn(text + (*text == ' '), " ,;:.)");

    for (size_t i = 0; *text == ' ' && i < JE_ARRAY_LEN(units); i++) {
        if (strlen(units[i]) == length &&
            strncmp(text + 1, units[i], length) == 0)
            return 1 + strcspn(text + 1, " ");
    }
    return 0;
}

void
cell_hanging(out_t *out, const char *text, const char *first,
             const char *indent, unsigned width)
{
    char safe[CELL_TEXT_MAX];
    char one[CELL_TEXT_MAX];
    unsigned column = 0, wide;
    const char *word;

    text_escape(safe, sizeof(safe), text);
    for (word = safe; *word != '\0';) {
        size_t length = strcspn(word, " ");

        length += unit_length(word + length);

        snprintf(one, sizeof(one), "%.*s", (int)length, word);
        wide = columns(one);
        if (column > 0 && column + 1 + wide > width) {
            out_puts(out, "\n");
            column = 0;
        }
        if (column == 0) {
            out_puts(out, first);
            column = columns(first);
            first = indent;
        } else {
            out_puts(out, " ");
            column++;
        }
        out_puts(out, one);
        column += wide;
        word += length;
        word += strspn(word, " ");
    }
    out_puts(out, "\n");
}
