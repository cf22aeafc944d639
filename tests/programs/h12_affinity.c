/* Shows CPU affinity: the mask at the start, what is set is what is read, and each thread and child has its own. */
#include "check.h"
#include <pthread.h>

static cpu_set_t at_start;

static bool has_mask(const cpu_set_t *wanted)
{
    cpu_set_t now;
    CHECK(sched_getaffinity(0, sizeof now, &now) == 0);
    return CPU_EQUAL(&now, wanted);
}

static cpu_set_t one_cpu(int index)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &at_start) && index-- == 0)
            CPU_SET(cpu, &one);
    CHECK(CPU_COUNT(&one) == 1);
    return one;
}

static void set_and_read(void)
{
    int count = CPU_COUNT(&at_start);
    for (int i = 0; i < count; i++) {
        cpu_set_t one = one_cpu(i);
        CHECK(sched_setaffinity(0, sizeof one, &one) == 0 && has_mask(&one));
        for (int calls = 0; calls < 50; calls++) {
            CHECK(CPU_ISSET((size_t)sched_getcpu(), &one));
            syscall(SYS_getppid);
        }
        CHECK(has_mask(&one));
    }
    CHECK(sched_setaffinity(0, sizeof at_start, &at_start) == 0 && has_mask(&at_start));
    say("each CPU alone, then all again\n");
}

static void *in_thread(void *mask)
{
    cpu_set_t last = one_cpu(CPU_COUNT(&at_start) - 1);
    CHECK(has_mask(mask));
    CHECK(sched_setaffinity(0, sizeof last, &last) == 0 && has_mask(&last));
    return NULL;
}

static void inheritance(void)
{
    pthread_t thread;
    cpu_set_t first = one_cpu(0);
    CHECK(sched_setaffinity(0, sizeof first, &first) == 0);
    CHECK(pthread_create(&thread, NULL, in_thread, &first) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(has_mask(&first));
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(has_mask(&first));
        CHECK(sched_setaffinity(0, sizeof at_start, &at_start) == 0 && has_mask(&at_start));
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0 && has_mask(&first));
    CHECK(sched_setaffinity(0, sizeof at_start, &at_start) == 0);
    say("threads and children start with it and have their own\n");
}

static void of_a_child(void)
{
    int gate[2];
    cpu_set_t now, first = one_cpu(0);
    open_pipe(gate);
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        CHECK(has_mask(&first));
        _exit(0);
    }
    CHECK(sched_getaffinity(pid, sizeof now, &now) == 0 && CPU_EQUAL(&now, &at_start));
    CHECK(sched_setaffinity(pid, sizeof first, &first) == 0);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 0);
    CHECK_FAILS(sched_getaffinity(1 << 22, sizeof now, &now), ESRCH);
    say("a child's mask read and set\n");
}

static void refusals(void)
{
    cpu_set_t none;
    CPU_ZERO(&none);
    CHECK_FAILS(sched_setaffinity(0, sizeof none, &none), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_getaffinity, 0, 1, &none), EINVAL);
    CHECK_FAILS(syscall(SYS_sched_getaffinity, 0, sizeof none, (void *)8), EFAULT);
    CHECK_FAILS(syscall(SYS_sched_setaffinity, 0, sizeof none, (void *)8), EFAULT);
    say("refusals\n");
}

int main(void)
{
    begin();
    CHECK(sched_getaffinity(0, sizeof at_start, &at_start) == 0);
    say("%d CPUs at the start, %ld online\n", CPU_COUNT(&at_start), sysconf(_SC_NPROCESSORS_ONLN));
    set_and_read();
    inheritance();
    of_a_child();
    refusals();
    return 0;
}
