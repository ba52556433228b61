/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a cage of macOS is denied beside files and addresses. Little of that can be allowed: a service of the
 * system works outside of the cage, for whoever asks. What names mean is known from public profiles and from
 * Apple's own; those that nearly every program looks up and does without are only counted.
 */
#include "base/mem.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <fnmatch.h>
#include <string.h>

#define NEVER "; no line of nixcage.toml allows it"

/* The first row that matches decides. Patterns of fnmatch(3); reason NULL: a habit. */
static const struct {
    const char *operation, *object;
    enum cage_why why;
    const char *reason;
} rows[] = {
    {"forbidden-exec-sugid", "*", CAGE_WHY_SETUID,
     "macOS executes no set-uid program (sudo, su, ps, top) in a sandbox" NEVER},

    /* Habits: logging, notifications, state of the machine. */
    {"mach-lookup", "com.apple.analyticsd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.aggregated*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.containermanagerd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.diagnosticd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.DiskArbitration.*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.distributed_notifications*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.logd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.mobileassetd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.nehelper*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.nesessionmanager*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.netstats*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.networkd*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.PowerManagement.control", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.ReportCrash*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.runningboard*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.security.syspolicy*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.spindump*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.*symptom*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.system.opendirectoryd.*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.triald*", CAGE_WHY_HABIT, NULL},
    {"mach-lookup", "com.apple.xpc.activity*", CAGE_WHY_HABIT, NULL},
    {"network-outbound", "", CAGE_WHY_HABIT, NULL}, /* no address: the kernel is asked how to sort them */
    {"user-preference-read", "*", CAGE_WHY_HABIT, NULL},
    {"iokit-get-properties", "*", CAGE_WHY_HABIT, NULL},
    {"process-codesigning-status*", "*", CAGE_WHY_HABIT, NULL},
    {"process-info-dirtycontrol", "*", CAGE_WHY_HABIT, NULL},
    {"process-info-*", "self", CAGE_WHY_HABIT, NULL},
    {"system-info", "*", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "hw.*", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "kern.bootargs", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "kern.hv_*", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "kern.willshutdown", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "machdep.*", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "security.mac.lockdown_mode_state", CAGE_WHY_HABIT, NULL},
    {"sysctl-read", "vm.*", CAGE_WHY_HABIT, NULL},

    {"mach-lookup", "com.apple.SecurityServer", CAGE_WHY_SERVICE,
     "the keychain is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.securityd*", CAGE_WHY_SERVICE, "the keychain is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.secd*", CAGE_WHY_SERVICE, "the keychain is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.security.*", CAGE_WHY_SERVICE, "the keychain is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.ctkd*", CAGE_WHY_SERVICE, "the keychain is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.lsd*", CAGE_WHY_SERVICE,
     "it opens applications, and those run outside of the cage" NEVER},
    {"mach-lookup", "com.apple.[cC]ore[sS]ervices.*", CAGE_WHY_SERVICE,
     "it opens applications, and those run outside of the cage" NEVER},
    {"mach-lookup", "com.apple.pasteboard*", CAGE_WHY_SERVICE, "the clipboard is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.pbs*", CAGE_WHY_SERVICE, "the clipboard is closed to every cage" NEVER},
    {"mach-lookup", "com.apple.sysmond*", CAGE_WHY_PROCESS, "it shows what all programs do" NEVER},
    {"mach-lookup", "com.apple.tccd*", CAGE_WHY_SERVICE,
     "it gives permissions in the name of the terminal" NEVER},
    {"mach-lookup", "com.apple.window*", CAGE_WHY_SERVICE, "a cage has no screen and no keyboard" NEVER},
    {"mach-lookup", "com.apple.CARenderServer", CAGE_WHY_SERVICE,
     "a cage has no screen and no keyboard" NEVER},
    {"mach-lookup", "com.apple.dock*", CAGE_WHY_SERVICE, "a cage has no screen and no keyboard" NEVER},
    {"mach-lookup", "com.apple.audio*", CAGE_WHY_SERVICE, "a cage has no sound and no microphone" NEVER},
    {"mach-lookup", "*", CAGE_WHY_SERVICE,
     "a cage may talk to few services of macOS, and not to this one" NEVER},
    {"mach-register", "*", CAGE_WHY_SERVICE, "a cage offers no services to other programs" NEVER},
    {"mach-*", "*", CAGE_WHY_PROCESS, "other programs are none of the cage's business" NEVER},

    {"appleevent-send", "*", CAGE_WHY_SERVICE, "other applications would act outside of the cage" NEVER},
    {"lsopen", "*", CAGE_WHY_SERVICE, "what it opens would run outside of the cage" NEVER},
    {"job-creation", "*", CAGE_WHY_SERVICE, "what it starts would run outside of the cage" NEVER},
    {"hid-control", "*", CAGE_WHY_SERVICE, "characters would be typed into the terminal" NEVER},
    {"user-preference-write", "*", CAGE_WHY_SERVICE, "settings of macOS are not for a cage to change" NEVER},
    {"iokit-*", "*", CAGE_WHY_SERVICE, "devices (GPU, USB, disks) are closed to every cage" NEVER},
    {"device-*", "*", CAGE_WHY_SERVICE, "camera and microphone are closed to every cage" NEVER},

    {"sysctl-read", "kern.proc*", CAGE_WHY_PROCESS,
     "it shows the arguments and variables of other programs" NEVER},
    {"sysctl-read", "*", CAGE_WHY_SYSCTL, "a cage may read few values of the kernel, and not this one" NEVER},
    {"sysctl-*", "*", CAGE_WHY_SYSCTL, "values of the kernel are not for a cage to change" NEVER},
    {"signal", "*", CAGE_WHY_PROCESS, "a cage may signal only its own processes" NEVER},
    {"process-info*", "*", CAGE_WHY_PROCESS, "a cage may look only at its own processes" NEVER},
    {"debug*", "*", CAGE_WHY_PROCESS, "a cage may trace only its own processes" NEVER},
};

/* Services through which something could be sent out: there are none where the network is closed. */
static const char *const network[][2] = {
    {"mach-lookup", "com.apple.SystemConfiguration.*"},
    {"mach-lookup", "com.apple.dnssd*"},
    {"mach-lookup", "com.apple.mDNSResponder*"},
    {"mach-lookup", "com.apple.trustd*"},
    {"sysctl-read", "net.*"},
};

static bool is_network(const struct cage_event *event, const char *object)
{
    for (size_t i = 0; i < CAGE_LEN(network); i++)
        if (strcmp(event->call, network[i][0]) == 0 && fnmatch(network[i][1], object, 0) == 0)
            return true;
    return false;
}

/* True: set. Programs that follow the gate's proxy ask for its settings first, and do without. */
static bool judge_network(const struct cage_judge *judge, const struct cage_event *event, const char *object,
                          struct cage_verdict *verdict)
{
    const struct cage_event any = {.kind = CAGE_EVENT_NET, .target = (char[]){""}};
    cage_autofree char *why = cage_judge_reason(judge, judge->plan->net_reason);
    bool trust = strstr(object, "trustd") != NULL;

    if (!is_network(event, object))
        return false;
    if (judge->plan->level != CAGE_LEVEL_STRICT && judge->plan->net == CAGE_NET_HOST)
        return false;
    if (strcmp(event->call, "sysctl-read") == 0)
        cage_verdict_set(verdict, CAGE_WHY_HABIT, NULL, NULL);
    else if (judge->plan->net == CAGE_NET_GATE && trust)
        cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                         cage_format("trustd fetches what a certificate names, past the gate (%s)", why),
                         cage_strdup("let the program check with the file in SSL_CERT_FILE"));
    else if (judge->plan->net == CAGE_NET_GATE)
        cage_verdict_set(verdict, CAGE_WHY_HABIT, NULL, NULL);
    else
        cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                         cage_format("a service of the network, which the cage has not (%s)", why),
                         judge->config->hosts.set ? NULL : cage_judge_open_network(judge, &any));
    return true;
}

