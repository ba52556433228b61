/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a tracer may get wrong, each printed: traced CASE. The output is the same with a tracer and without,
 * but of the case "tracing".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, OPENS = 200 };

static volatile sig_atomic_t seen;

static void on_signal(int sig)
{
    seen = sig;
}

static void *open_many(void *name)
{
    size_t failed = 0;

    for (int i = 0; i < OPENS; i++)
        failed += open(name, O_RDONLY) < 0 && errno == ENOENT;
    return (void *)failed;
}

static int threads(void)
{
    char name[] = "/nowhere/thread";
    pthread_t ids[THREADS];
    size_t all = 0;

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&ids[i], NULL, open_many, name) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(ids[i], &failed);
        all += (size_t)failed;
    }
    printf("%zu opens failed\n", all);
    return 0;
}

static void *exec_cat(void *file)
{
    execl("/bin/cat", "cat", (char *)file, (char *)NULL);
    return NULL;
}

/* The first thread is gone then, and the other has its number. */
static int thread_exec(void)
{
    pthread_t id;

    if (pthread_create(&id, NULL, exec_cat, getenv("TRACED_FILE")) != 0)
        return 1;
    pthread_join(id, NULL);
    return 1;
}

static int vfork_exec(void)
{
    int status;
    pid_t pid = vfork();

    if (pid == 0) {
        execl("/nowhere/program", "program", (char *)NULL);
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    printf("exit %d\n", WEXITSTATUS(status));
    return 0;
}

static int stops(void)
{
    static const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        int status = 0, go[2];
        char byte;
        pid_t pid;

        if (pipe(go) < 0)
            return 1;
        pid = fork();
        if (pid == 0) {
            setpgid(0, getppid()); /* not an orphaned group, which nothing but SIGSTOP stops */
            raise(signals[i]);
            open("/nowhere/after-a-stop", O_RDONLY);
            _exit(read(go[0], &byte, 1) == 1 ? 7 : 1); /* not before the parent saw it go on */
        }
        waitpid(pid, &status, WUNTRACED);
        printf("stopped %d by %d, ", WIFSTOPPED(status), WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
        usleep(50000); /* it stays so */
        printf("still %d, ", waitpid(pid, &status, WNOHANG | WUNTRACED) == 0);
        kill(pid, SIGCONT);
        waitpid(pid, &status, WCONTINUED);
        printf("continued %d, ", WIFCONTINUED(status));
        if (write(go[1], "", 1) != 1)
            return 1;
        waitpid(pid, &status, 0);
        printf("exit %d\n", WEXITSTATUS(status));
    }
    return 0;
}

/* A signal ends a call, a trap is the program's own, and what is not caught kills. */
static int signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    int ends[2], status;
    ssize_t n;
    char byte;
    pid_t pid;

    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    if (pipe(ends) < 0)
        return 1;
    ualarm(20000, 0);
    n = read(ends[0], &byte, 1);
    printf("read %zd, interrupted %d by %d\n", n, errno == EINTR, (int)seen);
    raise(SIGTRAP);
    printf("caught %d\n", (int)seen);
    for (int i = 0; i < 3; i++) {
        static const int fatal[] = {SIGKILL, SIGSEGV, SIGTERM};

        pid = fork();
        if (pid == 0) {
            kill(getpid(), fatal[i]);
            _exit(1);
        }
        waitpid(pid, &status, 0);
        printf("killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
    return 0;
}

/* Names that would break a line of text, and a directory that is not the current one. */
static int names(void)
{
    int dir = open("/usr", O_PATH | O_DIRECTORY);
    char longest[5000];
    int bad;

    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    bad = open("/nowhere/a\nb> \"c\\d\" = 0", O_RDONLY) >= 0;
    bad |= openat(dir, "no<where>", O_RDONLY) >= 0;
    bad |= mkdir("no/where", 0700) == 0;
    bad |= open(longest, O_RDONLY) >= 0;
    bad |= access((const char *)8, R_OK) == 0;
    bad |= access("", R_OK) == 0;
    printf("failed as they should: %d\n", !bad);
    return 0;
}

static int tracing(void)
{
    long rc = ptrace(PTRACE_TRACEME, 0, NULL, NULL);

    printf("%s\n", rc < 0 && errno == EPERM ? "EPERM" : "traced");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } cases[] = {{"threads", threads}, {"thread-exec", thread_exec}, {"vfork", vfork_exec},
                 {"stops", stops},     {"signals", signals},         {"names", names},
                 {"tracing", tracing}};

    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            return cases[i].run();
    return 2;
}
