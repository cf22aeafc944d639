/* Writes a page without a name, gives it one, and puts the next one over it once the first is closed. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int page(const char *text, const char *name)
{
    char path[64];
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "<p>%s</p>\n", text) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? fd : -1;
}

int main(void)
{
    int first = page("one", "page.html"), next = page("two", "page.new");
    if (first < 0 || next < 0)
        return 1;
    close(first);
    close(next);
    if (rename("page.new", "page.html") != 0) {
        perror("page.html");
        return 1;
    }
    puts("two pages");
    return 0;
}
