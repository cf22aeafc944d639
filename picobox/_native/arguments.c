/* Owns what a call's registers alone decide: ranges that touch the argument page, and rules about arguments. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "native.h"

int32_t pb_set_rules(struct pb_core *core, const struct pb_rule *rules, int32_t count)
{
    if (count < 0 || count > PB_RULE_COUNT)
        return -E2BIG;
    memcpy(core->rules, rules, (size_t)count * sizeof *rules);
    core->rule_count = count;
    return 0;
}

uint64_t pb_rule_refusals(struct pb_core *core, int32_t index)
{
    LOCKED(core);
    return index >= 0 && index < core->rule_count ? core->refusals[index] : 0;
}

static bool applies(const struct pb_rule *rule, const uint64_t args[6])
{
    for (size_t i = 0; i < sizeof rule->conditions / sizeof rule->conditions[0]; i++) {
        uint64_t argument = rule->conditions[i].argument;
        if (argument && argument <= 6 && (args[argument - 1] & rule->conditions[i].mask) != rule->conditions[i].value)
            return false;
    }
    return true;
}

static int32_t rule_error(struct pb_core *core, uint32_t nr, const uint64_t args[6])
{
    for (int32_t i = 0; i < core->rule_count; i++) {
        if (core->rules[i].nr != nr || !applies(&core->rules[i], args))
            continue;
        if (core->rules[i].error)
            core->refusals[i]++;
        return (int32_t)core->rules[i].error;
    }
    return 0;
}

int32_t argument_error(struct pb_core *core, const struct task *task, uint32_t nr, const uint64_t args[6])
{
    uint32_t disposition = core->dispositions[nr];
    int32_t error = disposition & PB_FLAG_GUARD && (task->page || task->gate) ? page_guards(core, task, nr, args) : 0;
    if (error)
        return error;
    return disposition & PB_FLAG_ARGUMENTS ? rule_error(core, nr, args) : 0;
}
