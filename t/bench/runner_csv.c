/*
 * Every single measurement as a line of comma separated values, after a head
 * that says on what machine and with which files it was made.
 */
#include "runner.h"

#include <gnu/libc-version.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The rest of the first line of a file that begins with `key`. */
static void
read_fact(const char *path, const char *key, char *value, size_t size)
{
    FILE *file = fopen(path, "re");
    char line[512];

    snprintf(value, size, "unknown");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *text = line + strlen(key);

        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        text += strspn(text, " \t:");
        snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
        break;
    }
    fclose(file);
}

static void
write_peers(FILE *file, const char *prefix, const results_t *results)
{
    for (unsigned i = 0; i < results->peer_count; i++) {
        const peer_t *peer = &results->peers[i];
        struct stat status;

        if (!peer->is_present)
            continue;
        fprintf(file, "%sallocator %s: ", prefix, peer->name);
        if (peer->path[0] == '\0')
            fprintf(file, "glibc %s", gnu_get_libc_version());
        else if (stat(peer->path, &status) == 0)
            fprintf(file, "%s, %lld bytes", peer->path,
                    (long long)status.st_size);
        for (unsigned j = 0; j < ENV_MAX && peer->env[j] != NULL; j++)
            fprintf(file, ", %s", peer->env[j]);
        fputc('\n', file);
    }
}

void
csv_machine(FILE *file, const char *prefix, const results_t *results)
{
    char cpu[256], memory[256], huge[256], load[256], date[64];
    time_t now = time(NULL);
    struct utsname name;

    read_fact("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    read_fact("/proc/meminfo", "MemTotal", memory, sizeof(memory));
    read_fact("/sys/kernel/mm/transparent_hugepage/enabled", "", huge,
              sizeof(huge));
    read_fact("/proc/loadavg", "", load, sizeof(load));
    uname(&name);
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime(&now));
    fprintf(file, "%smachine: %s, %ld processors, %s memory\n", prefix, cpu,
            sysconf(_SC_NPROCESSORS_ONLN), memory);
    fprintf(file, "%skernel: %s %s, huge pages %s\n", prefix, name.sysname,
            name.release, huge);
    fprintf(file, "%scompiler: %s %s\n", prefix,
#ifdef __clang__
            "clang",
#else
            "gcc",
#endif
            __VERSION__);
    fprintf(file, "%scommit: %s\n", prefix, results->commit);
    fprintf(file, "%sdate: %s, load before: %s\n", prefix, date, load);
    fprintf(file, "%sprograms: %s\n", prefix, results->options);
    write_peers(file, prefix, results);
}

void
csv_head(FILE *csv, const results_t *results)
{
    csv_machine(csv, "# ", results);
    fprintf(csv, "round,program,allocator,status,wall_s,user_s,system_s,"
                 "peak_rss_kib,average_rss_kib,faults,major_faults,"
                 "context_switches,rss_samples\n");
}

void
csv_line(FILE *csv, const results_t *results, unsigned program, unsigned peer,
         unsigned round)
{
    const result_t *result = results_at(results, program, peer, round);

    fprintf(csv, "%u,%s,%s,%s,", round + 1, results->programs[program].name,
            results->peers[peer].name, result->is_done ? "ok" : "failed");
    fprintf(csv, "%.6f,%.6f,%.6f,%.0f,", result->wall_s, result->user_s,
            result->system_s, result->peak_kib);
    /* Too short a run has no sample: that is not an average of zero. */
    if (result->samples > 0)
        fprintf(csv, "%.0f", result->average_kib);
    fprintf(csv, ",%.0f,%.0f,%.0f,%u\n", result->faults, result->major_faults,
            result->switches, result->samples);
    fflush(csv);
}
