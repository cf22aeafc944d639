/* Shows the wait family with each of its options and ways to choose children, and what it refuses. */
#include "pidfd.h"
#include <pthread.h>

static int gate[2];

/* A child that lives until a byte comes. */
static pid_t waiting_child(int status)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(status);
    }
    return pid;
}

static void release(void)
{
    give_byte(gate[1], 'g');
}

static void no_hang(void)
{
    pid_t pid = waiting_child(5);
    int status = 77;
    siginfo_t info;
    memset(&info, 0xff, sizeof info);
    CHECK(waitpid(pid, &status, WNOHANG) == 0 && status == 77);
    CHECK(waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED) == 0);
    CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0 && info.si_signo == 0);
    release();
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK(waitpid(pid, &status, WNOHANG) == pid && WEXITSTATUS(status) == 5);
    CHECK_FAILS(waitpid(pid, &status, WNOHANG), ECHILD);
    say("WNOHANG\n");
}

static void no_wait(void)
{
    pid_t pid = waiting_child(6);
    release();
    siginfo_t info;
    for (int i = 0; i < 3; i++) {
        memset(&info, 0, sizeof info);
        CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        CHECK(info.si_signo == SIGCHLD && info.si_pid == pid && info.si_uid == getuid());
        CHECK(info.si_code == CLD_EXITED && info.si_status == 6);
        CHECK(thread_state(pid, pid) == 'Z' && kill(pid, 0) == 0);
    }
    CHECK(wait_exit(pid) == 6);
    CHECK_FAILS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ECHILD);
    say("WNOWAIT\n");
}

static void stop_and_continue(void)
{
    pid_t pid = waiting_child(7);
    int status;
    siginfo_t info;
    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status) && status == 0xffff);
    CHECK(waitpid(pid, &status, WCONTINUED | WNOHANG) == 0);
    CHECK(kill(pid, SIGSTOP) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(waitid(P_ALL, 0, &info, WSTOPPED | WNOWAIT) == 0 && info.si_code == CLD_STOPPED);
    CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED) == 0 && info.si_status == SIGSTOP);
    /* A report that nobody asked for is not kept beyond the next change. */
    CHECK(kill(pid, SIGCONT) == 0);
    release();
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    say("WUNTRACED and WCONTINUED\n");
}

static void ways_to_choose(void)
{
    siginfo_t info;
    int status;
    pid_t group = waiting_child(8);
    CHECK(setpgid(group, group) == 0);
    pid_t member = waiting_child(8), outsider = waiting_child(8);
    CHECK(setpgid(member, group) == 0);
    release(), release(), release();
    CHECK(waitid(P_PGID, (id_t)group, &info, WEXITED) == 0 && (info.si_pid == group || info.si_pid == member));
    pid_t second = waitpid(-group, &status, 0);
    CHECK(second + info.si_pid == group + member);
    CHECK_FAILS(waitpid(-group, &status, 0), ECHILD);
    CHECK(waitpid(0, &status, 0) == outsider);
    pid_t pid = waiting_child(9);
    int fd = pidfd_open(pid, 0);
    CHECK(fd >= 0);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
    release();
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == 9);
    CHECK_FAILS(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    close(fd);
    pid = waiting_child(10);
    release();
    CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == pid && info.si_status == 10);
    say("P_PID, P_PGID, P_PIDFD, P_ALL\n");
}

static void resources(void)
{
    struct rusage usage;
    pid_t pid = fork_child();
    if (pid == 0) {
        struct rusage own;
        do
            CHECK(getrusage(RUSAGE_SELF, &own) == 0);
        while (own.ru_utime.tv_usec + own.ru_stime.tv_usec < 20000);
        _exit(11);
    }
    int status;
    CHECK(wait4(pid, &status, 0, &usage) == pid && WEXITSTATUS(status) == 11);
    CHECK(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 20000);
    CHECK(usage.ru_maxrss > 0);
    pid = waiting_child(12);
    release();
    siginfo_t info;
    memset(&usage, 0, sizeof usage);
    CHECK(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, &usage) == 0 && usage.ru_maxrss > 0);
    CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0 && usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 20000);
    say("resource usage\n");
}

static void deaths(void)
{
    const int numbers[] = {SIGKILL, SIGTERM, SIGUSR1, SIGRTMIN, SIGABRT};
    for (int i = 0; i < 5; i++) {
        siginfo_t info;
        pid_t pid = waiting_child(0);
        CHECK(kill(pid, numbers[i]) == 0);
        CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        CHECK(info.si_code == CLD_KILLED && info.si_status == numbers[i]);
        CHECK(wait_death(pid) == numbers[i]);
    }
    say("deaths by signals\n");
}

static pid_t thread_child;

static void *fork_in_thread(void *leave)
{
    pid_t pid = waiting_child(13);
    __atomic_store_n(&thread_child, pid, __ATOMIC_SEQ_CST);
    await(leave, 1);
    return NULL;
}

/* A thread waits for children of its siblings, unless __WNOTHREAD says its own alone (wait(2)). */
static void threads(void)
{
    static atomic_int leave;
    pthread_t thread;
    int status;
    CHECK(pthread_create(&thread, NULL, fork_in_thread, &leave) == 0);
    while (__atomic_load_n(&thread_child, __ATOMIC_SEQ_CST) == 0)
        sched_yield();
    CHECK_FAILS(waitpid(thread_child, &status, __WNOTHREAD), ECHILD);
    CHECK(waitpid(thread_child, &status, WNOHANG) == 0);
    release();
    CHECK(waitpid(thread_child, &status, 0) == thread_child && WEXITSTATUS(status) == 13);
    post(&leave, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    say("__WNOTHREAD\n");
}

static void refusals(void)
{
    siginfo_t info;
    int status;
    CHECK_FAILS(wait(&status), ECHILD);
    CHECK_FAILS(waitpid(1 << 22, &status, 0), ECHILD);
    CHECK_FAILS(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_FAILS(waitpid(-1, &status, 0x10), EINVAL);
    CHECK_FAILS(waitpid(INT_MIN, &status, 0), ESRCH);
    CHECK_FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_FAILS(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    CHECK_FAILS(waitid(9, 0, &info, WEXITED), EINVAL);
    CHECK_FAILS(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    CHECK_FAILS(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
    CHECK_FAILS(waitid(P_PIDFD, 1, &info, WEXITED), EBADF);
    pid_t pid = waiting_child(14);
    release();
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK_FAILS(syscall(SYS_wait4, pid, (int *)8, 0, NULL), EFAULT);
    CHECK_FAILS(waitpid(pid, &status, 0), ECHILD);
    say("refusals\n");
}

int main(void)
{
    begin();
    open_pipe(gate);
    no_hang();
    no_wait();
    stop_and_continue();
    ways_to_choose();
    resources();
    deaths();
    threads();
    refusals();
    return 0;
}
