/* Shows that a wait for a child inside a handler ends by what is noticed there, not by what has come before it. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define ROUNDS 4

struct board {
    atomic_int waits, handled;
};

static struct board *board;
static int started[2];
static bool interrupts;
static pid_t child;

static void on_second(int signal)
{
    (void)signal;
    atomic_fetch_add(&board->handled, 1);
}

/* Makes no call before the wait. */
static void on_first(int signal)
{
    (void)signal;
    atomic_store(&board->waits, 1);
    int status = 0;
    pid_t found = waitpid(child, &status, 0);
    if (interrupts) {
        CHECK(found == -1 && errno == EINTR && atomic_load(&board->handled) == 1);
        post(&board->waits, 2);
        found = waitpid(child, &status, 0);
    }
    CHECK(found == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* Its child ends once it is told that the wait has gone on. */
static _Noreturn void be_interrupted(void)
{
    handle(SIGUSR1, on_first, 0);
    handle(SIGUSR2, on_second, 0);
    child = fork_child();
    if (child == 0) {
        await(&board->waits, 2);
        _exit(7);
    }
    give_byte(started[1], 's');
    CHECK(pause() == -1 && errno == EINTR);
    _exit(0);
}

int main(void)
{
    begin();
    board = shared_memory(sizeof *board);
    for (int round = 0; round < ROUNDS; round++) {
        interrupts = round % 2;
        atomic_store(&board->waits, 0);
        atomic_store(&board->handled, 0);
        open_pipe(started);
        pid_t pid = fork_child();
        if (pid == 0)
            be_interrupted();
        CHECK(take_byte(started[0]) == 's');
        await_sleep(pid, pid);
        CHECK(kill(pid, SIGUSR1) == 0);
        while (atomic_load(&board->waits) == 0)
            usleep(200);
        await_sleep(pid, pid);
        CHECK(kill(pid, interrupts ? SIGUSR2 : SIGWINCH) == 0);
        if (!interrupts) {
            await_sleep(pid, pid);
            post(&board->waits, 2);
        }
        CHECK(wait_exit(pid) == 0);
        say("%s\n", interrupts ? "interrupted" : "not interrupted");
        close(started[0]);
        close(started[1]);
    }
    return 0;
}
