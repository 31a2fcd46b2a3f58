# Rules: each fires where it should and is silent next to it.
JE_RULES_TESTS = \
	t/rules/rules.t
TESTS += $(JE_RULES_TESTS)
EXTRA_DIST += t/rules
