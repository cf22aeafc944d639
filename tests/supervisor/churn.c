/* Opens, duplicates, closes and forks argv[1] times; prints the size of its parent, the supervisor, in kB after a tenth
   of the rounds and at the end. */
#define WATCHDOG 1400
#include "../programs/check.h"

static long parent_size(void)
{
    char path[64];
    long pages;
    snprintf(path, sizeof path, "/proc/%d/statm", getppid());
    FILE *file = fopen(path, "re");
    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1 && fclose(file) == 0);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static void one_round(void)
{
    int fd = open("/dev/null", O_RDWR);
    int copy = dup(fd), input = dup(0);
    CHECK(fd >= 0 && copy >= 0 && input >= 0 && dup2(copy, 100) == 100);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(dup(fd) >= 0 && dup(0) >= 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK(close(fd) == 0 && close(copy) == 0 && close(input) == 0 && close(100) == 0);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 2);
    long rounds = strtol(argv[1], NULL, 10), first = 0;
    for (long i = 0; i < rounds; i++) {
        if (i == rounds / 10)
            first = parent_size();
        one_round();
    }
    printf("%ld %ld\n", first, parent_size());
    return 0;
}
