/* Opens, asks for and closes whatever a line of a trace may tell of, in a directory of its own, again and again; argv[1] says how
   often, the others are paths to be tried as well. */
#include "../programs/check.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <termios.h>

static const struct {
    int flags;
    const char *path;
} OPENS[] = {
    {O_RDONLY, "plain"},           {O_RDWR, "plain"},
    {O_WRONLY | O_TRUNC, "plain"}, {O_RDONLY | O_CLOEXEC, "PLAIN"},
    {O_RDONLY, "Deep/Er/file"},    {O_RDONLY, "deep/er/file"},
    {O_RDONLY | O_DIRECTORY, "deep/.."}, {O_RDONLY, "."},
    {O_RDONLY, ".."},              {O_RDONLY, "/"},
    {O_RDONLY, "//usr//bin/"},     {O_PATH, "deep"},
    {O_PATH, "plain"},             {O_PATH | O_NOFOLLOW, "link"},
    {O_RDONLY | O_NOFOLLOW, "link"}, {O_RDONLY, "link"},
    {O_RDONLY, "hard"},            {O_RDONLY, "dangling"},
    {O_RDONLY, "round"},           {O_RDONLY, "missing"},
    {O_RDONLY, "deep/missing"},    {O_RDONLY, "missing/deeper"},
    {O_RDONLY, "Deep/missing/"},   {O_RDONLY, "link/below"},
    {O_RDONLY, "plain/below"},     {O_RDONLY, "plain/"},
    {O_WRONLY, "deep"},            {O_DIRECTORY, "plain"},
    {O_RDONLY, "sp ace # & 'quoted'"}, {O_RDONLY, "caf\303\251"},
    {O_RDONLY, "\346\227\245\346\234\254"}, {O_RDONLY, "\377\376 no utf"},
    {O_RDONLY, "tab\tnew\nline"},  {O_RDONLY, "co:lon?star*<>|\"back\\slash"},
    {O_RDONLY, "zero\342\200\213width"}, {O_RDONLY, "is (deleted)"},
    {O_RDONLY, "missing caf\303\251"}, {O_RDONLY, ""},
    {O_RDONLY, "/proc/self/status"}, {O_RDONLY, "/proc/self/fd"},
    {O_RDONLY, "/proc/self/exe"},  {O_RDONLY, "/proc/self/cwd"},
    {O_RDONLY, "/proc/missing"},   {O_RDONLY, "/sys/kernel"},
    {O_RDWR, "/dev/null"},         {O_RDONLY, "/dev"},
    {O_RDONLY, "/dev/missing"},    {O_RDONLY, "/dev/shm"},
    {O_RDWR | O_NONBLOCK, "fifo"}, {O_WRONLY | O_NONBLOCK, "fifo"},
    {O_RDONLY, "socket"},          {O_RDWR, "/etc/shells"},
    {O_RDWR, "/etc/hostname"},     {O_RDONLY, "/etc/hostname"},
    {O_RDONLY, "/etc/missing/x"},  {O_RDONLY, "/tmp"},
    {O_RDONLY | O_CREAT, "made"},  {O_RDWR | O_CREAT | O_EXCL, "plain"},
    {O_RDWR | O_CREAT, "MADE"},    {O_WRONLY | O_CREAT | O_TRUNC, "deep/er/FILE"},
    {O_WRONLY | O_CREAT, "deep"},  {O_WRONLY | O_CREAT, "missing/made"},
    {O_WRONLY | O_CREAT, "/etc/no such/made"}, {O_WRONLY | O_CREAT, "dangling"},
    {O_RDWR | O_CREAT, "link"},    {O_RDWR | O_CREAT | O_NOFOLLOW, "link"},
    {O_RDWR | O_TMPFILE, "."},     {0x7fffffff, "plain"},
};

static void make(void)
{
    int fd;
    CHECK((mkdir("Deep", 0755) == 0 && mkdir("Deep/Er", 0755) == 0) || errno == EEXIST);
    static const char *const files[] = {
        "plain", "Deep/Er/file", "sp ace # & 'quoted'", "caf\303\251", "\346\227\245\346\234\254", "\377\376 no utf",
        "tab\tnew\nline", "zero\342\200\213width", "is (deleted)",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        CHECK((fd = open(files[i], O_CREAT | O_RDWR, 0644)) >= 0);
        close(fd);
    }
    CHECK(symlink("Deep/Er/file", "link") == 0 && symlink("nowhere", "dangling") == 0 && symlink("round", "round") == 0);
    CHECK(link("plain", "hard") == 0 && mkfifo("fifo", 0644) == 0);
}

static void look(const char *path)
{
    struct stat found;
    char text[64];
    stat(path, &found);
    lstat(path, &found);
    access(path, R_OK);
    access(path, W_OK);
    readlink(path, text, sizeof text);
    getxattr(path, "user.none", text, sizeof text);
}

