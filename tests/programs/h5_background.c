/* Shows what background groups may do with their terminal: SIGTTIN, SIGTTOU, and EIO when nobody could resume them. */
#include "terminal.h"

static int ready[2], gate[2];

/* A job in the background that tells before and after its action on the terminal. */
static pid_t start_job(void (*action)(int), int fd)
{
    pid_t job = fork_child();
    if (job == 0) {
        CHECK(setpgid(0, 0) == 0);
        give_byte(ready[1], 'r');
        action(fd);
        take_byte(gate[0]);
        _exit(0);
    }
    CHECK(take_byte(ready[0]) == 'r');
    return job;
}

/* A job that ended at once would take the report of its continuation with it: it waits for this. */
static void end_job(pid_t job)
{
    give_byte(gate[1], 'g');
    CHECK(wait_exit(job) == 0);
}

static void read_line(int fd)
{
    char line[8];
    CHECK(read(fd, line, sizeof line) == 3 && memcmp(line, "ab\n", 3) == 0);
}

static void write_line(int fd)
{
    CHECK(write(fd, "out\n", 4) == 4);
}

static void change_settings(int fd)
{
    struct termios settings;
    CHECK(tcgetattr(fd, &settings) == 0 && tcsetattr(fd, TCSADRAIN, &settings) == 0);
}

static void take_foreground(int fd)
{
    CHECK(tcsetpgrp(fd, getpgrp()) == 0);
}

static void bring_to_foreground(pid_t job, int fd)
{
    set_foreground(fd, job);
    CHECK(kill(-job, SIGCONT) == 0);
    expect_continue(job);
}

static void reading(const struct terminal *terminal, int fd)
{
    pid_t job = start_job(read_line, fd);
    expect_stop(job, SIGTTIN);
    /* Continued in the background it stops again. */
    for (int i = 0; i < 3; i++) {
        CHECK(kill(job, SIGCONT) == 0);
        expect_stop(job, SIGTTIN);
    }
    bring_to_foreground(job, fd);
    CHECK(write(terminal->master, "ab\n", 3) == 3);
    end_job(job);
    set_foreground(fd, getpgrp());
}

static void writing(const struct terminal *terminal, int fd)
{
    struct termios settings;
    char text[8];
    end_job(start_job(write_line, fd));
    CHECK(read(terminal->master, text, sizeof text) == 5);
    CHECK(tcgetattr(fd, &settings) == 0);
    settings.c_lflag |= TOSTOP;
    CHECK(tcsetattr(fd, TCSANOW, &settings) == 0);
    pid_t job = start_job(write_line, fd);
    expect_stop(job, SIGTTOU);
    bring_to_foreground(job, fd);
    end_job(job);
    set_foreground(fd, getpgrp());
    CHECK(read(terminal->master, text, sizeof text) == 5);
}

static void settings_and_group(const struct terminal *terminal, int fd)
{
    void (*const actions[])(int) = {change_settings, take_foreground};
    (void)terminal;
    for (int i = 0; i < 2; i++) {
        pid_t job = start_job(actions[i], fd);
        expect_stop(job, SIGTTOU);
        bring_to_foreground(job, fd);
        end_job(job);
        set_foreground(fd, getpgrp());
    }
}

static void read_refused(int fd)
{
    char byte;
    handle(SIGTTIN, SIG_IGN, 0);
    CHECK_FAILS(read(fd, &byte, 1), EIO);
    handle(SIGTTIN, SIG_DFL, 0);
    block_signal(SIGTTIN);
    CHECK_FAILS(read(fd, &byte, 1), EIO);
}

static void ignoring(const struct terminal *terminal, int fd)
{
    (void)terminal;
    end_job(start_job(read_refused, fd));
}

static void note(int number)
{
    give_byte(ready[1], (char)number);
}

static void read_with_handler(int fd)
{
    char byte;
    handle(SIGTTIN, note, 0);
    CHECK_FAILS(read(fd, &byte, 1), EINTR);
}

static void handling(const struct terminal *terminal, int fd)
{
    (void)terminal;
    pid_t job = start_job(read_with_handler, fd);
    CHECK(take_byte(ready[0]) == SIGTTIN);
    end_job(job);
}

int main(void)
{
    begin();
    open_pipe(ready);
    open_pipe(gate);
    in_session(reading);
    say("read: SIGTTIN until in the foreground\n");
    in_session(writing);
    say("write: SIGTTOU only with TOSTOP\n");
    in_session(settings_and_group);
    say("tcsetattr and tcsetpgrp: SIGTTOU\n");
    in_session(ignoring);
    say("read with SIGTTIN ignored or blocked: EIO\n");
    in_session(handling);
    say("read with a handler of SIGTTIN: EINTR\n");
    return 0;
}
