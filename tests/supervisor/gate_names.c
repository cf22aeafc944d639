/* Names and closes from sites that are in the gate: each round must mean what the first one, of which every call was seen, has. */
#include "../programs/check.h"
#include <sys/statfs.h>
#include <sys/xattr.h>

enum { ROUNDS = 50 };

static ino_t inode(const char *path)
{
    struct stat found;
    CHECK(stat(path, &found) == 0);
    return found.st_ino;
}

static void make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static char first(const char *path)
{
    char text = 0;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, &text, 1) == 1 && close(fd) == 0);
    return text;
}

/* What is there as it is spelled, in another spelling, and not at all. */
static void look(const char *exact, const char *other, const char *missing)
{
    struct stat found;
    struct statfs volume;
    char text[64];
    CHECK(inode(exact) == inode(other));
    CHECK(lstat(exact, &found) == 0 && lstat(other, &found) == 0);
    CHECK_FAILS(lstat(missing, &found), ENOENT);
    CHECK(access(exact, F_OK) == 0 && access(other, F_OK) == 0);
    CHECK_FAILS(access(missing, F_OK), ENOENT);
    CHECK(statfs(exact, &volume) == 0 && statfs(other, &volume) == 0);
    CHECK_FAILS(statfs(missing, &volume), ENOENT);
    CHECK(chmod(exact, 0600) == 0 && chmod(other, 0600) == 0);
    CHECK_FAILS(chmod(missing, 0600), ENOENT);
    CHECK_FAILS(readlink(exact, text, sizeof text), EINVAL);
    CHECK_FAILS(readlink(other, text, sizeof text), EINVAL);
    CHECK_FAILS(readlink(missing, text, sizeof text), ENOENT);
    CHECK_FAILS(getxattr(missing, "user.x", text, sizeof text), ENOENT);
    CHECK(first(exact) == first(other));
    CHECK_FAILS(open(missing, O_RDONLY), ENOENT);
    CHECK_FAILS(open(exact, O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_FAILS(open(other, O_RDONLY | O_DIRECTORY), ENOTDIR);
}

/* Of two files whose names differ in case only each is the one that is spelled. */
static void look_at_twins(void)
{
    CHECK(first("twin") == 'l' && first("TWIN") == 'u' && inode("twin") != inode("TWIN"));
}

/* A creating open takes what has the name in any spelling; a name that was removed unseen is free again. */
static void make_and_remove(void)
{
    struct stat found;
    make("Made", "1");
    make("MADE", "2");
    CHECK(first("Made") == '2');
    CHECK_FAILS(open("mADE", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK(unlink("Made") == 0);
    CHECK_FAILS(unlink("Made"), ENOENT);
    CHECK_FAILS(stat("MADE", &found), ENOENT);
    make("MADE", "3");
    CHECK_FAILS(access("Made/", F_OK), ENOTDIR);
    CHECK(first("made") == '3' && unlink("made") == 0);
    CHECK(mkdir("Below", 0700) == 0 && rmdir("Below") == 0 && mkdir("BELOW", 0700) == 0 && rmdir("below") == 0);
    CHECK_FAILS(rmdir("BELOW"), ENOENT);
}

static void look_around(void)
{
    char path[64];
    struct stat found;
    int fd = open("Dir", O_RDONLY | O_DIRECTORY), file;
    CHECK(fd >= 0 && (file = openat(fd, "INNER", O_RDONLY)) >= 0);
    CHECK(faccessat(fd, "Inner", F_OK, 0) == 0 && fstatat(fd, "iNNER", &found, 0) == 0);
    CHECK(fstatat(file, "", &found, AT_EMPTY_PATH) == 0 && found.st_ino == inode("Dir/Inner"));
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    CHECK(inode(path) == found.st_ino && access("/PROC/self", F_OK) == 0);
    CHECK_FAILS(access("/proc/SELF", F_OK), ENOENT);
    CHECK(close(file) == 0 && close(fd) == 0);
    CHECK_FAILS(close(fd), EBADF);
    CHECK_FAILS(stat("Loop", &found), ELOOP);
    CHECK_FAILS(open("Link", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(first("Link") == 'e' && first("LINK") == 'e');
    CHECK_FAILS(stat((const char *)8, &found), EFAULT);
    CHECK_FAILS(stat("", &found), ENOENT);
}

/* Its argument is a directory in which somebody has made two names that differ in case. */
int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    CHECK(mkdir("Dir", 0700) == 0 && symlink("LOOP", "loop") == 0 && symlink("FILE", "Link") == 0);
    make("File", "exact");
    make("Dir/Inner", "inner");
    for (int i = 0; i < ROUNDS; i++) {
        look("File", "fILE", "Missing");
        look("Dir/Inner", "DIR/inner", "Dir/Missing");
        look("Dir/Inner", "dir/Inner", "Missing/Inner");
        look_at_twins();
        make_and_remove();
        look_around();
    }
    return 0;
}
