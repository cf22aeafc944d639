/* Shows the settings of prctl that a supervisor might disturb: names, death signals, no_new_privs. */
#include "check.h"
#include <pthread.h>
#include <sys/personality.h>

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

static void read_name(char name[17])
{
    memset(name, 0, 17);
    CHECK(prctl(PR_GET_NAME, name) == 0);
}

static void *name_in_thread(void *unused)
{
    char name[17], text[64];
    (void)unused;
    read_name(name);
    CHECK(strcmp(name, "main name") == 0);
    CHECK(prctl(PR_SET_NAME, "thread name") == 0);
    int fd = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text);
    CHECK(length == 12 && memcmp(text, "thread name\n", 12) == 0 && close(fd) == 0);
    return NULL;
}

static void names(void)
{
    char name[17];
    pthread_t thread;
    CHECK(prctl(PR_SET_NAME, "main name") == 0);
    CHECK(pthread_create(&thread, NULL, name_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    read_name(name);
    CHECK(strcmp(name, "main name") == 0);
    CHECK(prctl(PR_SET_NAME, "a name longer than fifteen bytes") == 0);
    read_name(name);
    say("name cut: [%s]\n", name);
    CHECK_FAILS(prctl(PR_SET_NAME, 8), EFAULT);
}

static void death_signal(void)
{
    int number = 77;
    CHECK(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == 0);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0);
    CHECK(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGUSR2);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK_FAILS(prctl(PR_SET_PDEATHSIG, 99), EINVAL);
    CHECK(prctl(PR_SET_PDEATHSIG, 0) == 0);
    say("death signal set, not inherited\n");
}

static void subreaper(void)
{
    int value = 7;
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 0);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 5) == 0);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 0);
    say("subreaper\n");
}

static void no_new_privileges(void)
{
    CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CHECK(wait_exit(pid) == 1);
    say("no_new_privs set and inherited\n");
}

static void slack_and_keepcaps(void)
{
    CHECK(prctl(PR_SET_TIMERSLACK, 123456) == 0 && prctl(PR_GET_TIMERSLACK) == 123456);
    CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
    CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1 && prctl(PR_SET_KEEPCAPS, 0) == 0);
    int value = 0;
    CHECK(prctl(PR_GET_TSC, &value) == 0 && value == PR_TSC_ENABLE);
    say("timer slack, keepcaps, TSC\n");
}

static void others(void)
{
    /* Yama's call: EINVAL where that module is absent, success where it is there; both are native answers. */
    say("PR_SET_PTRACER: %s\n", outcome(prctl(PR_SET_PTRACER, 0, 0, 0, 0)));
    CHECK_FAILS(prctl(9999, 0, 0, 0, 0), EINVAL);
    CHECK_FAILS(prctl(-1, 0, 0, 0, 0), EINVAL);
    int before = personality(0xffffffff);
    say("personality: %#x\n", (unsigned)before);
    CHECK(before >= 0 && personality(0xffffffff) == before);
    say("unknown options refused\n");
}

int main(void)
{
    begin();
    names();
    death_signal();
    subreaper();
    no_new_privileges();
    slack_and_keepcaps();
    others();
    return 0;
}
