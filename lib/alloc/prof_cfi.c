/*
 * Call frame information: find the rule for an address, and apply it. See
 * prof_cfi.h.
 */
#include "alloc/prof_cfi.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "base/atomic.h"

/* ---- objects ----------------------------------------------------------- */

/* glibc's struct dl_find_object, declared here so that an older one builds. */
typedef struct find_result {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    void *link_map;
    void *eh_frame;
    void *sframe;
    unsigned long long reserved[6];
} find_result_t;

static int (*find_object)(void *pc, find_result_t *result);

/* Objects that were loaded with the program stay: what they are needed by does.
 */
static cfi_range_t lasting[64];

static unsigned nlasting;

cfi_range_t
cfi_range(const struct dl_phdr_info *info)
{
    cfi_range_t range = {.start = UINTPTR_MAX, .end = 0};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_LOAD) {
            uintptr_t at = info->dlpi_addr + h->p_vaddr;
            range.start = JE_MIN(range.start, at);
            range.end = JE_MAX(range.end, at + h->p_memsz);
        }
    }
    return range;
}

#if defined(__x86_64__)
static int
note_lasting(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    if (nlasting < JE_ARRAY_LEN(lasting)) {
        lasting[nlasting] = cfi_range(info);
        atomic_store_rel(&nlasting, nlasting + 1);
    }
    return 0;
}
#endif

static bool
is_lasting(uintptr_t pc)
{
    unsigned n = atomic_load_acq(&nlasting);
    for (unsigned i = 0; i < n; i++) {
        if (pc - lasting[i].start < lasting[i].end - lasting[i].start) {
            return true;
        }
    }
    return false;
}

bool
cfi_boot(void)
{
#if defined(__x86_64__)
    union {
        void *data;
        int (*code)(void *, find_result_t *);
    } found = {.data = dlsym(RTLD_DEFAULT, "_dl_find_object")};

    if (nlasting == 0) {
        (void)dl_iterate_phdr(note_lasting, NULL);
    }
    atomic_store_rel(&find_object, found.code);
    return found.code != NULL;
#else
    return false;
#endif
}

bool
cfi_object(uintptr_t pc, cfi_object_t *out)
{
    find_result_t found;
    int (*find)(void *, find_result_t *) = atomic_load_acq(&find_object);
    if (find == NULL || find((void *)pc, &found) != 0) {
        return false;
    }
    out->start = (uintptr_t)found.map_start;
    out->end = (uintptr_t)found.map_end;
    out->map = found.link_map;
    out->eh_frame_hdr = (uintptr_t)found.eh_frame;
    out->is_lasting = is_lasting(pc);
    return true;
}

#if defined(__x86_64__)

/* ---- rules ------------------------------------------------------------- */

/* DWARF numbers of registers. */
enum { REG_FP = 6, REG_SP = 7, REG_RA = 16 };

typedef enum {
    RULE_NONE,     /* nothing usable is known */
    RULE_SP,       /* CFA = sp + cfa_offset */
    RULE_FP,       /* CFA = fp + cfa_offset */
    RULE_FP_DEREF, /* CFA = the word at fp + cfa_offset */
    RULE_SIGNAL,   /* a signal's frame: sp points to its ucontext */
    RULE_END,      /* outermost */
} rule_kind_t;

typedef enum {
    SAVED_NOT,    /* unchanged */
    SAVED_AT_CFA, /* in the word at CFA + fp_offset */
    SAVED_AT_FP,  /* in the word at fp + fp_offset */
} rule_saved_t;

typedef struct rule {
    int32_t cfa_offset;
    int16_t fp_offset;
    uint8_t kind;  /* rule_kind_t */
    uint8_t saved; /* rule_saved_t: where the caller's fp is */
} rule_t;

_Static_assert(sizeof(rule_t) == sizeof(uint64_t), "a rule is one word");

/* ---- reading ----------------------------------------------------------- */

typedef struct cursor {
    const uint8_t *at, *end;
    bool is_bad; /* ran out, or met something unknown */
} cursor_t;

static uint64_t
take_bytes(cursor_t *c, unsigned n)
{
    uint64_t v = 0;
    if ((size_t)(c->end - c->at) < n) {
        c->is_bad = true;
        c->at = c->end;
        return 0;
    }
    memcpy(&v, c->at, n);
    c->at += n;
    return v;
}

