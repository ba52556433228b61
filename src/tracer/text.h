/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A call of a stopped tracee as strace(1) writes one, which is what src/trace reads: its recordings of real
 * programs are also tests of ours.
 */
#ifndef CAGE_TRACER_TEXT_H
#define CAGE_TRACER_TEXT_H

#include "tracer/tracee.h"

/* Appends `PID<comm> `. */
void cage_text_who(struct cage_tracee *tracee, struct cage_strbuf *out);

/* Appends `name(argument, …)` of the call it is in. Names that programs chose are quoted: it is one line. */
void cage_text_call(const struct cage_tracee *tracee, struct cage_strbuf *out);

/* Appends bytes between these two, with everything escaped that would end them or is not a printable. */
void cage_text_quote(struct cage_strbuf *out, char open, const char *data, size_t n, char close);

#endif
