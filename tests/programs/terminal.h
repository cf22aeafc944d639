/* A terminal made by the program itself: the pty, a session that owns it, and reading what happens there. */
#ifndef PICOBOX_TERMINAL_H
#define PICOBOX_TERMINAL_H
#include "check.h"
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
    int master;
    char name[64];
};

static inline struct terminal open_terminal(void)
{
    struct terminal terminal;
    terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(terminal.master >= 0 && grantpt(terminal.master) == 0 && unlockpt(terminal.master) == 0);
    CHECK(ptsname_r(terminal.master, terminal.name, sizeof terminal.name) == 0);
    return terminal;
}

/* Become leader of a new session whose controlling terminal this is, without echo, and return a descriptor of it. */
static inline int own_terminal(const struct terminal *terminal)
{
    CHECK(setsid() == getpid());
    int fd = open(terminal->name, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(ioctl(fd, TIOCSCTTY, 0) == 0);
    struct termios settings;
    CHECK(tcgetattr(fd, &settings) == 0);
    settings.c_lflag &= ~(tcflag_t)ECHO;
    CHECK(tcsetattr(fd, TCSANOW, &settings) == 0);
    CHECK(tcgetsid(fd) == getpid() && tcgetpgrp(fd) == getpgrp());
    return fd;
}

/* Put a terminal's foreground group, from any group of the session, as shells do: SIGTTOU would stop us else. */
static inline void set_foreground(int fd, pid_t group)
{
    sigset_t set = one_signal(SIGTTOU), old;
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(tcsetpgrp(fd, group) == 0 && tcgetpgrp(fd) == group);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static inline void type_key(const struct terminal *terminal, char key)
{
    CHECK(write(terminal->master, &key, 1) == 1);
}

static inline void expect_stop(pid_t pid, int number)
{
    siginfo_t info = {0};
    CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED) == 0);
    CHECK(info.si_code == CLD_STOPPED && info.si_status == number);
}

static inline void expect_continue(pid_t pid)
{
    siginfo_t info = {0};
    CHECK(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WEXITED) == 0);
    CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
}

/* Run a body as leader of a session with a new terminal, in a child. */
static inline void in_session(void (*body)(const struct terminal *, int))
{
    struct terminal terminal = open_terminal();
    pid_t pid = fork_child();
    if (pid == 0) {
        /* The end of a session leader hangs its terminal up and would kill what is left by SIGHUP. */
        handle(SIGHUP, SIG_IGN, 0);
        body(&terminal, own_terminal(&terminal));
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    close(terminal.master);
}
#endif
