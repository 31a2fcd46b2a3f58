# Named values as a program sees them.
TESTS += t/ctl/010-walk.t
EXTRA_DIST += t/ctl/010-walk.t t/ctl/names.tsv
check_PROGRAMS += t/ctl/walk
t_ctl_walk_SOURCES = t/ctl/walk.c
t_ctl_walk_LDADD = -ldl