static uint64_t
take_uleb(cursor_t *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = take_bytes(c, 1);
        v |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return v;
        }
    }
    c->is_bad = true;
    return v;
}

static int64_t
take_sleb(cursor_t *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64;) {
        uint64_t byte = take_bytes(c, 1);
        v |= (byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0) {
            if (shift < 64 && (byte & 0x40) != 0) {
                v |= ~UINT64_C(0) << shift;
            }
            return (int64_t)v;
        }
    }
    c->is_bad = true;
    return 0;
}

static void
skip_bytes(cursor_t *c, uint64_t n)
{
    if ((uint64_t)(c->end - c->at) < n) {
        c->is_bad = true;
        c->at = c->end;
    } else {
        c->at += n;
    }
}

/* A pointer by its encoding's format; relative ones to where they stand. */
static uintptr_t
take_pointer(cursor_t *c, unsigned encoding)
{
    enum {
        ABSOLUTE = 0,
        UDATA2 = 2,
        UDATA4,
        UDATA8,
        SDATA2 = 0xa,
        SDATA4,
        SDATA8,
        RELATIVE = 0x10
    };

    uintptr_t here = (uintptr_t)c->at;
    uint64_t v;
    switch (encoding & 0x0f) {
    case ABSOLUTE:
    case UDATA8:
    case SDATA8:
        v = take_bytes(c, 8);
        break;
    case UDATA4:
        v = take_bytes(c, 4);
        break;
    case SDATA4:
        v = (uint64_t)(int64_t)(int32_t)take_bytes(c, 4);
        break;
    case UDATA2:
        v = take_bytes(c, 2);
        break;
    case SDATA2:
        v = (uint64_t)(int64_t)(int16_t)take_bytes(c, 2);
        break;
    default:
        c->is_bad = true;
        return 0;
    }
    return (encoding & 0x70) == RELATIVE ? here + v : v;
}

/* ---- from address to description --------------------------------------- */

/* A record of .eh_frame: its content after the length word. */
static cursor_t
record_at(uintptr_t addr)
{
    uint32_t length;
    memcpy(&length, (const void *)addr, sizeof(length));
    const uint8_t *body = (const uint8_t *)addr + sizeof(length);
    bool is_bad = length == 0 || length > 0x1000000;
    return (cursor_t){body, is_bad ? body : body + length, is_bad};
}

/* Both relative to the header. */
typedef struct fde_entry {
    int32_t code; /* where the function starts */
    int32_t fde;
} fde_entry_t;

/* The record for pc from the sorted table of .eh_frame_hdr, or 0. */
static uintptr_t
fde_find(uintptr_t header, uintptr_t pc)
{
    enum { HEADER_VERSION = 1, TABLE_OF_RELATIVE_SDATA4 = 0x3b, UDATA4 = 3 };

    const uint8_t *h = (const uint8_t *)header;
    if (h[0] != HEADER_VERSION || (h[2] & 0x0f) != UDATA4 ||
        h[3] != TABLE_OF_RELATIVE_SDATA4) {
        return 0;
    }
    cursor_t c = {h + 4, h + 20, false};
    (void)take_pointer(&c, h[1]);
    uint32_t count = (uint32_t)take_bytes(&c, 4);
    const fde_entry_t *table = (const fde_entry_t *)(const void *)c.at;
    if (c.is_bad || count == 0 ||
        pc < header + (uintptr_t)(intptr_t)table[0].code) {
        return 0;
    }
    size_t low = 0, high = count; /* table[low] <= pc < table[high] */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (header + (uintptr_t)(intptr_t)table[mid].code <= pc) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return header + (uintptr_t)(intptr_t)table[low].fde;
}

/* What all functions of one common record share. */
typedef struct cie {
    uint64_t code_align;
    int64_t data_align;
    uint8_t encoding; /* of addresses */
    bool is_signal;
    bool has_length; /* FDEs have augmentation data, preceded by its length */
    cursor_t program;
} cie_t;

static void
cie_augmentation(cie_t *cie, const char *letters, cursor_t *c)
{
    for (; *letters != '\0'; letters++) {
        switch (*letters) {
        case 'R':
            cie->encoding = (uint8_t)take_bytes(c, 1);
            break;
        case 'L':
            (void)take_bytes(c, 1);
            break;
        case 'P':
            (void)take_pointer(c, (unsigned)take_bytes(c, 1));
            break;
        case 'S':
            cie->is_signal = true;
            break;
        default:
            c->is_bad = true;
            return;
        }
    }
}

