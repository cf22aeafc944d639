/* Shows that of many tasks that get a signal, those that ignore it go on reading, though others have a handler. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

#define TASKS 32
#define ROUNDS 3

static volatile sig_atomic_t handled;

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

/* Reads a byte in each round; between them it changes its mind about the signal. */
static _Noreturn void be_child(bool catches, int from, int to)
{
    for (int round = 0; round < ROUNDS; round++, catches = !catches) {
        char byte;
        handle(SIGUSR2, catches ? on_signal : SIG_IGN, 0);
        handled = 0;
        give_byte(to, 'r');
        while (read(from, &byte, 1) != 1)
            CHECK(errno == EINTR && catches);
        CHECK(handled == catches);
        give_byte(to, 'd');
    }
    _exit(0);
}

int main(void)
{
    int down[TASKS][2], up[TASKS][2];
    pid_t pids[TASKS];
    begin();
    for (int i = 0; i < TASKS; i++) {
        open_pipe(down[i]);
        open_pipe(up[i]);
        pids[i] = fork_child();
        if (pids[i] == 0)
            be_child(i % 16 < 8, down[i][0], up[i][1]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < TASKS; i++) {
            CHECK(take_byte(up[i][0]) == 'r');
            await_sleep(pids[i], pids[i]);
        }
        for (int i = 0; i < TASKS; i++)
            CHECK(kill(pids[i], SIGUSR2) == 0);
        for (int i = 0; i < TASKS; i++) {
            give_byte(down[i][1], 'x');
            CHECK(take_byte(up[i][0]) == 'd');
        }
    }
    for (int i = 0; i < TASKS; i++)
        CHECK(wait_exit(pids[i]) == 0);
    say("all have read\n");
    return 0;
}
