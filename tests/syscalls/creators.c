/* Sixty-four creators of case variants of one name at once, so many rounds: exactly one name must come of each.

   plain: threads, and all find the file. exclusive: threads with O_EXCL, of which one wins. killed: processes with
   O_EXCL, half of which are killed meanwhile; of the others at most one wins. stopped: the same, but half of them are
   stopped, and go on when the others are done. */
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

enum { CREATORS = 64 };

static int extra;
static pthread_barrier_t barrier;

/* The letters of the name are upper case where the number has a bit. */
static void spell(char *name, unsigned number)
{
    strcpy(name, "abcdef");
    for (int bit = 0; bit < 6; bit++)
        if (number >> bit & 1)
            name[bit] -= 'a' - 'A';
}

static int create(unsigned number)
{
    char name[8];
    int fd;
    spell(name, number);
    fd = open(name, O_CREAT | O_RDWR | extra, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

static void *in_thread(void *number)
{
    pthread_barrier_wait(&barrier);
    return (void *)(long)create((unsigned)(long)number);
}

/* The only entry of the working directory, which then is empty. */
static int take_away(void)
{
    DIR *directory = opendir(".");
    int found = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.') {
            found++;
            unlink(entry->d_name);
        }
    closedir(directory);
    return found;
}

static int with_threads(int *successes)
{
    pthread_t threads[CREATORS];
    int wrong = 0;
    *successes = 0;
    for (long number = 0; number < CREATORS; number++)
        if (pthread_create(&threads[number], NULL, in_thread, (void *)number) != 0)
            abort();
    for (int number = 0; number < CREATORS; number++) {
        void *result;
        pthread_join(threads[number], &result);
        *successes += result == NULL;
        wrong += result != NULL && (long)result != EEXIST;
    }
    return wrong;
}

static void collect(pid_t child, int *successes, int *wrong)
{
    int status;
    waitpid(child, &status, 0);
    *successes += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    *wrong += WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EEXIST;
}

static int with_processes(int *successes, int sent)
{
    pid_t children[CREATORS];
    int wrong = 0;
    *successes = 0;
    for (unsigned number = 0; number < CREATORS; number++)
        if ((children[number] = fork()) == 0)
            _exit(create(number));
    for (int number = 0; number < CREATORS; number += 2)
        kill(children[number], sent);
    for (int number = 1; number < CREATORS; number += 2)
        collect(children[number], successes, &wrong);
    for (int number = 0; number < CREATORS; number += 2) {
        kill(children[number], SIGCONT);
        collect(children[number], successes, &wrong);
    }
    return wrong;
}

int main(int argc, char **argv)
{
    int kills = argc == 3 && strcmp(argv[1], "killed") == 0, stops = argc == 3 && strcmp(argv[1], "stopped") == 0;
    int rounds = argc == 3 ? atoi(argv[2]) : 0;
    extra = argc == 3 && strcmp(argv[1], "plain") != 0 ? O_EXCL : 0;
    pthread_barrier_init(&barrier, NULL, CREATORS);
    for (int round = 0; round < rounds; round++) {
        int successes, wrong = kills || stops ? with_processes(&successes, kills ? SIGKILL : SIGSTOP)
                                            : with_threads(&successes);
        int found = take_away();
        int right = !extra ? successes == CREATORS : kills ? successes <= 1 : successes == 1;
        if (found != 1 || wrong || !right) {
            fprintf(stderr, "round %d: %d names, %d successes, %d wrong\n", round, found, successes, wrong);
            return 1;
        }
    }
    return rounds == 0;
}
