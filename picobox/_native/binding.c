#define _GNU_SOURCE
#include "native.h"
