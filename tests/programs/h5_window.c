/* Shows window sizes: SIGWINCH to the foreground group when the size changes, from either end of the terminal. */
#include "terminal.h"

static int ready[2];

static void note(int number)
{
    give_byte(ready[1], (char)number);
}

static struct winsize size_of(int fd)
{
    struct winsize size;
    CHECK(ioctl(fd, TIOCGWINSZ, &size) == 0);
    return size;
}

static void set_size(int fd, unsigned short rows, unsigned short columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    CHECK(ioctl(fd, TIOCSWINSZ, &size) == 0);
}

static void sizes(const struct terminal *terminal, int fd)
{
    CHECK(size_of(fd).ws_row == 0 && size_of(fd).ws_col == 0);
    pid_t job = fork_child();
    if (job == 0) {
        CHECK(setpgid(0, 0) == 0);
        handle(SIGWINCH, note, SA_RESTART);
        set_foreground(fd, getpgrp());
        give_byte(ready[1], 'r');
        char byte;
        CHECK(read(fd, &byte, 1) == 1);
        CHECK(size_of(fd).ws_row == 33 && size_of(fd).ws_col == 109);
        _exit(0);
    }
    CHECK(take_byte(ready[0]) == 'r');
    for (unsigned short i = 0; i < 10; i++) {
        set_size(i % 2 ? fd : terminal->master, (unsigned short)(24 + i), (unsigned short)(100 + i));
        CHECK(take_byte(ready[0]) == SIGWINCH);
        CHECK(size_of(fd).ws_row == 24 + i && size_of(terminal->master).ws_col == 100 + i);
    }
    /* The same size again is no change. */
    set_size(terminal->master, 33, 109);
    type_key(terminal, '\n');
    CHECK(wait_exit(job) == 0);
    CHECK(fcntl(ready[0], F_SETFL, O_NONBLOCK) == 0);
    char byte;
    CHECK_FAILS(read(ready[0], &byte, 1), EAGAIN);
    set_foreground(fd, getpgrp());
}

int main(void)
{
    begin();
    open_pipe(ready);
    in_session(sizes);
    say("ten sizes, ten SIGWINCH\n");
    return 0;
}
