/* Shows what each flag of raw clone shares or stores: files, cwd, ids, pidfd, parent, termination signal. */
#include "pidfd.h"
#include <poll.h>

#define PIDFD_FLAG 0x1000

static pid_t raw_clone(unsigned long flags, pid_t *parent_tid, atomic_int *child_tid)
{
    pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
    if (pid == 0)
        alarm(WATCHDOG);
    return pid;
}

static void files(bool shared)
{
    int fd = dup(1);
    pid_t pid = raw_clone(SIGCHLD | (shared ? CLONE_FILES : 0), NULL, NULL);
    if (pid == 0) {
        CHECK(close(fd) == 0);
        CHECK(dup2(1, fd + 1) == fd + 1);
        _exit(0);
    }
    CHECK(pid > 0 && wait_exit(pid) == 0);
    CHECK((fcntl(fd, F_GETFD) == 0) == !shared);
    CHECK((fcntl(fd + 1, F_GETFD) == 0) == shared);
    close(shared ? fd + 1 : fd);
    say("files %s\n", shared ? "shared" : "copied");
}

static void directory(bool shared)
{
    char path[PATH_MAX];
    mode_t mask = umask(022);
    CHECK(mkdir("inside", 0755) == 0);
    pid_t pid = raw_clone(SIGCHLD | (shared ? CLONE_FS : 0), NULL, NULL);
    if (pid == 0) {
        umask(077);
        CHECK(chdir("inside") == 0);
        _exit(0);
    }
    CHECK(pid > 0 && wait_exit(pid) == 0);
    CHECK(getcwd(path, sizeof path) != NULL);
    CHECK((strcmp(strrchr(path, '/'), "/inside") == 0) == shared);
    CHECK(umask(mask) == (shared ? 077 : 022));
    CHECK(!shared || chdir("..") == 0);
    CHECK(rmdir("inside") == 0);
    say("directory and umask %s\n", shared ? "shared" : "copied");
}

static void thread_ids(void)
{
    pid_t parent_tid = 0;
    atomic_int *child_tid = shared_memory(sizeof *child_tid);
    pid_t pid = raw_clone(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, &parent_tid, child_tid);
    if (pid == 0) {
        CHECK(atomic_load(child_tid) == getpid());
        _exit(0);
    }
    CHECK(pid > 0 && parent_tid == pid);
    CHECK(wait_exit(pid) == 0);
    CHECK(atomic_load(child_tid) == pid);
    say("parent and child thread ids stored\n");
}

static void pidfd(void)
{
    int fd = -1;
    pid_t pid = raw_clone(SIGCHLD | PIDFD_FLAG, (pid_t *)&fd, NULL);
    if (pid == 0)
        _exit(6);
    CHECK(pid > 0 && fd >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    CHECK(poll(&item, 1, -1) == 1 && item.revents & POLLIN);
    siginfo_t info = {0};
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
    CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 6);
    close(fd);
    say("pidfd\n");
}

static void parent_flag(void)
{
    int ids[2];
    open_pipe(ids);
    pid_t main_pid = getpid();
    pid_t middle = fork_child();
    if (middle == 0) {
        pid_t pid = raw_clone(SIGCHLD | CLONE_PARENT, NULL, NULL);
        if (pid == 0) {
            CHECK(getppid() == main_pid);
            _exit(12);
        }
        CHECK(pid > 0 && write(ids[1], &pid, sizeof pid) == sizeof pid);
        CHECK_FAILS(waitpid(pid, NULL, __WALL), ECHILD);
        _exit(0);
    }
    pid_t sibling;
    CHECK(read(ids[0], &sibling, sizeof sibling) == sizeof sibling);
    CHECK(wait_exit(sibling) == 12);
    CHECK(wait_exit(middle) == 0);
    close(ids[0]), close(ids[1]);
    say("CLONE_PARENT makes a sibling\n");
}

static atomic_int seen_signal;

static void note(int number)
{
    atomic_store(&seen_signal, number);
}

static void exit_signal(int number)
{
    handle(SIGUSR1, note, 0);
    handle(SIGCHLD, note, 0);
    atomic_store(&seen_signal, 0);
    pid_t pid = raw_clone((unsigned long)number, NULL, NULL);
    if (pid == 0)
        _exit(13);
    CHECK(pid > 0);
    int status;
    bool ordinary = number == SIGCHLD;
    /* A clone child, one whose termination signal is not SIGCHLD, is invisible without __WCLONE or __WALL (wait(2)). */
    if (!ordinary)
        CHECK_FAILS(waitpid(pid, &status, 0), ECHILD);
    pid_t got;
    while ((got = waitpid(pid, &status, ordinary ? 0 : __WCLONE)) == -1 && errno == EINTR)
        ;
    CHECK(got == pid && WEXITSTATUS(status) == 13);
    CHECK(atomic_load(&seen_signal) == number);
    if (ordinary) {
        pid = raw_clone(SIGCHLD, NULL, NULL);
        if (pid == 0)
            _exit(14);
        CHECK_FAILS(waitpid(pid, &status, __WCLONE), ECHILD);
        CHECK(wait_exit(pid) == 14);
    }
    handle(SIGUSR1, SIG_DFL, 0);
    handle(SIGCHLD, SIG_DFL, 0);
    say("exit signal %s\n", number == 0 ? "none" : ordinary ? "SIGCHLD" : "SIGUSR1");
}

static void illegal_sets(void)
{
    CHECK_FAILS(raw_clone(SIGCHLD | CLONE_SIGHAND, NULL, NULL), EINVAL);
    CHECK_FAILS(raw_clone(SIGCHLD | CLONE_THREAD, NULL, NULL), EINVAL);
    CHECK_FAILS(raw_clone(CLONE_VM | CLONE_THREAD, NULL, NULL), EINVAL);
    CHECK_FAILS(raw_clone(SIGCHLD | CLONE_FS | CLONE_NEWNS, NULL, NULL), EINVAL);
    CHECK_FAILS(raw_clone(SIGCHLD | CLONE_FS | CLONE_NEWUSER, NULL, NULL), EINVAL);
    pid_t word;
    CHECK_FAILS(raw_clone(SIGCHLD | PIDFD_FLAG | CLONE_PARENT_SETTID, &word, NULL), EINVAL);
    CHECK_FAILS(raw_clone(SIGCHLD | PIDFD_FLAG, (pid_t *)8, NULL), EFAULT);
    CHECK_FAILS(wait(NULL), ECHILD);
    say("illegal sets refused\n");
}

int main(void)
{
    begin();
    files(false);
    files(true);
    directory(false);
    directory(true);
    thread_ids();
    pidfd();
    parent_flag();
    exit_signal(SIGCHLD);
    exit_signal(SIGUSR1);
    exit_signal(0);
    illegal_sets();
    return 0;
}
