/* Does as many opens or processes as it is told on stdin and says when, so that its supervisor can be weighed between. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = 1000 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void one_open(long i)
{
    char name[32];
    int fd;

    snprintf(name, sizeof name, "mark-%ld", i % NAMES);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || close(fd) != 0)
        fail(name);
}

static void one_process(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(7);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail("fork and wait");
}

int main(void)
{
    char word[16];
    long count;

    while (scanf("%15s %ld", word, &count) == 2) {
        for (long i = 0; i < count; i++)
            if (strcmp(word, "opens") == 0)
                one_open(i);
            else if (strcmp(word, "processes") == 0)
                one_process();
            else {
                fprintf(stderr, "unknown word %s\n", word);
                return 2;
            }
        printf("done\n");
        fflush(stdout);
    }
    return 0;
}
