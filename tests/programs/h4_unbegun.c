/* A signal whose handler has no SA_RESTART comes at every moment of calls that never wait: none of them ends with EINTR. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

enum { ROUNDS = 6000 };

static volatile sig_atomic_t signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static void send_signals(pid_t target)
{
    for (;;) {
        if (kill(target, SIGUSR1) < 0)
            _exit(1);
        sched_yield();
    }
}

static void call_all(int file)
{
    struct stat status;
    char byte;
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK(munmap(page, 4096) == 0);
    CHECK(stat("/", &status) == 0);
    CHECK(fstat(file, &status) == 0);
    CHECK(lseek(file, 0, SEEK_SET) == 0);
    CHECK(syscall(SYS_getppid) == getppid());
    CHECK(access("/no/such/file", F_OK) < 0 && errno == ENOENT);
    /* The same call again and again: nothing but the file's kind tells that it cannot have been interrupted. */
    for (int i = 0; i < 4; i++)
        CHECK(read(file, &byte, 1) == 1);
    CHECK(write(file, "x", 1) == 1);
}

int main(void)
{
    struct sigaction action = {.sa_handler = count};
    char name[] = "unbegun-XXXXXX";
    int status, file = mkstemp(name);
    CHECK(file >= 0 && unlink(name) == 0);
    CHECK(write(file, "12345678", 8) == 8);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    pid_t target = getpid(), sender = fork();
    CHECK(sender >= 0);
    if (sender == 0)
        send_signals(target);
    for (int round = 0; round < ROUNDS || !signals; round++)
        call_all(file);
    CHECK(kill(sender, SIGKILL) == 0);
    while (waitpid(sender, &status, 0) < 0)
        CHECK(errno == EINTR);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    puts("no call was interrupted");
    return 0;
}
