/* Loads and unloads two libraries in turn, mostly at one address, and calls what they call. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TURNS = 120, CALLS = 100 };

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}

int main(void)
{
    static const char *const names[] = {"./parent.so", "./self.so", "./parent_again.so"};
    const long expected[] = {getppid(), getpid(), getppid()};
    void *last = NULL;
    int same = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        int which = turn % 3;
        void *library = dlopen(names[which], RTLD_NOW);
        long (*call)(void) = library ? (long (*)(void))dlsym(library, "call") : NULL;
        if (!call)
            return fail(dlerror());
        for (int i = 0; i < CALLS; i++)
            if (call() != expected[which])
                return fail("another library's call");
        same += last == (void *)call;
        last = (void *)call;
        if (dlclose(library) != 0)
            return fail("not closed");
    }
    puts(same > TURNS / 2 ? "each in the other's place" : "in places of their own");
    return 0;
}
