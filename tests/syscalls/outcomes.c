/* Looks names up so many times in each way, tells how long a call took each time, and whether the supervisor, which
   is this program's parent, has more descriptors open afterwards. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int supervisor_fds(void)
{
    char path[64];
    int count = 0;
    DIR *directory;
    snprintf(path, sizeof path, "/proc/%d/fd", getppid());
    if ((directory = opendir(path)) == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static int look(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? 0 : errno;
}

static int hit(void) { return look("Dir/File"); }
static int folded(void) { return look("Dir/fILE"); }
static int folded_middle(void) { return look("dIR/fILE"); }
static int miss(void) { return look("Dir/missing") == ENOENT ? 0 : 1; }
static int through_link(void) { return look("lINK"); }
static int loop(void) { return look("lOOP") == ELOOP ? 0 : 1; }
static int not_directory(void) { return look("dIR/fILE/File") == ENOTDIR ? 0 : 1; }
static int exists(void) { return mkdir("dIR", 0700) < 0 && errno == EEXIST ? 0 : 1; }
static int create(void)
{
    int fd = open("Dir/Made", O_CREAT | O_EXCL | O_RDWR, 0600);
    return fd < 0 || close(fd) < 0 || unlink("Dir/mADE") < 0 ? 1 : 0;
}
static int create_existing(void)
{
    int fd = open("Dir/fILE", O_CREAT | O_RDWR, 0600);
    return fd < 0 || close(fd) < 0;
}
static int rename_case(void)
{
    return rename("Dir/Moved", "Dir/mOVED") < 0 || rename("Dir/mOVED", "Dir/Moved") < 0;
}

static const struct {
    const char *name;
    int (*call)(void);
} OUTCOMES[] = {
    {"hit", hit}, {"folded", folded}, {"folded middle", folded_middle}, {"miss", miss}, {"link", through_link},
    {"loop", loop}, {"not a directory", not_directory}, {"exists", exists}, {"create, close, unlink", create},
    {"open, create, folded; close", create_existing}, {"rename case, twice", rename_case},
};

int main(int argc, char **argv)
{
    int times = argc == 2 ? atoi(argv[1]) : 0;
    if (mkdir("Dir", 0700) < 0 || mknod("Dir/File", S_IFREG | 0600, 0) < 0 || mknod("Dir/Moved", S_IFREG | 0600, 0) < 0 ||
        symlink("dIR/fILE", "Link") < 0 || symlink("lOOP", "Loop") < 0)
        return 2;
    for (size_t number = 0; number < sizeof OUTCOMES / sizeof *OUTCOMES; number++) {
        struct timespec start, end;
        int before;
        if (OUTCOMES[number].call() != 0)
            return 3;
        before = supervisor_fds();
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (int time = 0; time < times; time++)
            if (OUTCOMES[number].call() != 0)
                return 4;
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%s: %.2f us\n", OUTCOMES[number].name,
               ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / times / 1e3);
        if (before < 0 || supervisor_fds() != before)
            return 5;
    }
    return 0;
}
