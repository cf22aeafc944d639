/* Shows the dup family: which number is used, what is shared, what close-on-exec does, and what is refused. */
#include "check.h"

static int open_memory(const char *text)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static char next_byte(int fd)
{
    char byte;
    CHECK(read(fd, &byte, 1) == 1);
    return byte;
}

static void simple(void)
{
    int fd = open_memory("abcdef"), copy = dup(fd);
    CHECK(copy > fd && fcntl(copy, F_GETFD) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(next_byte(fd) == 'a' && next_byte(copy) == 'b' && next_byte(fd) == 'c');
    CHECK(fcntl(copy, F_SETFL, O_APPEND) == 0 && fcntl(fd, F_GETFL) & O_APPEND);
    CHECK(close(fd) == 0 && next_byte(copy) == 'd');
    CHECK_FAILS(read(fd, &fd, 1), EBADF);
    CHECK(close(copy) == 0);
    say("dup shares offset and status flags, not close-on-exec\n");
}

static void lowest_number(void)
{
    int fds[10];
    for (int i = 0; i < 10; i++)
        CHECK((fds[i] = dup(1)) >= 3 && (i == 0 || fds[i] == fds[i - 1] + 1));
    CHECK(close(fds[7]) == 0 && close(fds[2]) == 0 && close(fds[5]) == 0);
    CHECK(dup(1) == fds[2] && open("/dev/null", O_RDONLY | O_CLOEXEC) == fds[5]);
    int pair[2];
    CHECK(pipe2(pair, O_CLOEXEC) == 0 && pair[0] == fds[7] && pair[1] == fds[9] + 1);
    CHECK(close(0) == 0 && dup(1) == 0);
    CHECK(close(pair[1]) == 0);
    for (int i = 0; i < 10; i++)
        CHECK(close(fds[i]) == 0);
    say("lowest free number\n");
}

static void onto_number(void)
{
    int first = open_memory("first"), second = open_memory("second");
    CHECK(dup2(first, first) == first && fcntl(first, F_GETFD) == FD_CLOEXEC);
    CHECK(dup2(first, second) == second && next_byte(second) == 'f' && fcntl(second, F_GETFD) == 0);
    CHECK(dup2(first, 100) == 100 && next_byte(100) == 'i');
    CHECK(dup2(1, 101) == 101 && dup2(100, 101) == 101 && next_byte(101) == 'r');
    CHECK_FAILS(dup2(999, first), EBADF);
    CHECK(next_byte(first) == 's');
    CHECK_FAILS(dup2(999, 999), EBADF);
    CHECK_FAILS(dup2(first, -1), EBADF);
    CHECK_FAILS(dup2(first, 1 << 30), EBADF);
    close(first), close(second), close(100), close(101);
    say("dup2 onto itself, open and closed numbers\n");
}

/* The last descriptor of a pipe's writing end ends it for the reader, also when dup2 closes it silently. */
static void replaced_end(void)
{
    int pair[2];
    char byte;
    open_pipe(pair);
    CHECK(dup2(1, pair[1]) == pair[1]);
    CHECK(read(pair[0], &byte, 1) == 0);
    close(pair[0]), close(pair[1]);
    say("dup2 closes what it replaces\n");
}

static void with_flags(void)
{
    int fd = open_memory("x");
    CHECK(dup3(fd, 100, O_CLOEXEC) == 100 && fcntl(100, F_GETFD) == FD_CLOEXEC);
    CHECK(dup3(fd, 100, 0) == 100 && fcntl(100, F_GETFD) == 0);
    CHECK_FAILS(dup3(fd, fd, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_dup3, fd, 100, O_NONBLOCK), EINVAL);
    CHECK_FAILS(dup3(999, 100, 0), EBADF);
    close(100);
    say("dup3\n");
    CHECK(fcntl(fd, F_DUPFD, 200) == 200 && fcntl(200, F_GETFD) == 0);
    CHECK(fcntl(fd, F_DUPFD, 200) == 201);
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 150) == 150 && fcntl(150, F_GETFD) == FD_CLOEXEC);
    CHECK_FAILS(fcntl(fd, F_DUPFD, -1), EINVAL);
    CHECK_FAILS(fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
    CHECK(fcntl(200, F_SETFD, FD_CLOEXEC) == 0 && fcntl(200, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(200, F_SETFD, 0) == 0 && fcntl(200, F_GETFD) == 0);
    close(fd), close(150), close(200), close(201);
    say("F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD\n");
}

static void exec_closes(char *self)
{
    int kept = fcntl(1, F_DUPFD, 60);
    CHECK(kept == 60 && fcntl(1, F_DUPFD_CLOEXEC, 61) == 61);
    CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 3);
    CHECK(dup2(61, 62) == 62 && dup3(60, 63, O_CLOEXEC) == 63);
    pid_t pid = fork_child();
    if (pid == 0) {
        char *arguments[] = {self, "check", NULL};
        execv(self, arguments);
        _exit(99);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK(fcntl(61, F_GETFD) == FD_CLOEXEC && fcntl(63, F_GETFD) == FD_CLOEXEC);
    say("exec closes close-on-exec numbers alone\n");
}

static int after_exec(void)
{
    CHECK(fcntl(60, F_GETFD) == 0 && fcntl(62, F_GETFD) == 0);
    CHECK_FAILS(fcntl(61, F_GETFD), EBADF);
    CHECK_FAILS(fcntl(63, F_GETFD), EBADF);
    CHECK(dup(1) == 3);
    return 0;
}

int main(int argc, char **argv)
{
    begin();
    if (argc == 2)
        return after_exec();
    simple();
    lowest_number();
    onto_number();
    replaced_end();
    with_flags();
    exec_closes(argv[0]);
    return 0;
}
