/* Owns the notify channel: calls that need neither a stop nor Python are answered through seccomp's user notification. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "native.h"

/* Headers older than the kernel lack these (linux/seccomp.h, asm/unistd_64.h). */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define STACK_SIZE (256 * 1024)
#define CALLS_WITHOUT_REST 256

/* The kernel wakes every thread that waits for a notification, so the second one waits only while guests are spread
   over the CPUs: then it answers the one while the first answers the other (docs/decisions.md). */
#define THREADS 2

struct listener {
    struct pb_core *core;
    int fd;
    pthread_t threads[THREADS];
    int started;
    sem_t spread;      /* posted when guests are spread */
    atomic_uint calls; /* answered by all threads */
    atomic_int running; /* threads that have not ended */
    struct listener *next;
};

bool is_asking_still(int listener, uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int open_descriptor_of(int32_t tid, int fd)
{
    int pidfd = (int)syscall(SYS_pidfd_open, tid, 0);
    if (pidfd < 0)
        return -errno;
    int ours = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    int error = errno;
    close(pidfd);
    return ours < 0 ? -error : ours;
}

/* SYNC_WAKE_UP is of Linux 6.6 and cannot be asked for before there is a listener; without it a stop is faster. */
static bool wakes_synchronously(void)
{
    struct utsname name;
    int major, minor;
    return uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 6));
}

int32_t pb_can_notify(void)
{
    if (!wakes_synchronously())
        return -EOPNOTSUPP;
    /* A filter at address 0 is refused last, with EFAULT. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, NULL) < 0 &&
        errno != EFAULT)
        return -errno;
    int pair[2];
    if (pipe(pair) < 0)
        return -errno;
    int copy = open_descriptor_of(getpid(), pair[0]);
    close(pair[0]);
    close(pair[1]);
    if (copy < 0)
        return copy;
    close(copy);
    return 0;
}

int32_t pb_is_notifying(struct pb_core *core)
{
    return core->listeners != NULL;
}

/* What the kernel does with the call: 0, run it; else the error that ends it. */
static int32_t verdict_on(struct pb_core *core, int listener, const struct seccomp_notif *request)
{
    struct task *task = task_find(core, (int32_t)request->pid);
    uint32_t nr = (uint32_t)request->data.nr;
    uint64_t args[6];
    if (!task || nr >= PB_NR_COUNT)
        return -ENOSYS;
    if (task->injecting) {
        if (task->lends)
            gate_lend(task, listener, request->id);
        return 0;
    }
    struct notified_call call = {.nr = nr, .ip = request->data.instruction_pointer};
    memcpy(call.args, request->data.args, sizeof call.args);
    int32_t own = task->gate ? gate_own_call(core, task, &call, listener, request->id) : 0;
    if (own)
        return own > 0 ? 0 : own;
    call_begin(core, task);
    if (task->starting)
        return 0;
    uint32_t disposition = core->dispositions[nr];
    core->counters[disposition & 3][nr]++;
    gate_uncount(core, task, nr, call.ip);
    if (changes_root(nr))
        roots_differ(core);
    if (disposition & PB_FLAG_RECEIVES)
        receipt_seen(core, task);
    memcpy(args, request->data.args, sizeof args);
    task->has_notified = true;
    task->notified = call;
    pin_call_seen(core, task);
    name_call_seen(core, task, nr, NULL);
    int32_t error = argument_error(core, task, nr, args);
    if (error)
        return -error;
    if ((disposition & 0xff) == PB_DO_CALL && nr != SYS_close)
        return -unseen_notified(core, task, &call);
    if ((disposition & 0xff) == PB_DO_CALL)
        close_seen(core, task, (int32_t)args[0], true);
    if ((disposition & 0xff) == PB_DO_NATIVE || (disposition & 0xff) == PB_DO_CALL)
        return 0;
    error = (disposition & 0xff) == PB_DO_ERRNO ? (int32_t)(disposition >> 16 & 0xfff) : ENOSYS;
    recorder_refused(core, task, nr, args, -error);
    return -error;
}

/* A call that asks what its name means has that for its result: nothing is made. Whether guests are spread. */
static bool answer_name(struct listener *listener, const struct seccomp_notif *request)
{
    struct notified_call call = {.nr = (uint32_t)request->data.nr};
    memcpy(call.args, request->data.args, sizeof call.args);
    struct seccomp_notif_resp response = {
        .id = request->id,
        .val = resolve(listener->core, listener->fd, request->id, (int32_t)request->pid, &call),
    };
    ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
    LOCKED(listener->core);
    return listener->core->pin.placement == SPREAD;
}

/* Whether guests are spread over the CPUs. */
static bool answer(struct listener *listener, const struct seccomp_notif *request)
{
    struct seccomp_notif_resp response = {.id = request->id};
    bool spread, held = false;
    if (is_resolving(request->data.instruction_pointer))
        return answer_name(listener, request);
    {
        LOCKED(listener->core);
        response.error = verdict_on(listener->core, listener->fd, request);
        spread = listener->core->pin.placement == SPREAD;
        struct task *task = response.error ? NULL : task_find(listener->core, (int32_t)request->pid);
        if (task)
            response.val = gate_own_result(listener->core, task, (uint32_t)request->data.nr);
        if (task && task->has_notified && !task->injecting && task->gate && task->notified.nr == SYS_mmap)
            response.val = gate_exchanges(listener->core, task, listener->fd, request->id);
        if (task && task->has_notified && !task->injecting && !response.val)
            held = gate_holds(listener->core, task, &task->notified, listener->fd, request->id);
    }
    if (held)
        return spread;
    /* CONTINUE is right here: the verdict was made of register values alone (mechanisms.md section 7c, 5). */
    response.flags = response.error || response.val ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    /* ENOENT: killed meanwhile. */
    ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
    return spread;
}

/* ENOENT says that the notification was withdrawn, or, always again, that no task with this filter is left. */
static bool is_over(const struct listener *listener, int error)
{
    struct pollfd pollfd = {.fd = listener->fd};
    return error != EINTR && (error != ENOENT || (poll(&pollfd, 1, 0) > 0 && pollfd.revents & (POLLHUP | POLLNVAL)));
}

/* Callers and these threads wake each other on one CPU, always the next to run there: the scheduler (seen on 6.18) lets
   nobody else have it for seconds. A sleep in between, however short, is everybody else's turn, if all threads take it. */
static void let_others_run(struct listener *listener, uint32_t *rests)
{
    uint32_t due = atomic_fetch_add(&listener->calls, 1) / CALLS_WITHOUT_REST;
    if (*rests != due)
        nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
    *rests = due;
}

/* A thread that is cancelled where it waits leaves its frames without a return, which AddressSanitizer takes for an error
   of whoever uses that stack next. */
#define CANCELLED_INSIDE __attribute__((no_sanitize_address))

/* Answers calls until the listener is gone, or guests are no longer spread and `only_spread`. */
CANCELLED_INSIDE static bool serve_for_now(struct listener *listener, bool only_spread, uint32_t *rests)
{
    bool spread = true;
    while (spread || !only_spread) {
        struct seccomp_notif request = {0};
        /* Nothing is held while waiting, so the wait may be cancelled at any instruction. */
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &(int){0});
        int error = ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0 ? errno : 0;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &(int){0});
        if (!error) {
            spread = answer(listener, &request);
            let_others_run(listener, rests);
        } else if (is_over(listener, error)) {
            return false;
        }
    }
    return true;
}

