/* Shows what Windows keeps from a file that is mapped or that a program runs: no end, no deletion, no other contents. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

#define SIZE 8192

static void make(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && ftruncate(fd, SIZE) == 0 && close(fd) == 0);
}

static void *map(const char *name, int flags)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    void *view = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(view != MAP_FAILED && close(fd) == 0);
    return view;
}

static void data(void)
{
    make("file");
    char *view = map("file", MAP_SHARED);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(truncate("file", 1), EINVAL);
    CHECK_FAILS(open("file", O_RDWR | O_TRUNC), EINVAL);
    int fd = open("file", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_FAILS(ftruncate(fd, 1), EINVAL);
    CHECK(ftruncate(fd, 2 * SIZE) == 0 && write(fd, "text", 4) == 4 && close(fd) == 0 && view[0] == 't');
    CHECK(munmap(view, SIZE / 2) == 0);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(munmap(view + SIZE / 2, SIZE / 2) == 0 && truncate("file", 1) == 0 && unlink("file") == 0);
    make("file");
    view = map("file", MAP_PRIVATE);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(truncate("file", 1), EINVAL);
    CHECK(munmap(view, SIZE) == 0 && unlink("file") == 0);
    make("file");
    make("other");
    view = map("file", MAP_SHARED);
    CHECK(rename("other", "file") == 0 && munmap(view, SIZE) == 0 && unlink("file") == 0);
    say("a file with a section of its data keeps name and end, but may be replaced\n");
}

static void copy(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t size;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    CHECK(in >= 0 && out >= 0);
    while ((size = read(in, buffer, sizeof buffer)) > 0)
        CHECK(write(out, buffer, (size_t)size) == size);
    CHECK(size == 0 && close(in) == 0 && close(out) == 0);
}

static void images(const char *self)
{
    int ready[2];
    char byte;
    copy(self, "program");
    make("other");
    CHECK(pipe2(ready, O_CLOEXEC) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(ready[1], 1) == 1);
        execl("./program", "./program", "stay", NULL);
        CHECK(!"exec");
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_FAILS(unlink("program"), EACCES);
    CHECK_FAILS(open("program", O_RDWR), EACCES);
    CHECK_FAILS(truncate("program", 1), EACCES);
    CHECK_FAILS(rename("other", "program"), EACCES);
    CHECK(rename("program", "moved") == 0 && rename("moved", "program") == 0);
    CHECK(link("program", "more") == 0 && unlink("more") == 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    int fd = open("program", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    void *view = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    CHECK(view != MAP_FAILED && close(fd) == 0);
    CHECK_FAILS(unlink("program"), EACCES);
    CHECK(munmap(view, SIZE) == 0 && unlink("program") == 0 && unlink("other") == 0);
    say("a program that runs, or code that is mapped, is neither written nor deleted\n");
}

int main(int argc, char **argv)
{
    begin();
    if (argc > 1) {
        say(".");
        for (;;)
            pause();
    }
    /* First, while no file has been mapped whose inode number the program's copy could have. */
    images(argv[0]);
    data();
    return 0;
}
