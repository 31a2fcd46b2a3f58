/*
 * Finding a named value and the rules of reading and writing it: see ctl.h.
 * The table is in ctl_table.c, the functions behind it in ctl_*.c.
 */
#include "alloc/ctl.h"

#include <errno.h>
#include <string.h>

#include "alloc/arena.h"
#include "alloc/conf.h"
#include "alloc/ctl_leaf.h"
#include "alloc/label.h"
#include "alloc/malloc.h"
#include "base/assert.h"
#include "os/mutex.h"

enum { CTL_ROWS_MAX = 1024, HPA_NCLASSES = 64, INDICES_MAX = 2 };

/* ---- the snapshot ------------------------------------------------------ */

static struct {
    os_mutex_t mtx;
    stats_t *current;
    bool is_taken; /* current has been filled */
    uint64_t epoch;
} ctl = {.mtx = {.rank = OS_RANK_CTL}};

/* Take a new snapshot. One that a printer still holds is left to it. */
static bool
ctl_refresh_locked(void)
{
    ctl.is_taken = false;
    if (ctl.current == NULL || atomic_load_acq(&ctl.current->refs) > 1) {
        stats_t *fresh = stats_new();
        if (fresh == NULL) {
            return false;
        }
        if (ctl.current != NULL) {
            stats_release(ctl.current);
        }
        ctl.current = fresh;
    }
    ctl.is_taken = stats_fill(ctl.current, false);
    ctl.epoch++;
    return ctl.is_taken;
}

const stats_t *
ctl_snapshot_lock(void)
{
    os_mutex_lock(&ctl.mtx);
    if (!ctl.is_taken && !ctl_refresh_locked()) {
        return NULL;
    }
    return ctl.current;
}

void
ctl_snapshot_unlock(void)
{
    os_mutex_unlock(&ctl.mtx);
}

const stats_arena_t *
ctl_snapshot_arena(const stats_t *s, size_t ind)
{
    if (ind == CTL_DESTROYED_ARENAS) {
        return s->destroyed.is_present ? &s->destroyed : NULL;
    }
    return ind == CTL_ALL_ARENAS ? &s->merged : stats_arena(s, ind);
}

uint64_t
ctl_epoch(void)
{
    (void)ctl_snapshot_lock();
    uint64_t epoch = ctl.epoch;
    ctl_snapshot_unlock();
    return epoch;
}

int
ctl_advance_epoch(void)
{
    os_mutex_lock(&ctl.mtx);
    bool ok = ctl_refresh_locked();
    os_mutex_unlock(&ctl.mtx);
    return ok ? 0 : EAGAIN;
}

stats_t *
ctl_refresh_and_hold(void)
{
    stats_t *s = NULL;
    if (!je_boot()) {
        return NULL;
    }
    os_mutex_lock(&ctl.mtx);
    if (ctl_refresh_locked()) {
        s = ctl.current;
        stats_hold(s);
    }
    os_mutex_unlock(&ctl.mtx);
    return s;
}

os_mutex_t *
ctl_mutex(void)
{
    return &ctl.mtx;
}

/* ---- rows and MIBs ----------------------------------------------------- */

/* For every row and depth, the first row with the same beginning. */
static uint16_t first_row[CTL_ROWS_MAX][CTL_DEPTH_MAX];
static uint8_t row_depth[CTL_ROWS_MAX];

/* The part after this one, NULL after the last. */
static const char *
next_part(const char *part)
{
    const char *dot = strchr(part, '.');
    return dot != NULL ? dot + 1 : NULL;
}

static bool
same_part(const char *a, const char *b)
{
    size_t n = strcspn(a, ".");
    return n == strcspn(b, ".") && memcmp(a, b, n) == 0;
}

void
ctl_boot(void)
{
    je_check_op(ctl_table_size, <=, CTL_ROWS_MAX);
    for (unsigned row = 0; row < ctl_table_size; row++) {
        const char *name = ctl_table[row].name;
        const char *before = row > 0 ? ctl_table[row - 1].name : NULL;
        unsigned depth = 0;
        while (name != NULL) {
            bool same = before != NULL && same_part(name, before);
            first_row[row][depth] =
                same ? first_row[row - 1][depth] : (uint16_t)row;
            before = same ? next_part(before) : NULL;
            name = next_part(name);
            depth++;
        }
        je_check_op(depth, <=, CTL_DEPTH_MAX);
        row_depth[row] = (uint8_t)depth;
    }
    ctl_opt_boot();
}

void
ctl_fork_child(void)
{
    /* a snapshot may have been half taken */
    if (os_mutex_is_held(&ctl.mtx)) {
        ctl.is_taken = false;
    }
    os_mutex_init(&ctl.mtx, OS_RANK_CTL);
}

