/* Shows that a child made with CLONE_UNTRACED or CLONE_PTRACE works as any other: each of its calls succeeds. */
#include "clone3.h"

static char *self;

static int use_calls(void *status)
{
    alarm(WATCHDOG);
    if (getppid() <= 0 || getpid() == getppid())
        return 90;
    int fd = open("/proc/self/stat", O_RDONLY);
    char byte;
    if (fd < 0 || read(fd, &byte, 1) != 1 || close(fd) != 0)
        return 91;
    if (syscall(470 + 29) != -1 || errno != ENOSYS)
        return 92;
    pid_t pid = fork();
    if (pid == 0)
        _exit(getppid() > 0 ? 11 : 93);
    int result;
    if (pid < 0 || waitpid(pid, &result, 0) != pid || WEXITSTATUS(result) != 11)
        return 94;
    char *arguments[] = {self, "exit", status, NULL};
    execv(self, arguments);
    return 95;
}

static void by_clone(const char *name, unsigned long flag)
{
    pid_t pid = (pid_t)syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(use_calls("31"));
    CHECK(pid > 0 && wait_exit(pid) == 31);
    say("clone %s\n", name);
}

static void by_clone3(const char *name, unsigned long flag)
{
    struct clone3_args args = {.flags = flag, .exit_signal = SIGCHLD};
    pid_t pid = (pid_t)clone3_run(&args, sizeof args, use_calls, "32");
    CHECK(pid > 0 && wait_exit(pid) == 32);
    CHECK(args.flags == flag && args.exit_signal == SIGCHLD);
    say("clone3 %s\n", name);
}

static void read_only_arguments(void)
{
    struct clone3_args *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(args != MAP_FAILED);
    args->flags = CLONE_UNTRACED;
    args->exit_signal = SIGCHLD;
    CHECK(mprotect(args, 4096, PROT_READ) == 0);
    pid_t pid = (pid_t)clone3_run(args, sizeof *args, use_calls, "33");
    CHECK(pid > 0 && wait_exit(pid) == 33);
    CHECK(args->flags == CLONE_UNTRACED);
    munmap(args, 4096);
    say("clone3 with read-only arguments\n");
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 3)
        return atoi(argv[2]);
    by_clone("CLONE_UNTRACED", CLONE_UNTRACED);
    by_clone("CLONE_UNTRACED and CLONE_VFORK", CLONE_UNTRACED | CLONE_VFORK);
    by_clone("CLONE_PTRACE", CLONE_PTRACE);
    by_clone("both", CLONE_PTRACE | CLONE_UNTRACED);
    by_clone3("CLONE_UNTRACED", CLONE_UNTRACED);
    by_clone3("CLONE_UNTRACED and CLONE_VFORK", CLONE_UNTRACED | CLONE_VFORK);
    by_clone3("CLONE_PTRACE", CLONE_PTRACE);
    by_clone3("both", CLONE_PTRACE | CLONE_UNTRACED);
    read_only_arguments();
    return 0;
}
