/* Drives the C core without Python, as the supervisor does, over guests that use every part of it. */
#define _GNU_SOURCE
#include "core_run.h"
#include "gate/gate.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>

/* Whether bulk access to guest memory is refused to us. */
static bool word_by_word;

static void test_programs(void)
{
    char *plain[] = {"/bin/true", NULL};
    char *shell[] = {"/bin/sh", "-c",
                     "i=0; while [ $i -lt 20 ]; do echo $i | cat | { read x; [ $x = $i ]; } || exit 9; i=$((i+1));"
                     "done; exit 3", NULL};
    struct run *run = run_to_end(plain, NULL, 0);
    assert(run->stops[PB_STOP_EXEC] == 1 && run->stops[PB_STOP_DEAD] == 1 && run->stops[PB_STOP_FORK] == 0);
    assert(count(run, PB_DO_NATIVE, SYS_exit_group) == 1 && count(run, PB_DO_NATIVE, SYS_execve) == 0);
    free_run(run);
    run = run_to_end(shell, NULL, 3 << 8);
    assert(run->stops[PB_STOP_FORK] == 60 && run->stops[PB_STOP_NEW] == 60 && run->stops[PB_STOP_DEAD] == 61);
    free_run(run);
}

static void test_threads(void)
{
    struct run *run = run_guest("threads", NULL, 0);
    assert(run->stops[PB_STOP_NEW] == 3 * GUEST_THREADS && run->stops[PB_STOP_DEAD] == 3 * GUEST_THREADS + 1);
    assert(count(run, PB_DO_NATIVE, SYS_getppid) == 3 * GUEST_THREADS * 50);
    free_run(run);
}

static void test_bomb(void)
{
    struct run *run = run_guest("bomb", NULL, 0);
    assert(run->stops[PB_STOP_FORK] == (1 << GUEST_BOMB_LEVELS) - 1);
    assert(run->stops[PB_STOP_NEW] == run->stops[PB_STOP_FORK]);
    assert(run->stops[PB_STOP_DEAD] == 1 << GUEST_BOMB_LEVELS);
    free_run(run);
}

static void answer(struct run *run, const struct pb_stop *stop)
{
    if (stop->nr == SYS_getpgid)
        done(pb_answer(run->core, stop->tid, GUEST_ANSWER));
    else
        done(pb_resume(run->core, stop->tid, 0, 0));
}

static void test_answers(void)
{
    struct run *run = run_guest("answers", answer, 0);
    assert(count(run, PB_DO_CALL, SYS_getpgid) == 1 && count(run, PB_DO_ERRNO, SYS_getsid) == 1);
    assert(count(run, PB_DO_UNKNOWN, 500) == 1 && count(run, PB_DO_UNKNOWN, PB_NR_UNKNOWN) == 2);
    assert(pb_counters(run->core, 4) == NULL && pb_counters(run->core, -1) == NULL);
    free_run(run);
}

static int seen_paths[2][5], seen_descriptors[3];

/* From the second call on those like it are ignored, until "/other" is asked for reading. */
static void see_repeats(struct run *run, const struct pb_stop *stop)
{
    char path[16];
    if (stop->nr == SYS_lseek && stop->args[0] - 20 < 3 && seen_descriptors[stop->args[0] - 20]++ == 1) {
        struct pb_repeat call = {.table = 9, .nr = SYS_lseek, .mask = 3, .path_index = -1};
        memcpy(call.args, stop->args, sizeof call.args);
        done(pb_add_repeat(run->core, &call, ""));
        if (stop->args[0] == 21)
            done(pb_watch(run->core, 9, 21));
    }
    if (stop->nr == SYS_access && pb_read_string(run->core, stop->tid, stop->args[0], path, sizeof path) == 6) {
        bool is_other = strcmp(path, "/alike") != 0, reads = stop->args[1] == R_OK;
        if (is_other && reads)
            pb_forget_repeats(run->core);
        if (seen_paths[is_other][stop->args[1]]++ == 1) {
            struct pb_repeat call = {.table = 9, .nr = SYS_access, .mask = 2, .length = 6};
            done(pb_set_table(run->core, stop->tid, 9));
            done(pb_add_repeat(run->core, &call, path));
            call.length = 1u << 20;
            assert(pb_add_repeat(run->core, &call, path) == -EINVAL);
        }
    }
    done(pb_resume(run->core, stop->tid, 0, 0));
}