/* Shared memory and semaphores: any at the other levels. */
static bool judge_ipc(const struct cage_judge *judge, const struct cage_event *event,
                      struct cage_verdict *verdict)
{
    if (strncmp(event->call, "ipc-posix-", 10) != 0 || judge->plan->level != CAGE_LEVEL_STRICT)
        return false;
    cage_verdict_set(verdict, CAGE_WHY_PROCESS,
                     cage_strdup("level strict shares no memory with other programs"),
                     cage_advice_set(judge->config, CAGE_KEY_SANDBOX_LEVEL, "\"standard\""));
    return true;
}

void cage_judge_seatbelt_system(const struct cage_judge *judge, const struct cage_event *event,
                                struct cage_verdict *verdict)
{
    /* "com.apple.x (xpc)" is the name and what kind of lookup it was. */
    const char *kind = strcmp(event->call, "signal") == 0 ? NULL : strstr(event->target, " (");
    cage_autofree char *object =
        cage_strndup(event->target, kind ? (size_t)(kind - event->target) : strlen(event->target));

    if (judge_network(judge, event, object, verdict) || judge_ipc(judge, event, verdict))
        return;
    for (size_t i = 0; i < CAGE_LEN(rows); i++)
        if (fnmatch(rows[i].operation, event->call, 0) == 0 && fnmatch(rows[i].object, object, 0) == 0) {
            cage_verdict_set(verdict, rows[i].why, cage_strdup(rows[i].reason), NULL);
            return;
        }
    cage_verdict_set(verdict, CAGE_WHY_PROFILE, cage_strdup("a cage of macOS never may" NEVER), NULL);
}
