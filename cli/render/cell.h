/* Cells of a text table: text cut and padded to a width, numbers aligned.
 *
 * Text from outside is escaped first, so that a width is a width. */
#ifndef JE_CLI_RENDER_CELL_H
#define JE_CLI_RENDER_CELL_H

#include "base/macros.h"

#include "jeprobe.h"

#include "cli/out.h"

enum cell_style { CELL_PLAIN, CELL_BOLD, CELL_GREY };

/* Switch the style on and off; nothing without colour. */
void cell_style(out_t *out, enum cell_style style);

/* `text` left-aligned in `width` columns; what is too long loses its end, or
 * its start if `keep_end`.  Width 0: all of it and no padding. */
void cell_text(out_t *out, const char *text, unsigned width, bool keep_end);

/* A line of its own after `indent` blanks, cut where the line ends. */
void cell_line(out_t *out, const char *text, unsigned indent);

/* The name of a row, in `width` columns with `indent` blanks before it.  One
 * that is longer has the line for itself, so that names do not become alike. */
void cell_name(out_t *out, const char *text, unsigned indent, unsigned width);

/* A size, right-aligned; blank if unknown. */
void cell_size(out_t *out, double bytes, unsigned width);
/* In bold and after a star: stands out without colour, too. */
void cell_marked_size(out_t *out, double bytes, unsigned width);
/* The same with its sign: "+12.0 MiB". */
void cell_change(out_t *out, double bytes, unsigned width);
void cell_figure(out_t *out, struct jep_figure figure, unsigned width);
void cell_count(out_t *out, double count, unsigned width);
/* "64.7 %", right-aligned. */
void cell_share(out_t *out, double share, unsigned width);

/* A bar of `share` of `width` columns. */
void cell_bar(out_t *out, double share, unsigned width);

void cell_repeat(out_t *out, const char *text, unsigned times);

/* Print words, broken into lines of `width` columns, each after `indent`. */
void cell_paragraph(out_t *out, const char *text, const char *indent,
                    unsigned width);
/* The same, the first line after `first`. */
void cell_hanging(out_t *out, const char *text, const char *first,
                  const char *indent, unsigned width);

#endif