static void test_repeats(void)
{
    memset(seen_paths, 0, sizeof seen_paths);
    memset(seen_descriptors, 0, sizeof seen_descriptors);
    struct run *run = run_guest("repeats", see_repeats, 0);
    /* Twice until it is ignored, and once after all was forgotten. */
    assert(seen_paths[0][F_OK] == 3 && seen_paths[0][R_OK] == 1);
    assert(seen_paths[1][F_OK] == 1 && seen_paths[1][R_OK] == 1);
    assert(seen_descriptors[0] == 2 && seen_descriptors[1] == 5 && seen_descriptors[2] == 2);
    /* A call with a path may have opened something: who has made one is asked once. */
    int32_t tids[4];
    assert(pb_take_receivers(run->core, tids, 4) == -1 && pb_take_receivers(run->core, tids, 4) == 0);
    free_run(run);
}

static void rewrite(struct run *run, const struct pb_stop *stop)
{
    if (stop->nr == SYS_lseek && stop->args[1] == GUEST_OFFSET) {
        done(pb_rewrite(run->core, stop->tid, 1, GUEST_OFFSET + 2));
        /* Twice: what is put back is the guest's value, not ours. */
        done(pb_rewrite(run->core, stop->tid, 1, GUEST_OFFSET + 1));
        assert(pb_rewrite(run->core, stop->tid, 6, 0) == -EINVAL && pb_rewrite(run->core, stop->tid, -1, 0) == -EINVAL);
    }
    if (stop->nr == SYS_getpgrp)
        run->replacing = stop->tid;
    done(pb_resume(run->core, stop->tid, 0, stop->nr == SYS_getpgrp));
}

static void test_rewriting(void)
{
    free_run(run_guest("rewritten", rewrite, 0));
}

/* Root may look into every process; without this right a process that is not dumpable is closed to root as well. */
static void set_ptrace_capability(bool wanted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    assert(syscall(SYS_capget, &header, data) == 0);
    struct __user_cap_data_struct *word = &data[CAP_TO_INDEX(CAP_SYS_PTRACE)];
    word->effective &= ~CAP_TO_MASK(CAP_SYS_PTRACE);
    if (wanted)
        word->effective |= word->permitted & CAP_TO_MASK(CAP_SYS_PTRACE);
    assert(syscall(SYS_capset, &header, data) == 0);
}

static void check_strings(struct pb_core *core, int32_t tid)
{
    char text[8192];
    assert(pb_read_string(core, tid, GUEST_EDGE + 1000, text, sizeof text) == 5 && strcmp(text, "short") == 0);
    assert(pb_read_string(core, tid, GUEST_EDGE + 1000, text, 6) == 5);
    assert(pb_read_string(core, tid, GUEST_EDGE + 1000, text, 5) == -ENAMETOOLONG);
    assert(pb_read_string(core, tid, GUEST_EDGE + 1000, text, 0) == -ENAMETOOLONG);
    assert(pb_read_string(core, tid, GUEST_EDGE + 1006, text, 100) == -ENAMETOOLONG);
    assert(pb_read_string(core, tid, GUEST_EDGE + 1006, text, sizeof text) == -EFAULT);
    assert(pb_read_string(core, tid, GUEST_EDGE + 4095, text, 1) == -ENAMETOOLONG);
    assert(pb_read_string(core, tid, GUEST_EDGE + 4095, text, 2) == -EFAULT);
}

static void check_moves(struct pb_core *core, int32_t tid)
{
    char bytes[8192];
    assert(pb_read(core, tid, GUEST_EDGE, bytes, 4096) == 4096 && bytes[0] == 'a' && bytes[4095] == 'a');
    for (uint64_t size = 0; size < 20; size++)
        assert(pb_read(core, tid, GUEST_EDGE + 4096 - size, bytes, size) == (int64_t)size);
    assert(pb_read(core, tid, GUEST_EDGE + 4090, bytes, 100) == 6);
    assert(pb_read(core, tid, GUEST_EDGE + 1, bytes, sizeof bytes) == 4095);
    assert(pb_write(core, tid, GUEST_EDGE + 4093, "end", 3) == 3);
    assert(pb_write(core, tid, GUEST_EDGE + 4093, "end and more", 12) == 3);
}

static void check_closed(struct pb_core *core, int32_t tid, uint64_t address, int error)
{
    char bytes[16] = "";
    assert(pb_read(core, tid, address, bytes, 16) == -error);
    assert(pb_write(core, tid, address, bytes, 16) == -error);
    assert(pb_read_string(core, tid, address, bytes, 16) == -error);
    assert(pb_read(core, tid, address, bytes, 0) == 0);
}

