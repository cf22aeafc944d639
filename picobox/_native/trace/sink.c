/* Owns the writing of what was recorded to a file: by a thread, where there is another processor for it, while the next text
   comes together. Only to regular files: those that wait for a reader are Python's, and so is whatever fails. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define STACK_SIZE (64 * 1024)

struct sink {
    int fd;
    bool has_thread, ends, failed;
    cpu_set_t home;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *data; /* what is not written yet, of the recorder's text that is taken */
    size_t left;
};

/* False if there is more that cannot be written. */
static bool write_some(struct sink *sink)
{
    ssize_t written = write(sink->fd, sink->data, sink->left);
    if (written < 0)
        return errno == EINTR;
    sink->data += written;
    sink->left -= (size_t)written;
    return true;
}

static void *serve(void *argument)
{
    struct sink *sink = argument;
    /* The loop may be kept on the CPU of its guests. */
    sched_setaffinity(0, sizeof sink->home, &sink->home);
    pthread_mutex_lock(&sink->lock);
    while (!sink->ends && !sink->failed) {
        if (!sink->left) {
            pthread_cond_wait(&sink->changed, &sink->lock);
            continue;
        }
        pthread_mutex_unlock(&sink->lock);
        bool failed = false;
        while (sink->left && !failed)
            failed = !write_some(sink);
        pthread_mutex_lock(&sink->lock);
        sink->failed = failed;
        pthread_cond_broadcast(&sink->changed);
    }
    pthread_mutex_unlock(&sink->lock);
    return NULL;
}

/* Signals are for the loop's thread. */
static bool start(struct sink *sink)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE > PTHREAD_STACK_MIN ? STACK_SIZE : PTHREAD_STACK_MIN);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&sink->thread, &attributes, serve, sink) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

void pb_trace_write_to(struct pb_core *core, int32_t fd)
{
    LOCKED(core);
    struct stat status;
    struct sink *sink = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? calloc(1, sizeof *sink) : NULL;
    if (!sink)
        return;
    *sink = (struct sink){.fd = fd};
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->changed, NULL);
    core->recorder->sink = sink;
}

/* Whether all that was given is written. Others may have the core's lock meanwhile. */
static bool wait_for(struct pb_core *core, struct sink *sink)
{
    if (!sink->has_thread)
        return !sink->failed;
    pthread_mutex_unlock(&core->lock);
    pthread_mutex_lock(&sink->lock);
    while (sink->left && !sink->failed)
        pthread_cond_wait(&sink->changed, &sink->lock);
    bool failed = sink->failed;
    pthread_mutex_unlock(&sink->lock);
    pthread_mutex_lock(&core->lock);
    return !failed;
}

static void give(struct pb_core *core, struct sink *sink, const char *text, size_t length)
{
    if (!sink->has_thread && core->pin.enabled) {
        sink->home = core->pin.home;
        sink->has_thread = start(sink);
    }
    pthread_mutex_lock(&sink->lock);
    sink->data = text;
    sink->left = length;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
    if (sink->has_thread)
        return;
    pthread_mutex_unlock(&core->lock);
    while (sink->left && !sink->failed)
        sink->failed = !write_some(sink);
    pthread_mutex_lock(&core->lock);
}

void sink_close(struct recorder *recorder)
{
    struct sink *sink = recorder->sink;
    if (!sink)
        return;
    pthread_mutex_lock(&sink->lock);
    sink->ends = true;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
    if (sink->has_thread)
        pthread_join(sink->thread, NULL);
    pthread_cond_destroy(&sink->changed);
    pthread_mutex_destroy(&sink->lock);
    free(sink);
    recorder->sink = NULL;
}

uint64_t sink_settle(struct pb_core *core, const char **rest)
{
    struct sink *sink = core->recorder->sink;
    if (!sink || wait_for(core, sink))
        return 0;
    uint64_t left = sink->left;
    *rest = sink->data;
    sink_close(core->recorder);
    return left;
}

bool recorder_writes(struct pb_core *core)
{
    struct recorder *recorder = core->recorder;
    const char *text;
    if (!recorder->sink || recorder->is_taken || !wait_for(core, recorder->sink))
        return false;
    uint64_t length = recorder_take(core, &text);
    /* Names that are not plain are Python's to write. */
    recorder->is_taken = memchr(text ? text : "", PB_TRACE_PATH, length) != NULL;
    if (!recorder->is_taken && length)
        give(core, recorder->sink, text, length);
    return !recorder->is_taken;
}
