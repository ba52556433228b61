/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "host/host_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *cage_host_getenv(const struct cage_host *host, const char *name)
{
    return cage_env_get(&host->env, name);
}

static int find_system(struct cage_host *host, struct cage_error *err)
{
    struct utsname u;
    const char *machine, *kernel = "linux";

    if (uname(&u) < 0)
        return cage_error_sys(err, errno, "cannot ask the kernel for its name (uname)");
    machine = u.machine;
#ifdef __APPLE__
    kernel = "darwin";
    if (strcmp(machine, "arm64") == 0)
        machine = "aarch64";
#endif
    /* Nix names the 32-bit x86 machines by one name. */
    if (strlen(machine) == 4 && machine[0] == 'i' && strcmp(machine + 2, "86") == 0)
        machine = "i686";
    host->system = cage_format("%s-%s", machine, kernel);
    host->os = cage_strdup(strcmp(kernel, "darwin") == 0 ? "macos" : "linux");
    return 0;
}

static void find_user(struct cage_host *host, char **dir)
{
    const char *name = cage_host_getenv(host, "USER");

    if (cage_host_find_user(host->uid, &host->user, dir))
        return;
    host->user = name && *name && !strpbrk(name, ":/\n") ? cage_strdup(name) : cage_strdup("user");
}

/* HOME as given, else as in passwd; a home that is not absolute is as good as none. */
static void find_home(struct cage_host *host, const char *passwd_dir)
{
    const char *home = cage_host_getenv(host, "HOME");

    if (!home || home[0] != '/')
        home = passwd_dir && passwd_dir[0] == '/' ? passwd_dir : NULL;
    host->home = home ? cage_path_clean(home)
                      : cage_format("%s/%s", strcmp(host->os, "macos") == 0 ? "/Users" : "/home", host->user);
}

static int find_cwd(struct cage_host *host, struct cage_error *err)
{
    host->cwd = getcwd(NULL, 0);
    if (host->cwd)
        return 0;
    cage_error_sys(err, errno, "cannot find the current directory");
    return cage_error_hint(err, "it may have been removed; change to a directory that exists");
}

int cage_host_probe(struct cage_host *host, char *const *environ_, struct cage_error *err)
{
    cage_autofree char *passwd_dir = NULL;

    *host = (struct cage_host){
        .uid = getuid(),
        .gid = getgid(),
        .landlock_abi = cage_host_landlock_abi(),
        .cpus = sysconf(_SC_NPROCESSORS_ONLN),
        .memory = cage_host_memory(),
        .lookup = cage_host_real_lookup,
        .lookup_child = cage_host_real_lookup_child,
        .list = cage_host_real_list,
        .read_small = cage_host_real_read_small,
    };
    cage_strv_init(&host->env);
    cage_strv_add_all(&host->env, environ_);
    if (find_system(host, err) < 0) {
        cage_host_finish(host);
        return -1;
    }
    find_user(host, &passwd_dir);
    find_home(host, passwd_dir);
    cage_host_find_xdg(host);
    cage_host_find_own_files(host);
    if (find_cwd(host, err) < 0) {
        cage_host_finish(host);
        return -1;
    }
    return 0;
}

void cage_host_finish(struct cage_host *host)
{
    char **strings[] = {
        &host->os,          &host->system,      &host->home,      &host->user,       &host->cwd,
        &host->config_home, &host->cache_home,  &host->data_home, &host->state_home, &host->data_dir,
        &host->init_path,   &host->record_path, &host->bin_dir,
    };

    for (size_t i = 0; i < CAGE_LEN(strings); i++) {
        free(*strings[i]);
        *strings[i] = NULL;
    }
    cage_strv_finish(&host->env);
}