static void check_memory(struct run *run, const struct pb_stop *stop)
{
    static const uint64_t bad[] = {0, 1, GUEST_EDGE + 4096, GUEST_EDGE + 8185, 0xdeadbeef000, 0xffffffff81000000,
                                   UINT64_MAX};
    /* Word by word it cannot be told why a word is closed. */
    int error = word_by_word || stop->args[1] != 0 ? EPERM : EFAULT;
    if (stop->nr == SYS_getpriority && stop->args[0] == GUEST_CHECKPOINT) {
        if (stop->args[1] == 0) {
            check_moves(run->core, stop->tid);
            check_strings(run->core, stop->tid);
        } else {
            /* Not dumpable: closed to everybody without the capability (kernel/ptrace.c, ptrace_access_vm). */
            check_closed(run->core, stop->tid, GUEST_EDGE, EPERM);
        }
        /* ptrace looks behind a page's protection (FOLL_FORCE). */
        if (!word_by_word)
            check_closed(run->core, stop->tid, GUEST_FORBIDDEN, error);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
            check_closed(run->core, stop->tid, bad[i], error);
    }
    done(pb_resume(run->core, stop->tid, 0, 0));
}

static void test_memory(void)
{
    set_ptrace_capability(false);
    struct run *run = run_guest("memory", check_memory, 0);
    set_ptrace_capability(true);
    assert(count(run, PB_DO_CALL, SYS_getpriority) == 2);
    free_run(run);
}

/* As the seccomp profile of a container may. */
static void refuse_bulk_access(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    word_by_word = true;
}

static void check_page(struct run *run, struct pb_page *page, int32_t tid)
{
    const uint64_t slot_size = 16384, slots = 4096;
    uint64_t slot = pb_page_acquire(page, tid), first = UINT64_MAX;
    assert(slot != 0 && pb_page_acquire(page, tid) == slot);
    pb_page_release(page, tid);
    pb_page_release(page, tid);
    /* Thread ids that no task has. */
    for (int32_t other = 1; other <= (int32_t)slots; other++) {
        slot = pb_page_acquire(page, INT32_MAX - other);
        assert(slot != 0 && slot % slot_size == 0);
        first = slot < first ? slot : first;
    }
    assert(pb_page_acquire(page, tid) == 0);
    for (int32_t other = 1; other <= (int32_t)slots; other++)
        pb_page_release(page, INT32_MAX - other);
    slot = pb_page_acquire(page, tid);
    assert(slot != 0 && pb_page_write(page, slot, "/", 2) == 0);
    assert(pb_page_write(page, slot + slot_size - 1, "x", 1) == 0);
    assert(pb_page_write(page, slot + slot_size - 1, "xx", 2) == -EINVAL);
    assert(pb_page_write(page, first - 1, "x", 1) == -EINVAL);
    assert(pb_page_write(page, first + slots * slot_size - 1, "x", 1) == 0);
    assert(pb_page_write(page, first + slots * slot_size, "x", 1) == -EINVAL);
    assert(pb_page_write(page, UINT64_MAX, "x", 1) == -EINVAL);
    done(pb_rewrite(run->core, tid, 0, slot));
}

/* The first call of a process gets a page and starts anew; the second time it is rewritten. */
static void lend_page(struct run *run, const struct pb_stop *stop)
{
    char path[64];
    int place = 0;
    int32_t error;
    int64_t length = pb_read_string(run->core, stop->tid, stop->args[0], path, sizeof path);
    if (length == 13 && strcmp(path, "/no/such/file") == 0) {
        while (place < MOST_PAGES && run->pages[place].page && run->pages[place].tid != stop->tid)
            place++;
        assert(place < MOST_PAGES);
        if (run->pages[place].page) {
            check_page(run, run->pages[place].page, stop->tid);
        } else {
            run->pages[place].page = pb_page_new(run->core, stop->tid, &error);
            run->pages[place].tid = stop->tid;
            assert(run->pages[place].page && error == 0);
        }
    }
    done(pb_resume(run->core, stop->tid, 0, 0));
}

static void test_page(void)
{
    char *behaviours[] = {"page", "crowded"};
    for (int i = 0; i < 2; i++) {
        struct run *run = run_guest(behaviours[i], lend_page, 0);
        /* One for the program, one for its child. */
        assert(run->pages[1].page && !run->pages[2].page);
        assert(run->signals[SIGSEGV] == 1);
        free_run(run);
    }
}

