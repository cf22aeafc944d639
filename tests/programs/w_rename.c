/* Shows what keeps a file or a directory from being renamed on Windows, and what it may replace there. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

static void make(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4 && close(fd) == 0);
}

static void files(void)
{
    make("old");
    make("new");
    int fd = open("old", O_RDONLY | O_CLOEXEC);
    CHECK_FAILS(rename("old", "other"), EACCES);
    CHECK_FAILS(rename("old", "new"), EACCES);
    CHECK(close(fd) == 0 && (fd = open("new", O_RDONLY | O_CLOEXEC)) >= 0);
    CHECK_FAILS(rename("old", "new"), EACCES);
    CHECK_FAILS(renameat(AT_FDCWD, "old", AT_FDCWD, "NEW"), EACCES);
    CHECK(close(fd) == 0);
    CHECK_FAILS(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_NOREPLACE), EEXIST);
    CHECK_FAILS(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_EXCHANGE), EINVAL);
    CHECK(chmod("new", 0444) == 0);
    CHECK_FAILS(rename("old", "new"), EACCES);
    CHECK(chmod("new", 0644) == 0 && rename("old", "new") == 0 && rename("new", "New") == 0);
    CHECK_FAILS(rename("old", "new"), ENOENT);
    CHECK(access("New", F_OK) == 0 && unlink("New") == 0);
    say("an open file is neither moved nor replaced\n");
}

static void directories(void)
{
    CHECK(mkdir("dir", 0755) == 0 && mkdir("dir/inner", 0755) == 0 && mkdir("empty", 0755) == 0);
    make("dir/inner/file");
    make("file");
    int fd = open("dir/inner/file", O_RDONLY | O_CLOEXEC);
    CHECK_FAILS(rename("dir", "moved"), EACCES);
    CHECK_FAILS(rename("dir/inner", "dir/moved"), EACCES);
    CHECK(close(fd) == 0);
    CHECK_FAILS(rename("dir", "empty"), EACCES);
    CHECK_FAILS(rename("file", "empty"), EACCES);
    CHECK(rename("dir", "moved") == 0 && rename("moved/inner/file", "moved/inner/other") == 0);
    CHECK((fd = open("moved/inner", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0);
    CHECK_FAILS(rename("moved", "dir"), EACCES);
    CHECK(close(fd) == 0 && unlink("moved/inner/other") == 0 && rmdir("moved/inner") == 0 && rmdir("moved") == 0);
    CHECK(rmdir("empty") == 0 && unlink("file") == 0);
    say("nothing below a directory that moves may be open, and none is replaced\n");
}

static void hard_links(void)
{
    make("file");
    make("other");
    int fd = open("file", O_RDONLY | O_CLOEXEC);
    CHECK(link("file", "link") == 0 && close(fd) == 0);
    CHECK_FAILS(link("other", "link"), EEXIST);
    CHECK(mkdir("dir", 0755) == 0);
    CHECK_FAILS(link("dir", "more"), EACCES);
    CHECK(rmdir("dir") == 0 && unlink("file") == 0 && unlink("link") == 0 && unlink("other") == 0);
    say("an open file gets a name more; a directory gets none\n");
}

int main(void)
{
    begin();
    files();
    directories();
    hard_links();
    return 0;
}
