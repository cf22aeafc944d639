/* Shows Syscall User Dispatch: it would take calls before the supervisor sees them, so switching it on is refused. */
#include "check.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define DISPATCH_OFF 0
#define DISPATCH_ON 1

int main(void)
{
    static char selector;
    begin();
    say("off: %s\n", outcome(prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_OFF, 0, 0, 0)));
    long result = prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_ON, 0, 0, &selector);
    say("on: %s\n", outcome(result));
    if (result == 0)
        CHECK(prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_OFF, 0, 0, 0) == 0);
    CHECK_FAILS(prctl(PR_SET_SYSCALL_USER_DISPATCH, 99, 0, 0, 0), EINVAL);
    CHECK(syscall(SYS_getppid) == getppid());
    say("calls go on\n");
    return 0;
}
