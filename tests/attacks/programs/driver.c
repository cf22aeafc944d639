/* Runs attacks one after another in one sandbox, each in a directory and a process group of its own, and says how each
   ended and whether the sandbox still works. Usage: driver SECONDS PROGRAM... */
#include "attack.h"
#include <libgen.h>

static pid_t run(const char *program, char *const argv[], bool group)
{
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (group)
            setpgid(0, 0);
        execv(program, argv);
        _exit(127);
    }
    if (group)
        setpgid(pid, pid);
    return pid;
}

/* Milliseconds go by until it ends; a hang is killed, with all of its group. */
static int end_of(pid_t pid, int seconds, int *status)
{
    for (int passed = 0; passed < seconds * 500; passed++) {
        pid_t got = waitpid(pid, status, WNOHANG | __WALL);
        if (got == pid)
            return 0;
        CHECK(got == 0);
        usleep(2000);
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, status, __WALL) == pid);
    return -1;
}

static bool works(void)
{
    char *const argv[] = {"true", NULL};
    int status;
    struct stat about;
    return stat("/", &about) == 0 && end_of(run("/bin/true", argv, false), 20, &status) == 0 && status == 0;
}

int main(int argc, char **argv)
{
    char here[PATH_MAX];
    CHECK(argc > 2 && getcwd(here, sizeof here));
    int seconds = atoi(argv[1]);
    for (int i = 2; i < argc; i++) {
        char *name = basename(strdup(argv[i])), *const arguments[] = {name, NULL};
        int status = 0;
        say("BEGIN %s\n", name);
        CHECK(chdir(here) == 0 && (mkdir(name, 0700) == 0 || errno == EEXIST) && chdir(name) == 0);
        int64_t since = now_ns();
        bool hung = end_of(run(argv[i], arguments, true), seconds, &status) < 0;
        say("END %s %s %d %s %d ms\n", name, hung ? "hung" : WIFSIGNALED(status) ? "signal" : "status",
            hung ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), works() ? "alive" : "dead",
            (int)((now_ns() - since) / 1000000));
    }
    return 0;
}
