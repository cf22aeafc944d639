/* Shows leases of Linux: who gets one, that an open breaks it with a signal, and that opens which only name a file do not. */
#include "check.h"

static volatile sig_atomic_t broken;

static void note(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    broken = info->si_fd + 1;
}

static int open_as(int flags)
{
    int fd = open("leased", flags | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static void grants(void)
{
    int writer = open_as(O_RDWR);
    CHECK_FAILS(fcntl(writer, F_SETLEASE, F_RDLCK), EAGAIN);
    int second = open_as(O_RDONLY);
    CHECK_FAILS(fcntl(writer, F_SETLEASE, F_WRLCK), EAGAIN);
    CHECK(close(second) == 0 && fcntl(writer, F_SETLEASE, F_WRLCK) == 0);
    CHECK(fcntl(writer, F_GETLEASE) == F_WRLCK);
    CHECK(fcntl(writer, F_SETLEASE, F_UNLCK) == 0 && fcntl(writer, F_GETLEASE) == F_UNLCK);
    CHECK(close(writer) == 0);
    CHECK_FAILS(fcntl(0, F_SETLEASE, 99), EINVAL);
    say("granted where no other open conflicts\n");
}

/* What looks at a name opens nothing: no lease may notice it (fcntl(2), Leases). */
static void naming(int leased)
{
    struct stat found;
    char text[64];
    CHECK(stat("leased", &found) == 0 && access("leased", R_OK) == 0);
    CHECK_FAILS(readlink("leased", text, sizeof text), EINVAL);
    CHECK(chmod("leased", 0640) == 0 && rename("leased", "renamed") == 0 && rename("renamed", "leased") == 0);
    int path = open("leased", O_PATH | O_CLOEXEC);
    CHECK(path >= 0 && close(path) == 0);
    CHECK(!broken && fcntl(leased, F_GETLEASE) == F_WRLCK);
    say("kept while others only name the file\n");
}

static void breaks(void)
{
    handle_info(SIGUSR1, note, 0);
    int fd = open_as(O_RDWR);
    CHECK(fcntl(fd, F_SETSIG, SIGUSR1) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
    naming(fd);
    sigset_t before, usr1 = one_signal(SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &usr1, &before) == 0);
    pid_t child = fork_child();
    if (child == 0) {
        CHECK(close(fd) == 0);
        CHECK_FAILS(open("leased", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
        int opened = open("leased", O_RDONLY);
        char byte;
        CHECK(opened >= 0 && read(opened, &byte, 1) == 1 && byte == 'x');
        _exit(5);
    }
    while (!broken)
        sigsuspend(&before);
    CHECK(broken == fd + 1 && fcntl(fd, F_GETLEASE) == F_RDLCK);
    CHECK(write(fd, "x", 1) == 1);
    CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
    CHECK(wait_exit(child) == 5 && close(fd) == 0);
    say("broken by an open, which waits until the holder gives way\n");
}

static int held;

static void gives_way(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    broken = fcntl(held, F_SETLEASE, F_UNLCK) == 0;
}

/* An open that has broken a lease has failed, also where the holder has given way before it can be made again. */
static void fails_once(void)
{
    sigset_t usr1 = one_signal(SIGUSR1);
    handle_info(SIGUSR1, gives_way, 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &usr1, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        held = open_as(O_RDWR);
        broken = 0;
        CHECK(fcntl(held, F_SETSIG, SIGUSR1) == 0 && fcntl(held, F_SETLEASE, F_WRLCK) == 0);
        CHECK_FAILS(open("leased", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
        CHECK(broken && close(held) == 0);
    }
    say("an open that has broken a lease is made once\n");
}

int main(void)
{
    begin();
    int made = open("leased", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(made >= 0 && close(made) == 0);
    grants();
    breaks();
    fails_once();
    return 0;
}
