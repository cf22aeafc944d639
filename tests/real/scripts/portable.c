// Files, threads, a pipe, a signal and a child process in portable C; built against glibc and musl.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int total;
static volatile sig_atomic_t caught;

static void *add(void *amount) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        total += *(int *)amount;
        pthread_mutex_unlock(&mutex);
    }
    return amount;
}

static void on_signal(int number) { caught = number; }

static void threads(void) {
    pthread_t thread[8];
    int amount[8];
    for (int i = 0; i < 8; i++) {
        amount[i] = i;
        if (pthread_create(&thread[i], NULL, add, &amount[i])) exit(2);
    }
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    printf("threads: %d\n", total);
}

static void files(void) {
    FILE *file = fopen("written", "w");
    if (!file) exit(3);
    for (int i = 0; i < 100; i++) fprintf(file, "%d\n", i);
    fclose(file);
    int fd = open("written", O_RDWR);
    char *map = mmap(NULL, 290, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[0] = 'x';
    munmap(map, 290);
    struct stat status;
    fstat(fd, &status);
    printf("file: %lld %o\n", (long long)status.st_size, (unsigned)status.st_mode);
    close(fd);
    errno = 0;
    int missing = open("missing/file", O_RDONLY);
    printf("missing: %d %s\n", missing, strerror(errno));
    rename("written", "renamed");
    mkdir("directory", 0750);
    symlink("renamed", "directory/link");
    int count = 0;
    DIR *directory = opendir(".");
    while (readdir(directory)) count++;
    closedir(directory);
    printf("entries: %d\n", count > 4);
}

static void child(void) {
    int ends[2], status;
    char text[6] = "";
    if (pipe(ends)) exit(4);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (write(ends[1], "child", 5) != 5) _exit(1);
        _exit(7);
    }
    if (read(ends[0], text, 5) != 5) exit(5);
    waitpid(pid, &status, 0);
    printf("child: %s %d\n", text, WEXITSTATUS(status));
    printf("system: %d\n", WEXITSTATUS(system("exit 9")));
    FILE *command = popen("seq 3 | tail -n 1", "r");
    printf("popen: %c\n", fgetc(command));
    pclose(command);
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("signal: %d\n", caught == SIGUSR1);
    threads();
    files();
    child();
    return 0;
}
