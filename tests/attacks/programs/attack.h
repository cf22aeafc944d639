/* What every attack needs: the decoys that it is after, and how it says that it got one. */
#ifndef PICOBOX_ATTACK_H
#define PICOBOX_ATTACK_H
#include "../../programs/check.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* What decoys.c puts wherever a guest has no business, and what it answers to whoever reaches it. */
#define SECRET "SECRET"

/* The one line that means that an attack has succeeded: whoever runs it looks for "GOT ". */
#define GOT(...)                \
    do {                        \
        say("GOT " __VA_ARGS__); \
    } while (0)

#define GOT_IF(condition, ...)  \
    do {                        \
        if (condition)          \
            GOT(__VA_ARGS__);   \
    } while (0)

/* The kernel of this machine has no such entrance: there is nothing to attack. */
#define LACKS(what) say("LACKS " what "\n")

/* Where a decoy is; the harness sets it. */
static inline const char *decoy(const char *name)
{
    const char *value = getenv(name);
    CHECK(value != NULL);
    return value;
}

static inline long decoy_number(const char *name)
{
    return strtol(decoy(name), NULL, 0);
}

/* Rounds of a race: few in the fast tier. */
static inline long rounds(long usual)
{
    const char *factor = getenv("ATTACK_ROUNDS");
    return usual * (factor ? strtol(factor, NULL, 0) : 1);
}

static inline bool is_secret(const char *text, ssize_t size)
{
    return size >= (ssize_t)strlen(SECRET) && memcmp(text, SECRET, strlen(SECRET)) == 0;
}

/* Whether a race that began at a moment still goes on: so many milliseconds in the fast tier, and on a busy machine until
   its threads have had as much of the processors, for four times as long at most. */
static inline bool races(int64_t since, long milliseconds)
{
    static int64_t began, used;
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    int64_t processor = now.tv_sec * INT64_C(1000000000) + now.tv_nsec, span = rounds(milliseconds) * INT64_C(1000000);
    if (began != since) {
        began = since;
        used = processor;
        /* Many rounds take longer than a program that hangs is given. */
        alarm(WATCHDOG + (unsigned)(4 * span / INT64_C(1000000000)));
    }
    int64_t passed = now_ns() - since;
    return passed < span || (processor - used < span && passed < 4 * span);
}

/* Whether what is open at fd begins as a secret does; closes it. */
static inline bool holds_secret(int fd)
{
    char text[16] = "";
    if (fd < 0)
        return false;
    ssize_t size = pread(fd, text, sizeof text, 0);
    close(fd);
    return is_secret(text, size);
}

static inline bool reads_secret(const char *path)
{
    return holds_secret(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

static inline void make_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* Long enough for a call of another thread to read what was just changed. */
static inline void dwell(void)
{
    __asm__ volatile("" : : : "memory");
    for (volatile int i = 0; i < 300; i++)
        ;
}

static inline void start(pthread_t *thread, void *(*routine)(void *), void *argument)
{
    CHECK(pthread_create(thread, NULL, routine, argument) == 0);
}
#endif
