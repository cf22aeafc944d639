/* Shows that a working directory is an open directory on Windows: neither it nor what it lies in can go or move. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

static char path[PATH_MAX];

static void own(void)
{
    CHECK(mkdir("outer", 0755) == 0 && mkdir("outer/inner", 0755) == 0);
    CHECK(getcwd(path, sizeof path) != NULL);
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(back >= 0 && chdir("outer/inner") == 0);
    CHECK_FAILS(unlinkat(back, "outer/inner", AT_REMOVEDIR), EACCES);
    CHECK_FAILS(renameat(back, "outer/inner", back, "outer/other"), EACCES);
    CHECK_FAILS(renameat(back, "outer", back, "other"), EACCES);
    CHECK(fchdir(back) == 0 && close(back) == 0);
    CHECK(rename("outer", "other") == 0 && rename("other", "outer") == 0);
    say("one's own working directory stays\n");
}

static void another(const char *self)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(dup2(ready[1], 1) == 1 && chdir("outer/inner") == 0);
        execl(self, self, "stay", NULL);
        CHECK(!"exec");
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_FAILS(rmdir("outer/inner"), EACCES);
    CHECK_FAILS(rename("outer", "other"), EACCES);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    CHECK(rename("outer", "other") == 0 && rmdir("other/inner") == 0 && rmdir("other") == 0);
    say("another program's working directory stays until it ends\n");
}

static void forked(void)
{
    int ready[2];
    char byte;
    CHECK(mkdir("dir", 0755) == 0 && pipe(ready) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(chdir("dir") == 0 && write(ready[1], ".", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1 && rmdir("dir") == 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    say("what has only forked holds none\n");
}

int main(int argc, char **argv)
{
    begin();
    if (argc > 1) {
        say(".");
        for (;;)
            pause();
    }
    static char self[PATH_MAX];
    CHECK(realpath(argv[0], self) != NULL);
    own();
    another(self);
    forked();
    return 0;
}
