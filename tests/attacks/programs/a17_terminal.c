/* A17: text pushed into the terminal of whoever started us, by its name, by a number with an upper half, by the console;
   and calls whose upper halves the kernel drops. */
/* Walls: terminal-rules */
#include "attack.h"
#include <linux/tiocl.h>
#include <sys/ioctl.h>

static void push(int fd, const char *what)
{
    char byte = 'x';
    /* Only what the kernel reads counts: 32 bits of the command. */
    const unsigned long commands[] = {TIOCSTI, TIOCSTI | 1UL << 32, TIOCSTI | 0xdeadUL << 32};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        GOT_IF(syscall(SYS_ioctl, fd, commands[i], &byte) == 0, "a byte pushed into %s by %#lx\n", what, commands[i]);
    char paste[] = {TIOCL_PASTESEL};
    GOT_IF(syscall(SYS_ioctl, fd, (unsigned long)TIOCLINUX, paste) == 0, "a paste into %s\n", what);
    GOT_IF(syscall(SYS_ioctl, fd, TIOCLINUX | 1UL << 32, paste) == 0, "a paste into %s by an upper half\n", what);
}

int main(void)
{
    begin();
    push(0, "standard input");
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        push(terminal, "the controlling terminal");
    int pair[2], on = 1;
    open_pipe(pair);
    char byte;
    /* As the kernel has it, an upper half changes nothing: the read must not wait. */
    CHECK(syscall(SYS_ioctl, pair[0], FIONBIO | 1UL << 32, &on) == 0);
    CHECK_FAILS(read(pair[0], &byte, 1), EAGAIN);
    CHECK(syscall(SYS_fcntl, pair[0], F_SETFL | 1UL << 32, 0) == 0);
    return 0;
}
