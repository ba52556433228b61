/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/checks.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cli/limits.h"
#include "nix/nix.h"
#include "run/diagnose.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct cage_check *add(struct cage_checks *checks, const char *name, bool required)
{
    struct cage_check *check = &checks->items[checks->n++];

    *check = (struct cage_check){.name = name, .required = required};
    return check;
}

static void failed(struct cage_check *check, const struct cage_error *err)
{
    check->detail = cage_strdup(err->message);
    check->fix = err->hint[0] ? cage_strdup(err->hint) : NULL;
}

static void check_program(struct cage_checks *checks, const struct cage_host *host, const char *name,
                          const char *program, bool required, const char *use)
{
    struct cage_check *check = add(checks, name, required);

    check->use = use;
    check->detail = cage_host_find_tool(program, cage_host_getenv(host, "PATH"));
    check->ok = check->detail != NULL;
    if (check->ok)
        return;
    check->detail = cage_strdup("not installed");
    check->fix = cage_host_install_hint(host, program);
}

/* The least that every cage asks of bwrap and the kernel; runs this program's `version` in it. */
static void check_sandbox(struct cage_checks *checks, const struct cage_host *host,
                          const struct cage_bwrap *bwrap)
{
    struct cage_check *check = add(checks, "sandbox", true);
    cage_autofree char *self = cage_fs_readlink(AT_FDCWD, "/proc/self/exe");
    char *argv[] = {
        bwrap->path,
        (char[]){"--unshare-user"},
        (char[]){"--unshare-pid"},
        (char[]){"--unshare-net"},
        (char[]){"--cap-drop"},
        (char[]){"ALL"},
        (char[]){"--ro-bind"},
        (char[]){"/"},
        (char[]){"/"},
        (char[]){"--proc"},
        (char[]){"/proc"},
        (char[]){"--"},
        self,
        (char[]){"version"},
        NULL,
    };
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err = {0};
    int status;

    cage_strbuf_init(&text);
    status = cage_proc_run(&(struct cage_proc){.argv = argv, .err_out = &text}, &err);
    check->ok = status == 0;
    if (check->ok) {
        check->detail = cage_strdup("a cage can be made");
        return;
    }
    if (status > 0 && text.len)
        cage_diagnose_bwrap(host, text.buf, status << 8, &err);
    else if (status > 0) {
        cage_error_set(&err, CAGE_ERR_CAGE, "bwrap ended with status %d", status);
        cage_error_hint(&err, "try it by itself: bwrap --unshare-user --ro-bind / / true");
    }
    failed(check, &err);
}

static void check_bwrap(struct cage_checks *checks, const struct cage_host *host)
{
    struct cage_check *check = add(checks, "bubblewrap", true);
    struct cage_bwrap bwrap = {0};
    struct cage_error err = {0};

    if (cage_bwrap_probe(host, &bwrap, &err) < 0) {
        failed(check, &err);
        return;
    }
    check->ok = true;
    check->detail = cage_format("%d.%d.%d (%s)", bwrap.major, bwrap.minor, bwrap.patch, bwrap.path);
    check_sandbox(checks, host, &bwrap);
    cage_bwrap_finish(&bwrap);
}

int cage_checks_landlock_abi(const struct cage_config *config)
{
    bool shared_network = config->level != CAGE_LEVEL_STRICT && config->net_allow && !config->hosts.set;

    if (shared_network)
        return 6;
    return cage_nix_needed(config) && config->store_mode == CAGE_STORE_READONLY &&
                   config->store_view == CAGE_VIEW_CLOSURE
               ? 2
               : 0;
}

static void check_landlock(struct cage_checks *checks, const struct cage_host *host,
                           const struct cage_config *config)
{
    int needed = config ? cage_checks_landlock_abi(config) : 0, have = host->landlock_abi;
    struct cage_check *check = add(checks, "landlock", needed > 0);

    check->use = needed ? NULL : "a shared network, and the closure view of the store";
    check->ok = have > 0 && have >= needed;
    if (have == 0)
        check->detail = cage_strdup("not in this kernel");
    else if (check->ok)
        check->detail = cage_format("ABI %d", have);
    else
        check->detail = cage_format("ABI %d, and this configuration needs %d (Linux %s)", have, needed,
                                    needed == 2 ? "5.19" : "6.12");
    if (!check->ok)
        check->fix = cage_format("boot a newer kernel, with landlock among its security modules%s",
                                 needed == 6   ? ", or name hosts, or set allow = false in [sandbox.network]"
                                 : needed == 2 ? ", or set store_view = \"full\" in [nix]"
                                               : "");
}

/* Only where limits are asked for. */
static void check_limits(struct cage_checks *checks, const struct cage_host *host,
                         const struct cage_config *config)
{
    struct cage_limits wanted = {.cpus = config->cpus, .memory = config->memory, .pids = config->pids};
    struct cage_cli_limits limits = {0};
    struct cage_error err = {0};
    struct cage_check *check;

    if (config->memory_percent > 0)
        wanted.memory = (uint64_t)((double)host->memory * config->memory_percent / 100);
    if (wanted.cpus <= 0 && wanted.memory == 0 && wanted.pids == 0)
        return;
    check = add(checks, "limits", config->enforce == CAGE_ENFORCE_REQUIRE);
    check->ok = cage_limits_find_way(&limits, host, &wanted, true, &err) == 0;
    if (check->ok)
        check->detail = cage_strdup(cage_limits_method_text(limits.way.method));
    else
        failed(check, &err);
    cage_limits_forget(&limits);
}

void cage_checks_run(struct cage_checks *checks, const struct cage_host *host,
                     const struct cage_config *config)
{
    bool linux_host = strcmp(host->os, "linux") == 0;

    *checks = (struct cage_checks){0};
    if (linux_host) {
        check_bwrap(checks, host);
        check_landlock(checks, host, config);
        if (config)
            check_limits(checks, host, config);
    } else {
        check_program(checks, host, "sandbox-exec", "sandbox-exec", true, NULL);
    }
    check_program(checks, host, "nix", "nix-shell", !config || cage_nix_needed(config), "packages");
    check_program(checks, host, "direnv", "direnv", false, "cage and cagerun in a project's directory");
}

void cage_checks_finish(struct cage_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++) {
        free(checks->items[i].detail);
        free(checks->items[i].fix);
    }
    *checks = (struct cage_checks){0};
}

bool cage_checks_ok(const struct cage_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        if (checks->items[i].required && !checks->items[i].ok)
            return false;
    return true;
}
