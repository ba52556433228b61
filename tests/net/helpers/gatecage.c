/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gatecage [-H host]… [-e port]… [-p port]… [-n] [-l log] [-r resolv.conf] CMD…: runs CMD in user, mount and
 * network namespaces of its own behind the network gate and nothing else of a cage, so that the gate can be
 * tested without Nix and bwrap. -n: no names (as with allow = false). The summary goes to standard error.
 * With GATECAGE_PID=FILE the gate's process id goes there; with GATECAGE_USAGE=FILE, at the end, the
 * processor time that it took, in microseconds.
 */
#include "base/mem.h"
#include "net/gate.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        err(125, "%s", path);
    close(fd);
}

/* Into the file that an environment variable names, if it is there. */
static void put_number(const char *variable, long number)
{
    const char *path = getenv(variable);
    char text[32];
    (void)snprintf(text, sizeof(text), "%ld\n", number);
    if (path)
        put(path, text);
}

static void map_ids(uid_t uid, gid_t gid)
{
    char map[64];
    put("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    put("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    put("/proc/self/gid_map", map);
}

static void use_resolver(void)
{
    char path[] = "/tmp/gatecage.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        err(125, "mkstemp");
    put(path, "nameserver 198.18.0.1\noptions timeout:2 attempts:1\n");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL))
        err(125, "mount");
    unlink(path);
}

_Noreturn static void inside(int ready, int go, char **argv)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    char byte = 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
        err(125, "unshare");
    map_ids(uid, gid);
    use_resolver();
    if (write(ready, "r", 1) != 1 || read(go, &byte, 1) != 1)
        _exit(125);
    /* As in a cage: no capabilities even for root. */
    for (int cap = 0; cap <= 40; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    execvp(argv[0], argv);
    err(127, "%s", argv[0]);
}

struct options {
    struct cage_gate_options gate;
    char *hosts[256];
    uint16_t expose[16], host_ports[16];
};

static int parse(struct options *o, int argc, char **argv)
{
    int c;
    o->gate.names = true;
    while ((c = getopt(argc, argv, "+H:e:p:nl:r:")) != -1) {
        switch (c) {
        case 'H':
            o->hosts[o->gate.n_hosts++] = optarg;
            break;
        case 'e':
            o->expose[o->gate.n_expose++] = (uint16_t)atoi(optarg);
            break;
        case 'p':
            o->host_ports[o->gate.n_host_ports++] = (uint16_t)atoi(optarg);
            break;
        case 'n':
            o->gate.names = false;
            break;
        case 'l':
            o->gate.log_path = optarg;
            break;
        case 'r':
            o->gate.resolv_conf = optarg;
            break;
        default:
            exit(125);
        }
    }
    o->gate.hosts = o->hosts;
    o->gate.expose = o->expose;
    o->gate.host_ports = o->host_ports;
    return optind;
}

static long cpu_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

int main(int argc, char **argv)
{
    static struct options o;
    struct cage_error error = {0};
    struct cage_gate *gate;
    struct cage_strv env = {0};
    int first = parse(&o, argc, argv), ready[2], go[2], status = 0;
    char byte;
    cage_strv_add_all(&env, environ);
    o.gate.env = &env;
    if (first == argc || pipe2(ready, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0)
        errx(125, "usage");
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        close(go[1]);
        inside(ready[1], go[0], argv + first);
    }
    close(ready[1]);
    close(go[0]);
    if (read(ready[0], &byte, 1) != 1)
        return 125;
    if (cage_gate_start(&gate, &o.gate, child, &error) != 0) {
        fprintf(stderr, "gatecage: %s\n", error.message);
        return 125;
    }
    put_number("GATECAGE_PID", cage_gate_pid(gate));
    if (write(go[1], "g", 1) != 1 || waitpid(child, &status, 0) != child)
        return 125;
    CAGE_STRBUF_AUTO summary = {0};
    cage_strbuf_init(&summary);
    struct rusage before, after;
    (void)getrusage(RUSAGE_CHILDREN, &before);
    cage_gate_finish(gate, &summary);
    (void)getrusage(RUSAGE_CHILDREN, &after);
    fputs(summary.buf, stderr);
    put_number("GATECAGE_USAGE", cpu_us(&after) - cpu_us(&before));
    cage_strv_finish(&env);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