static bool
cie_parse(uintptr_t addr, cie_t *cie)
{
    cursor_t c = record_at(addr);
    uint32_t id = (uint32_t)take_bytes(&c, 4);
    uint8_t version = (uint8_t)take_bytes(&c, 1);
    if (id != 0 || (version != 1 && version != 3)) {
        return false;
    }
    const char *letters = (const char *)c.at;
    skip_bytes(&c, strnlen(letters, (size_t)(c.end - c.at)) + 1);
    *cie = (cie_t){.has_length = letters[0] == 'z'};
    cie->code_align = take_uleb(&c);
    cie->data_align = take_sleb(&c);
    uint64_t ra = version == 1 ? take_bytes(&c, 1) : take_uleb(&c);
    if (ra != REG_RA || (!cie->has_length && letters[0] != '\0')) {
        return false;
    }
    if (cie->has_length) {
        uint64_t length = take_uleb(&c);
        cursor_t data = c;
        skip_bytes(&c, length);
        cie_augmentation(cie, letters + 1, &data);
        c.is_bad |= data.is_bad;
    }
    cie->program = c;
    return !c.is_bad;
}

/* ---- the program ------------------------------------------------------- */

/* One row of the table that a program describes. */
typedef struct row {
    uint64_t cfa_reg;
    int64_t cfa_offset;
    int64_t fp_offset;
    uint8_t cfa_kind; /* RULE_SP for "register", RULE_FP_DEREF, RULE_NONE */
    uint8_t saved;    /* rule_saved_t, or SAVED_ODD */
    bool ends;        /* the return address is undefined */
    bool is_odd;      /* it lies elsewhere */
} row_t;

enum { SAVED_ODD = 0xff, ROWS_REMEMBERED = 8 };

typedef struct machine {
    const cie_t *cie;
    row_t row;
    row_t first; /* after the common program */
    row_t stack[ROWS_REMEMBERED];
    unsigned depth;
    uintptr_t loc; /* where the row starts to hold */
    uintptr_t pc;  /* the address asked for */
} machine_t;

static void
row_save(row_t *row, uint64_t reg, int64_t offset)
{
    if (reg == REG_FP) {
        row->saved = SAVED_AT_CFA;
        row->fp_offset = offset;
    } else if (reg == REG_RA) {
        row->is_odd = offset != -8;
        row->ends = false;
    }
}

static void
row_restore(machine_t *m, uint64_t reg)
{
    if (reg == REG_FP) {
        m->row.saved = m->first.saved;
        m->row.fp_offset = m->first.fp_offset;
    } else if (reg == REG_RA) {
        m->row.is_odd = m->first.is_odd;
        m->row.ends = m->first.ends;
    }
}

/* The one form that compilers use: fp + constant, perhaps dereferenced. */
static bool
take_expression(cursor_t *c, int64_t *offset, bool *deref)
{
    enum { OP_BREG_FP = 0x70 + REG_FP, OP_DEREF = 0x06 };

    uint64_t length = take_uleb(c);
    cursor_t e = {c->at, c->at, c->is_bad};
    skip_bytes(c, length);
    e.end = c->at;
    if (take_bytes(&e, 1) != OP_BREG_FP) {
        return false;
    }
    *offset = take_sleb(&e);
    *deref = e.at < e.end;
    return !e.is_bad &&
           (!*deref || (take_bytes(&e, 1) == OP_DEREF && e.at == e.end));
}

static void
op_cfa_expression(machine_t *m, cursor_t *c)
{
    bool deref;
    bool ok = take_expression(c, &m->row.cfa_offset, &deref);
    m->row.cfa_kind = ok && deref ? RULE_FP_DEREF : RULE_NONE;
}

/* Register `reg` lies at the address of an expression. */
static void
op_expression(machine_t *m, cursor_t *c)
{
    uint64_t reg = take_uleb(c);
    int64_t offset = 0;
    bool deref;
    bool ok = take_expression(c, &offset, &deref) && !deref;
    if (reg == REG_FP) {
        m->row.saved = ok ? SAVED_AT_FP : SAVED_ODD;
        m->row.fp_offset = offset;
    } else if (reg == REG_RA) {
        m->row.is_odd = true;
    }
}

