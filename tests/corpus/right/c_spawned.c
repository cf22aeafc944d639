/* Starts programs without going on in a child of its own: popen, system, posix_spawn, vfork and fork before exec. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(void) {
    char *const words[] = {"true", NULL};
    char line[16] = "";
    pid_t pid;
    FILE *pipe = popen("echo one", "r");
    if (pipe == NULL || fgets(line, sizeof line, pipe) == NULL || pclose(pipe) != 0 || system("exit 0") != 0) {
        return 1;
    }
    if (posix_spawnp(&pid, "true", NULL, NULL, words, environ) != 0 || waitpid(pid, NULL, 0) != pid) {
        return 2;
    }
    pid = vfork();
    if (pid == 0) {
        execvp("true", words);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    pid = fork();
    if (pid == 0) {
        execvp("true", words);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
    fputs(line, stdout);
    return 0;
}
