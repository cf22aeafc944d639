/* Shows that all general registers but rax, rcx and r11 survive each kind of call: plain, failed, forking, refused. */
#include "clone3.h"
#include "probe.h"

#define A(pointer) ((uint64_t)(pointer))

static void plain_calls(void)
{
    int pair[2];
    char byte = 'b';
    for (int i = 0; i < 20; i++) {
        CHECK(probe(SYS_getppid, PROBE_ARGUMENTS(1, 2, 3, 4, 5, 6)) == getppid());
        CHECK(probe(SYS_getpid, PROBE_ARGUMENTS(~0ULL, ~1ULL, ~2ULL, ~3ULL, ~4ULL, ~5ULL)) == getpid());
    }
    CHECK(probe(SYS_pipe2, PROBE_ARGUMENTS(A(pair), O_CLOEXEC, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_write, PROBE_ARGUMENTS((uint64_t)pair[1], A(&byte), 1, 44, 55, 66)) == 1);
    CHECK(probe(SYS_read, PROBE_ARGUMENTS((uint64_t)pair[0], A(&byte), 1, 44, 55, 66)) == 1);
    long copy = probe(SYS_dup, PROBE_ARGUMENTS((uint64_t)pair[0], 22, 33, 44, 55, 66));
    CHECK(copy > pair[1]);
    CHECK(probe(SYS_dup2, PROBE_ARGUMENTS((uint64_t)pair[0], (uint64_t)copy, 33, 44, 55, 66)) == copy);
    CHECK(probe(SYS_fcntl, PROBE_ARGUMENTS((uint64_t)copy, F_SETFD, FD_CLOEXEC, 44, 55, 66)) == 0);
    CHECK(probe(SYS_fcntl, PROBE_ARGUMENTS((uint64_t)copy, F_GETFD, 33, 44, 55, 66)) == FD_CLOEXEC);
    CHECK(probe(SYS_close, PROBE_ARGUMENTS((uint64_t)copy, 22, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_prctl, PROBE_ARGUMENTS(PR_SET_NAME, A("probe"), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_lseek, PROBE_ARGUMENTS((uint64_t)pair[0], 0, SEEK_CUR, 44, 55, 66)) == -ESPIPE);
    close(pair[0]), close(pair[1]);
    say("plain calls\n");
}

static void calls_with_paths(void)
{
    struct stat info;
    char text[PATH_MAX];
    const int flags = O_CREAT | O_RDWR | O_CLOEXEC;
    long fd = probe(SYS_openat, PROBE_ARGUMENTS((uint64_t)AT_FDCWD, A("made"), flags, 0600, 55, 66));
    CHECK(fd > 2);
    CHECK(probe(SYS_fstat, PROBE_ARGUMENTS((uint64_t)fd, A(&info), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_close, PROBE_ARGUMENTS((uint64_t)fd, 22, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_stat, PROBE_ARGUMENTS(A("made"), A(&info), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_newfstatat, PROBE_ARGUMENTS((uint64_t)AT_FDCWD, A("made"), A(&info), 0, 55, 66)) == 0);
    CHECK(probe(SYS_rename, PROBE_ARGUMENTS(A("made"), A("moved"), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_link, PROBE_ARGUMENTS(A("moved"), A("linked"), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_symlink, PROBE_ARGUMENTS(A("moved"), A("pointer"), 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_readlink, PROBE_ARGUMENTS(A("pointer"), A(text), sizeof text, 44, 55, 66)) == 5);
    CHECK(probe(SYS_unlink, PROBE_ARGUMENTS(A("linked"), 22, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_mkdir, PROBE_ARGUMENTS(A("dir"), 0700, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_chdir, PROBE_ARGUMENTS(A("dir"), 22, 33, 44, 55, 66)) == 0);
    CHECK(probe(SYS_getcwd, PROBE_ARGUMENTS(A(text), sizeof text, 33, 44, 55, 66)) > 1);
    say("calls with paths\n");
}

static void failed_calls(void)
{
    char byte;
    CHECK(probe(SYS_close, PROBE_ARGUMENTS(9999, 22, 33, 44, 55, 66)) == -EBADF);
    CHECK(probe(SYS_read, PROBE_ARGUMENTS(9999, A(&byte), 1, 44, 55, 66)) == -EBADF);
    CHECK(probe(SYS_openat, PROBE_ARGUMENTS((uint64_t)AT_FDCWD, A("none"), O_RDONLY, 44, 55, 66)) == -ENOENT);
    CHECK(probe(SYS_openat, PROBE_ARGUMENTS((uint64_t)AT_FDCWD, 8, O_RDONLY, 44, 55, 66)) == -EFAULT);
    CHECK(probe(SYS_dup2, PROBE_ARGUMENTS(9999, 5, 33, 44, 55, 66)) == -EBADF);
    CHECK(probe(SYS_execve, PROBE_ARGUMENTS(A("none"), 0, 0, 44, 55, 66)) == -ENOENT);
    CHECK(probe(SYS_execve, PROBE_ARGUMENTS(A("/"), 0, 0, 44, 55, 66)) == -EACCES);
    CHECK(probe(SYS_execveat, PROBE_ARGUMENTS(9999, A("x"), 0, 0, 0, 66)) == -EBADF);
    CHECK(probe(SYS_wait4, PROBE_ARGUMENTS(~0ULL, 0, 0, 0, 55, 66)) == -ECHILD);
    CHECK(probe(SYS_kill, PROBE_ARGUMENTS(1 << 22, 0, 33, 44, 55, 66)) == -ESRCH);
    CHECK(probe(SYS_clone, PROBE_ARGUMENTS(CLONE_THREAD, 0, 0, 0, 0, 66)) == -EINVAL);
    const long numbers[] = {470 + 30, 1000, 0x7fffffff, -1};
    for (int i = 0; i < 4; i++)
        CHECK(probe(numbers[i], PROBE_ARGUMENTS(11, 22, 33, 44, 55, 66)) == -ENOSYS);
    say("failed and unknown calls\n");
}

/* Both the parent and the child come back with their registers. */
static void forking(long number, const uint64_t arguments[6], const char *name)
{
    long pid = probe(number, arguments);
    if (pid == 0)
        _exit(7);
    CHECK(pid > 0 && wait_exit((pid_t)pid) == 7);
    say("%s, parent and child\n", name);
}

static void clones(void)
{
    struct clone3_args args = {.exit_signal = SIGCHLD}, untraced = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    forking(SYS_fork, PROBE_ARGUMENTS(11, 22, 33, 44, 55, 66), "fork");
    forking(SYS_clone, PROBE_ARGUMENTS(SIGCHLD, 0, 33, 44, 55, 66), "clone");
    forking(SYS_clone, PROBE_ARGUMENTS(SIGCHLD | CLONE_VFORK, 0, 33, 44, 55, 66), "clone with CLONE_VFORK");
    forking(SYS_clone, PROBE_ARGUMENTS(SIGCHLD | CLONE_UNTRACED, 0, 33, 44, 55, 66), "clone with CLONE_UNTRACED");
    forking(SYS_clone, PROBE_ARGUMENTS(SIGCHLD | CLONE_PTRACE, 0, 33, 44, 55, 66), "clone with CLONE_PTRACE");
    forking(SYS_clone3, PROBE_ARGUMENTS(A(&args), sizeof args, 33, 44, 55, 66), "clone3");
    forking(SYS_clone3, PROBE_ARGUMENTS(A(&untraced), sizeof args, 33, 44, 55, 66), "clone3 with CLONE_UNTRACED");
    CHECK(untraced.flags == CLONE_UNTRACED && untraced.exit_signal == SIGCHLD);
}

/* What the syscall instruction itself leaves: the address behind it in rcx, the flags in r11 (x86-64 manuals). */
static void instruction_results(void)
{
    struct registers in = probe_input(SYS_getppid, PROBE_ARGUMENTS(1, 2, 3, 4, 5, 6)), out = {0};
    probe_call(&in, &out);
    CHECK(out.rcx == out.rip);
    CHECK((out.r11 & PROBE_FLAGS) == (in.rflags & PROBE_FLAGS));
    say("rcx and r11 as the instruction leaves them\n");
}

int main(void)
{
    begin();
    plain_calls();
    calls_with_paths();
    failed_calls();
    clones();
    instruction_results();
    return 0;
}
