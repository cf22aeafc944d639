/* Shares memory under the first name and a semaphore in the file of the second; asks at every step to be looked at. */
#include "../programs/check.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

static void checkpoint(void)
{
    CHECK_FAILS(syscall(SYS_getpriority, 0x7bad, 0), EINVAL);
}

static void *second_thread(void *unused)
{
    checkpoint();
    return unused;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
#ifdef __GLIBC__
    const char *semaphore_name = argv[1]; /* its file is named with "sem." before it */
#else
    const char *semaphore_name = argv[2];
#endif
    checkpoint();
    int memory = shm_open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(memory >= 0 && ftruncate(memory, 12345) == 0);
    sem_t *semaphore = sem_open(semaphore_name, O_CREAT | O_EXCL, 0600, 3);
    CHECK(semaphore != SEM_FAILED);
    checkpoint();
    CHECK(sem_wait(semaphore) == 0 && ftruncate(memory, 54321) == 0);
    checkpoint();
    CHECK(shm_unlink(argv[1]) == 0);
    memory = shm_open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(memory >= 0 && ftruncate(memory, 7) == 0);
    checkpoint();
    CHECK(shm_unlink(argv[1]) == 0 && sem_unlink(semaphore_name) == 0 && sem_close(semaphore) == 0);
    checkpoint();

    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, second_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        checkpoint();
        _exit(0);
    }
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    checkpoint();
    return 0;
}
