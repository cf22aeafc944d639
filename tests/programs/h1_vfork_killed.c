/* Shows that a parent waiting in vfork dies by SIGKILL at once, and that its child lives on and can exec. */
#include "check.h"

static char *self;

/* The parent of the vfork: never returns by itself, since its child waits for `gate`. */
static _Noreturn void vfork_and_wait(const int ready[2], const int gate[2], bool then_exec)
{
    char *arguments[] = {self, "exit", "5", NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        char byte = 'r';
        pid_t me = (pid_t)syscall(SYS_getpid);
        syscall(SYS_write, ready[1], &me, sizeof me);
        if (syscall(SYS_read, gate[0], &byte, 1) != 1)
            _exit(98);
        if (then_exec)
            execv(self, arguments);
        _exit(then_exec ? 99 : 4);
    }
    _exit(97);
}

static void kill_the_parent(bool then_exec)
{
    int ready[2], gate[2];
    open_pipe(ready);
    open_pipe(gate);
    pid_t parent = fork_child();
    if (parent == 0)
        vfork_and_wait(ready, gate, then_exec);
    pid_t child;
    CHECK(read(ready[0], &child, sizeof child) == sizeof child);
    CHECK(child != parent);
    CHECK(kill(parent, SIGKILL) == 0);
    CHECK(wait_death(parent) == SIGKILL);
    CHECK(kill(child, 0) == 0);
    give_byte(gate[1], 'g');
    /* The child has become ours: this process is the nearest subreaper. */
    CHECK(wait_exit(child) == (then_exec ? 5 : 4));
    close(ready[0]), close(ready[1]), close(gate[0]), close(gate[1]);
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 3)
        return atoi(argv[2]);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    for (int i = 0; i < 10; i++)
        kill_the_parent(false);
    say("parent killed, child ends by itself\n");
    for (int i = 0; i < 10; i++)
        kill_the_parent(true);
    say("parent killed, child execs\n");
    CHECK_FAILS(wait(NULL), ECHILD);
    return 0;
}