static void
op_remember(machine_t *m, cursor_t *c)
{
    if (m->depth == ROWS_REMEMBERED) {
        c->is_bad = true;
    } else {
        m->stack[m->depth++] = m->row;
    }
}

static void
op_recall(machine_t *m, cursor_t *c)
{
    if (m->depth == 0) {
        c->is_bad = true;
    } else {
        m->row = m->stack[--m->depth];
    }
}

/* Registers that are given some rule we do not follow. */
static void
op_other_rule(machine_t *m, uint64_t reg, bool is_undefined)
{
    if (reg == REG_FP) {
        m->row.saved = SAVED_ODD;
    } else if (reg == REG_RA) {
        m->row.ends = is_undefined;
        m->row.is_odd = !is_undefined;
    }
}

static void
set_cfa(machine_t *m, uint64_t reg, int64_t offset)
{
    m->row.cfa_kind = RULE_SP;
    m->row.cfa_reg = reg;
    m->row.cfa_offset = offset;
}

/* Operations whose operand is not in the first byte. */
static void
machine_extended(machine_t *m, cursor_t *c, unsigned op)
{
    int64_t align = m->cie->data_align;
    uint64_t reg;
    switch (op) {
    case 0x00: /* nop */
        break;
    case 0x01: /* set_loc */
        m->loc = take_pointer(c, m->cie->encoding);
        break;
    case 0x02: /* advance_loc1, 2, 4 */
    case 0x03:
    case 0x04:
        m->loc += take_bytes(c, 1u << (op - 2)) * m->cie->code_align;
        break;
    case 0x05: /* offset_extended */
        reg = take_uleb(c);
        row_save(&m->row, reg, (int64_t)take_uleb(c) * align);
        break;
    case 0x06: /* restore_extended */
        row_restore(m, take_uleb(c));
        break;
    case 0x07: /* undefined */
        op_other_rule(m, take_uleb(c), true);
        break;
    case 0x08: /* same_value */
        reg = take_uleb(c);
        if (reg == REG_FP) {
            m->row.saved = SAVED_NOT;
        }
        break;
    case 0x09: /* register */
        op_other_rule(m, take_uleb(c), false);
        (void)take_uleb(c);
        break;
    case 0x0a:
        op_remember(m, c);
        break;
    case 0x0b:
        op_recall(m, c);
        break;
    case 0x0c: /* def_cfa */
        reg = take_uleb(c);
        set_cfa(m, reg, (int64_t)take_uleb(c));
        break;
    case 0x0d: /* def_cfa_register */
        m->row.cfa_reg = take_uleb(c);
        break;
    case 0x0e: /* def_cfa_offset */
        m->row.cfa_offset = (int64_t)take_uleb(c);
        break;
    case 0x0f:
        op_cfa_expression(m, c);
        break;
    case 0x10:
        op_expression(m, c);
        break;
    case 0x11: /* offset_extended_sf */
        reg = take_uleb(c);
        row_save(&m->row, reg, take_sleb(c) * align);
        break;
    case 0x12: /* def_cfa_sf */
        reg = take_uleb(c);
        set_cfa(m, reg, take_sleb(c) * align);
        break;
    case 0x13: /* def_cfa_offset_sf */
        m->row.cfa_offset = take_sleb(c) * align;
        break;
    case 0x14: /* val_offset, val_offset_sf */
    case 0x15:
        op_other_rule(m, take_uleb(c), false);
        (void)take_uleb(c);
        break;
    case 0x16: /* val_expression */
        op_other_rule(m, take_uleb(c), false);
        skip_bytes(c, take_uleb(c));
        break;
    case 0x2e: /* GNU_args_size */
        (void)take_uleb(c);
        break;
    default:
        c->is_bad = true;
        break;
    }
}

