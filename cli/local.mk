# The command-line program.
bin_PROGRAMS += cli/jeprobe

cli_jeprobe_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
cli_jeprobe_LDFLAGS = $(JE_SANITIZE) $(JE_LTO)
cli_jeprobe_LDADD = lib/libjeprobe.la $(JANSSON_LIBS) -lm
cli_jeprobe_SOURCES = \
	cli/check.h \
	cli/check_baseline.c \
	cli/check_config.c \
	cli/cmd.h \
	cli/cmd_check.c \
	cli/cmd_diff.c \
	cli/cmd_doctor.c \
	cli/cmd_explain.c \
	cli/cmd_report.c \
	cli/cmd_run.c \
	cli/cmd_table.c \
	cli/die.c \
	cli/die.h \
	cli/inputs.c \
	cli/inputs.h \
	cli/main.c \
	cli/opt.c \
	cli/opt.h \
	cli/out.c \
	cli/out.h \
	cli/render/cell.c \
	cli/render/cell.h \
	cli/render/check.h \
	cli/render/check_files.c \
	cli/render/check_text.c \
	cli/render/check_words.c \
	cli/render/diff.c \
	cli/render/diff.h \
	cli/render/diff_markdown.c \
	cli/render/doctor.h \
	cli/render/doctor_json.c \
	cli/render/doctor_markdown.c \
	cli/render/doctor_text.c \
	cli/render/fleet_text.c \
	cli/render/json.c \
	cli/render/markdown.c \
	cli/render/markdown.h \
	cli/render/names.c \
	cli/render/render.h \
	cli/render/series_text.c \
	cli/render/several.h \
	cli/render/several_json.c \
	cli/render/several_markdown.c \
	cli/render/several_notes.c \
	cli/render/several_words.c \
	cli/render/text.c \
	cli/render/text.h \
	cli/render/text_findings.c \
	cli/render/text_foreign.c \
	cli/render/text_ledger.c \
	cli/render/text_nested.c \
	cli/render/text_owners.c \
	cli/render/text_sites.c \
	cli/render/value.c \
	cli/render/value.h \
	cli/report_several.c \
	cli/report_several.h \
	cli/run.h \
	cli/run_child.c \
	cli/run_elf.c \
	cli/run_env.c \
	cli/run_find.c \
	cli/run_log.c \
	cli/run_never.c \
	cli/run_note.c \
	cli/run_stale.c \
	cli/run_wait.c \
	cli/run_witness.c \
	cli/several.c \
	cli/several.h \
	cli/text.c \
	cli/text.h
