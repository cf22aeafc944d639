/* Looks names up as it is told: `gate_lookups SCRIPT OUTPUT ROUNDS`. Each line of the script is a word and a path, each line
   of the output what the call gave. The whole script is run so many times, each time in a child of its own. */
#include "../programs/check.h"
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/statfs.h>
#include <sys/uio.h>

enum { LINE = 8192 };

static FILE *output;
static int directory = AT_FDCWD;

static void tell(const char *word, const char *path, long result, const struct stat *status)
{
    bool is_there = result >= 0 && status;
    fprintf(output, "%s %s %ld %d %lx\n", word, path, result < 0 ? -1 : result, result < 0 ? errno : 0,
            is_there ? (unsigned long)status->st_ino : 0);
}

static void tell_open(const char *path, int flags)
{
    struct stat status;
    int fd = openat(directory, path, flags | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        CHECK(fstat(fd, &status) == 0);
    tell("open", path, fd < 0 ? -1 : 0, &status);
    if (fd >= 0)
        close(fd);
}

static void tell_made(const char *word, const char *path, long result)
{
    struct stat status;
    int error = errno;
    long type = fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : status.st_mode & S_IFMT;
    errno = error;
    tell(word, path, result < 0 ? result : type, NULL);
}

/* Its argument is two paths. */
static bool makes_of_another(const char *word, char *path)
{
    static const char arrow[] = " -> ";
    char *to = strstr(path, arrow);
    if (!to)
        return false;
    *to = 0;
    to += sizeof arrow - 1;
    if (strcmp(word, "rename") == 0)
        tell_made(word, to, renameat(directory, path, directory, to));
    else if (strcmp(word, "keep") == 0)
        tell_made(word, to, renameat2(directory, path, directory, to, RENAME_NOREPLACE));
    else if (strcmp(word, "exchange") == 0)
        tell_made(word, to, renameat2(directory, path, directory, to, RENAME_EXCHANGE));
    else if (strcmp(word, "link") == 0)
        tell_made(word, to, linkat(directory, path, directory, to, 0));
    else if (strcmp(word, "follow") == 0)
        tell_made(word, to, linkat(directory, path, directory, to, AT_SYMLINK_FOLLOW));
    else if (strcmp(word, "symlink") == 0)
        tell_made(word, to, symlinkat(path, directory, to));
    else
        CHECK(!"a word that is known");
    return true;
}

static void change_root(const char *path)
{
    int result = chroot(path);
    tell("root", path, result, NULL);
    if (result == 0)
        CHECK(chdir("/") == 0);
}

static void run(const char *script);

/* All threads have one working directory. */
static void *change_directory(void *path)
{
    CHECK(chdir(path) == 0);
    return NULL;
}

static void change_in_thread(char *path)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, change_directory, path) == 0 && pthread_join(thread, NULL) == 0);
}

/* Somebody else makes it. */
static void await_name(const char *path)
{
    struct stat status;
    int left = 5000;
    while (fstatat(directory, path, &status, 0) < 0 && --left)
        usleep(1000);
    tell("await", path, left ? 0 : -1, &status);
}

/* Looks for it until somebody else has made `new`. */
static void look_meanwhile(const char *path)
{
    struct stat status;
    for (int left = 5000; access("new", F_OK) < 0 && left; left--) {
        fstatat(directory, path, &status, 0);
        usleep(1000);
    }
    tell("meanwhile", path, fstatat(directory, path, &status, 0), &status);
}

/* Somebody else takes it away. */
static void await_absence(const char *path)
{
    struct stat status;
    int left = 5000;
    while (fstatat(directory, path, &status, 0) == 0 && --left)
        usleep(1000);
    tell("gone", path, left ? 0 : -1, NULL);
}

/* Whether it can be read in the gate how a path is spelled. */
static void tell_whether_remembered(const char *path)
{
    enum { SPELLINGS = 0x7c1ec000, SIZE = 0x4000 };
    static char memory[SIZE];
    struct iovec local = {memory, SIZE}, remote = {(void *)(uintptr_t)SPELLINGS, SIZE};
    ssize_t size = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    tell("remembered", path, size > 0 && memmem(memory, (size_t)size, path, strlen(path) + 1) != NULL, NULL);
}

