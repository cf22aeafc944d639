/* Stops programs where they begin, has them run code of ours from there, which makes a namespace, and says how often that
   failed with each errno. A program that begins makes calls of its own to map the gate, and nothing else passes as such. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 150
#define LOST 255
/* mov eax, 272 (unshare); mov edi, 0x10000000 (CLONE_NEWUSER); syscall; mov edi, eax; neg edi; mov eax, 231 (exit_group);
   syscall */
static const unsigned char CODE[] = {
    0xb8, 0x10, 0x01, 0x00, 0x00, 0xbf, 0x00, 0x00, 0x00, 0x10, 0x0f, 0x05,
    0x89, 0xc7, 0xf7, 0xdf, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05,
};

/* Puts the code where a stopped task goes on. */
static int lead_astray(pid_t pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/syscall", pid);
    int fd = open(path, O_RDONLY);
    ssize_t length = read(fd, line, sizeof line - 1);
    close(fd);
    char *ip = length > 0 ? strrchr(line, ' ') : NULL;
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    fd = open(path, O_RDWR);
    ssize_t written = ip ? pwrite(fd, CODE, sizeof CODE, (off_t)strtoull(ip, NULL, 16)) : -1;
    close(fd);
    return written == sizeof CODE;
}

static int round_of(char *self)
{
    int begun[2], status;
    char byte;
    if (pipe2(begun, O_CLOEXEC) < 0)
        return LOST;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", self, "child", NULL);
        _exit(LOST);
    }
    close(begun[1]);
    /* The end of the pipe tells that the old program is gone. */
    (void)!read(begun[0], &byte, 1);
    close(begun[0]);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    if (!WIFSTOPPED(status))
        return LOST;
    if (!lead_astray(pid))
        kill(pid, SIGKILL);
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : LOST;
}

int main(int count, char **words)
{
    int ends[LOST + 1] = {0};
    if (count > 1)
        return LOST; /* the child */
    for (int i = 0; i < ROUNDS; i++)
        ends[round_of(words[0])]++;
    for (int error = 0; error < LOST; error++)
        if (ends[error])
            printf("%d %d\n", error, ends[error]);
    return 0;
}
