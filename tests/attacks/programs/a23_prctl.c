/* A23: what a task may ask for itself against whoever watches: dispatch of its own, a counter that faults, no dumps, a
   changed image, another personality, a death signal, tracers. */
/* Walls: handler-prctl */
#include "attack.h"
#include <sys/personality.h>

static volatile sig_atomic_t dispatched;

static void on_sigsys(int number)
{
    (void)number;
    dispatched = 1;
}

int main(void)
{
    begin();
    static volatile char selector;
    pid_t child = fork_child();
    if (child == 0) {
        handle(SIGSYS, on_sigsys, 0);
        if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector) == 0) {
            selector = 1;
            syscall(SYS_getppid);
            selector = 0;
        }
        _exit(dispatched);
    }
    int status = wait_status(child);
    GOT_IF(!WIFEXITED(status) || WEXITSTATUS(status) == 1, "calls dispatched to the guest itself\n");
    /* Not dumpable, it would be hidden from the supervisor: only its own answer may say so. */
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    int fd = open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0);
    prctl(PR_SET_MM, PR_SET_MM_ARG_START, 0x70000000, 0, 0);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    GOT_IF(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "no_new_privs taken back\n");
    prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
    personality(READ_IMPLIES_EXEC | ADDR_COMPAT_LAYOUT | ADDR_NO_RANDOMIZE);
    child = fork_child();
    if (child == 0) {
        char *const argv[] = {"true", NULL};
        execv("/bin/true", argv);
        _exit(9);
    }
    CHECK(wait_exit(child) == 0);
    return 0;
}
