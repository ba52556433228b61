/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the parts of the judge. */
#ifndef CAGE_TRACE_JUDGE_INTERNAL_H
#define CAGE_TRACE_JUDGE_INTERNAL_H

#include "trace/judge.h"
#include "trace/where.h"

/* Each fills the verdict of its kind of event. */
void cage_judge_file(const struct cage_judge *judge, const struct cage_event *event,
                     struct cage_verdict *verdict);
/* An address that could not be reached. */
void cage_judge_net(const struct cage_judge *judge, const struct cage_event *event,
                    struct cage_verdict *verdict);
/* A name is looked up where there is no network: the file that says how is not there. */
void cage_judge_no_names(const struct cage_judge *judge, struct cage_verdict *verdict);
/* An abstract socket: none outside the cage is reached. */
void cage_judge_abstract(const struct cage_judge *judge, const struct cage_event *event,
                         struct cage_verdict *verdict);

/* What a cage of macOS denied, where every path is in its own place and nothing is mounted. */
void cage_judge_seatbelt(const struct cage_judge *judge, const struct cage_event *event,
                         struct cage_verdict *verdict);
/* The part of it for what is no file: services, values of the kernel's, other processes. */
void cage_judge_seatbelt_system(const struct cage_judge *judge, const struct cage_event *event,
                                struct cage_verdict *verdict);
/* The part of it for addresses and for the socket that looks names up. False: the event is about neither. */
bool cage_judge_seatbelt_net(const struct cage_judge *judge, const struct cage_event *event,
                             struct cage_verdict *verdict);

/* What the parts for files have in common. Each returns whether it set the verdict. */

/* It is blacklisted: op is a mask, or anything else (NULL too), for which the answer is no. */
bool cage_judge_masked(const struct cage_judge *judge, const struct cage_op *op,
                       struct cage_verdict *verdict);
/* It is what the host executes or trusts; above: or what holds such a file. */
bool cage_judge_protected(const struct cage_judge *judge, const char *path, bool above,
                          struct cage_verdict *verdict);
/* It lies in a directory of programs, and the cage's come from packages. */
bool cage_judge_program(const struct cage_judge *judge, const struct cage_event *event,
                        struct cage_verdict *verdict);

/* The line that binds a path, or NULL where that would open too much. The caller frees. */
char *cage_judge_advise_bind(const struct cage_judge *judge, const char *path, bool writable);
/* The nearest directory at or above the path that is on the host. The caller frees. */
char *cage_judge_existing_above(const struct cage_judge *judge, const char *path);
/* The line that opens a network which the configuration has closed. The caller frees. */
char *cage_judge_open_network(const struct cage_judge *judge, const struct cage_event *event);
/* Whether a text is an address of localhost, or its name. */
bool cage_judge_is_own_address(const char *address);

/* Replaces what is in *verdict. */
void cage_verdict_set(struct cage_verdict *verdict, enum cage_why why, char *take_reason, char *take_fix);

/* "ro_bind, nixcage.toml:5". The caller frees. */
char *cage_judge_reason(const struct cage_judge *judge, struct cage_reason reason);

/* Whether a path of the host leads to something; *fact is finished by the caller in any case. */
bool cage_judge_exists(const struct cage_judge *judge, const char *path, struct cage_file_fact *fact);

#endif
