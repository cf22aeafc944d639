/* What cffi puts before the functions that it generates from core.h, after Python.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "native.h"
