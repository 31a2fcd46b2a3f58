/*
 * Named values of owner labels: thread.label and jeprobe.labels.*.
 */
#include <errno.h>

#include "alloc/ctl_leaf.h"
#include "alloc/label.h"

int
ctl_read_thread_label(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    const char *name = label_name(label_current());
    out->text = name != NULL ? name : "";
    return 0;
}

/* errors: EINVAL, longer than a name may be; EAGAIN, no room for it. */
int
ctl_write_thread_label(const ctl_leaf_t *leaf, const size_t *index,
                       const ctl_value_t *in)
{
    (void)leaf;
    (void)index;
    int error;
    unsigned label = label_number(in->text, &error);
    if (error != 0) {
        return error == ENAMETOOLONG ? EINVAL : EAGAIN;
    }
    (void)label_swap(label);
    return 0;
}

int
ctl_read_labels_count(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->number = label_end() - 1;
    return 0;
}

int
ctl_read_labels_dropped(const ctl_leaf_t *leaf, const size_t *index,
                        ctl_value_t *out)
{
    (void)leaf;
    (void)index;
    out->u64 = label_dropped();
    return 0;
}

int
ctl_read_label_name(const ctl_leaf_t *leaf, const size_t *index,
                    ctl_value_t *out)
{
    (void)leaf;
    out->text = label_name((unsigned)index[0]);
    return 0;
}

/* leaf->constant: which of the four. */
int
ctl_read_label_figure(const ctl_leaf_t *leaf, const size_t *index,
                      ctl_value_t *out)
{
    label_stats_t s;
    label_stats((unsigned)index[0], &s);
    const uint64_t figures[] = {
        [CTL_LABEL_LIVE_BYTES] = label_live(s.allocated, s.deallocated),
        [CTL_LABEL_LIVE_OBJECTS] = label_live(s.nmalloc, s.ndalloc),
        [CTL_LABEL_TOTAL_BYTES] = s.allocated,
        [CTL_LABEL_TOTAL_OBJECTS] = s.nmalloc,
    };
    out->u64 = figures[leaf->constant];
    return 0;
}
