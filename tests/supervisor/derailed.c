// Programs whose text others change under a call in which the supervisor lets them make calls for it, until one is killed.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 2000 };
static const unsigned short syscall_instruction = 0x050f, undefined_instruction = 0x0b0f;

static void change(unsigned short *instruction)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        __atomic_store_n(instruction, undefined_instruction, __ATOMIC_SEQ_CST);
        for (volatile int i = 0; i < 50; i++)
            ;
        __atomic_store_n(instruction, syscall_instruction, __ATOMIC_SEQ_CST);
        for (volatile int i = 0; i < 50; i++)
            ;
    }
}

// The task returns to the same instruction, which is another one by then.
static void again(int unused)
{
    (void)unused;
}

// A thread would have had the argument page made for it, so it is another process that shares the text.
static int open_while_text_changes(void)
{
    static const unsigned char code[] = {0x0f, 0x05, 0xc3}; // syscall; ret
    unsigned char *text = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED)
        return 1;
    memcpy(text, code, sizeof code);
    signal(SIGILL, again);
    pid_t child = fork();
    if (child == 0)
        change((unsigned short *)text);
    while (__atomic_load_n((unsigned short *)text, __ATOMIC_SEQ_CST) == syscall_instruction)
        ;
    long result = SYS_open;
    __asm__ volatile("call *%3" : "+a"(result) : "D"("PRESENT"), "S"((long)O_RDONLY), "r"(text) : "rcx", "r11", "memory");
    kill(child, SIGKILL);
    return result < 0;
}

int main(int count, char **arguments)
{
    int killed = 0, status;
    if (count > 1)
        return open_while_text_changes();
    close(open("present", O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < MOST && !killed; i++) {
        pid_t child = fork();
        if (child == 0)
            return execl(arguments[0], arguments[0], "again", NULL);
        if (child < 0 || waitpid(child, &status, 0) != child || (WIFEXITED(status) && WEXITSTATUS(status)))
            return 1;
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    return !killed;
}
