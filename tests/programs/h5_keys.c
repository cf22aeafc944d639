/* Shows that Ctrl-C, Ctrl-Z and Ctrl-\ typed at a terminal reach the foreground group, all of it and no other. */
#include "terminal.h"

static int ready[2];

static void note(int number)
{
    give_byte(ready[1], (char)number);
}

/* A job of two processes in a group of its own; both tell when they are ready. */
static pid_t start_job(void (*handler)(int))
{
    pid_t leader = fork_child();
    if (leader == 0) {
        CHECK(setpgid(0, 0) == 0);
        handle(SIGHUP, SIG_DFL, 0);
        if (handler)
            handle(SIGINT, handler, SA_RESTART);
        pid_t second = fork_child();
        give_byte(ready[1], 'r');
        if (second == 0)
            for (;;)
                pause();
        int status;
        while (waitpid(second, &status, 0) == -1)
            CHECK(errno == EINTR);
        _exit(WIFSIGNALED(status) ? 100 + WTERMSIG(status) : 99);
    }
    take_byte(ready[0]);
    take_byte(ready[0]);
    return leader;
}

static void interrupt_kills_the_job(const struct terminal *terminal, int fd)
{
    const char keys[] = {'C' - 64, '\\' - 64};
    const int numbers[] = {SIGINT, SIGQUIT};
    for (int i = 0; i < 2; i++) {
        pid_t job = start_job(NULL), bystander = start_job(NULL);
        set_foreground(fd, job);
        type_key(terminal, keys[i]);
        CHECK(wait_death(job) == numbers[i]);
        CHECK(kill(-bystander, 0) == 0 && waitpid(bystander, NULL, WNOHANG) == 0);
        set_foreground(fd, getpgrp());
        CHECK(kill(-bystander, SIGKILL) == 0 && wait_death(bystander) == SIGKILL);
    }
}

static void handlers_of_all_members_run(const struct terminal *terminal, int fd)
{
    pid_t job = start_job(note);
    set_foreground(fd, job);
    for (int i = 0; i < 10; i++) {
        type_key(terminal, 'C' - 64);
        CHECK(take_byte(ready[0]) == SIGINT && take_byte(ready[0]) == SIGINT);
    }
    set_foreground(fd, getpgrp());
    CHECK(kill(-job, SIGKILL) == 0 && wait_death(job) == SIGKILL);
}

static void suspend_and_resume(const struct terminal *terminal, int fd)
{
    pid_t job = start_job(NULL);
    for (int i = 0; i < 10; i++) {
        set_foreground(fd, job);
        type_key(terminal, 'Z' - 64);
        expect_stop(job, SIGTSTP);
        set_foreground(fd, getpgrp());
        CHECK(kill(-job, SIGCONT) == 0);
        expect_continue(job);
    }
    set_foreground(fd, job);
    type_key(terminal, 'Z' - 64);
    expect_stop(job, SIGTSTP);
    CHECK(kill(-job, SIGTERM) == 0 && waitpid(job, NULL, WNOHANG) == 0);
    CHECK(kill(-job, SIGCONT) == 0);
    CHECK(wait_death(job) == SIGTERM);
    set_foreground(fd, getpgrp());
}

static void without_signals(const struct terminal *terminal, int fd)
{
    struct termios settings;
    CHECK(tcgetattr(fd, &settings) == 0);
    settings.c_lflag &= ~(tcflag_t)(ISIG | ICANON);
    CHECK(tcsetattr(fd, TCSANOW, &settings) == 0);
    type_key(terminal, 'C' - 64);
    CHECK(take_byte(fd) == 3);
}

static void interrupted_read(const struct terminal *terminal, int fd)
{
    pid_t job = fork_child();
    if (job == 0) {
        char byte;
        CHECK(setpgid(0, 0) == 0);
        handle(SIGINT, note, 0);
        set_foreground(fd, getpgrp());
        give_byte(ready[1], 'r');
        CHECK_FAILS(read(fd, &byte, 1), EINTR);
        handle(SIGINT, note, SA_RESTART);
        give_byte(ready[1], 'r');
        CHECK(read(fd, &byte, 1) == 1 && byte == '\n');
        _exit(0);
    }
    CHECK(take_byte(ready[0]) == 'r');
    await_sleep(job, job);
    type_key(terminal, 'C' - 64);
    CHECK(take_byte(ready[0]) == SIGINT);
    CHECK(take_byte(ready[0]) == 'r');
    await_sleep(job, job);
    type_key(terminal, 'C' - 64);
    CHECK(take_byte(ready[0]) == SIGINT);
    type_key(terminal, '\n');
    CHECK(wait_exit(job) == 0);
    set_foreground(fd, getpgrp());
}

int main(void)
{
    begin();
    open_pipe(ready);
    in_session(interrupt_kills_the_job);
    say("Ctrl-C and Ctrl-\\ kill the foreground group, not another\n");
    in_session(handlers_of_all_members_run);
    say("handlers of both members run\n");
    in_session(suspend_and_resume);
    say("Ctrl-Z stops, SIGCONT resumes\n");
    in_session(interrupted_read);
    say("read from the terminal interrupted, then restarted\n");
    in_session(without_signals);
    say("without ISIG the key is a byte\n");
    return 0;
}
