/* A42: stops at every instruction of a call that enters the gate by code that keeps registers in blocks. */
/* Walls: supervisor */
/* Options: --gate 1 --enter-gate */
#include "a42_gate_steps.c"
