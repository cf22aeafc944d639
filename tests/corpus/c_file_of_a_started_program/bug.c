/* Starts a program with a fork and an exec, closes its log and removes it: the program has inherited it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int ready[2], log = open("build.log", O_CREAT | O_RDWR, 0666);
    if (log < 0 || pipe(ready) < 0) {
        perror("build.log");
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(ready[1], 1);
        execlp("sh", "sh", "-c", "echo ready; exec >&-; exec sleep 60", (char *)NULL);
        _exit(127);
    }
    close(log);
    close(ready[1]);
    char line[6];
    if (read(ready[0], line, sizeof line) < (ssize_t)sizeof line || unlink("build.log") < 0) {
        perror("build.log");
        return 1;
    }
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    puts("removed");
    return 0;
}
