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

/* Replaces what is in *verdict. */
void cage_verdict_set(struct cage_verdict *verdict, enum cage_why why, char *take_reason, char *take_fix);

/* "ro_bind, nixcage.toml:5". The caller frees. */
char *cage_judge_reason(const struct cage_judge *judge, struct cage_reason reason);

/* Whether a path of the host leads to something; *fact is finished by the caller in any case. */
bool cage_judge_exists(const struct cage_judge *judge, const char *path, struct cage_file_fact *fact);

#endif
