/* Shows whom a process may trace that has confined itself by Landlock: none but those that were made since. */
#include "traced.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>

enum { CREATE_RULESET = 444, RESTRICT_SELF = 446, EXECUTES = 1 };

static int gate[2];

static void confine(void)
{
    uint64_t handled[1] = {EXECUTES};
    int ruleset = (int)syscall(CREATE_RULESET, handled, sizeof handled, 0);
    CHECK(ruleset >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(syscall(RESTRICT_SELF, ruleset, 0) == 0);
    CHECK(close(ruleset) == 0);
}

static pid_t fork_pausing(void)
{
    pid_t pid = fork_child();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

/* A child that waits for a byte, and asks to be traced then. */
static pid_t fork_asking(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? 2 : 1);
    }
    return pid;
}

static void let_go(const char *who, pid_t pid)
{
    give_byte(gate[1], 'g');
    show_stop(who, wait_status(pid));
}

static const char *attached(pid_t pid)
{
    const char *text = outcome(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
    return text;
}

static void seize(const char *who, pid_t pid)
{
    say("%s: %s\n", who, attached(pid));
}

static void end(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(wait_death(pid) == SIGKILL);
}

static void confined(pid_t sibling)
{
    pid_t before = fork_asking(), asks;
    confine();
    seize("a sibling", sibling);
    seize("a child made before", before);
    let_go("asks a confined parent", before);
    pid_t since = fork_pausing();
    seize("a child made since", since);
    end(since);
    asks = fork_asking();
    let_go("asks its maker", asks);
    pid_t within = fork_child();
    if (within == 0) {
        pid_t outside = fork_pausing();
        confine();
        confine();
        seize("from within, a child made before", outside);
        end(outside);
        seize("from within, its parent", getppid());
        _exit(0);
    }
    CHECK(wait_exit(within) == 0);
    within = fork_child();
    if (within == 0) {
        confine();
        for (;;)
            pause();
    }
    seize("one within", within);
    end(within);
}

static pid_t elsewhere;

/* A thread is confined alone. */
static void *thread(void *unused)
{
    confine();
    seize("from a confined thread", elsewhere);
    return unused;
}

static void in_thread(void)
{
    pthread_t made;
    CHECK(pthread_create(&made, NULL, thread, NULL) == 0 && pthread_join(made, NULL) == 0);
    seize("from another thread of that process", elsewhere);
}

int main(void)
{
    begin();
    if (syscall(CREATE_RULESET, NULL, 0, 1) < 1) {
        say("no Landlock\n");
        return 0;
    }
    open_pipe(gate);
    elsewhere = fork_pausing();
    pid_t tracer = fork_child();
    if (tracer == 0) {
        confined(elsewhere);
        _exit(0);
    }
    CHECK(wait_exit(tracer) == 0);
    in_thread();
    end(elsewhere);
    return 0;
}
