/* Makes calls all the time and notes in shared memory how often each came back: FILE, which is mapped.
   Words of FILE: 0 how often the loop without calls has turned, then from 1 on a counter for each kind of call. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS 9

static void call(int kind, int fd)
{
    int end;
    switch (kind) {
    case 1: syscall(SYS_getppid); break;
    case 2: (void)!pwrite(fd, "x", 1, 0); break;
    case 3: close(open("opened", O_RDWR | O_CREAT, 0600)); break;
    case 4: mkdir("made", 0700); rmdir("made"); break;
    case 5: close(socket(AF_INET, SOCK_STREAM, 0)); break;
    case 6: if (fork() == 0) _exit(0); wait(NULL); break;
    case 7: munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096); break;
    case 8: end = open("/proc/self/stat", O_RDONLY); close(end); break;
    default: break;
    }
}

int main(int count, char **words)
{
    int fd = count == 2 ? open(words[1], O_RDWR) : -1;
    volatile uint64_t *turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int file = open("written", O_RDWR | O_CREAT, 0600);
    if (turns == MAP_FAILED || file < 0)
        return 1;
    for (int kind = 0; kind < KINDS; kind++)
        if (fork() == 0)
            for (;;) {
                call(kind, file);
                turns[kind]++;
                if (kind)
                    usleep(1000);
            }
    pause();
    return 0;
}
