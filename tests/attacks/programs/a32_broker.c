/* A32: the broker, which makes calls for guests where there are no namespaces: signals, memory, descriptors, limits,
   scheduling, what /proc has of it. */
/* Walls: supervisor */
/* Walls without namespaces: guard landlock-scopes */
#include "attack.h"
#include <dirent.h>
#include <sys/uio.h>

/* Only its name tells it from others: 0 if there is none. */
static pid_t find(void)
{
    char path[PATH_MAX], name[32];
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    CHECK(processes);
    while (!found && (entry = readdir(processes))) {
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, name, sizeof name);
        if (size == 15 && memcmp(name, "picobox-broker\n", 15) == 0)
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        if (fd >= 0)
            close(fd);
    }
    closedir(processes);
    return found;
}

static void look_into(pid_t broker)
{
    const char *const files[] = {"mem", "maps", "environ", "auxv", "io", "stack", "syscall", "pagemap"};
    const char *const links[] = {"root", "cwd", "exe", "fd/0", "ns/user"};
    char path[PATH_MAX], text[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", broker, files[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        GOT_IF(fd >= 0 && read(fd, text, 1) > 0, "%s of the broker\n", files[i]);
        if (fd >= 0)
            close(fd);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", broker, links[i]);
        GOT_IF(readlink(path, text, sizeof text) > 0, "where %s of the broker leads\n", links[i]);
    }
    snprintf(path, sizeof path, "/proc/%d/fd", broker);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GOT_IF(fd >= 0, "the descriptors of the broker\n");
}

int main(void)
{
    begin();
    pid_t broker = find();
    if (!broker)
        return 0; /* namespaces: there is none */
    char text[8];
    int here;
    struct iovec local = {text, sizeof text}, remote = {&here, sizeof text};
    GOT_IF(kill(broker, 0) == 0, "a signal to the broker\n");
    int pidfd = (int)syscall(434 /* pidfd_open */, broker, 0);
    GOT_IF(pidfd >= 0 && syscall(424 /* pidfd_send_signal */, pidfd, SIGSTOP, NULL, 0) == 0, "a stop of the broker\n");
    GOT_IF(pidfd >= 0 && syscall(438 /* pidfd_getfd */, pidfd, 0, 0) >= 0, "the socket of the broker\n");
    GOT_IF(process_vm_readv(broker, &local, 1, &remote, 1, 0) > 0, "memory of the broker\n");
    GOT_IF(syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, broker, 0, 0) == 0, "the broker as a tracee\n");
    GOT_IF(syscall(SYS_kcmp, getpid(), broker, 0, 0, 0) >= 0, "a comparison with the broker\n");
    look_into(broker);
    struct rlimit limit = {4, 4};
    GOT_IF(prlimit(broker, RLIMIT_NOFILE, &limit, NULL) == 0, "limits of the broker\n");
    GOT_IF(syscall(SYS_setpriority, PRIO_PROCESS, broker, 19) == 0, "the priority of the broker\n");
    cpu_set_t all;
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    GOT_IF(sched_setaffinity(broker, sizeof all, &all) == 0, "the processors of the broker\n");
    return 0;
}
