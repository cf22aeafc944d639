/* Shows the access that files made on a WSL drive without metadata inherit: who may read them may execute them. */
/* profile: wsl1 */
#include <linux/openat2.h>

#include "check.h"

static const char script[] = "#!/bin/sh\nexit 7\n";

static int mode_of(const char *path)
{
    struct stat found;
    CHECK(stat(path, &found) == 0);
    return found.st_mode & 07777;
}

static int run(const char *path)
{
    pid_t child = fork_child();
    if (child == 0) {
        execl(path, path, (char *)NULL);
        _exit(1);
    }
    return wait_exit(child);
}

/* What a compiler, a package installer or a hook's author does; chmod changes nothing but READONLY. */
static void fill_and_run(const char *path, int fd)
{
    CHECK(fd >= 0 && write(fd, script, sizeof script - 1) == sizeof script - 1 && close(fd) == 0);
    CHECK(mode_of(path) == 0777 && run(path) == 7);
    CHECK(chmod(path, 0644) == 0 && run(path) == 7);
    CHECK(chmod(path, 0444) == 0 && mode_of(path) == 0555 && run(path) == 7);
}

int main(void)
{
    struct open_how how = {.flags = O_CREAT | O_WRONLY | O_CLOEXEC, .mode = 0600};
    begin();
    umask(022);
    fill_and_run("./open", open("open", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    fill_and_run("./creat", creat("creat", 0600));
    fill_and_run("./openat2", (int)syscall(SYS_openat2, AT_FDCWD, "openat2", &how, sizeof how));
    CHECK(mknod("node", S_IFREG | 0644, 0) == 0);
    fill_and_run("./node", open("node", O_WRONLY | O_CLOEXEC));
    CHECK(close(open("none", O_CREAT | O_WRONLY, 0)) == 0 && mode_of("none") == 0555);
    CHECK(mkdir("directory", 0) == 0 && mode_of("directory") == 0777);
    CHECK(close(open("directory/file", O_CREAT | O_WRONLY, 0666)) == 0);
    say("files inherit their access\n");
    return 0;
}
