/* Shows that children killed before they ran, and creators killed while they create, leave nothing behind. */
#include "check.h"

#define ROUNDS 300

int main(void)
{
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            CHECK(setpgid(0, 0) == 0);
            for (int i = 0; i < 5; i++) {
                pid_t child = fork_child();
                if (child == 0)
                    pause();
                CHECK(kill(child, SIGKILL) == 0);
            }
            kill(0, SIGKILL);
        }
        CHECK(wait_death(pid) == SIGKILL);
    }
    say("%d groups of children killed at birth\n", ROUNDS);
    return 0;
}
