/* Shows execveat on directory descriptors, on program descriptors with AT_EMPTY_PATH, on a memfd, and fexecve. */
#include "check.h"

static char directory[PATH_MAX], name[PATH_MAX];

static int exec_at(int fd, const char *path, int flags, char *const arguments[])
{
    int report[2], error = 0;
    open_pipe(report);
    pid_t pid = fork_child();
    if (pid == 0) {
        syscall(SYS_execveat, fd, path, arguments, environ, flags);
        error = errno;
        CHECK(write(report[1], &error, sizeof error) == sizeof error);
        _exit(0);
    }
    close(report[1]);
    ssize_t got = read(report[0], &error, sizeof error);
    close(report[0]);
    int status = wait_exit(pid);
    return got == sizeof error ? -error : status;
}

static void show(const char *title, int result)
{
    if (result < 0)
        say("%s: %s\n", title, errno_name(-result));
    else
        say("%s: status %d\n", title, result);
}

static int copy_to_memfd(unsigned flags)
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("program", flags);
    CHECK(from >= 0 && to >= 0);
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        CHECK(write(to, buffer, (size_t)got) == got);
    CHECK(got == 0);
    close(from);
    return to;
}

/* Script text in a memfd: the interpreter opens /dev/fd/N, so a close-on-exec descriptor is refused (execveat(2)). */
static void script_in_memfd(char *const arguments[])
{
    for (int cloexec = 0; cloexec < 2; cloexec++) {
        int fd = memfd_create("script", cloexec ? MFD_CLOEXEC : 0);
        CHECK(fd >= 0 && write(fd, "#!/bin/sh\nexit 7\n", 17) == 17);
        show(cloexec ? "script, close-on-exec" : "script", exec_at(fd, "", AT_EMPTY_PATH, arguments));
        close(fd);
    }
}

int main(int argc, char **argv)
{
    begin();
    if (argc == 3)
        return atoi(argv[2]);
    CHECK(readlink("/proc/self/exe", directory, sizeof directory - 1) > 0);
    char *slash = strrchr(directory, '/');
    strcpy(name, slash + 1);
    *slash = 0;
    char *arguments[] = {argv[0], "status", "9", NULL};
    int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    int readable = open("/proc/self/exe", O_RDONLY);
    CHECK(at >= 0 && program >= 0 && readable >= 0);
    show("name in a directory", exec_at(at, name, 0, arguments));
    show("absolute name", exec_at(-1, "/proc/self/exe", 0, arguments));
    show("O_PATH descriptor", exec_at(program, "", AT_EMPTY_PATH, arguments));
    show("readable descriptor", exec_at(readable, "", AT_EMPTY_PATH, arguments));
    show("missing name", exec_at(at, "no-such-program", 0, arguments));
    show("empty path without the flag", exec_at(program, "", 0, arguments));
    show("directory itself", exec_at(at, "", AT_EMPTY_PATH, arguments));
    show("closed descriptor", exec_at(999, name, 0, arguments));
    show("closed descriptor, empty path", exec_at(999, "", AT_EMPTY_PATH, arguments));
    show("file as directory", exec_at(readable, name, 0, arguments));
    show("unknown flag", exec_at(at, name, 1, arguments));
    show("NULL path", exec_at(at, NULL, 0, arguments));
    CHECK(symlink("/proc/self/exe", "link") == 0);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    show("symbolic link", exec_at(here, "link", 0, arguments));
    show("symbolic link not followed", exec_at(here, "link", AT_SYMLINK_NOFOLLOW, arguments));
    int memory = copy_to_memfd(MFD_CLOEXEC);
    show("memfd", exec_at(memory, "", AT_EMPTY_PATH, arguments));
    script_in_memfd(arguments);
    pid_t pid = fork_child();
    if (pid == 0) {
        fexecve(memory, arguments, environ);
        _exit(98);
    }
    show("fexecve", wait_exit(pid));
    return 0;
}