static void test_signals(void)
{
    struct run *run = run_guest("signals", NULL, SIGSEGV);
    assert(run->signals[SIGSEGV] == 1 && run->signals[SIGUSR1] == 0 && run->stops[PB_STOP_GROUP] == 1);
    free_run(run);
    run = new_run(NULL);
    pb_set_report_signals(run->core, 1);
    char *argv[] = {(char *)guest, "signals", NULL};
    struct pb_spawned spawned = spawn(run, argv, NULL);
    serve_all(run);
    close(spawned.status_fd);
    assert(run->status == SIGSEGV && run->signals[SIGSEGV] == 1 && run->signals[SIGUSR1] == 1);
    assert(run->signals[SIGUSR2] == 1 && run->signals[SIGSTOP] == 1 && run->signals[SIGCHLD] > 0);
    free_run(run);
}

static void check_spawn_fails(char *program, const struct pb_spawn *more, int32_t stage, int32_t error)
{
    struct run *run = new_run(NULL);
    char *argv[] = {program, NULL};
    int32_t seen = -1;
    struct pb_spawned spawned = spawn(run, argv, more);
    assert(spawned.stage == PB_SPAWN_OK);
    serve_all(run);
    assert(pb_spawn_failure(spawned.status_fd, &seen) == stage && seen == error);
    assert(WIFEXITED(run->status) && run->stops[PB_STOP_EXEC] == 0);
    free_run(run);
}

static void test_spawn_failures(void)
{
    static const int32_t bad_fds[] = {0, 999999}, many_fds[17];
    check_spawn_fails("/no/such/program", NULL, PB_SPAWN_EXEC, ENOENT);
    check_spawn_fails("/etc/passwd", NULL, PB_SPAWN_EXEC, EACCES);
    check_spawn_fails("/bin/true", &(struct pb_spawn){.cwd = "/no/such/directory"}, PB_SPAWN_CHDIR, ENOENT);
    check_spawn_fails("/bin/true", &(struct pb_spawn){.fds = bad_fds, .fd_count = 2}, PB_SPAWN_FORK, EBADF);
    check_spawn_fails("/bin/true", &(struct pb_spawn){.fds = many_fds, .fd_count = 17}, PB_SPAWN_FORK, EINVAL);
}

static void test_strangers(void)
{
    struct pb_core *core = pb_core_new();
    uint64_t registers[27];
    uint8_t mask[8];
    int32_t error = 0;
    struct pb_stop stop;
    assert(pb_resume(core, 1, 0, 0) == -ESRCH && pb_answer(core, 1, 0) == -ESRCH);
    assert(pb_rewrite(core, 1, 0, 0) == -ESRCH && pb_set_result(core, 1, 0) == -ESRCH);
    assert(pb_set_creating(core, 1) == -ESRCH);
    assert(pb_get_registers(core, 1, registers) == -ESRCH && pb_set_registers(core, 1, registers) == -ESRCH);
    assert(pb_page_new(core, 1, &error) == NULL && error == ESRCH);
    assert(pb_calls_entered(core, 1) == 0 && pb_hidden_affinity(core, 1, mask, 8) == 0 && pb_task_count(core) == 0);
    pb_own_affinity(core, 1);
    pb_kill_all(core);
    pb_next(core, &stop);
    assert(stop.kind == PB_STOP_EMPTY);
    pb_core_free(core);
}

static volatile int handled;

static void count_signal(int signal)
{
    (void)signal;
    handled++;
}

static void test_doorbell(void)
{
    const int32_t wanted[] = {SIGALRM, SIGUSR1, SIGUSR2, SIGRTMIN + 1, 0, 65, SIGKILL};
    struct run *run = new_run(NULL);
    char *argv[] = {"/bin/sleep", "1000", NULL};
    signal(SIGUSR1, SIG_IGN);
    handled = 0;
    signal(SIGUSR2, count_signal);
    assert(pb_doorbell_open(wanted, 7) == UINT64_C(1) << (SIGUSR1 - 1));
    struct pb_spawned spawned = spawn(run, argv, NULL);
    raise(SIGUSR2);
    serve_until_interrupt(run);
    assert(run->interrupted_by == SIGUSR2 && handled == 0);
    /* It wakes a wait that has begun, too. */
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 100000}}, NULL);
    serve_until_interrupt(run);
    assert(run->interrupted_by == SIGALRM);
    /* More than the ring holds. */
    run->stops[PB_STOP_INTERRUPT] = 0;
    for (int i = 0; i < 200; i++)
        raise(SIGRTMIN + 1);
    for (int i = 0; i < 64; i++)
        serve_until_interrupt(run);
    assert(run->stops[PB_STOP_INTERRUPT] == 64 && run->interrupted_by == SIGRTMIN + 1);
    pb_kill_all(run->core);
    serve_all(run);
    assert(run->status == SIGKILL);
    pb_doorbell_close();
    raise(SIGUSR1);
    raise(SIGUSR2);
    assert(handled == 1);
    close(spawned.status_fd);
    free_run(run);
}

