/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/diagnose.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A piece of bwrap's message and what it means. */
static const struct meaning {
    const char *text;
    const char *message; /* NULL: bwrap's own */
    const char *hint;
} meanings[] = {
    {"Creating new namespace failed: No space left on device", "the limit of user namespaces is reached",
     "raise it: sudo sysctl user.max_user_namespaces=65536"},
    {"Creating new namespace failed: Resource temporarily unavailable",
     "no process can be started for the cage: a limit of processes is reached",
     "raise pids in [sandbox.resources], or this user's limit (ulimit -u)"},
    {"cannot make a user namespace for the mounts: No space left on device",
     "the limit of user namespaces is reached", "raise it: sudo sysctl user.max_user_namespaces=65536"},
    {": Function not implemented", NULL,
     "the kernel, or the system call filter of an outer container, is too old for nixcage: Linux 5.12 is "
     "needed"},
    {"Can't mount proc on", NULL,
     "an outer container masks parts of /proc; give it an unmasked one (podman: --security-opt unmask=ALL, "
     "docker: --security-opt systempaths=unconfined)"},
    {"execvp "
     "/run/nixcage/init",
     "the in-cage init cannot be executed", "reinstall nixcage; its file system must not be mounted noexec"},
    {"Can't find source path", NULL, "the path vanished after the plan was made; run again"},
    {"prctl(PR_SET_SECCOMP)", "the kernel refused the system call filter",
     "nixcage needs a kernel with CONFIG_SECCOMP_FILTER"},
    {"Unknown option", NULL, "this bwrap is too old or changed; nixcage needs 0.8.0 or newer"},
};

/* A setting that forbids user namespaces, the value that does so, and the way out. */
static const struct setting {
    const char *file, *forbids, *message, *hint;
} settings[] = {
    {"/proc/sys/kernel/unprivileged_userns_clone", "0",
     "user namespaces are forbidden here (kernel.unprivileged_userns_clone is 0)",
     "sudo sysctl kernel.unprivileged_userns_clone=1 (and a file in /etc/sysctl.d to keep it)"},
    {"/proc/sys/user/max_user_namespaces", "0",
     "user namespaces are forbidden here (user.max_user_namespaces is 0)",
     "sudo sysctl user.max_user_namespaces=65536 (and a file in /etc/sysctl.d to keep it)"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
     "AppArmor forbids user namespaces to bwrap (kernel.apparmor_restrict_unprivileged_userns is 1)",
     "allow them to bwrap with the profile bwrap-userns-restrict of the package apparmor-profiles (sudo ln "
     "-s "
     "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo apparmor_parser -r "
     "/etc/apparmor.d/bwrap-userns-restrict), or for every program: sudo sysctl "
     "kernel.apparmor_restrict_unprivileged_userns=0"},
};

/* What bwrap says when the kernel does not let it have a user namespace, or takes its power away again. */
static const char *const namespace_texts[] = {
    "No permissions to creating new namespace",
    "No permissions to create new namespace",
    "No permissions to create a new namespace",
    "Creating new namespace failed",
    "setting up uid map",
    "loopback: Failed RTM_NEWADDR: Operation not permitted",
    "unshare user ns",
    "cannot make a user namespace for the mounts", /* our own, src/run/stage.c */
    "Failed to make / slave: Permission denied",
    "Failed to mount",
};

static bool names_namespaces(const char *text)
{
    for (size_t i = 0; i < CAGE_LEN(namespace_texts); i++)
        if (strstr(text, namespace_texts[i]))
            return true;
    return false;
}

static bool has_value(const struct cage_host *host, const struct setting *setting)
{
    cage_autofree char *now = host ? host->read_small(host, setting->file) : NULL;
    size_t n = strlen(setting->forbids);

    return now && strncmp(now, setting->forbids, n) == 0 && (now[n] == '\n' || now[n] == '\0');
}

/* Names the setting that forbids user namespaces. False when none does. */
static bool blame_setting(const struct cage_host *host, struct cage_error *err)
{
    for (size_t i = 0; i < CAGE_LEN(settings); i++) {
        if (!has_value(host, &settings[i]))
            continue;
        cage_error_set(err, CAGE_ERR_MISSING, "%s", settings[i].message);
        cage_error_hint(err, "%s", settings[i].hint);
        return true;
    }
    return false;
}

static int diagnose_namespaces(const char *text, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_MISSING, "no user namespace can be made here: %s", text);
    return cage_error_hint(err, "the kernel, a security module or an outer container forbids them; nixcage "
                                "needs unprivileged user namespaces");
}

/* bwrap's last line without "bwrap: ". The caller frees. */
static char *last_line(const char *text)
{
    size_t end = strlen(text), start;

    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '))
        end--;
    for (start = end; start > 0 && text[start - 1] != '\n'; start--)
        ;
    if (strncmp(text + start, "bwrap: ", 7) == 0)
        start += 7;
    return cage_strndup(text + start, end - start);
}

static int diagnose_silence(int wait_status, struct cage_error *err)
{
    if (WIFSIGNALED(wait_status)) {
        cage_error_set(err, CAGE_ERR_CAGE, "the sandbox was killed from outside (bwrap: %s)",
                       strsignal(WTERMSIG(wait_status)));
        return cage_error_hint(err, "another process or the lack of memory ended it: see dmesg(1)");
    }
    if (WEXITSTATUS(wait_status) > 128) {
        cage_error_set(err, CAGE_ERR_CAGE, "the sandbox was killed from outside (process 1 of the cage: %s)",
                       strsignal(WEXITSTATUS(wait_status) - 128));
        return cage_error_hint(err, "another process or the lack of memory ended it: see dmesg(1)");
    }
    cage_error_set(err, CAGE_ERR_CAGE, "the sandbox ended without a word (bwrap: exit %d)",
                   WEXITSTATUS(wait_status));
    return cage_error_hint(err, "try bwrap by itself: bwrap --ro-bind / / true");
}

int cage_diagnose_bwrap(const struct cage_host *host, const char *text, int wait_status,
                        struct cage_error *err)
{
    cage_autofree char *line = last_line(text);

    if (!*line)
        return diagnose_silence(wait_status, err);
    if (names_namespaces(text) && blame_setting(host, err))
        return -1;
    cage_error_set(err, CAGE_ERR_CAGE, "bwrap could not build the cage: %s", line);
    for (size_t i = 0; i < CAGE_LEN(meanings); i++) {
        if (!strstr(text, meanings[i].text))
            continue;
        if (meanings[i].message)
            cage_error_set(err, CAGE_ERR_MISSING, "%s (bwrap: %s)", meanings[i].message, line);
        return cage_error_hint(err, "%s", meanings[i].hint);
    }
    return names_namespaces(text) ? diagnose_namespaces(line, err) : -1;
}
