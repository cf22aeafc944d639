/* What guests share by a name: looks for all of it, makes it, or takes it away.
   `shares NAME`: for each line of input a word, `find`, `make`, `drop`, or
   `child`, which finds as another process. After each it asks to be looked at. */
#include "../programs/check.h"
#include <mqueue.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#define KEY ((key_t)0x7bad0001)
#define HELD 5

static char posix_name[64], temporary[64];
static struct sockaddr_un abstract = {.sun_family = AF_UNIX};
static socklen_t abstract_size;

static void looked_at(void)
{
    CHECK_FAILS(syscall(SYS_getpriority, 0x7bad, 0), EINVAL);
}

static void tell(const char *what, bool there)
{
    say("%s %s\n", what, there ? "there" : "absent");
}

static void find(void)
{
    int fd = shm_open(posix_name, O_RDWR, 0);
    tell("memory", fd >= 0);
    sem_t *semaphore = sem_open(posix_name, 0);
    tell("semaphore", semaphore != SEM_FAILED);
    tell("queue", mq_open(posix_name, O_RDWR | O_NONBLOCK) >= 0);
    tell("segment", shmget(KEY, 0, 0) >= 0);
    tell("set", semget(KEY, 0, 0) >= 0);
    tell("messages", msgget(KEY, 0) >= 0);
    int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tell("abstract", connect(caller, (struct sockaddr *)&abstract, abstract_size) == 0);
    tell("temporary", access(temporary, F_OK) == 0);
    close(caller);
}

static void make(void)
{
    int fd = shm_open(posix_name, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0 && ftruncate(fd, 4096) == 0 && pwrite(fd, "x", 1, 0) == 1);
    CHECK(sem_open(posix_name, O_CREAT | O_EXCL, 0600, 3) != SEM_FAILED);
    CHECK(mq_open(posix_name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL) >= 0);
    CHECK(shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0600) >= 0);
    CHECK(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600) >= 0);
    CHECK(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600) >= 0);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(server, (struct sockaddr *)&abstract, abstract_size) == 0 && listen(server, 9) == 0);
    CHECK(open(temporary, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0);
    for (int i = 0; i < HELD; i++)
        CHECK(open("/dev/null", O_RDONLY) >= 0);
}

static void drop(void)
{
    CHECK(shm_unlink(posix_name) == 0 && sem_unlink(posix_name) == 0 && mq_unlink(posix_name) == 0);
    CHECK(shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL) == 0 && semctl(semget(KEY, 0, 0), 0, IPC_RMID) == 0);
    CHECK(msgctl(msgget(KEY, 0), IPC_RMID, NULL) == 0 && unlink(temporary) == 0);
}

static void in_child(void)
{
    pid_t child = fork_child();
    if (child == 0) {
        find();
        _exit(0);
    }
    CHECK(wait_exit(child) == 0);
}

int main(int argc, char **argv)
{
    char word[16];
    CHECK(argc == 2);
    snprintf(posix_name, sizeof posix_name, "/%s", argv[1]);
    snprintf(temporary, sizeof temporary, "/tmp/%s", argv[1]);
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "%s", argv[1]);
    abstract_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1]));
    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "find") == 0)
            find();
        else if (strcmp(word, "make") == 0)
            make();
        else if (strcmp(word, "child") == 0)
            in_child();
        else if (strcmp(word, "drop") == 0)
            drop();
        looked_at();
        say("over\n");
    }
    return 0;
}
