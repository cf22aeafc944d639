/* Calls with bad pointers fail with EFAULT however SIGSEGV is set, and leave its handler and its mask as they were. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define OFTEN 300 /* calls, until they are made where they come often */

static volatile sig_atomic_t caught;

static void handler(int signal)
{
    (void)signal;
    caught++;
}

/* By the library's own sites; the compiler is not to see what is bad. */
static __attribute__((noipa)) void call_often(void *bad)
{
    struct stat found;
    int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(out >= 0);
    for (int i = 0; i < OFTEN; i++) {
        CHECK_FAILS(write(out, bad, 4), EFAULT);
        CHECK_FAILS(fstatat(out, bad, &found, AT_EMPTY_PATH), EFAULT);
        CHECK_FAILS(stat(bad, &found), EFAULT);
        CHECK_FAILS(open(bad, O_RDONLY), EFAULT);
        CHECK_FAILS(open(bad, O_RDWR | O_CREAT | O_EXCL, 0600), EFAULT);
        CHECK_FAILS(mkdir(bad, 0700), EFAULT);
    }
    close(out);
}

static void check_handler(void (*expected)(int))
{
    struct sigaction now;
    CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
    printf("handler %s\n", now.sa_handler == expected ? "kept" : "lost");
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t blocked, now;
    CHECK(chmod(".", 0700) == 0);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    call_often((void *)8);
    call_often((void *)-1);
    check_handler(handler);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGSEGV);
    CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    call_often((void *)8);
    call_often((void *)-1);
    check_handler(handler);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
    printf("blocked %d\n", sigismember(&now, SIGSEGV));
    raise(SIGSEGV);
    CHECK(sigprocmask(SIG_UNBLOCK, &blocked, NULL) == 0);
    printf("caught %d\n", (int)caught);
    signal(SIGSEGV, SIG_IGN);
    call_often((void *)8);
    call_often((void *)-1);
    check_handler(SIG_IGN);
    return 0;
}
