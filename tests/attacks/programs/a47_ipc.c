/* A47: what processes of the host share by a number or by a name: System V objects, queues of messages, /dev/shm, /tmp. */
/* Walls: ipc-namespace tree */
#include "attack.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

int main(void)
{
    begin();
    key_t key = (key_t)decoy_number("ATTACK_KEY");
    int shm = shmget(key, 0, 0);
    char *memory = shm < 0 ? (char *)-1 : shmat(shm, NULL, SHM_RDONLY);
    GOT_IF(memory != (char *)-1 && is_secret(memory, 16), "shared memory of System V by its key\n");
    /* Ids are small numbers: no key is needed. */
    for (int id = 0; id < 64; id++) {
        memory = shmat(id, NULL, SHM_RDONLY);
        GOT_IF(memory != (char *)-1 && is_secret(memory, 16), "shared memory of System V by its id\n");
    }
    GOT_IF(semget(key, 0, 0) >= 0, "semaphores of System V\n");
    int queue = msgget(key, 0);
    char text[64];
    GOT_IF(queue >= 0 && msgrcv(queue, text, sizeof text - 8, 0, IPC_NOWAIT | 040000 /* MSG_COPY */ | MSG_NOERROR) > 0,
           "a message of System V\n");
    GOT_IF(queue >= 0, "a queue of System V\n");
    mqd_t posix = mq_open("/picobox-decoy", O_RDWR | O_NONBLOCK);
    GOT_IF(posix >= 0, "a queue of messages by its name\n");
    GOT_IF(reads_secret("/dev/shm/picobox-decoy"), "shared memory by its name\n");
    GOT_IF(reads_secret(decoy("ATTACK_SHARED")), "a file in /tmp of the host\n");
    GOT_IF(reads_secret("/dev/mqueue/picobox-decoy"), "a queue of messages as a file\n");
    return 0;
}
