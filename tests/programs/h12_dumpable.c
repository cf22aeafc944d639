/* Shows PR_SET_DUMPABLE 0: it reads back, is inherited and reset as natively, and every other call still works. */
#include "check.h"

static char *self;

static void everything_works(void)
{
    int fd = open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    char text[PATH_MAX];
    CHECK(fd >= 0 && write(fd, "abc", 3) == 3 && close(fd) == 0);
    CHECK(rename("made", "moved") == 0 && access("moved", R_OK) == 0 && unlink("moved") == 0);
    CHECK(getcwd(text, sizeof text) != NULL);
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(prctl(PR_GET_DUMPABLE));
    CHECK(wait_exit(pid) == prctl(PR_GET_DUMPABLE));
}

static void exec_resets(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        char *arguments[] = {self, "check", NULL};
        execv(self, arguments);
        _exit(99);
    }
    CHECK(wait_exit(pid) == 1);
    say("exec makes it 1 again\n");
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 2)
        return prctl(PR_GET_DUMPABLE);
    CHECK(prctl(PR_GET_DUMPABLE) == 1);
    everything_works();
    say("dumpable: works\n");
    for (int i = 0; i < 3; i++) {
        CHECK(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
        everything_works();
        exec_resets();
        say("not dumpable: works\n");
        CHECK(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_GET_DUMPABLE) == 1);
    }
    CHECK_FAILS(prctl(PR_SET_DUMPABLE, 2), EINVAL);
    CHECK_FAILS(prctl(PR_SET_DUMPABLE, 9), EINVAL);
    say("refusals\n");
    return 0;
}
