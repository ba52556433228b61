/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/loop.h"
#include "base/mem.h"
#include "tracer/output.h"
#include "tracer/text.h"
#include "tracer/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* As linux/ptrace.h has them, which cannot be included beside every libc's sys/ptrace.h. */
enum { GET_SYSCALL_INFO = 0x420e, SYSCALL_STOP = SIGTRAP | 0x80 };
enum { TOO_OLD = 125 << 8 /* as of a program that ends with 125 */ };
enum { OP_ENTRY = 1, OP_EXIT = 2, OP_SECCOMP = 3 };

struct syscall_info {
    uint8_t op, pad[3];
    uint32_t arch;
    uint64_t ip, sp;
    union {
        struct {
            uint64_t nr, args[CAGE_CALL_ARGS];
        } entry; /* also of OP_SECCOMP */
        struct {
            int64_t value;
            uint8_t is_error;
        } exit;
        uint64_t room[8];
    };
};

struct loop {
    struct cage_tracees tracees;
    struct cage_output output;
    struct cage_wait wait;
    bool complete;
    bool blind; /* the kernel is too old to tell */
    pid_t child;
    int status;
};

int cage_loop_attach(pid_t child)
{
    static const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP |
                                PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                PTRACE_O_TRACECLONE;

    return ptrace(PTRACE_SEIZE, child, NULL, (void *)options) < 0 ? errno : 0;
}

static bool get_info(pid_t tid, struct syscall_info *info)
{
    return syscall(SYS_ptrace, GET_SYSCALL_INFO, tid, sizeof *info, info) > 0;
}

/* Lets it run to the next stop. What has ended meanwhile tells so itself. */
static void resume(pid_t tid, bool every_call, int sig)
{
    (void)ptrace(every_call ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL, (void *)(intptr_t)sig);
}

static bool is_exec(const struct cage_call *call)
{
    return call->nr == SYS_execve || call->nr == SYS_execveat;
}

static void enter(struct loop *loop, pid_t tid, const struct syscall_info *info)
{
    const struct cage_call *call = cage_call_find((long)info->entry.nr);
    struct cage_tracee *tracee;
    CAGE_STRBUF_AUTO early = {0};

    if (!call)
        return;
    tracee = cage_tracee_get(&loop->tracees, tid);
    cage_tracee_leave(tracee);
    tracee->call = call;
    for (size_t i = 0; i < CAGE_CALL_ARGS; i++)
        tracee->args[i] = info->entry.args[i];
    if (is_exec(call)) {
        cage_strbuf_init(&early);
        cage_text_call(tracee, &early);
        tracee->early = cage_strbuf_steal(&early);
    }
}

/* NULL: it succeeded. */
static void print(struct loop *loop, struct cage_tracee *tracee, const char *error)
{
    struct cage_strbuf *out = &loop->output.text;

    cage_text_who(tracee, out);
    if (tracee->early)
        cage_strbuf_add(out, tracee->early);
    else
        cage_text_call(tracee, out);
    if (error)
        cage_strbuf_addf(out, " = -1 %s\n", error);
    else
        cage_strbuf_add(out, " = 0\n");
    cage_output_added(&loop->output);
}

static void leave(struct loop *loop, pid_t tid, const struct syscall_info *info)
{
    struct cage_tracee *tracee = cage_tracee_get(&loop->tracees, tid);
    const char *error = info->exit.is_error ? cage_call_error((long)-info->exit.value) : NULL;

    if (tracee->call && error)
        print(loop, tracee, error);
    cage_tracee_leave(tracee);
}

/* The calls of a complete trace stop at both ends by themselves; else the filter stops ours at their
 * beginning. */
static void take_call(struct loop *loop, pid_t tid)
{
    struct syscall_info info;

    if (!get_info(tid, &info)) {
        loop->blind |= errno == EIO;
        resume(tid, loop->complete, 0);
        return;
    }
    if (info.op == OP_EXIT) {
        leave(loop, tid, &info);
        resume(tid, loop->complete, 0);
        return;
    }
    if (info.op == OP_ENTRY || info.op == OP_SECCOMP)
        enter(loop, tid, &info);
    resume(tid, true, 0);
}

/* A thread that is not the first one gets the number of its process by it. */
static void take_exec(struct loop *loop, pid_t tid)
{
    unsigned long former = 0;
    struct cage_tracee *tracee;

    if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former) == 0 && former)
        cage_tracee_rename(&loop->tracees, (pid_t)former, tid);
    tracee = cage_tracee_get(&loop->tracees, tid);
    if (tracee->call && tracee->early)
        print(loop, tracee, NULL);
    cage_tracee_leave(tracee);
    tracee->comm[0] = '\0';
    resume(tid, loop->complete, 0);
}

static bool stops_the_group(int sig)
{
    return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void take_stop(struct loop *loop, pid_t tid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    switch (event) {
    case PTRACE_EVENT_SECCOMP:
        take_call(loop, tid);
        return;
    case PTRACE_EVENT_EXEC:
        take_exec(loop, tid);
        return;
    case PTRACE_EVENT_STOP:
        /* Stays stopped until SIGCONT, as without us; else it is new, or goes on after that. */
        if (stops_the_group(sig))
            (void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
        else
            resume(tid, loop->complete, 0);
        return;
    case 0:
        if (sig == SYSCALL_STOP)
            take_call(loop, tid);
        else
            resume(tid, loop->complete, sig);
        return;
    default: /* a new process or thread, which will stop itself */
        resume(tid, loop->complete, 0);
        return;
    }
}

static void take_end(struct loop *loop, pid_t tid, int status)
{
    cage_tracee_drop(&loop->tracees, tid);
    cage_strbuf_addf(&loop->output.text, "%ld +++ ended +++\n", (long)tid);
    cage_output_added(&loop->output);
    if (tid == loop->child)
        loop->status = status;
}

int cage_loop_run(pid_t child, bool complete, int out)
{
    struct loop loop = {.complete = complete, .child = child};
    int status;
    pid_t tid;

    cage_output_init(&loop.output, out);
    cage_wait_init(&loop.wait);
    while ((tid = cage_wait_next(&loop.wait, &status)) > 0 || errno == EINTR) {
        if (tid < 0)
            cage_output_flush(&loop.output);
        else if (WIFSTOPPED(status))
            take_stop(&loop, tid, status);
        else
            take_end(&loop, tid, status);
    }
    cage_output_flush(&loop.output);
    cage_output_finish(&loop.output);
    cage_wait_finish(&loop.wait);
    for (size_t i = 0; i < CAGE_TRACEE_BUCKETS; i++)
        while (loop.tracees.buckets[i])
            cage_tracee_drop(&loop.tracees, loop.tracees.buckets[i]->tid);
    return loop.blind ? TOO_OLD : loop.status;
}