/* A thread with a working directory of its own. */
static void *run_unshared(void *script)
{
    CHECK(unshare(CLONE_FS) == 0);
    run(script);
    return NULL;
}

static void act(const char *word, char *path)
{
    struct stat status;
    char target[LINE];
    if (makes_of_another(word, path))
        return;
    if (strcmp(word, "stat") == 0)
        tell(word, path, fstatat(directory, path, &status, 0), &status);
    else if (strcmp(word, "lstat") == 0)
        tell(word, path, fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW), &status);
    else if (strcmp(word, "access") == 0)
        tell(word, path, faccessat(directory, path, R_OK, 0), NULL);
    else if (strcmp(word, "readlink") == 0)
        tell(word, path, readlinkat(directory, path, target, sizeof target), NULL);
    else if (strcmp(word, "open") == 0)
        tell_open(path, O_RDONLY);
    else if (strcmp(word, "openlink") == 0)
        tell_open(path, O_RDONLY | O_NOFOLLOW);
    else if (strcmp(word, "make") == 0)
        tell_open(path, O_WRONLY | O_CREAT);
    else if (strcmp(word, "new") == 0)
        tell_open(path, O_WRONLY | O_CREAT | O_EXCL);
    else if (strcmp(word, "nolink") == 0)
        tell_open(path, O_WRONLY | O_CREAT | O_NOFOLLOW);
    else if (strcmp(word, "mkdir") == 0)
        tell(word, path, mkdirat(directory, path, 0755), NULL);
    else if (strcmp(word, "remove") == 0)
        tell(word, path, unlinkat(directory, path, 0), NULL);
    else if (strcmp(word, "rmdir") == 0)
        tell(word, path, unlinkat(directory, path, AT_REMOVEDIR), NULL);
    else if (strcmp(word, "chmod") == 0)
        tell(word, path, fchmodat(directory, path, 0700, 0), NULL);
    else if (strcmp(word, "shut") == 0)
        tell(word, path, fchmodat(directory, path, 0300, 0), NULL);
    else if (strcmp(word, "cd") == 0)
        tell(word, path, chdir(path), NULL);
    else if (strcmp(word, "cd-in-thread") == 0)
        change_in_thread(path);
    else if (strcmp(word, "await") == 0)
        await_name(path);
    else if (strcmp(word, "meanwhile") == 0)
        look_meanwhile(path);
    else if (strcmp(word, "gone") == 0)
        await_absence(path);
    else if (strcmp(word, "remembered") == 0)
        tell_whether_remembered(path);
    else if (strcmp(word, "user") == 0)
        CHECK(geteuid() || (setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0));
    else if (strcmp(word, "root") == 0)
        change_root(path);
    else if (strcmp(word, "in") == 0)
        tell(word, path, directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL);
    else if (strcmp(word, "here") == 0)
        directory = AT_FDCWD;
    else
        CHECK(!"a word that is known");
}

static void run(const char *script)
{
    char line[LINE];
    FILE *lines = fopen(script, "re");
    CHECK(lines != NULL);
    while (fgets(line, sizeof line, lines)) {
        line[strcspn(line, "\n")] = 0;
        char *path = strchr(line, ' ');
        CHECK(path != NULL);
        *path++ = 0;
        act(line, path);
    }
    fclose(lines);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 4 && (output = fopen(argv[2], "we")) != NULL);
    for (int round = 0; round < atoi(argv[3]); round++) {
        fprintf(output, "round\n");
        fflush(output);
        pid_t pid = fork_child();
        if (pid == 0) {
            pthread_t thread;
            run(argv[1]);
            if (round == 1) {
                CHECK(pthread_create(&thread, NULL, run_unshared, argv[1]) == 0);
                CHECK(pthread_join(thread, NULL) == 0);
            }
            fflush(output);
            _exit(0);
        }
        CHECK(wait_exit(pid) == 0);
    }
    return 0;
}
