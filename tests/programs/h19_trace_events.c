/* Shows the events of a tracee: what it makes and runs, and that its children are traced as well. */
#include "traced.h"
#include <pthread.h>

#define MOST 16
#define ALL                                                                                                            \
    (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE |   \
     PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD)

/* What each task was seen to do, in the order in which they were first seen or told of. */
static struct {
    pid_t pid;
    char text[512];
} seen[MOST];

static int index_of(pid_t pid)
{
    for (int i = 0; i < MOST; i++) {
        if (!seen[i].pid)
            seen[i].pid = pid;
        if (seen[i].pid == pid)
            return i;
    }
    CHECK(!"too many tasks");
    return 0;
}

__attribute__((format(printf, 2, 3))) static void note(pid_t pid, const char *format, ...)
{
    char *text = seen[index_of(pid)].text;
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof seen[0].text - length, format, arguments);
    va_end(arguments);
}

static void note_event(pid_t pid, int event)
{
    unsigned long message;
    CHECK(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0);
    if (event == PTRACE_EVENT_EXIT)
        note(pid, "exit(%lx) ", message);
    else if (event == PTRACE_EVENT_EXEC)
        note(pid, "exec(%d) ", index_of((pid_t)message));
    else
        note(pid, "%s(%d) ", event_name(event), index_of((pid_t)message));
}

/* Follows all tasks until the last one has ended. */
static void follow(const char *name, pid_t first, long options)
{
    memset(seen, 0, sizeof seen);
    index_of(first);
    CHECK(ptrace(PTRACE_SETOPTIONS, first, NULL, options) == 0);
    go_on(PTRACE_CONT, first, 0);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid == -1 && errno == ECHILD)
            break;
        CHECK(pid > 0);
        int event = status >> 16, signal = WSTOPSIG(status);
        if (WIFEXITED(status))
            note(pid, "ended %d", WEXITSTATUS(status));
        else if (WIFSIGNALED(status))
            note(pid, "died %d", WTERMSIG(status));
        else if (event)
            note_event(pid, event);
        else
            note(pid, "%d ", signal);
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, pid, NULL, event || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal);
    }
    for (int i = 0; i < MOST && seen[i].pid; i++)
        say("%s %d: %s\n", name, i, seen[i].text);
}

static void *run_thread(void *unused)
{
    return unused;
}

static void forks(void)
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(10 + i);
        wait_exit(child);
    }
    _exit(1);
}

static void vforks(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(12);
    wait_exit(child);
    _exit(2);
}

static void makes_threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&thread, NULL, run_thread, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    /* What ends all of them is what each of them may be told to have ended with. */
    _exit(0);
}

static void runs_shell(void)
{
    execl("/bin/sh", "sh", "-c", "(exit 4); /bin/true; exit 5", NULL);
    _exit(99);
}

static void *exec_in_thread(void *unused)
{
    execl("/bin/true", "true", NULL);
    return unused;
}

static void thread_execs(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, exec_in_thread, NULL) == 0);
    for (;;)
        pause();
}

static void show(const char *name, void (*body)(void), long options)
{
    pid_t pid = fork_traced();
    if (pid == 0)
        body();
    follow(name, pid, options);
}

int main(void)
{
    begin();
    show("fork", forks, ALL);
    show("vfork", vforks, ALL);
    show("threads", makes_threads, ALL);
    show("shell", runs_shell, ALL);
    show("shell without options", runs_shell, 0);
    show("thread without exec's event", thread_execs, PTRACE_O_TRACECLONE);
    show("thread that runs a program", thread_execs, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    return 0;
}
