/* Owns the lines of events that are no call: the end of a task, a signal about a child, a program that replaces another. As
   picobox.trace.text and picobox.trace.jsonl write them, for tasks that Python does not know. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <x86intrin.h>

#include "trace.h"

static void add_status(struct text *out, const struct pb_trace_table *table, int32_t status)
{
    if (WIFEXITED(status)) {
        text_string(out, "+++ exited with ");
        text_signed(out, WEXITSTATUS(status));
    } else {
        text_string(out, "+++ killed by ");
        add_signal(out, table, WTERMSIG(status));
        text_string(out, WCOREDUMP(status) ? " (core dumped)" : "");
    }
    text_string(out, " +++\n");
}

static void add_json_status(struct text *out, const struct pb_trace_table *table, int32_t status)
{
    text_string(out, ",\"status\":");
    if (WIFEXITED(status)) {
        text_signed(out, WEXITSTATUS(status));
        text_string(out, ",\"signal\":null,\"core\":false}\n");
        return;
    }
    text_string(out, "null,\"signal\":\"");
    add_signal(out, table, WTERMSIG(status));
    text_string(out, WCOREDUMP(status) ? "\",\"core\":true}\n" : "\",\"core\":false}\n");
}

static void add_end(struct text *out, const struct pb_trace_table *table, int32_t number, int64_t time, int32_t status)
{
    add_start(out, table, "exit", number, time);
    if (table->as_json)
        add_json_status(out, table, status);
    else
        add_status(out, table, status);
}

static void add_member(struct text *out, bool as_json, const char *name, int64_t value)
{
    text_string(out, as_json ? ",{\"name\":\"" : ", ");
    text_string(out, name);
    text_string(out, as_json ? "\",\"value\":" : "=");
    text_signed(out, value);
    if (!as_json)
        return;
    text_string(out, ",\"text\":\"");
    text_signed(out, value);
    text_string(out, "\"}");
}

/* A member whose text is a name. */
static void add_named(struct text *out, const struct pb_trace_table *table, const char *name, int64_t value, const char *text)
{
    if (table->as_json) {
        text_string(out, "{\"name\":\"");
        text_string(out, name);
        text_string(out, "\",\"value\":");
        text_signed(out, value);
        text_string(out, ",\"text\":\"");
    } else {
        text_string(out, name);
        text_char(out, '=');
    }
    if (text)
        text_string(out, text);
    else
        add_signal(out, table, value);
    text_string(out, table->as_json ? "\"}" : "");
}

static const char *const CHILD_CODES[] = {
    [CLD_EXITED] = "CLD_EXITED",   [CLD_KILLED] = "CLD_KILLED",   [CLD_DUMPED] = "CLD_DUMPED",
    [CLD_TRAPPED] = "CLD_TRAPPED", [CLD_STOPPED] = "CLD_STOPPED", [CLD_CONTINUED] = "CLD_CONTINUED",
};

static void add_child(struct text *out, const struct pb_trace_table *table, int32_t number, int64_t time, const siginfo_t *info)
{
    bool json = table->as_json;
    add_start(out, table, "signal", number, time);
    text_string(out, json ? ",\"signal\":\"SIGCHLD\",\"info\":[" : "--- SIGCHLD {");
    add_named(out, table, "si_signo", info->si_signo, NULL);
    text_string(out, json ? "," : ", ");
    add_named(out, table, "si_code", info->si_code, CHILD_CODES[info->si_code]);
    if (info->si_errno)
        add_member(out, json, "si_errno", info->si_errno);
    add_member(out, json, "si_pid", info->si_pid);
    add_member(out, json, "si_uid", (uint32_t)info->si_uid);
    if (info->si_code == CLD_EXITED) {
        add_member(out, json, "si_status", info->si_status);
    } else {
        text_string(out, json ? "," : ", ");
        add_named(out, table, "si_status", info->si_status, NULL);
    }
    add_member(out, json, "si_utime", info->si_utime);
    add_member(out, json, "si_stime", info->si_stime);
    text_string(out, json ? "]}\n" : "} ---\n");
}

static bool is_about_child(const siginfo_t *info)
{
    return info->si_signo == SIGCHLD && info->si_code >= CLD_EXITED && info->si_code <= CLD_CONTINUED;
}

void recorder_ended(struct pb_core *core, struct task *task, int32_t status)
{
    struct recorder *recorder = core->recorder;
    if (!recorder)
        return;
    add_end(&recorder->text, recorder->table, recorder_number(core, task), clock_now(CLOCK_REALTIME), status);
    recorder_mark(recorder, task, __rdtsc());
}

bool recorder_signalled(struct pb_core *core, struct task *task, const siginfo_t *info)
{
    struct recorder *recorder = core->recorder;
    if (!recorder || !recorder->has_unseen || !is_about_child(info))
        return false;
    add_child(&recorder->text, recorder->table, recorder_number(core, task), clock_now(CLOCK_REALTIME), info);
    recorder_mark(recorder, task, __rdtsc());
    return true;
}

void recorder_replaced(struct pb_core *core, struct task *task)
{
    struct recorder *recorder = core->recorder;
    recorder_left(core, task, 0);
    /* In text it has no line, as the one that has called it goes on under its own number. */
    if (!recorder || !recorder->table->as_json)
        return;
    int32_t number = recorder_number(core, task);
    add_start(&recorder->text, recorder->table, "exec", number, clock_now(CLOCK_REALTIME));
    text_string(&recorder->text, ",\"former_tid\":");
    text_signed(&recorder->text, number);
    text_string(&recorder->text, "}\n");
    recorder_mark(recorder, task, __rdtsc());
}

static uint64_t copy(struct text *text, char *out, uint64_t room)
{
    uint64_t length = text->length;
    memcpy(out, text->data, length < room ? length : room);
    text_free(text);
    return length;
}

uint64_t pb_trace_show_end(const struct pb_trace_table *table, int32_t number, int64_t time, int32_t status, char *out,
                           uint64_t room)
{
    struct text text = {0};
    add_end(&text, table, number, time, status);
    return copy(&text, out, room);
}

uint64_t pb_trace_show_child(const struct pb_trace_table *table, int32_t number, int64_t time, const uint64_t *words, char *out,
                             uint64_t room)
{
    struct text text = {0};
    siginfo_t info = {0};
    memcpy(&info, words, 6 * sizeof *words);
    if (!is_about_child(&info))
        return 0;
    add_child(&text, table, number, time, &info);
    return copy(&text, out, room);
}
