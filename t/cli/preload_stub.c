/*
 * Stands in for the preload object where a test is about `jeprobe run` itself:
 * it reports as the real one does and hides its environment as that does, but
 * replaces no function.
 *
 * STUB_SHOW=FILE: write the environment it got to FILE. STUB_DUMP=no: none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd = -1;
static char dump[4096];
static const char *const ours[] = {"LD_PRELOAD", "JEPROBE_CONF",
                                   "JEPROBE_DUMP_PATH", "JEPROBE_STATUS_FD"};

static void
say(const char *text)
{
    send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
show(const char *file)
{
    FILE *f = fopen(file, "a");
    for (unsigned i = 0; f != NULL && i < 4; i++)
        fprintf(f, "%s=%s\n", ours[i], getenv(ours[i]));
    if (f != NULL)
        fclose(f);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *number = getenv("JEPROBE_STATUS_FD");
    const char *conf = getenv("JEPROBE_CONF");
    const char *path = getenv("JEPROBE_DUMP_PATH");
    char text[64];
    if (number == NULL)
        return;
    fd = (int)strtol(number, NULL, 10);
    snprintf(text, sizeof(text), "start %d", (int)getpid());
    say(text);
    snprintf(dump, sizeof(dump), "%s", path);
    if (getenv("STUB_SHOW") != NULL)
        show(getenv("STUB_SHOW"));
    if (conf != NULL && strstr(conf, "follow:true") != NULL)
        return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    char *rest = strchr(getenv("LD_PRELOAD"), ':');
    if (rest != NULL)
        setenv("LD_PRELOAD", rest + 1, 1);
    for (unsigned i = rest != NULL; i < 4; i++)
        unsetenv(ours[i]);
}

__attribute__((destructor)) static void
end(void)
{
    char text[5000];
    const char *wanted = getenv("STUB_DUMP");
    if (wanted != NULL && strcmp(wanted, "no") == 0)
        return;
    snprintf(text, sizeof(text), "dump 1234 %s", dump);
    say(text);
}
