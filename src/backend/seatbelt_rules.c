/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/seatbelt_rules.h"
#include "base/mem.h"

#define FILTERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Its own processes only: what another program of the user's does is none of the cage's business. */
#define OWN_PROCESSES FILTERS("(target self)", "(target same-sandbox)")

/*
 * Names that say something about the machine. kern.procargs2 is not here: it shows the arguments
 * and environment of the user's other processes.
 */
static const char *const sysctl_read[] = {
    "(sysctl-name \"hw.activecpu\")",
    "(sysctl-name \"hw.busfrequency_compat\")",
    "(sysctl-name \"hw.byteorder\")",
    "(sysctl-name \"hw.cacheconfig\")",
    "(sysctl-name \"hw.cachelinesize\")",
    "(sysctl-name \"hw.cachelinesize_compat\")",
    "(sysctl-name \"hw.cpufamily\")",
    "(sysctl-name \"hw.cpufrequency\")",
    "(sysctl-name \"hw.cpufrequency_compat\")",
    "(sysctl-name \"hw.cpusubfamily\")",
    "(sysctl-name \"hw.cpusubtype\")",
    "(sysctl-name \"hw.cputype\")",
    "(sysctl-name \"hw.l1dcachesize\")",
    "(sysctl-name \"hw.l1dcachesize_compat\")",
    "(sysctl-name \"hw.l1icachesize\")",
    "(sysctl-name \"hw.l1icachesize_compat\")",
    "(sysctl-name \"hw.l2cachesize\")",
    "(sysctl-name \"hw.l2cachesize_compat\")",
    "(sysctl-name \"hw.l3cachesize\")",
    "(sysctl-name \"hw.l3cachesize_compat\")",
    "(sysctl-name \"hw.logicalcpu\")",
    "(sysctl-name \"hw.logicalcpu_max\")",
    "(sysctl-name \"hw.machine\")",
    "(sysctl-name \"hw.memsize\")",
    "(sysctl-name \"hw.model\")",
    "(sysctl-name \"hw.ncpu\")",
    "(sysctl-name \"hw.nperflevels\")",
    "(sysctl-name \"hw.packages\")",
    "(sysctl-name \"hw.pagesize\")",
    "(sysctl-name \"hw.pagesize_compat\")",
    "(sysctl-name \"hw.physicalcpu\")",
    "(sysctl-name \"hw.physicalcpu_max\")",
    "(sysctl-name \"hw.tbfrequency\")",
    "(sysctl-name \"hw.tbfrequency_compat\")",
    "(sysctl-name \"hw.vectorunit\")",
    "(sysctl-name \"kern.argmax\")",
    "(sysctl-name \"kern.boottime\")",
    "(sysctl-name \"kern.hostname\")",
    "(sysctl-name \"kern.hv_vmm_present\")",
    "(sysctl-name \"kern.iossupportversion\")",
    "(sysctl-name \"kern.maxfilesperproc\")",
    "(sysctl-name \"kern.maxproc\")",
    "(sysctl-name \"kern.ngroups\")",
    "(sysctl-name \"kern.osproductversion\")",
    "(sysctl-name \"kern.osrelease\")",
    "(sysctl-name \"kern.ostype\")",
    "(sysctl-name \"kern.osvariant_status\")",
    "(sysctl-name \"kern.osversion\")",
    "(sysctl-name \"kern.secure_kernel\")",
    "(sysctl-name \"kern.usrstack64\")",
    "(sysctl-name \"kern.version\")",
    "(sysctl-name \"machdep.cpu.brand_string\")",
    "(sysctl-name \"sysctl.proc_cputype\")",
    "(sysctl-name \"sysctl.proc_translated\")",
    "(sysctl-name \"vm.loadavg\")",
    "(sysctl-name \"vm.swapusage\")",
    "(sysctl-name-prefix \"hw.optional.\")",
    "(sysctl-name-prefix \"hw.perflevel\")",
    "(sysctl-name-prefix \"machdep.cpu.\")",
    NULL,
};

/* Logging, user and group names, preferences, file events. No keychain, no launch services, no pasteboard. */
static const char *const mach_always[] = {
    "(global-name \"com.apple.FSEvents\")",
    "(global-name \"com.apple.bsd.dirhelper\")",
    "(global-name \"com.apple.cfprefsd.agent\")",
    "(global-name \"com.apple.cfprefsd.daemon\")",
    "(global-name \"com.apple.diagnosticd\")",
    "(global-name \"com.apple.logd\")",
    "(global-name \"com.apple.system.logger\")",
    "(global-name \"com.apple.system.notification_center\")",
    "(global-name \"com.apple.system.opendirectoryd.libinfo\")",
    "(global-name \"com.apple.system.opendirectoryd.membership\")",
    NULL,
};

/* trustd checks certificates (Go's TLS needs it). Each can send something out, so none is there without a
 * network. */
static const char *const mach_network[] = {
    "(global-name \"com.apple.SystemConfiguration.DNSConfiguration\")",
    "(global-name \"com.apple.SystemConfiguration.configd\")",
    "(global-name \"com.apple.dnssd.service\")",
    "(global-name \"com.apple.trustd\")",
    "(global-name \"com.apple.trustd.agent\")",
    NULL,
};

