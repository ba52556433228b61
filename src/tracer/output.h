/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines on their way to nixcage. They wait for company, but not for long: writing each at once would wake its
 * reader for every one.
 */
#ifndef CAGE_TRACER_OUTPUT_H
#define CAGE_TRACER_OUTPUT_H

#include "base/strbuf.h"

#include <stdbool.h>

struct cage_output {
    struct cage_strbuf text; /* to add whole lines to */
    int fd;
    bool armed;
};

/* fd -1: what is added is dropped. It uses SIGALRM, which then interrupts waitpid(2) with EINTR. */
void cage_output_init(struct cage_output *output, int fd);
/* Frees what it owns, without a flush. */
void cage_output_finish(struct cage_output *output);

/* Something was added: it is written when it is enough, else SIGALRM asks for a flush. */
void cage_output_added(struct cage_output *output);
/* Writes all there is. */
void cage_output_flush(struct cage_output *output);

#endif
