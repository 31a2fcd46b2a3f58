# Rules: each fires where it should and is silent next to it; and the cases
# that people asked about come out as those who know said.
JE_RULES_TESTS = \
	t/cases/cases.t \
	t/rules/healthy.t \
	t/rules/rules.t
TESTS += $(JE_RULES_TESTS)
EXTRA_DIST += t/cases t/rules
