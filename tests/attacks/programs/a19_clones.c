/* A19: tasks that nobody traces, namespaces and ids of one's own choice: clone, clone3, unshare, setns. */
/* Walls: namespace-rules */
#include "attack.h"
#include <linux/sched.h>

static const struct {
    uint64_t flag;
    const char *name;
} namespaces[] = {{CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"}, {CLONE_NEWNET, "net"},
                  {CLONE_NEWIPC, "ipc"}, {CLONE_NEWUTS, "uts"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"}};

static long make(uint64_t flags, uint64_t tid)
{
    pid_t wanted = (pid_t)tid;
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    if (tid) {
        arguments.set_tid = (uintptr_t)&wanted;
        arguments.set_tid_size = 1;
    }
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        wait_status((pid_t)pid);
    return pid;
}

int main(void)
{
    begin();
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        uint64_t flag = namespaces[i].flag;
        GOT_IF(make(flag, 0) > 0, "a %s namespace by clone3\n", namespaces[i].name);
        if (flag != CLONE_NEWTIME) {
            long pid = syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
            if (pid == 0)
                _exit(0);
            GOT_IF(pid > 0 && wait_exit((pid_t)pid) == 0, "a %s namespace by clone\n", namespaces[i].name);
        }
        pid_t child = fork_child();
        if (child == 0)
            _exit(syscall(SYS_unshare, flag) == 0);
        GOT_IF(wait_exit(child) == 1, "a %s namespace by unshare\n", namespaces[i].name);
        /* In a user namespace of one's own all others may be made. */
        child = fork_child();
        if (child == 0)
            _exit(syscall(SYS_unshare, CLONE_NEWUSER) == 0 && syscall(SYS_unshare, flag) == 0);
        GOT_IF(flag != CLONE_NEWUSER && wait_exit(child) == 1, "a %s namespace below a user namespace\n",
               namespaces[i].name);
        if (flag == CLONE_NEWUSER)
            wait_status(child);
    }
    GOT_IF(make(0, 30000) == 30000, "a process with a pid of one's choice\n");
    int cgroup = open("/sys/fs/cgroup/unified", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0)
        cgroup = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct clone_args into = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup};
    long pid = cgroup < 0 ? -1 : syscall(SYS_clone3, &into, sizeof into);
    if (pid == 0)
        _exit(0);
    GOT_IF(pid > 0 && wait_exit((pid_t)pid) == 0, "a process in a cgroup of one's choice\n");
    char path[64];
    const char *const kinds[] = {"mnt", "net", "pid", "ipc", "uts", "user"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (pid_t of = 1; of <= getpid(); of++) {
            snprintf(path, sizeof path, "/proc/%d/ns/%s", of, kinds[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            pid_t child = fd >= 0 ? fork_child() : -1;
            if (child == 0)
                _exit(setns(fd, 0) == 0);
            GOT_IF(child > 0 && wait_exit(child) == 1, "the %s namespace of %d\n", kinds[i], of);
            if (fd >= 0)
                close(fd);
        }
    return 0;
}
