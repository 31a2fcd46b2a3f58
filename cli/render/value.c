/* JSON values of figures and of text from outside.
 *
 * A value that cannot be built (out of memory) ends the program rather than
 * leaving a hole in the document. */
#include "cli/render/value.h"

#include "cli/cmd.h"
#include "cli/die.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

json_t *
value_need(json_t *value)
{
    if (value == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return value;
}

void
value_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value_need(value)) != 0)
        die(EXIT_SYSTEM, "out of memory");
}

void
value_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value_need(value)) != 0)
        die(EXIT_SYSTEM, "out of memory");
}

/* jansson refuses text that is not UTF-8: bytes that are not ASCII then come
 * as "\xNN", as they do in text reports. */
json_t *
value_text(const char *value)
{
    json_t *string;
    char safe[4096];
    size_t at = 0;

    if (value == NULL)
        return json_null();
    string = json_string(value);
    if (string != NULL)
        return string;
    for (; *value != '\0' && at + 5 < sizeof(safe); value++) {
        unsigned char c = (unsigned char)*value;

        if (c < 0x80)
            safe[at++] = (char)c;
        else
            at += (size_t)snprintf(safe + at, 5, "\\x%02x", c);
    }
    safe[at] = '\0';
    return json_string(safe);
}

json_t *
value_whole(uint64_t value)
{
    if (value > INT64_MAX)
        return json_null();
    return json_integer((json_int_t)value);
}

json_t *
value_figure(struct jep_figure value)
{
    return value.known ? value_whole(value.value) : json_null();
}

json_t *
value_ratio(struct jep_ratio value)
{
    return value.known && isfinite(value.value) ? json_real(value.value)
                                                : json_null();
}

/* A whole number is written as one: bytes stay exact. */
json_t *
value_number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 9e15)
        return json_integer((json_int_t)value);
    return json_real(value);
}

struct inside {
    out_t *out;
    unsigned depth;
};

/* Text has no line breaks of its own in JSON. */
static int
print(const char *buffer, size_t size, void *data)
{
    const struct inside *inside = data;

    for (size_t at = 0, next; at < size; at = next) {
        const char *end = memchr(buffer + at, '\n', size - at);

        next = end != NULL ? (size_t)(end - buffer) + 1 : size;
        out_write(inside->out, buffer + at, next - at);
        for (unsigned i = 0; end != NULL && i < inside->depth; i++)
            out_puts(inside->out, " ");
    }
    return 0;
}

void
value_print_inside(out_t *out, json_t *value, unsigned depth)
{
    struct inside inside = {out, depth};

    if (json_dump_callback(value, print, &inside,
                           JSON_INDENT(1) | JSON_REAL_PRECISION(15)) != 0)
        die(EXIT_SYSTEM, "out of memory");
    json_decref(value);
}

void
value_print(out_t *out, json_t *root)
{
    value_print_inside(out, root, 0);
    out_puts(out, "\n");
}
