/* What cffi puts before the functions that it generates from core.h. */
#define _GNU_SOURCE
#include "native.h"
