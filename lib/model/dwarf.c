/* Functions, inlined functions and lines from DWARF.
 *
 * libdw finds scopes by walking a unit's whole tree for every address, which
 * takes milliseconds in the large units of an amalgamated source.  Here the
 * functions of a unit are listed once, when the first address falls into it;
 * only the one function is walked for what was inlined. */
#include "model/dwarf.h"

#include "model/intern.h"

#include <dwarf.h>
#include <stdlib.h>

#define NESTING_MAX 64 /* namespaces in namespaces; a broken file has loops */

static bool
range_add(struct dwarf_ranges *list, Dwarf_Addr low, Dwarf_Addr high,
          Dwarf_Off die)
{
    if (!intern_grow((void **)&list->ranges, &list->capacity, list->count,
                     sizeof(*list->ranges)))
        return false;
    list->ranges[list->count++] = (struct dwarf_range){low, high, die};
    return true;
}

static bool
ranges_add_die(struct dwarf_ranges *list, Dwarf_Die *die)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;

    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        if (low < high && !range_add(list, low, high, dwarf_dieoffset(die)))
            return false;
    }
    return true;
}

static int
range_order(const void *a, const void *b)
{
    const struct dwarf_range *x = a, *y = b;

    return (x->low > y->low) - (x->low < y->low);
}

static void
ranges_sort(struct dwarf_ranges *list)
{
    if (list->count > 0)
        qsort(list->ranges, list->count, sizeof(*list->ranges), range_order);
}

static const struct dwarf_range *
ranges_find(const struct dwarf_ranges *list, Dwarf_Addr address)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (list->ranges[mid].low <= address)
            low = mid + 1;
        else
            high = mid;
    }
    /* Ranges rarely overlap; look back a little in case they do. */
    for (size_t back = 0; back < 8 && low > back; back++) {
        if (address < list->ranges[low - 1 - back].high)
            return &list->ranges[low - 1 - back];
    }
    return NULL;
}

/* List the code of all units: what .debug_aranges would hold, which compilers
 * other than gcc leave out. */
static void
units_load(struct dwarf_file *file)
{
    Dwarf_Off offset = 0, next;
    size_t header;

    file->has_units = true;
    while (dwarf_nextcu(file->dwarf, offset, &next, &header, NULL, NULL,
                        NULL) == 0) {
        Dwarf_Die die;

        if (dwarf_offdie(file->dwarf, offset + header, &die) != NULL &&
            !ranges_add_die(&file->units, &die))
            break;
        offset = next;
    }
    ranges_sort(&file->units);
}

static bool
unit_find(struct dwarf_file *file, Dwarf_Addr address, Dwarf_Die *unit)
{
    const struct dwarf_range *range;

    if (dwarf_addrdie(file->dwarf, address, unit) != NULL)
        return true;
    if (!file->has_units)
        units_load(file);
    range = ranges_find(&file->units, address);
    return range != NULL && dwarf_offdie(file->dwarf, range->die, unit) != NULL;
}

/* Add the functions below `parent`, which is a unit, a namespace or a type. */
static bool
functions_add(struct dwarf_ranges *list, Dwarf_Die *parent, unsigned depth)
{
    Dwarf_Die die;

    if (depth > NESTING_MAX || dwarf_child(parent, &die) != 0)
        return true;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            if (!ranges_add_die(list, &die))
                return false;
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            if (!functions_add(list, &die, depth + 1))
                return false;
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

/* The functions of a unit, listed at the first call. */
static const struct dwarf_ranges *
unit_functions(struct dwarf_file *file, Dwarf_Die *unit)
{
    Dwarf_Off offset = dwarf_dieoffset(unit);
    struct dwarf_unit *entry;

    for (size_t i = file->indexed_count; i-- > 0;) {
        if (file->indexed[i].die == offset)
            return &file->indexed[i].functions;
    }
    if (!intern_grow((void **)&file->indexed, &file->indexed_capacity,
                     file->indexed_count, sizeof(*file->indexed)))
        return NULL;
    entry = &file->indexed[file->indexed_count++];
    *entry = (struct dwarf_unit){.die = offset};
    /* Half a list after a failure is still a list of true ranges. */
    (void)functions_add(&entry->functions, unit, 0);
    ranges_sort(&entry->functions);
    return &entry->functions;
}

/* The child of `die` that covers the address and may hold inlined code. */
static bool
scope_child(Dwarf_Die *die, Dwarf_Addr address, Dwarf_Die *child)
{
    if (dwarf_child(die, child) != 0)
        return false;
    do {
        int tag = dwarf_tag(child);

        if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
            dwarf_haspc(child, address) == 1)
            return true;
    } while (dwarf_siblingof(child, child) == 0);
    return false;
}

static const char *
text_attribute(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;

    if (dwarf_attr_integrate(die, name, &attribute) == NULL)
        return NULL;
    return dwarf_formstring(&attribute);
}

static Dwarf_Word
number_attribute(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;

    if (dwarf_attr(die, name, &attribute) == NULL ||
        dwarf_formudata(&attribute, &value) != 0)
        return 0;
    return value;
}

static void
frame_name(struct dwarf_frame *frame, Dwarf_Die *die)
{
    frame->linkage_name = text_attribute(die, DW_AT_linkage_name);
    if (frame->linkage_name == NULL)
        frame->linkage_name = text_attribute(die, DW_AT_MIPS_linkage_name);
    frame->name = dwarf_diename(die);
}

/* Where `inlined` was called: that is the line of the function around it. */
static void
frame_call(struct dwarf_frame *frame, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word index = number_attribute(inlined, DW_AT_call_file);

    frame->line = (int)number_attribute(inlined, DW_AT_call_line);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && index < count)
        frame->file = dwarf_filesrc(files, index, NULL, NULL);
}

static void
frame_line(struct dwarf_frame *frame, Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);

    if (line == NULL)
        return;
    frame->file = dwarf_linesrc(line, NULL, NULL);
    (void)dwarf_lineno(line, &frame->line);
}

size_t
dwarf_lookup(struct dwarf_file *file, Dwarf_Addr address,
             struct dwarf_frame *frames, size_t max)
{
    const struct dwarf_ranges *functions;
    const struct dwarf_range *range;
    Dwarf_Die unit, chain[NESTING_MAX], scope, child;
    size_t depth = 0, count = 0;

    if (!unit_find(file, address, &unit))
        return 0;
    functions = unit_functions(file, &unit);
    range = functions != NULL ? ranges_find(functions, address) : NULL;
    if (range == NULL || dwarf_offdie(file->dwarf, range->die, &scope) == NULL)
        return 0;
    chain[depth++] = scope;
    while (depth < NESTING_MAX && scope_child(&scope, address, &child)) {
        scope = child;
        if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine)
            chain[depth++] = scope;
    }
    for (size_t i = depth; i-- > 0 && count < max;) {
        struct dwarf_frame *frame = &frames[count++];

        *frame = (struct dwarf_frame){0};
        frame_name(frame, &chain[i]);
        if (i == depth - 1)
            frame_line(frame, &unit, address);
        else
            frame_call(frame, &unit, &chain[i + 1]);
    }
    return count;
}

void
dwarf_file_free(struct dwarf_file *file)
{
    for (size_t i = 0; i < file->indexed_count; i++)
        free(file->indexed[i].functions.ranges);
    free(file->indexed);
    free(file->units.ranges);
    *file = (struct dwarf_file){0};
}