static const struct cage_sbpl_rule base_rules[] = {
    {CAGE_SBPL_ALWAYS, "process-fork", NULL},
    {CAGE_SBPL_ALWAYS, "process-info*", OWN_PROCESSES},
    {CAGE_SBPL_ALWAYS, "signal", OWN_PROCESSES},
    {CAGE_SBPL_ALWAYS, "sysctl-read", sysctl_read},
    {CAGE_SBPL_ALWAYS, "sysctl-write",
     FILTERS("(sysctl-name \"kern.grade_cputype\")", "(sysctl-name \"kern.tcsm_enable\")")},
    {CAGE_SBPL_ALWAYS, "mach-lookup", mach_always},
    {CAGE_SBPL_NET_ON, "mach-lookup", mach_network},
    {CAGE_SBPL_NET_ON, "sysctl-read", FILTERS("(sysctl-name-prefix \"net.routetable.\")")},
    {CAGE_SBPL_NOT_STRICT, "ipc-posix-sem", NULL},
    {CAGE_SBPL_NOT_STRICT, "ipc-posix-shm", NULL},
    {CAGE_SBPL_STRICT, "ipc-posix-shm-read*", FILTERS("(ipc-posix-name \"apple.shm.notification_center\")")},
    {CAGE_SBPL_ALWAYS, "iokit-open", FILTERS("(iokit-registry-entry-class \"RootDomainUserClient\")")},
    {CAGE_SBPL_ALWAYS, "file-read* file-write*",
     FILTERS("(literal \"/dev/null\")", "(literal \"/dev/zero\")", "(literal \"/dev/dtracehelper\")",
             "(subpath \"/dev/fd\")")},
    {CAGE_SBPL_ALWAYS, "file-ioctl", FILTERS("(literal \"/dev/dtracehelper\")")},
    {CAGE_SBPL_ALWAYS, "file-read*",
     FILTERS("(literal \"/dev/random\")", "(literal \"/dev/urandom\")", "(literal \"/dev/autofs_nowait\")")},
    {CAGE_SBPL_ALWAYS, "pseudo-tty", NULL},
    {CAGE_SBPL_ALWAYS, "file-read* file-write* file-ioctl",
     /* The extension marks terminals that the cage itself opened; the pattern keeps it to terminals. */
     FILTERS("(literal \"/dev/ptmx\")",
             "(require-all (regex #\"^/dev/ttys[0-9]+$\") (extension \"com.apple.sandbox.pty\"))")},
};

const struct cage_sbpl_rule *cage_sbpl_base_rules(size_t *n)
{
    *n = CAGE_LEN(base_rules);
    return base_rules;
}

static const struct cage_sbpl_system_path system_paths[] = {
    {"/usr", CAGE_SBPL_SUBPATH, true},
    {"/bin", CAGE_SBPL_SUBPATH, true},
    {"/sbin", CAGE_SBPL_SUBPATH, true},
    {"/System", CAGE_SBPL_SUBPATH, true},
    {"/Library/Apple", CAGE_SBPL_SUBPATH, true},
    {"/private/var/db/timezone", CAGE_SBPL_SUBPATH, false},
    {"/private/var/select", CAGE_SBPL_SUBPATH, false},
    {"/private/var/run/resolv.conf", CAGE_SBPL_LITERAL, false},
    {"/private/etc/group", CAGE_SBPL_LITERAL, false},
    {"/private/etc/hosts", CAGE_SBPL_LITERAL, false},
    {"/private/etc/localtime", CAGE_SBPL_LITERAL, false},
    {"/private/etc/passwd", CAGE_SBPL_LITERAL, false},
    {"/private/etc/protocols", CAGE_SBPL_LITERAL, false},
    {"/private/etc/resolv.conf", CAGE_SBPL_LITERAL, false},
    {"/private/etc/services", CAGE_SBPL_LITERAL, false},
    {"/private/etc/shells", CAGE_SBPL_LITERAL, false},
    {"/private/etc/ssl", CAGE_SBPL_SUBPATH, false},
    /* nix-darwin's /etc entries lead through this symlink into the store. */
    {"/private/etc/static", CAGE_SBPL_BOTH, false},
};

const struct cage_sbpl_system_path *cage_sbpl_system_paths(size_t *n)
{
    *n = CAGE_LEN(system_paths);
    return system_paths;
}

/* Never a bare network*: that would open every Unix socket too, Docker's and the SSH agent's among them.
 */
static const struct cage_sbpl_rule network_rules[] = {
    {CAGE_SBPL_NET_ON, "network-outbound",
     FILTERS("(remote ip)", "(literal \"/private/var/run/mDNSResponder\")")},
    {CAGE_SBPL_NET_ON, "network-bind", FILTERS("(local ip)")},
    {CAGE_SBPL_NET_ON, "network-inbound", FILTERS("(local ip)")},
};

const struct cage_sbpl_rule *cage_sbpl_network_rules(size_t *n)
{
    *n = CAGE_LEN(network_rules);
    return network_rules;
}
