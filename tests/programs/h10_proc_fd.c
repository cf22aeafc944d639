/* Shows /proc/self/fd: nothing but 0, 1 and 2 at the start, each change listed at once, links, and reopening. */
#include "check.h"
#include <dirent.h>

/* The open numbers, without the one of the listing itself, as "0 1 2". */
static void list(char *text, size_t size)
{
    static bool open_numbers[4096];
    memset(open_numbers, 0, sizeof open_numbers);
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = atoi(entry->d_name);
        CHECK(fd >= 0 && fd < 4096);
        open_numbers[fd] = fd != dirfd(directory);
    }
    closedir(directory);
    size_t length = 0;
    for (int fd = 0; fd < 4096; fd++)
        if (open_numbers[fd])
            length += (size_t)snprintf(text + length, size - length, "%s%d", length ? " " : "", fd);
    CHECK(length < size);
}

static void expect(const char *wanted)
{
    char text[256];
    list(text, sizeof text);
    say("%s\n", text);
    CHECK(strcmp(text, wanted) == 0);
}

static void changes(void)
{
    int pair[2];
    CHECK(pipe(pair) == 0);
    expect("0 1 2 3 4");
    CHECK(dup2(1, 100) == 100 && close(3) == 0);
    expect("0 1 2 4 100");
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(close(100) == 0);
        expect("0 1 2 4");
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    expect("0 1 2 4 100");
    CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0);
    expect("0 1 2");
}

static void links(void)
{
    char path[64], target[PATH_MAX], here[PATH_MAX];
    int fd = open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd == 3 && write(fd, "abc", 3) == 3 && getcwd(here, sizeof here) != NULL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    CHECK(length > 0);
    target[length] = 0;
    CHECK(strncmp(target, here, strlen(here)) == 0 && strcmp(target + strlen(here), "/made") == 0);
    CHECK(unlink("made") == 0);
    length = readlink(path, target, sizeof target - 1);
    CHECK(length > 10 && memcmp(target + length - 10, " (deleted)", 10) == 0);
    /* Opened again through the link: the same file with an offset of its own. */
    int again = open(path, O_RDONLY | O_CLOEXEC);
    char text[3];
    CHECK(again == 4 && read(again, text, 3) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 3 && close(again) == 0 && close(fd) == 0);
    CHECK_FAILS(readlink(path, target, sizeof target), ENOENT);
    say("links name what is open\n");
}

static void descriptor_info(void)
{
    char text[512];
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(fd == 3);
    int info = open("/proc/self/fdinfo/3", O_RDONLY | O_CLOEXEC);
    CHECK(info == 4);
    ssize_t length = read(info, text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = 0;
    CHECK(strstr(text, "pos:\t0\n") != NULL && strstr(text, "flags:\t02100002\n") != NULL);
    close(info), close(fd);
    say("fdinfo\n");
}

int main(void)
{
    begin();
    expect("0 1 2");
    changes();
    links();
    descriptor_info();
    expect("0 1 2");
    return 0;
}