/* Run until the row for pc is complete. */
static bool
machine_run(machine_t *m, cursor_t c)
{
    enum { ADVANCE = 1, OFFSET = 2, RESTORE = 3 };

    while (c.at < c.end && !c.is_bad && m->loc <= m->pc) {
        unsigned byte = (unsigned)take_bytes(&c, 1);
        unsigned operand = byte & 0x3f;
        switch (byte >> 6) {
        case ADVANCE:
            m->loc += operand * m->cie->code_align;
            break;
        case OFFSET:
            row_save(&m->row, operand,
                     (int64_t)take_uleb(&c) * m->cie->data_align);
            break;
        case RESTORE:
            row_restore(m, operand);
            break;
        default:
            machine_extended(m, &c, operand);
            break;
        }
    }
    return !c.is_bad;
}

static rule_t
row_to_rule(const row_t *row, bool is_signal)
{
    rule_t none = {.kind = RULE_NONE};
    rule_t rule = {.saved = row->saved,
                   .fp_offset = (int16_t)row->fp_offset,
                   .cfa_offset = (int32_t)row->cfa_offset};
    if (is_signal) {
        return (rule_t){.kind = RULE_SIGNAL};
    }
    if (row->ends) {
        return (rule_t){.kind = RULE_END};
    }
    if (row->is_odd || row->saved == SAVED_ODD ||
        rule.fp_offset != row->fp_offset ||
        rule.cfa_offset != row->cfa_offset) {
        return none;
    }
    rule.kind = row->cfa_kind;
    if (row->cfa_kind == RULE_SP && row->cfa_reg == REG_FP) {
        rule.kind = RULE_FP;
    } else if (row->cfa_kind == RULE_SP && row->cfa_reg != REG_SP) {
        return none;
    }
    return rule;
}

static rule_t
rule_read(const cfi_object_t *object, uintptr_t pc)
{
    rule_t none = {.kind = RULE_NONE};
    cie_t cie;
    uintptr_t fde =
        object->eh_frame_hdr != 0 ? fde_find(object->eh_frame_hdr, pc) : 0;
    if (fde == 0) {
        return none;
    }
    cursor_t c = record_at(fde);
    uintptr_t back = (uintptr_t)c.at;
    uint32_t delta = (uint32_t)take_bytes(&c, 4);
    if (c.is_bad || delta == 0 || !cie_parse(back - delta, &cie)) {
        return none;
    }
    uintptr_t begin = take_pointer(&c, cie.encoding);
    uintptr_t size = take_pointer(&c, cie.encoding & 0x0f);
    if (cie.has_length) {
        skip_bytes(&c, take_uleb(&c));
    }
    if (c.is_bad || pc - begin >= size) {
        return none;
    }
    machine_t m = {.cie = &cie, .loc = 0, .pc = pc};
    if (!machine_run(&m, cie.program)) {
        return none;
    }
    m.first = m.row;
    m.loc = begin;
    return machine_run(&m, c) ? row_to_rule(&m.row, cie.is_signal) : none;
}

/* ---- cache ------------------------------------------------------------- */

enum { CACHE_SLOTS = 8192 };

/* Two words without a lock: `check` is the key xor the rule, so that a torn
 * pair does not match (Hyatt and Mann, "A lock-less transposition table",
 * 2002). */
static struct {
    uint64_t check;
    uint64_t rule;
} cache[CACHE_SLOTS];

static rule_t
rule_get(cfi_object_t *object, uintptr_t pc)
{
    rule_t rule = {.kind = RULE_NONE};
    if (pc - object->start >= object->end - object->start &&
        !cfi_object(pc, object)) {
        return rule;
    }
    /* an address can be another object's after dlclose */
    uint64_t key = pc ^ ((uint64_t)(uintptr_t)object->map << 16) ^
                   (object->eh_frame_hdr * UINT64_C(0x9e3779b97f4a7c15));
    size_t slot = (pc * UINT64_C(0x9e3779b97f4a7c15)) >> 51;
    _Static_assert(CACHE_SLOTS == 1 << (64 - 51), "slots by the top bits");
    uint64_t word = atomic_load_rlx(&cache[slot].rule);
    if ((atomic_load_rlx(&cache[slot].check) ^ word) == key) {
        memcpy(&rule, &word, sizeof(rule));
        return rule;
    }
    rule = rule_read(object, pc);
    memcpy(&word, &rule, sizeof(word));
    atomic_store_rlx(&cache[slot].rule, word);
    atomic_store_rlx(&cache[slot].check, key ^ word);
    return rule;
}

/* ---- stepping ---------------------------------------------------------- */

