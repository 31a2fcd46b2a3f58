# Named values as a program sees them, and what each does.
TESTS += t/ctl/010-walk.t t/ctl/020-leaves.t
EXTRA_DIST += t/ctl/010-walk.t t/ctl/020-leaves.t t/ctl/leaves.tsv \
	t/ctl/names.tsv
check_PROGRAMS += t/ctl/leaves t/ctl/walk
t_ctl_leaves_LDADD = lib/libjealloc-core.la
t_ctl_walk_SOURCES = t/ctl/walk.c
t_ctl_walk_LDADD = -ldl
