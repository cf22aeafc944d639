/* A36: as many descriptors, names, mappings and bytes as it can get: it meets limits, and the sandbox goes on. */
/* Walls: supervisor */
#include "attack.h"
#include <dirent.h>

int main(void)
{
    begin();
    char name[64];
    pid_t child = fork_child();
    if (child == 0) {
        struct rlimit many = {4096, 4096};
        setrlimit(RLIMIT_NOFILE, &many);
        int fd, count = 0;
        while ((fd = open(".", O_RDONLY | O_CLOEXEC)) >= 0)
            count++;
        CHECK(errno == EMFILE);
        _exit(0);
    }
    CHECK(wait_exit(child) == 0);
    CHECK(mkdir("many", 0700) == 0);
    long count = rounds(300);
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "many/%ld", i);
        int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
        close(fd);
        snprintf(name, sizeof name, "many/absent-%ld", i);
        CHECK_FAILS(access(name, F_OK), ENOENT);
    }
    char small[24];
    int fd = open("many", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_FAILS(syscall(SYS_getdents64, fd, small, 1), EINVAL);
    while (syscall(SYS_getdents64, fd, small, sizeof small) > 0)
        ;
    close(fd);
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "many/%ld", i);
        CHECK(unlink(name) == 0);
    }
    for (int i = 0; i < 200; i++) {
        char target[64];
        snprintf(name, sizeof name, "link-%d", i);
        snprintf(target, sizeof target, "link-%d", i + 1);
        CHECK(symlink(target, name) == 0);
    }
    CHECK_FAILS(access("link-0", F_OK), ELOOP);
    char deep[4096] = "";
    for (int i = 0; i < 1000; i++)
        strcat(deep, "d/");
    CHECK_FAILS(access(deep, F_OK), ENOENT);
    void *last = NULL;
    for (long i = 0; i < 3000; i++) {
        void *page = mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED || last);
        last = page;
    }
    fd = open("huge", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && (ftruncate(fd, 4L << 30) == 0 || errno == EFBIG || errno == EINVAL));
    close(fd);
    CHECK(unlink("huge") == 0);
    return 0;
}
