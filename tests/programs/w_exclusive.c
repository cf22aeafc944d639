/* Shows how long an open that shares nothing keeps others out: until its last descriptor in a program is closed. */
/* profile: windows11 --share 0 */
#include "check.h"
#include <spawn.h>

static int make(const char *path)
{
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static int reopen(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? close(fd) : -1;
}

static void descriptors(void)
{
    int fd = make("one"), copy = dup(fd), other = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    CHECK_FAILS(reopen("one"), EACCES);
    CHECK(reopen("/etc/passwd") == 0 && close(fd) == 0);
    CHECK_FAILS(reopen("ONE"), EACCES);
    CHECK(close(copy) == 0);
    CHECK_FAILS(reopen("one"), EACCES);
    CHECK(access("one", F_OK) == 0);
    fd = open("one", O_PATH | O_CLOEXEC);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(dup2(0, other) == other && reopen("one") == 0);
    say("every descriptor counts\n");
}

/* The child has the descriptor, but runs no program of its own yet. */
static void forked_child(void)
{
    int ready[2], fd = make("two");
    open_pipe(ready);
    pid_t child = fork_child();
    if (child == 0) {
        char byte;
        CHECK(close(ready[1]) == 0 && read(ready[0], &byte, 1) == 0);
        _exit(0);
    }
    CHECK_FAILS(reopen("two"), EACCES);
    CHECK(close(fd) == 0 && reopen("two") == 0);
    CHECK(close(ready[1]) == 0 && wait_exit(child) == 0);
    say("what a forked child alone holds does not count\n");
}

/* The file is open in a program that runs, as its echo shows, until its input ends. */
static void inheriting_program(void)
{
    int in[2], out[2], fd = make("three");
    pid_t child;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {"/bin/cat", NULL}, *environment[] = {NULL};
    open_pipe(in);
    open_pipe(out);
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, in[0], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, out[1], 1) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, fd, 9) == 0);
    CHECK(posix_spawn(&child, "/bin/cat", &actions, NULL, arguments, environment) == 0);
    CHECK(close(fd) == 0 && close(in[0]) == 0 && close(out[1]) == 0);
    CHECK_FAILS(reopen("three"), EACCES);
    give_byte(in[1], 'x');
    CHECK(take_byte(out[0]) == 'x');
    CHECK_FAILS(reopen("three"), EACCES);
    CHECK(close(in[1]) == 0 && wait_exit(child) == 0);
    CHECK(reopen("three") == 0);
    say("what a program has inherited counts until it ends\n");
}

static void killed_child(void)
{
    int ready[2];
    open_pipe(ready);
    pid_t child = fork_child();
    if (child == 0) {
        make("four");
        give_byte(ready[1], 'x');
        for (;;)
            pause();
    }
    take_byte(ready[0]);
    CHECK_FAILS(reopen("four"), EACCES);
    CHECK(kill(child, SIGKILL) == 0 && wait_death(child) == SIGKILL);
    CHECK(reopen("four") == 0);
    say("what a killed child had open is free\n");
}

static void ranges(void)
{
    int fd = make("five");
    CHECK_FAILS(reopen("five"), EACCES);
    CHECK(syscall(SYS_close_range, fd, ~0U, 0) == 0 && reopen("five") == 0);
    say("close_range closes\n");
}

int main(void)
{
    begin();
    descriptors();
    forked_child();
    inheriting_program();
    killed_child();
    ranges();
    return 0;
}
