/* Shows orphans: getppid changes when the parent ends, a subreaper gets and reaps them, else the system's init does. */
#include "check.h"

static int told[2], gate[2];

/* A process whose parent has ended when this returns; once the gate opens it tells its id and its parent's. */
static void make_orphan(int status)
{
    pid_t middle = fork_child();
    if (middle == 0) {
        pid_t parent = getpid();
        pid_t orphan = fork_child();
        if (orphan == 0) {
            take_byte(gate[0]);
            CHECK(getppid() != parent);
            pid_t ids[2] = {getpid(), getppid()};
            CHECK(write(told[1], ids, sizeof ids) == sizeof ids);
            _exit(status);
        }
        _exit(0);
    }
    CHECK(wait_exit(middle) == 0);
}

static void to_init(void)
{
    pid_t ids[2];
    make_orphan(3);
    give_byte(gate[1], 'g');
    CHECK(read(told[0], ids, sizeof ids) == sizeof ids);
    CHECK(ids[1] != getpid());
    CHECK_FAILS(waitpid(ids[0], NULL, 0), ECHILD);
    CHECK_FAILS(waitpid(-1, NULL, WNOHANG), ECHILD);
    /* Its new parent takes the status: nothing is left of it, or a zombie where init is slow. */
    char state;
    while ((state = thread_state(ids[0], ids[0])) != 0 && state != 'Z')
        sched_yield();
    say("orphan goes to init\n");
}

static void to_subreaper(void)
{
    pid_t ids[2];
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    int value = 0;
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0) == 0 && value == 1);
    for (int i = 0; i < 20; i++) {
        make_orphan(i);
        give_byte(gate[1], 'g');
        CHECK(read(told[0], ids, sizeof ids) == sizeof ids);
        CHECK(ids[1] == getpid());
        CHECK(wait_exit(ids[0]) == i);
    }
    CHECK_FAILS(wait(NULL), ECHILD);
    say("subreaper gets 20 orphans\n");
}

/* The nearest subreaper above counts, and the setting is not inherited (prctl(2)). */
static void nearest_subreaper(void)
{
    pid_t inner = fork_child();
    if (inner == 0) {
        int value = 1;
        pid_t ids[2];
        CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0) == 0 && value == 0);
        CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
        make_orphan(21);
        give_byte(gate[1], 'g');
        CHECK(read(told[0], ids, sizeof ids) == sizeof ids && ids[1] == getpid());
        CHECK(wait_exit(ids[0]) == 21);
        make_orphan(22);
        _exit(0);
    }
    CHECK(wait_exit(inner) == 0);
    /* Its last orphan has come one further up. */
    pid_t ids[2];
    give_byte(gate[1], 'g');
    CHECK(read(told[0], ids, sizeof ids) == sizeof ids && ids[1] == getpid());
    CHECK(wait_exit(ids[0]) == 22);
    say("nearest subreaper, then the next\n");
}

/* Zombies that nobody waited for pass to the new parent too. */
static void zombies_are_inherited(void)
{
    pid_t middle = fork_child();
    if (middle == 0) {
        for (int i = 0; i < 5; i++) {
            pid_t pid = fork_child();
            if (pid == 0)
                _exit(30);
            siginfo_t info;
            CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        }
        _exit(31);
    }
    CHECK(wait_exit(middle) == 31);
    for (int i = 0; i < 5; i++) {
        int status;
        CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 30);
    }
    CHECK_FAILS(wait(NULL), ECHILD);
    say("five zombies inherited\n");
}

static void death_signal_of_the_parent(void)
{
    pid_t middle = fork_child();
    if (middle == 0) {
        pid_t pid = fork_child();
        if (pid == 0) {
            CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
            pid_t me = getpid();
            CHECK(write(told[1], &me, sizeof me) == sizeof me);
            for (;;)
                pause();
        }
        take_byte(gate[0]);
        _exit(0);
    }
    pid_t pid;
    CHECK(read(told[0], &pid, sizeof pid) == sizeof pid);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(middle) == 0);
    CHECK(wait_death(pid) == SIGUSR1);
    say("PR_SET_PDEATHSIG\n");
}

int main(void)
{
    begin();
    open_pipe(told);
    open_pipe(gate);
    to_init();
    to_subreaper();
    nearest_subreaper();
    zombies_are_inherited();
    death_signal_of_the_parent();
    return 0;
}
