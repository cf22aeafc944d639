/* A5: the program that is executed changes: its name by a thread and by a child in the same memory, the interpreter's
   line of a script, the file itself by a rename. */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"

static char name[PATH_MAX];
static const char *forbidden;
static atomic_int over;

static int flip(void *unused)
{
    (void)unused;
    while (!over) {
        strcpy(name, forbidden);
        dwell();
        strcpy(name, "./allowed");
        dwell();
    }
    return 0;
}

static void *flip_thread(void *unused)
{
    flip(unused);
    return NULL;
}

static void *swap(void *unused)
{
    (void)unused;
    while (!over)
        syscall(SYS_renameat2, AT_FDCWD, "script", AT_FDCWD, "other", 2 /* RENAME_EXCHANGE */);
    return NULL;
}

/* The forbidden program says itself that it runs. */
static void execute(const char *path)
{
    for (int64_t since = now_ns(); races(since, 100);) {
        pid_t pid = fork();
        if (pid == 0) {
            execl(path, "program", NULL);
            _exit(0);
        }
        CHECK(pid > 0);
        wait_status(pid);
    }
}

int main(void)
{
    begin();
    pthread_t thread;
    char script[PATH_MAX + 8];
    forbidden = decoy("ATTACK_PROGRAM");
    snprintf(script, sizeof script, "#!%s\n", forbidden);
    make_file("allowed", "#!/bin/true\n", 0700);
    make_file("script", "#!/bin/true\n", 0700);
    make_file("other", script, 0700);
    strcpy(name, "./allowed");
    start(&thread, flip_thread, NULL);
    execute(name);
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    over = 0;
    char *stack = malloc(65536);
    CHECK(stack);
    pid_t child = clone(flip, stack + 65536, CLONE_VM | SIGCHLD, NULL);
    execute(name);
    over = 1;
    wait_status(child);
    over = 0;
    start(&thread, swap, NULL);
    execute("./script");
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
