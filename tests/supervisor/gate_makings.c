/* Makes names, all from sites in the gate, and says when it waits: `gate_makings DIRECTORY`. Another spelling of a name that
   was made last, or is being made, is made by others. */
#include "../programs/check.h"
#include <sys/wait.h>

enum { ROUNDS = 40, VARIANTS = 6 };

static void make_and_remove(const char *name)
{
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
}

/* Its sites are in the gate. */
static void warm(void)
{
    char name[32];
    snprintf(name, sizeof name, "warm-%d", getpid());
    for (int i = 0; i < 40; i++)
        make_and_remove(name);
}

/* Who has made a name last and goes on without a call that is seen keeps nobody from making another spelling, and notices
   nothing of it. */
static void wait_for_a_byte(int input, int output)
{
    char byte = 0;
    warm();
    for (int i = 0; i < ROUNDS; i++) {
        make_and_remove("name");
        CHECK(write(output, "m", 1) == 1 && read(input, &byte, 1) == 1 && byte == 'g');
    }
}

static void beside_one_that_waits(void)
{
    int there[2], back[2];
    char byte;
    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        wait_for_a_byte(there[0], back[1]);
        _exit(0);
    }
    warm();
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(read(back[0], &byte, 1) == 1 && byte == 'm');
        make_and_remove("NAME");
        CHECK(mkdir("nAme", 0700) == 0 && rmdir("naME") == 0);
        CHECK(write(there[1], "g", 1) == 1);
    }
    CHECK(wait_exit(pid) == 0);
}

static atomic_int *turn;

static void make_in_turn(int which, const char *name)
{
    for (int round = 1; round <= ROUNDS; round++) {
        while (atomic_load(turn) < round)
            sched_yield();
        int made = which % 2 ? mkdir(name, 0700) : open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (made < 0)
            CHECK(errno == EEXIST);
        else if (which % 2 == 0)
            CHECK(close(made) == 0);
        atomic_fetch_add(turn + 1, 1);
        if (made >= 0)
            atomic_fetch_add(turn + 2, 1);
    }
}

/* Of many who make each another spelling of one name, one makes it. */
static void at_the_same_time(void)
{
    static const char *const names[VARIANTS] = {"thing", "THING", "Thing", "tHING", "thinG", "THINg"};
    pid_t pids[VARIANTS];
    turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turn != MAP_FAILED);
    for (int i = 0; i < VARIANTS; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0) {
            warm();
            make_in_turn(i, names[i]);
            _exit(0);
        }
    }
    for (int round = 1; round <= ROUNDS; round++) {
        atomic_store(turn, round);
        while (atomic_load(turn + 1) < round * VARIANTS)
            sched_yield();
        CHECK(atomic_load(turn + 2) == round);
        int left = 0;
        for (int i = 0; i < VARIANTS; i++)
            left += unlink(names[i]) == 0 || rmdir(names[i]) == 0;
        CHECK(left == 1);
    }
    for (int i = 0; i < VARIANTS; i++)
        CHECK(wait_exit(pids[i]) == 0);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 3 && chdir(argv[1]) == 0);
    if (strcmp(argv[2], "waits") == 0)
        beside_one_that_waits();
    else
        at_the_same_time();
    return 0;
}
