/* Shows what Win32 makes of names on a drive: characters, trailing dots, devices, backslashes, streams. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

static int make(const char *path)
{
    return open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
}

static ino_t inode_of(const char *path)
{
    struct stat found;
    CHECK(stat(path, &found) == 0);
    return found.st_ino;
}

static void characters(void)
{
    static const char *const refused[] = {"a*b", "a?b", "a<b", "a>b", "a|b", "a\"b", "a\tb", "a\x01", "b\x1f.c"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CHECK_FAILS(make(refused[i]), EINVAL);
        CHECK_FAILS(mkdir(refused[i], 0700), EINVAL);
        CHECK_FAILS(access(refused[i], F_OK), EINVAL);
    }
    CHECK_FAILS(make("no\xffutf8"), EINVAL);
    CHECK(make("\xc3\xa9") >= 0);
    CHECK(make("a'b !#$%&()+,;=@[]^`{}~") >= 0);
    say("characters: refused with EINVAL\n");
}

static void trailing(void)
{
    CHECK(make("plain") >= 0);
    CHECK(inode_of("plain. .") == inode_of("plain"));
    CHECK(inode_of("PLAIN ") == inode_of("plain"));
    CHECK(make("stripped...") >= 0);
    CHECK(access("stripped", F_OK) == 0);
    CHECK(mkdir("inner", 0700) == 0);
    CHECK(make("inner./child") >= 0);
    CHECK(access("inner/child", F_OK) == 0);
    CHECK_FAILS(access("inner /child", F_OK), ENOENT);
    CHECK(inode_of("...") == inode_of("."));
    say("dots and spaces at the end: not there\n");
}

static void textual(void)
{
    CHECK(inode_of("missing/../plain") == inode_of("plain"));
    CHECK(inode_of("plain/.") == inode_of("plain"));
    CHECK_FAILS(access("plain/below", F_OK), ENOENT);
    CHECK_FAILS(access("plain/", F_OK), EINVAL);
    CHECK_FAILS(access("/etc/passwd/below", F_OK), ENOTDIR);
    CHECK(inode_of("inner\\child") == inode_of("inner/child"));
    CHECK(inode_of(".\\inner\\..\\plain") == inode_of("plain"));
    say("dots on the way: taken away by the text alone\n");
}

static void streams(void)
{
    CHECK(inode_of("plain::$DATA") == inode_of("plain"));
    CHECK_FAILS(open("plain:stream", O_RDONLY), ENOENT);
    CHECK_FAILS(make("plain:stream"), EINVAL);
    CHECK_FAILS(make("plain:"), EINVAL);
    say("streams: none\n");
}

static void off_the_drives(void)
{
    CHECK_FAILS(access("/usr/a*b", F_OK), ENOENT);
    CHECK_FAILS(access("/usr/bin./sh", F_OK), ENOENT);
    CHECK_FAILS(access("/usr/BIN/sh", F_OK), ENOENT);
    CHECK(access("/usr/bin/sh", F_OK) == 0);
    say("off the drives: Linux's rules\n");
}

int main(void)
{
    begin();
    characters();
    trailing();
    textual();
    streams();
    off_the_drives();
    return 0;
}
