/* Shows that a program's watches of directories tell what it did itself, and nothing of what picobox had to know. */
#include "check.h"
#include <sys/inotify.h>

static int watcher;

static void touch(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
}

static void tell(const char *what)
{
    _Alignas(struct inotify_event) char buffer[65536];
    ssize_t size = read(watcher, buffer, sizeof buffer);
    CHECK(size > 0 || errno == EAGAIN);
    say("%s:", what);
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        say(" %d:%x:%s", event->wd, event->mask, event->len ? event->name : "-");
        at += (ssize_t)(sizeof *event + event->len);
    }
    say("\n");
}

static void make_tree(void)
{
    CHECK(mkdir("top", 0700) == 0 && mkdir("top/below", 0700) == 0 && mkdir("top/below/deep", 0700) == 0);
    CHECK(mkdir("other", 0700) == 0);
    touch("top/old");
    touch("top/below/old");
    touch("other/old");
}

static void change_names(void)
{
    touch("top/new");
    tell("made");
    touch("top/below/new");
    tell("made below");
    CHECK(rename("other/old", "top/moved") == 0);
    tell("moved in");
    CHECK(rename("top/new", "top/below/moved") == 0);
    tell("moved down");
    CHECK(mkdir("top/later", 0700) == 0);
    touch("top/later/new");
    tell("made in a new directory");
    CHECK(unlink("top/old") == 0);
    tell("removed");
}

static void look(void)
{
    struct stat status;
    CHECK_FAILS(stat("top/nothing", &status), ENOENT);
    CHECK_FAILS(stat("top/below/nothing", &status), ENOENT);
    CHECK_FAILS(access("top/below/deep/nothing", F_OK), ENOENT);
    CHECK_FAILS(open("top/none/nothing", O_RDONLY), ENOENT);
    tell("looked");
}

int main(void)
{
    begin();
    make_tree();
    watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(watcher >= 0);
    CHECK(inotify_add_watch(watcher, "top", IN_ALL_EVENTS) == 1);
    change_names();
    look();
    CHECK(inotify_add_watch(watcher, "top/below", IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE) == 2);
    touch("top/below/deep/new");
    touch("top/below/again");
    tell("below");
    look();
    return 0;
}
