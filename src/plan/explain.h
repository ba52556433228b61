/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan for people (`nixcage plan`) and for programs (`nixcage plan --json`). No variable's value is ever in
 * it. */
#ifndef CAGE_PLAN_EXPLAIN_H
#define CAGE_PLAN_EXPLAIN_H

#include "base/strbuf.h"
#include "plan/plan.h"

/* Appends the plan as text: what is seen as a tree, then variables, network, store, limits, what is
 * protected. */
void cage_plan_explain(const struct cage_plan *plan, const struct cage_config *config,
                       struct cage_strbuf *out);

/*
 * Appends the plan as one JSON object and a newline. Its schema, version 1; later versions only add members:
 *
 *   version      1
 *   level        "strict" | "standard" | "relaxed"
 *   project      path, or null when it is not shown
 *   cwd          start directory in the cage
 *   command      [argv…]
 *   network      {"mode": "none" | "host" | "gate", "reason": R, "hosts": [rule…], "expose": [port…],
 *                "host_ports": [port…]}
 *   store        {"mode": …, "view": "closure" | "full" | "none", "paths": [/nix/store/…]}
 *   mounts       [{"kind": K, "path": in the cage, "source": of the host or link target or absent, "reason":
 * R}] in order K: "read-only" | "read-write" | "pinned" | "empty" | "directory" | "symlink" | "file" |
 *                   "hidden" | "proc" | "dev" | "sealed"
 *   environment  [{"name": N, "secret": bool, "reason": R}]; never a value
 *   protected    [{"path": P, "state": "read-only" | "watched" | "symlink" | "not there yet",
 * "reason": R}] limits       {"cpus": number|null, "memory": bytes|null, "memory_percent": number|null,
 * "pids": n|null, "enforce": "require" | "warn", "held_by": text or absent}: as configured; what is not in
 * force is among the warnings landlock     {"store_view": bool, "abstract_sockets": bool, "signals": bool}
 *   warnings     [text…]
 *
 * R is {"rule": text, "file": name or absent, "line": n, "column": n}: file, line and column only for what is
 * written in the configuration.
 */
void cage_plan_explain_json(const struct cage_plan *plan, const struct cage_config *config,
                            struct cage_strbuf *out);

/* What an operation does to its place, as in the schema above. Static. */
const char *cage_plan_op_text(const struct cage_op *op);

/* "none", "host" or "gate". Static. */
const char *cage_net_mode_name(enum cage_net_mode mode);

/* What becomes of a protected path, as in the schema above. Static. */
const char *cage_protected_text(const struct cage_protected *item);

#endif
