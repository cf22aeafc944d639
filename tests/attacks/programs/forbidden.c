/* No attack: the program that no guest may run; as a set-user-id program it says by its status whose rights it has. */
#include "attack.h"

int main(int argc, char **argv)
{
    (void)argc;
    if (strstr(argv[0], "program") && getenv("ATTACK_SETUID_RUN"))
        return geteuid() == 0 ? 42 : 0;
    GOT("a program that is not to run\n");
    return 0;
}
