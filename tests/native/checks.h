/* What the C programs of these tests check with: what is not so ends them. */
#ifndef PICOBOX_TESTS_NATIVE_CHECKS_H
#define PICOBOX_TESTS_NATIVE_CHECKS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

#endif