CANCELLED_INSIDE static void *serve(void *argument)
{
    uint32_t rests = 0;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &(int){0});
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &(int){0});
    serve_for_now(argument, false, &rests);
    /* Whoever waits for a turn is to find that there will be none. */
    struct listener *listener = argument;
    sem_post(&listener->spread);
    atomic_fetch_sub(&listener->running, 1);
    return NULL;
}

CANCELLED_INSIDE static void *help(void *argument)
{
    struct listener *listener = argument;
    uint32_t rests = 0;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &(int){0});
    do {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &(int){0});
        while (sem_wait(&listener->spread) < 0)
            ;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &(int){0});
    } while (serve_for_now(listener, true, &rests));
    atomic_fetch_sub(&listener->running, 1);
    return NULL;
}

void listeners_spread(struct pb_core *core)
{
    for (struct listener *listener = core->listeners; listener; listener = listener->next) {
        int posted = 1;
        sem_getvalue(&listener->spread, &posted);
        if (!posted)
            sem_post(&listener->spread);
    }
}

/* Signals are for the loop's thread. */
static int start(struct listener *listener)
{
    void *(*const routines[THREADS])(void *) = {serve, help};
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE > PTHREAD_STACK_MIN ? STACK_SIZE : PTHREAD_STACK_MIN);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (!error && listener->started < THREADS) {
        error = pthread_create(&listener->threads[listener->started], &attributes, routines[listener->started],
                               listener);
        listener->started += !error;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

static void listener_free(struct listener *listener)
{
    for (int i = 0; i < listener->started; i++)
        pthread_cancel(listener->threads[i]);
    for (int i = 0; i < listener->started; i++)
        pthread_join(listener->threads[i], NULL);
    sem_destroy(&listener->spread);
    close(listener->fd);
    free(listener);
}

/* Those of programs that are gone with all that they made: many programs may come and go. */
static void drop_ended(struct pb_core *core)
{
    for (struct listener **place = &core->listeners; *place;) {
        struct listener *listener = *place;
        if (atomic_load(&listener->running)) {
            place = &listener->next;
            continue;
        }
        *place = listener->next;
        listener_free(listener);
    }
}

int listener_adopt(struct pb_core *core, int32_t tid, int fd)
{
    int ours = open_descriptor_of(tid, fd);
    if (ours < 0)
        return ours;
    drop_ended(core);
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        close(ours);
        return -ENOMEM;
    }
    *listener = (struct listener){.core = core, .fd = ours, .running = THREADS, .next = core->listeners};
    sem_init(&listener->spread, 0, 0);
    ioctl(ours, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    int error = start(listener);
    if (error) {
        listener_free(listener);
        return error;
    }
    core->listeners = listener;
    return 0;
}

void listeners_close(struct pb_core *core)
{
    while (core->listeners) {
        struct listener *first = core->listeners;
        core->listeners = first->next;
        listener_free(first);
    }
}
