/*
 * Reading the sources of options: see conf_source.h.
 */
#include "alloc/conf_source.h"

#include <stddef.h>
#include <unistd.h>

#include "alloc/conf.h"
#include "alloc/environment.h"
#include "base/assert.h"

/* Definitions in the program win over these. */
extern const char *malloc_conf __attribute__((weak));
extern const char *malloc_conf_2_conf_harder __attribute__((weak));

__attribute__((weak)) const conf_names_t conf_names = {
    .variable = "malloc_conf",
    .link = "/etc/malloc.conf",
    .environment = "MALLOC_CONF",
    .variable_at = &malloc_conf,
    .harder_at = &malloc_conf_2_conf_harder,
};

const char conf_built_in[] = JE_MALLOC_CONF;

enum { SOURCES = 6 };

typedef struct source {
    const char *name;
    const char *text; /* NULL: there is none */
} source_t;

static const char *
text_at(const char *const *variable)
{
    return variable != NULL ? *variable : NULL;
}

static const char *
link_text(char *buf, size_t size)
{
    ssize_t n = readlink(conf_names.link, buf, size - 1);
    if (n <= 0) {
        return NULL;
    }
    buf[n] = '\0';
    return buf;
}

void
conf_boot(void)
{
    char link[CONF_TEXT_MAX];
    const source_t sources[SOURCES] = {
        {"--with-malloc-conf", conf_built_in},
        {conf_names.variable, text_at(conf_names.variable_at)},
        {conf_names.link, link_text(link, sizeof(link))},
        {conf_names.environment, environment_get(conf_names.environment)},
        {"malloc_conf_2_conf_harder", text_at(conf_names.harder_at)},
        {"JEPROBE_CONF", environment_get("JEPROBE_CONF")},
    };
    for (unsigned i = 0; i < SOURCES; i++) {
        if (sources[i].text != NULL) {
            conf_seek_confirm(sources[i].text);
        }
    }
    unsigned problems = 0;
    for (unsigned i = 0; i < SOURCES; i++) {
        if (sources[i].text == NULL || sources[i].text[0] == '\0') {
            continue;
        }
        if (conf.confirm_conf) {
            je_warn("options of %s: '%s'", sources[i].name, sources[i].text);
        }
        problems += conf_parse(sources[i].text, sources[i].name);
    }
    if (problems > conf_forgiven && conf.abort_conf) {
        je_fatal("abort_conf: %u option(s) not accepted",
                 problems - conf_forgiven);
    }
    je_warn_is_fatal(conf.abort);
}