/* Descriptors whose files have lost their names, and such as are none. */
static void others(void)
{
    char way[64];
    int first = open("plain", O_RDONLY);
    CHECK(first >= 0 && link("plain", "other") == 0);
    int second = open("other", O_RDONLY);
    CHECK(second >= 0 && unlink("other") == 0);
    sprintf(way, "/proc/self/fd/%d", second);
    close(open(way, O_RDONLY));
    sprintf(way, "/proc/self/fd/%d", first);
    close(open(way, O_RDONLY));
    int directory = open("Deep", O_RDONLY | O_DIRECTORY);
    close(openat(directory, "Er/file", O_RDONLY));
    close(openat(directory, "er/FILE", O_RDONLY));
    close(openat(directory, "nothing", O_RDONLY));
    close(openat(first, "nothing", O_RDONLY));
    close(openat(99, "nothing", O_RDONLY));
    openat(directory, (const char *)8, O_RDONLY);
    close(creat("Created", 0600));
    close(creat("CREATED", 0600));
    creat("deep", 0600);
    CHECK(unlink("Created") == 0);
    unlink("CREATED");
    int pair[2];
    CHECK(pipe(pair) == 0);
    static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_GETOWN, 99};
    int fds[] = {first, second, directory, pair[0], -1, 99};
    struct flock lock = {.l_type = F_RDLCK};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        for (size_t j = 0; j < sizeof commands / sizeof commands[0]; j++) {
            int command = commands[j];
            int copy = fcntl(fds[i], command, command == F_GETLK || command == F_SETLK ? (intptr_t)&lock : 0);
            if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && copy > 2)
                close(copy);
        }
        close(dup(fds[i]));
        dup2(fds[i], fds[i]);
        dup2(fds[i], 50);
        dup2(fds[i], 50);
        dup3(fds[i], 51, O_CLOEXEC);
        dup3(fds[i], fds[i], O_CLOEXEC);
        dup2(fds[i], -1);
        dup2(fds[i], 1 << 20);
    }
    close(50);
    close(51);
    close(pair[0]);
    close(pair[1]);
    close(directory);
    close(first);
    close(second);
    close(second);
    syscall(SYS_close, -1);
    syscall(SYS_close, 1 << 20);
    syscall(SYS_close, 0x700000003);
}

static const char *const NAMES[] = {"New", "new", "Deep", "DEEP", "missing/new", "plain/new", "link", "round/new", "", "caf\303\251 new"};
#define NAME_COUNT ((int)(sizeof NAMES / sizeof NAMES[0]))

/* Directories, links and renames: of what is there, in this spelling or another, and of what is not. */
static void names(void)
{
    int directory = open("Deep", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < NAME_COUNT; i++) {
        mkdir(NAMES[i], 0750);
        mkdirat(directory, NAMES[i], 0700);
        rmdir(NAMES[i]);
        unlinkat(directory, NAMES[i], AT_REMOVEDIR);
        link("hard", NAMES[i]);
        rename(NAMES[i], "renamed");
        renameat(directory, "../renamed", directory, NAMES[i]);
        syscall(SYS_renameat2, directory, NAMES[i], AT_FDCWD, "RENAMED", RENAME_NOREPLACE);
        rename("renamed", "Renamed");
        symlink("plain", NAMES[i]);
        symlinkat("plain", directory, NAMES[i]);
        unlinkat(directory, NAMES[i], 0);
        unlink("renamed");
        if (i != 6)
            unlink(NAMES[i]);
    }
    mkdir((const char *)8, 0700);
    rename("plain", (const char *)8);
    rename("plain", "Deep");
    rename("Deep", "plain");
    rename("Deep", "Deep/Er/inside");
    close(directory);
}

/* What the gate is told of after some times: that it may make the name without a question. */
static void make_again(const char *name)
{
    struct stat found;
    for (int i = 0; i < 10; i++) {
        CHECK(stat(name, &found) < 0);
        CHECK(close(open(name, O_CREAT | O_EXCL | O_RDWR, 0600)) == 0);
        CHECK(open(name, O_CREAT | O_EXCL | O_RDWR, 0600) < 0 && stat(name, &found) == 0);
        CHECK(unlink(name) == 0);
    }
    open(name, O_RDONLY);
}

/* What only asks about a terminal or a stream, and what does not. */
static void asks(void)
{
    char answer[256];
    int pair[2], terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CHECK(pipe(pair) == 0 && write(pair[1], "text", 4) == 4);
    int fds[] = {pair[0], pair[1], terminal, -1, 99};
    static const unsigned long requests[] = {TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIOCLEX, 0x12345678, 0x700005413};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        for (size_t j = 0; j < sizeof requests / sizeof requests[0]; j++)
            ioctl(fds[i], requests[j], answer);
    ioctl(terminal, TIOCSTI, "x");
    ioctl(pair[0], FIONREAD, (char *)8);
    ioctl(pair[0], TCGETS, NULL);
    close(terminal);
    close(pair[0]);
    close(pair[1]);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc >= 2);
    make();
    for (int round = 0; round < atoi(argv[1]); round++) {
        for (size_t i = 0; i < sizeof OPENS / sizeof OPENS[0]; i++) {
            int fd = open(OPENS[i].path, OPENS[i].flags, 0644);
            look(OPENS[i].path);
            if (fd >= 0)
                close(fd);
        }
        for (int i = 2; i < argc; i++) {
            look(argv[i]);
            if (mkdir(argv[i], 0700) == 0)
                rmdir(argv[i]);
            if (rename("plain", argv[i]) == 0)
                rename(argv[i], "plain");
            int fd = open(argv[i], O_RDONLY);
            if (fd >= 0)
                close(fd);
        }
        others();
        names();
        make_again("Journal");
        asks();
        /* Rings are full at any of these. */
        for (int i = 0; i < 300; i++) {
            int fd = open("filling", O_CREAT | O_RDWR, 0600);
            char text[8] = "text";
            CHECK(fd > 2 && pwrite(fd, text, 4, 0) == 4 && pread(fd, text, 4, 0) == 4 && lseek(fd, 1, SEEK_SET) == 1);
            CHECK(umask(022) <= 0777 && close(fd) == 0 && (i % 2 || unlink("filling") == 0));
        }
        unlink("made");
        unlink("nowhere");
        close(open("Deep/again", O_CREAT | O_EXCL | O_RDWR, 0600));
        close(open("deep/AGAIN", O_CREAT | O_EXCL | O_RDWR, 0600));
        unlink("Deep/again");
    }
    return 0;
}
