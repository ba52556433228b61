/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * portgate [-H host]… [-l log] CMD…: runs CMD with the gate on a port, the one of macOS, and the variables
 * that lead to it; PORT is its number. Nothing keeps CMD from going around it. The summary goes to standard
 * error.
 */
#include "net/portgate.h"
#include "base/mem.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void set_variables(uint16_t port)
{
    static const char *const names[] = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"};
    char text[64];
    (void)snprintf(text, sizeof(text), "%u", port);
    setenv("PORT", text, 1);
    (void)snprintf(text, sizeof(text), "http://127.0.0.1:%u", port);
    for (size_t i = 0; i < CAGE_LEN(names); i++)
        setenv(names[i], text, 1);
    (void)snprintf(text, sizeof(text), "socks5h://127.0.0.1:%u", port);
    setenv("ALL_PROXY", text, 1);
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
}

int main(int argc, char **argv)
{
    char *hosts[256];
    struct cage_strv env = {0};
    struct cage_portgate_options options = {.hosts = hosts, .env = &env};
    struct cage_portgate *gate;
    struct cage_error error = {0};
    CAGE_STRBUF_AUTO summary = {0};
    int c, status = 0;
    cage_strv_add_all(&env, environ);
    while ((c = getopt(argc, argv, "+H:l:")) != -1) {
        if (c == 'H' && options.n_hosts < CAGE_LEN(hosts))
            hosts[options.n_hosts++] = optarg;
        else if (c == 'l')
            options.log_path = optarg;
        else
            errx(125, "usage");
    }
    if (optind == argc)
        errx(125, "usage");
    if (cage_portgate_start(&gate, &options, &error) != 0)
        errx(125, "%s", error.message);
    set_variables(cage_portgate_port(gate));
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[optind], argv + optind);
        err(127, "%s", argv[optind]);
    }
    if (waitpid(child, &status, 0) != child)
        return 125;
    cage_strbuf_init(&summary);
    cage_portgate_finish(gate, &summary);
    fputs(summary.buf, stderr);
    cage_strv_finish(&env);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