static bool
index_is_valid(char kind, size_t i)
{
    switch (kind) {
    case 'a':
        return i <= arena_count() || i == CTL_ALL_ARENAS ||
               i == CTL_DESTROYED_ARENAS;
    case 's': {
        const stats_t *s = ctl_snapshot_lock();
        bool ok = s != NULL && ctl_snapshot_arena(s, i) != NULL;
        ctl_snapshot_unlock();
        return ok;
    }
    case 'n':
        return i < LABEL_LIMIT && label_name((unsigned)i) != NULL;
    case 'b':
        return i < SC_NBINS;
    case 'l':
        return i < SZ_NLARGE;
    case 'e':
        return i < SZ_NPSIZES;
    default:
        return i < HPA_NCLASSES;
    }
}

/* Decimal digits up to a dot or the end. */
static bool
parse_index(const char *part, size_t *out)
{
    size_t n = 0, len = strcspn(part, ".");
    for (size_t i = 0; i < len; i++) {
        if (part[i] < '0' || part[i] > '9' || n > SIZE_MAX / 100) {
            return false;
        }
        n = n * 10 + (size_t)(part[i] - '0');
    }
    *out = n;
    return len > 0;
}

/* Does part `depth` of `row` admit `part` of the caller's name? *component is
 * what it is in a MIB. */
static bool
part_matches(unsigned row, unsigned depth, const char *row_part,
             const char *part, size_t *component)
{
    char kind = ctl_index_kind(row_part);
    if (kind == '\0') {
        *component = first_row[row][depth];
        return same_part(row_part, part);
    }
    return parse_index(part, component) && index_is_valid(kind, *component);
}

/* From `row` on, the first row whose part at `depth` admits the caller's,
 * while the beginning stays the same. *row_part becomes that part. */
static bool
find_part(unsigned *row, unsigned depth, const char **row_part,
          const char *part, size_t *component)
{
    size_t skip = (size_t)(*row_part - ctl_table[*row].name);
    unsigned start = depth > 0 ? first_row[*row][depth - 1] : 0;
    for (unsigned r = *row; r < ctl_table_size; r++) {
        if (row_depth[r] <= depth ||
            (depth > 0 && first_row[r][depth - 1] != start)) {
            break;
        }
        if (first_row[r][depth] != r) {
            continue; /* the same part again */
        }
        *row_part = ctl_table[r].name + skip;
        if (part_matches(r, depth, *row_part, part, component)) {
            *row = r;
            return true;
        }
    }
    return false;
}

/* Translate; *depth is how many components there are room for, then how many
 * there are. A whole name gives the row, else CTL_ROWS_MAX. */
static int
ctl_lookup(const char *name, size_t *mib, size_t *depth, unsigned *found)
{
    unsigned row = 0, at = 0;
    const char *row_part = ctl_table[0].name;
    for (const char *part = name; part != NULL; part = next_part(part)) {
        size_t component = 0;
        if (row_part == NULL ||
            !find_part(&row, at, &row_part, part, &component)) {
            return ENOENT;
        }
        if (at < *depth) {
            mib[at] = component;
        }
        at++;
        row_part = next_part(row_part);
    }
    *found = row_part == NULL ? row : (unsigned)CTL_ROWS_MAX;
    *depth = at < *depth ? at : *depth;
    return 0;
}

/* The row of a whole MIB and its indices. */
static int
ctl_resolve(const size_t *mib, size_t depth, unsigned *found, size_t *index)
{
    if (depth == 0 || depth > CTL_DEPTH_MAX ||
        mib[depth - 1] >= ctl_table_size) {
        return ENOENT;
    }
    unsigned row = (unsigned)mib[depth - 1];
    unsigned at = 0, nindices = 0;
    if (row_depth[row] != depth) {
        return ENOENT;
    }
    for (const char *part = ctl_table[row].name; part != NULL;
         part = next_part(part), at++) {
        char kind = ctl_index_kind(part);
        if (kind == '\0') {
            if (mib[at] != first_row[row][at]) {
                return ENOENT;
            }
        } else if (!index_is_valid(kind, mib[at])) {
            return ENOENT;
        } else {
            je_assert(nindices < INDICES_MAX);
            index[nindices++] = mib[at];
        }
    }
    *found = row;
    return 0;
}

/* ---- values ------------------------------------------------------------ */

size_t
ctl_type_size(ctl_type_t type)
{
    switch (type) {
    case CTL_VOID:
        return 0;
    case CTL_BOOL:
        return sizeof(bool);
    case CTL_UNSIGNED:
    case CTL_U32:
    case CTL_FIXED_POINT:
        return sizeof(uint32_t);
    default:
        return sizeof(uint64_t);
    }
}

void
ctl_set_number(ctl_value_t *out, ctl_type_t type, int64_t n)
{
    switch (ctl_type_size(type)) {
    case sizeof(bool):
        out->flag = n != 0;
        break;
    case sizeof(uint32_t):
        out->u32 = (uint32_t)n;
        break;
    default:
        out->i64 = n;
        break;
    }
}

int
ctl_give(const ctl_call_t *call, const void *value, size_t size)
{
    if (call->oldp == NULL || call->oldlenp == NULL) {
        return 0;
    }
    size_t room = *call->oldlenp;
    size_t n = room < size ? room : size;
    memcpy(call->oldp, value, n);
    if (room == size) {
        return 0;
    }
    *call->oldlenp = n;
    return EINVAL;
}

