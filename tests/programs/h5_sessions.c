/* Shows sessions and process groups: setsid, setpgid, their refusals, /dev/tty, and taking and leaving a terminal. */
#include "terminal.h"

static void groups(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        pid_t session = getsid(0);
        CHECK(getpgrp() != getpid() && setpgid(0, 0) == 0 && getpgrp() == getpid());
        CHECK(getpgid(0) == getpid() && getsid(0) == session);
        CHECK_FAILS(setsid(), EPERM);
        CHECK_FAILS(setpgid(0, -1), EINVAL);
        CHECK_FAILS(setpgid(0, 1 << 22), EPERM);
        CHECK_FAILS(setpgid(1 << 22, 0), ESRCH);
        CHECK_FAILS(getpgid(1 << 22), ESRCH);
        CHECK_FAILS(getsid(1 << 22), ESRCH);
        pid_t first = fork_child();
        if (first == 0)
            for (;;)
                pause();
        pid_t second = fork_child();
        if (second == 0)
            for (;;)
                pause();
        CHECK(setpgid(first, first) == 0 && setpgid(second, first) == 0);
        CHECK(getpgid(second) == first);
        CHECK(kill(-first, SIGTERM) == 0);
        CHECK(wait_death(first) == SIGTERM && wait_death(second) == SIGTERM);
        CHECK_FAILS(kill(-first, SIGTERM), ESRCH);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    say("groups\n");
}

/* A parent may not change the group of a child that has called exec (setpgid(2)). */
static void after_exec(char *self)
{
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        char number[12];
        snprintf(number, sizeof number, "%d", ready[1]);
        char *arguments[] = {self, number, NULL};
        execv(self, arguments);
        _exit(99);
    }
    take_byte(ready[0]);
    CHECK_FAILS(setpgid(pid, pid), EACCES);
    CHECK(kill(pid, SIGKILL) == 0 && wait_death(pid) == SIGKILL);
    say("setpgid after exec: EACCES\n");
}

static void sessions(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
        CHECK_FAILS(setpgid(0, getpid()), EPERM);
        CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
        pid_t child = fork_child();
        if (child == 0) {
            CHECK(getsid(0) == getppid());
            CHECK(setsid() == getpid());
            _exit(0);
        }
        CHECK(wait_exit(child) == 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    say("sessions\n");
}

static void terminal_of_a_session(const struct terminal *terminal, int fd)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    CHECK(tty >= 0 && isatty(tty) && tcgetsid(tty) == getpid());
    CHECK(write(tty, "hello\n", 6) == 6);
    char text[16];
    CHECK(read(terminal->master, text, sizeof text) == 7 && memcmp(text, "hello\r\n", 7) == 0);
    CHECK_FAILS(tcsetpgrp(fd, 1 << 22), ESRCH);
    CHECK_FAILS(tcsetpgrp(fd, -1), EINVAL);
    struct terminal another = open_terminal();
    int other = open(another.name, O_RDWR | O_CLOEXEC);
    CHECK_FAILS(ioctl(other, TIOCSCTTY, 0), EPERM);
    CHECK_FAILS(tcgetpgrp(other), ENOTTY);
    close(other), close(another.master), close(tty);
    CHECK(ioctl(fd, TIOCNOTTY) == 0);
    CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
}

/* Opened by a session leader without O_NOCTTY a terminal becomes its own (open(2), tty(4)). */
static void taken_by_open(void)
{
    struct terminal terminal = open_terminal();
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(setsid() == getpid());
        int fd = open(terminal.name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK_FAILS(open("/dev/tty", O_RDWR), ENXIO);
        int second = open(terminal.name, O_RDWR | O_CLOEXEC);
        CHECK(second >= 0 && open("/dev/tty", O_RDWR) >= 0 && tcgetsid(fd) == getpid());
        handle(SIGHUP, SIG_IGN, 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    close(terminal.master);
    say("terminal taken by open\n");
}

int main(int argc, char **argv)
{
    begin();
    if (argc == 2) {
        give_byte(atoi(argv[1]), 'r');
        for (;;)
            pause();
    }
    groups();
    after_exec(argv[0]);
    sessions();
    in_session(terminal_of_a_session);
    say("terminal of a session\n");
    taken_by_open();
    return 0;
}
