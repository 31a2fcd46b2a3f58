# Small programs with a known memory problem each. They are like programs of
# other people: nothing of ours in them, no sanitizer, line numbers.
JE_SAMPLES = \
	samples/arenas \
	samples/churn \
	samples/frag \
	samples/labels \
	samples/leak \
	samples/threads
noinst_PROGRAMS += $(JE_SAMPLES)
JE_SAMPLE_CFLAGS = -std=gnu11 $(JE_WARN) -g -O1 -fno-omit-frame-pointer

samples_arenas_CFLAGS = $(JE_SAMPLE_CFLAGS)
samples_arenas_CPPFLAGS =
samples_arenas_LDFLAGS = -ldl
samples_churn_CFLAGS = $(JE_SAMPLE_CFLAGS)
samples_churn_CPPFLAGS =
samples_churn_LDFLAGS =
samples_frag_CFLAGS = $(JE_SAMPLE_CFLAGS)
samples_frag_CPPFLAGS =
samples_frag_LDFLAGS =
samples_labels_CFLAGS = $(JE_SAMPLE_CFLAGS) -pthread
samples_labels_CPPFLAGS =
samples_labels_LDFLAGS = -pthread -ldl
samples_leak_CFLAGS = $(JE_SAMPLE_CFLAGS)
samples_leak_CPPFLAGS =
samples_leak_LDFLAGS =
samples_threads_CFLAGS = $(JE_SAMPLE_CFLAGS) -pthread
samples_threads_CPPFLAGS =
samples_threads_LDFLAGS = -pthread
EXTRA_DIST += samples/README.md