int
ctl_must_take(const ctl_call_t *call, size_t size)
{
    if (call->oldp != NULL && call->oldlenp != NULL && *call->oldlenp == size) {
        return 0;
    }
    if (call->oldlenp != NULL) {
        *call->oldlenp = 0;
    }
    return EINVAL;
}

static int
ctl_do_read(const ctl_leaf_t *leaf, const size_t *index, const ctl_call_t *call)
{
    ctl_value_t value = {.u64 = 0};
    int err = leaf->read(leaf, index, &value);
    return err != 0 ? err : ctl_give(call, &value, ctl_type_size(leaf->type));
}

static int
ctl_do_write(const ctl_leaf_t *leaf, const size_t *index,
             const ctl_call_t *call)
{
    ctl_value_t value = {.u64 = 0};
    if (call->newp == NULL) {
        return leaf->write(leaf, index, NULL);
    }
    if (call->newlen != ctl_type_size(leaf->type)) {
        return EINVAL;
    }
    memcpy(&value, call->newp, call->newlen);
    return leaf->write(leaf, index, &value);
}

static bool
ctl_is_allowed(const ctl_leaf_t *leaf, const ctl_call_t *call)
{
    bool asks = call->oldp != NULL || call->oldlenp != NULL;
    bool gives = call->newp != NULL || call->newlen != 0;
    bool takes = leaf->write != NULL && leaf->type != CTL_VOID;
    return (!asks || leaf->read != NULL) && (!gives || takes);
}

/* Whether a row that needs profiling is there. */
static bool
ctl_has_prof(const ctl_leaf_t *leaf)
{
    return conf.prof && (leaf->read != NULL || leaf->write != NULL ||
                         leaf->exchange != NULL);
}

static int
ctl_run(const ctl_leaf_t *leaf, const size_t *index, const ctl_call_t *call)
{
    if (leaf->is_prof_only && !ctl_has_prof(leaf)) {
        return ENOENT;
    }
    if (leaf->exchange != NULL) {
        return leaf->exchange(leaf, index, call);
    }
    if (!ctl_is_allowed(leaf, call)) {
        return EPERM;
    }
    if (leaf->read == NULL) {
        return ctl_do_write(leaf, index, call);
    }
    if (leaf->is_write_first && call->newp != NULL) {
        int err = ctl_do_write(leaf, index, call);
        return err != 0 ? err : ctl_do_read(leaf, index, call);
    }
    int err = ctl_do_read(leaf, index, call);
    return err != 0 || call->newp == NULL ? err
                                          : ctl_do_write(leaf, index, call);
}

/* ---- entry points ------------------------------------------------------ */

int
je_mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp,
                void *newp, size_t newlen)
{
    size_t index[INDICES_MAX] = {0};
    unsigned row;
    if (!je_boot()) {
        return EAGAIN;
    }
    int err = ctl_resolve(mib, miblen, &row, index);
    if (err != 0) {
        return err;
    }
    ctl_call_t call = {.oldp = oldp, .newp = newp, .newlen = newlen};
    call.oldlenp = oldlenp;
    return ctl_run(&ctl_table[row], index, &call);
}

int
je_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp,
           size_t newlen)
{
    size_t mib[CTL_DEPTH_MAX];
    size_t depth = CTL_DEPTH_MAX;
    unsigned row;
    if (!je_boot()) {
        return EAGAIN;
    }
    int err = ctl_lookup(name, mib, &depth, &row);
    if (err != 0 || row == CTL_ROWS_MAX) {
        return ENOENT;
    }
    return je_mallctlbymib(mib, depth, oldp, oldlenp, newp, newlen);
}

int
je_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp)
{
    unsigned row;
    if (!je_boot()) {
        return EAGAIN;
    }
    return ctl_lookup(name, mibp, miblenp, &row);
}

static emit_value_t
ctl_printed(ctl_type_t type, const ctl_value_t *v)
{
    switch (type) {
    case CTL_BOOL:
        return emit_bool(v->flag);
    case CTL_TEXT:
        return emit_string(v->text);
    case CTL_FIXED_POINT:
        return emit_string("0");
    case CTL_I64:
    case CTL_SSIZE:
        return emit_i64(v->i64);
    case CTL_UNSIGNED:
    case CTL_U32:
        return emit_u64(v->u32);
    default:
        return emit_u64(v->u64);
    }
}

bool
ctl_read_constant(const char *name, emit_value_t *out)
{
    size_t mib[CTL_DEPTH_MAX];
    size_t depth = CTL_DEPTH_MAX;
    unsigned row;
    ctl_value_t value = {.u64 = 0};
    if (ctl_lookup(name, mib, &depth, &row) != 0 || row == CTL_ROWS_MAX) {
        return false;
    }
    const ctl_leaf_t *leaf = &ctl_table[row];
    if (leaf->read == NULL || (leaf->is_prof_only && !ctl_has_prof(leaf)) ||
        leaf->read(leaf, NULL, &value) != 0) {
        return false;
    }
    *out = ctl_printed(leaf->type, &value);
    return true;
}
