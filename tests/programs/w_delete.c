/* Shows what keeps a file or a directory from being deleted on Windows, and what its program is told. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

static void make(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4 && close(fd) == 0);
}

static void open_files(void)
{
    make("file");
    int fd = open("file", O_RDONLY | O_CLOEXEC), copy = dup(fd);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(close(fd) == 0);
    CHECK_FAILS(unlinkat(AT_FDCWD, "FILE", 0), EACCES);
    CHECK(close(copy) == 0 && unlink("file") == 0);
    CHECK_FAILS(unlink("file"), ENOENT);
    make("file");
    CHECK(link("file", "other") == 0 && (fd = open("other", O_RDONLY | O_CLOEXEC)) >= 0);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(close(fd) == 0 && unlink("file") == 0 && unlink("other") == 0);
    say("an open file stays, by each of its names\n");
}

/* Another program holds it; a child that has only forked does not. */
static void other_processes(const char *self)
{
    int ready[2];
    char byte;
    make("file");
    CHECK(pipe(ready) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(dup2(ready[1], 1) == 1);
        execl(self, self, "hold", "file", NULL);
        CHECK(!"exec");
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid && unlink("file") == 0);
    make("file");
    int fd = open("file", O_RDONLY | O_CLOEXEC);
    CHECK((pid = fork_child()) >= 0);
    if (pid == 0)
        for (;;)
            pause();
    CHECK(close(fd) == 0 && unlink("file") == 0);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    say("another program's open counts, a fork's does not\n");
}

static void attributes(void)
{
    make("file");
    CHECK(chmod("file", 0444) == 0);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(open("file", O_WRONLY), EACCES);
    CHECK_FAILS(truncate("file", 0), EACCES);
    CHECK(chmod("file", 0644) == 0 && truncate("file", 1) == 0 && unlink("file") == 0);
    say("a file without write permission is READONLY\n");
}

static void directories(void)
{
    CHECK(mkdir("dir", 0755) == 0);
    CHECK_FAILS(mkdir("DIR", 0755), EEXIST);
    CHECK_FAILS(unlink("dir"), EACCES);
    make("dir/file");
    CHECK_FAILS(rmdir("dir"), ENOTEMPTY);
    CHECK_FAILS(unlinkat(AT_FDCWD, "dir/file", AT_REMOVEDIR), ENOTDIR);
    CHECK(unlink("dir/file") == 0);
    int fd = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0 && rmdir("dir") == 0 && mkdir("dir", 0755) == 0 && close(fd) == 0 && rmdir("dir") == 0);
    say("a directory goes when it is empty, though somebody lists it\n");
}

static void links(void)
{
    CHECK(symlink("nowhere", "link") == 0);
    CHECK_FAILS(symlink("nowhere", "LINK"), EEXIST);
    CHECK(unlink("link") == 0);
    CHECK(mknod("node", S_IFREG | 0644, 0) == 0);
    CHECK_FAILS(mknod("node", S_IFREG | 0644, 0), EEXIST);
    CHECK(unlink("node") == 0);
    say("links are names like others\n");
}

int main(int argc, char **argv)
{
    begin();
    if (argc > 2) {
        CHECK(open(argv[2], O_RDONLY) >= 0);
        say(".");
        for (;;)
            pause();
    }
    open_files();
    other_processes(argv[0]);
    attributes();
    directories();
    links();
    return 0;
}