/* A word of somebody's frame, which a sanitizer may have made untouchable. */
__attribute__((no_sanitize("address", "thread"))) static uintptr_t
word_at(uintptr_t addr)
{
    return *(const uintptr_t *)addr;
}

/* ---- trails ------------------------------------------------------------ */

static void
trail_word(cfi_trail_t *trail, uintptr_t addr, uintptr_t word)
{
    if (trail == NULL) {
        return;
    }
    uintptr_t offset = addr - trail->sp;
    if (trail->n == trail->max || offset > INT32_MAX) {
        trail->is_lost = true;
        return;
    }
    trail->offsets[trail->n] = (int32_t)offset;
    trail->words[trail->n++] = word;
}

/* The frame pointer decides something. */
static void
trail_uses_fp(cfi_trail_t *trail, uintptr_t fp)
{
    if (trail == NULL || trail->is_noted) {
        return;
    }
    trail->is_noted = true;
    if (trail->fp_at == 0) {
        trail->needs_fp = true;
    } else {
        trail_word(trail, trail->fp_at, fp);
    }
}

static void
trail_sets_fp(cfi_trail_t *trail, uintptr_t at)
{
    if (trail != NULL) {
        trail->fp_at = at;
        trail->is_noted = false;
    }
}

static cfi_result_t
step_signal(cfi_regs_t *regs)
{
    const ucontext_t *context = (const ucontext_t *)regs->sp;
    const greg_t *gregs = context->uc_mcontext.gregs;
    regs->pc = (uintptr_t)gregs[REG_RIP];
    regs->sp = (uintptr_t)gregs[REG_RSP];
    regs->fp = (uintptr_t)gregs[REG_RBP];
    regs->is_exact = true;
    return CFI_STEPPED;
}

cfi_result_t
cfi_step(cfi_regs_t *regs, uintptr_t limit, cfi_trail_t *trail)
{
    enum { FRAME_MAX = 64 << 20 }; /* bytes */

    rule_t rule = rule_get(&regs->object, regs->pc - !regs->is_exact);
    uintptr_t base;
    if (trail != NULL) {
        trail->is_lost |= !regs->object.is_lasting || rule.kind == RULE_SIGNAL;
    }
    switch (rule.kind) {
    case RULE_SP:
        base = regs->sp;
        break;
    case RULE_FP:
    case RULE_FP_DEREF:
        base = regs->fp;
        trail_uses_fp(trail, base);
        break;
    case RULE_SIGNAL:
        return step_signal(regs);
    case RULE_END:
        return CFI_END;
    default:
        return CFI_UNKNOWN;
    }
    uintptr_t cfa = base + (uintptr_t)(intptr_t)rule.cfa_offset;
    if (rule.kind == RULE_FP_DEREF) {
        if (cfa - regs->sp > FRAME_MAX) {
            return CFI_UNKNOWN;
        }
        uintptr_t at = cfa;
        cfa = word_at(at);
        trail_word(trail, at, cfa);
    }
    /* the caller's frame lies above, and not beyond the stack */
    if (cfa <= regs->sp || cfa - regs->sp > FRAME_MAX || (cfa & 7) != 0 ||
        (limit != 0 && cfa > limit)) {
        return CFI_UNKNOWN;
    }
    uintptr_t fp = regs->fp;
    if (rule.saved != SAVED_NOT) {
        uintptr_t at = (rule.saved == SAVED_AT_CFA ? cfa : fp) +
                       (uintptr_t)(intptr_t)rule.fp_offset;
        if (at - regs->sp >= cfa - regs->sp || (at & 7) != 0) {
            return CFI_UNKNOWN;
        }
        if (rule.saved == SAVED_AT_FP) {
            trail_uses_fp(trail, fp);
        }
        fp = word_at(at);
        trail_sets_fp(trail, at);
    }
    regs->pc = word_at(cfa - 8);
    trail_word(trail, cfa - 8, regs->pc);
    regs->sp = cfa;
    regs->fp = fp;
    regs->is_exact = false;
    return regs->pc != 0 ? CFI_STEPPED : CFI_END;
}

#else

cfi_result_t
cfi_step(cfi_regs_t *regs, uintptr_t limit, cfi_trail_t *trail)
{
    (void)regs;
    (void)limit;
    (void)trail;
    return CFI_UNKNOWN;
}

#endif
