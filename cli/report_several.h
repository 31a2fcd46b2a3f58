/* jeprobe report on more than one dump. */
#ifndef JE_CLI_REPORT_SEVERAL_H
#define JE_CLI_REPORT_SEVERAL_H

#include "base/macros.h"

#include "cli/out.h"
#include "cli/render/render.h"
#include "cli/several.h"

void report_several_text(out_t *out, struct several *several,
                         const struct jep_several_view *view,
                         const struct render_options *options);
void report_several_json(out_t *out, struct several *several,
                         const struct jep_several_view *view,
                         const struct render_options *options);
void report_several_markdown(out_t *out, struct several *several,
                             const struct jep_several_view *view,
                             const struct render_options *options);

#endif
