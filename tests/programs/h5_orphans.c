/* Shows orphaned process groups: SIGHUP and SIGCONT to a stopped one, no stops by keys, and the end of a session. */
#include "terminal.h"

static int ready[2], told[2];

static void note(int number)
{
    give_byte(told[1], (char)number);
}

/* Session leader, then a job's parent, then the stopped job: when the parent ends, the group is orphaned. */
static void stopped_job_is_resumed(const struct terminal *terminal, int fd)
{
    (void)terminal, (void)fd;
    pid_t parent = fork_child();
    if (parent == 0) {
        pid_t job = fork_child();
        if (job == 0) {
            handle(SIGHUP, note, 0);
            handle(SIGCONT, note, 0);
            raise(SIGSTOP);
            give_byte(told[1], 'e');
            _exit(0);
        }
        CHECK(setpgid(job, job) == 0);
        expect_stop(job, SIGSTOP);
        _exit(0);
    }
    /* The job's new parent must be of another session, or the group would not be orphaned: main, the subreaper. */
    CHECK(wait_exit(parent) == 0);
    char first = take_byte(told[0]), second = take_byte(told[0]);
    CHECK((first == SIGHUP && second == SIGCONT) || (first == SIGCONT && second == SIGHUP));
    CHECK(take_byte(told[0]) == 'e');
}

/* A member of an orphaned group: SIGTSTP of the terminal is dropped, a read in the background fails (setpgid(2)). */
static void orphans_do_not_stop(const struct terminal *terminal, int fd)
{
    (void)terminal;
    pid_t parent = fork_child();
    if (parent == 0) {
        pid_t job = fork_child();
        if (job == 0) {
            char byte;
            CHECK(setpgid(0, 0) == 0);
            give_byte(ready[1], 'r');
            take_byte(told[0]);
            CHECK(raise(SIGTSTP) == 0 && raise(SIGTTIN) == 0 && raise(SIGTTOU) == 0);
            CHECK_FAILS(read(fd, &byte, 1), EIO);
            give_byte(ready[1], 'e');
            _exit(0);
        }
        CHECK(take_byte(ready[0]) == 'r');
        _exit(0);
    }
    CHECK(wait_exit(parent) == 0);
    give_byte(told[1], 'g');
    CHECK(take_byte(ready[0]) == 'e');
}

/* The end of the session leader sends SIGHUP and SIGCONT to the foreground group alone. */
static void leader_ends(void)
{
    struct terminal terminal = open_terminal();
    pid_t leader = fork_child();
    if (leader == 0) {
        int fd = own_terminal(&terminal);
        pid_t jobs[2];
        for (int i = 0; i < 2; i++) {
            jobs[i] = fork_child();
            if (jobs[i] == 0) {
                CHECK(setpgid(0, 0) == 0);
                handle(SIGHUP, note, 0);
                if (i == 0)
                    set_foreground(fd, getpgrp());
                give_byte(ready[1], 'r');
                for (;;)
                    pause();
            }
            CHECK(take_byte(ready[0]) == 'r');
        }
        CHECK(write(ready[1], jobs, sizeof jobs) == sizeof jobs);
        _exit(0);
    }
    CHECK(wait_exit(leader) == 0);
    pid_t jobs[2];
    CHECK(read(ready[0], jobs, sizeof jobs) == sizeof jobs);
    CHECK(take_byte(told[0]) == SIGHUP);
    for (int i = 0; i < 2; i++) {
        CHECK(kill(jobs[i], SIGKILL) == 0);
        CHECK(wait_death(jobs[i]) == SIGKILL);
    }
    /* One SIGHUP in all: nothing else was told. */
    CHECK(fcntl(told[0], F_SETFL, O_NONBLOCK) == 0);
    char byte;
    CHECK_FAILS(read(told[0], &byte, 1), EAGAIN);
    CHECK(fcntl(told[0], F_SETFL, 0) == 0);
    close(terminal.master);
}

/* Closing the master is a hang-up: SIGHUP to the session leader, and the end of reads. */
static void master_closes(void)
{
    struct terminal terminal = open_terminal();
    pid_t leader = fork_child();
    if (leader == 0) {
        int fd = own_terminal(&terminal);
        char byte;
        close(terminal.master);
        handle(SIGHUP, note, SA_RESTART);
        give_byte(ready[1], 'r');
        /* The read ends by EIO if it sees the closed master, by end of file if it sees the hang-up first. */
        ssize_t got = read(fd, &byte, 1);
        CHECK(got == 0 || (got == -1 && errno == EIO));
        CHECK_FAILS(write(fd, "x", 1), EIO);
        _exit(0);
    }
    CHECK(take_byte(ready[0]) == 'r');
    close(terminal.master);
    CHECK(take_byte(told[0]) == SIGHUP);
    CHECK(wait_exit(leader) == 0);
}

int main(void)
{
    begin();
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    open_pipe(ready);
    open_pipe(told);
    in_session(stopped_job_is_resumed);
    say("stopped orphans get SIGHUP and SIGCONT\n");
    in_session(orphans_do_not_stop);
    say("orphans do not stop\n");
    leader_ends();
    say("end of the session leader: SIGHUP to the foreground group\n");
    master_closes();
    say("hang-up of the master: SIGHUP to the leader\n");
    return 0;
}
