/* Shows processes forking in a chain 300 deep, in a row 300 wide and in a full tree, each end counted once. */
#define WATCHDOG 50
#include "check.h"

enum { DEPTH = 300, WIDTH = 300, LEVELS = 8 };

static atomic_int *count;

/* Each process counts itself, then makes the next and takes its status. */
static int chain(int left)
{
    atomic_fetch_add(count, 1);
    if (left > 1) {
        pid_t parent = getpid();
        pid_t pid = fork_child();
        if (pid == 0) {
            CHECK(getppid() == parent);
            _exit(chain(left - 1));
        }
        CHECK(wait_exit(pid) == (left - 1) % 100);
    }
    return left % 100;
}

static int tree(int level)
{
    pid_t children[2];
    atomic_fetch_add(count, 1);
    if (level > 1) {
        for (int i = 0; i < 2; i++) {
            children[i] = fork_child();
            if (children[i] == 0)
                _exit(tree(level - 1));
        }
        CHECK(wait_exit(children[1]) == level - 1);
        CHECK(wait_exit(children[0]) == level - 1);
    }
    return level;
}

static void row(void)
{
    static pid_t children[WIDTH];
    int gate[2];
    open_pipe(gate);
    for (int i = 0; i < WIDTH; i++) {
        children[i] = fork_child();
        if (children[i] == 0) {
            char byte;
            close(gate[1]);
            atomic_fetch_add(count, 1);
            /* End of file comes to all at once, when the parent closes its end. */
            CHECK(read(gate[0], &byte, 1) == 0);
            _exit(i % 200);
        }
    }
    close(gate[1]);
    for (int i = 0; i < WIDTH; i++)
        CHECK(wait_exit(children[i]) == i % 200);
    close(gate[0]);
}

int main(void)
{
    begin();
    count = shared_memory(sizeof *count);
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(chain(DEPTH));
    CHECK(wait_exit(pid) == DEPTH % 100 && atomic_load(count) == DEPTH);
    say("chain of %d\n", atomic_exchange(count, 0));
    row();
    CHECK(atomic_load(count) == WIDTH);
    say("row of %d\n", atomic_exchange(count, 0));
    pid = fork_child();
    if (pid == 0)
        _exit(tree(LEVELS));
    CHECK(wait_exit(pid) == LEVELS && atomic_load(count) == (1 << LEVELS) - 1);
    say("tree of %d\n", atomic_load(count));
    CHECK_FAILS(wait(NULL), ECHILD);
    return 0;
}