/* Everything is killed while much is going on. */
static void test_kill_all(void)
{
    const int32_t alarm_signal = SIGALRM;
    char *bomb[] = {(char *)guest, "bomb", NULL};
    for (int i = 0; i < 10; i++) {
        struct run *run = new_run(NULL);
        struct pb_stop stop;
        pb_doorbell_open(&alarm_signal, 1);
        struct pb_spawned spawned = spawn(run, bomb, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 1000 + 3000 * i}}, NULL);
        serve_until_interrupt(run);
        pb_kill_all(run->core);
        while (pb_next(run->core, &stop), stop.kind != PB_STOP_EMPTY) {
            if (stop.kind != PB_STOP_DEAD)
                kill(stop.tid, SIGKILL);
            serve(run, &stop);
        }
        assert(run->status == SIGKILL && pb_task_count(run->core) == 0);
        pb_doorbell_close();
        close(spawned.status_fd);
        free_run(run);
    }
}

/* Tells its number, and waits to be killed. */
static int wait_as_thread(void *pipe)
{
    pid_t tid = (pid_t)syscall(SYS_gettid);
    assert(write(*(int *)pipe, &tid, sizeof tid) == sizeof tid);
    for (;;)
        pause();
    return 0;
}

/* A killed leader is a zombie of which nothing is told before its thread is gone, which stands at its end for us. */
static void test_killed_leader(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int numbers[2], status;
    int thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    pid_t tid;
    assert(pipe(numbers) == 0);
    pid_t leader = fork();
    if (leader == 0) {
        assert(clone(wait_as_thread, stack + sizeof stack, thread_flags, &numbers[1]) > 0);
        for (;;)
            pause();
    }
    assert(leader > 0 && read(numbers[0], &tid, sizeof tid) == sizeof tid);
    assert(ptrace(PTRACE_SEIZE, leader, NULL, NULL) == 0);
    assert(ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_TRACEEXIT) == 0);
    assert(kill(leader, SIGKILL) == 0);
    assert(waitpid(tid, &status, __WALL) == tid && status >> 16 == PTRACE_EVENT_EXIT);
    struct pb_core *core = pb_core_new();
    assert(core);
    core->has_end_stops = true;
    pthread_mutex_lock(&core->lock);
    assert(wait_unlocked(core, leader, &status) == -ESRCH);
    pthread_mutex_unlock(&core->lock);
    pb_core_free(core);
    assert(ptrace(PTRACE_CONT, tid, NULL, NULL) == 0);
    assert(waitpid(tid, &status, __WALL) == tid && WTERMSIG(status) == SIGKILL);
    assert(waitpid(leader, &status, __WALL) == leader && WTERMSIG(status) == SIGKILL);
    close(numbers[0]);
    close(numbers[1]);
}

/* Behind it in its place is a table. Sanitizers make it three times as long, which CMakeLists.txt keeps from what guests run. */
static void test_room_for_guest_code(void)
{
#ifndef __SANITIZE_ADDRESS__
    extern const uint8_t __start_gate_text[], __stop_gate_text[];
    assert((uint64_t)(__stop_gate_text - __start_gate_text) <= GUEST_OUTSIDE);
#endif
}

static void test_all(void)
{
    alarm(100);
    test_programs();
    test_threads();
    test_bomb();
    test_answers();
    test_repeats();
    test_rewriting();
    test_memory();
    test_page();
    test_signals();
    test_spawn_failures();
    test_doorbell();
    alarm(100);
    test_kill_all();
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    guest = argv[1];
    /* A hang is a failure. */
    alarm(100);
    test_strangers();
    alarm(20);
    test_room_for_guest_code();
    test_killed_leader();
    test_all();
    if (pb_can_notify() == 0) {
        notify = true;
        test_all();
        notify = false;
    }
    refuse_bulk_access();
    test_memory();
    test_page();
    puts("passed");
    return 0;
}
