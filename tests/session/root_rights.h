/* What the parts of a program share that tries what root may do. */
#ifndef ROOT_RIGHTS_H
#define ROOT_RIGHTS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("line %d: %s, errno %d\n", __LINE__, #condition, errno);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
#define FAILS(call, error)                                                                                             \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        CHECK((call) == -1 && errno == (error));                                                                       \
    } while (0)

/* Runs something in a process of its own, which must end well. */
void in_child(void (*work)(void));

/* That a file has this owner, group, type and mode. */
void has(const char *path, uid_t user, gid_t group, mode_t mode);

void sockets(void);
void ports(void);
void peers(void);
void senders(void);

#endif
